"""Plays scenarios and grades them: one case, a whole file, a folder of files, and the proof of each requirement."""
