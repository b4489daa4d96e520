"""Studies: a scenario many times over and in variants, told as intervals and pairwise differences.

`load_study` reads a study file into a plan; `run_study` plays it on an executor; `write_study` leaves the study folder.
"""
