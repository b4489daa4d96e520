"""Functional tests of a host over TCP: scenario files and recorded messages, played at a host that a profile describes.

`profile.py`, `keys.py` and `cards.py` read what the user has.
"""
