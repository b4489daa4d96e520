"""Functional tests of a host over TCP: scenario files played at a host that a profile describes.

`profile.py`, `keys.py` and `cards.py` read what the user has; `today.py` and `rehearse.py` find out which steps can be
run; `border.py` turns the lab's messages into the target's and back, `bank.py` stands in the lab's place of the bank,
`session.py` is the only place with sockets; `suite.py` judges, `command.py` tells.
"""
