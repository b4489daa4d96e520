"""Locust users who are customers at ATMs: load from many machines, with Locust's own reports (the extra `locust`).

A closed model: a user waits for the answer before the next request. Nothing else of the project imports this package;
importing `user` is importing Locust, which patches the process it is in.
"""
