"""Load on a host: a scenario's fleet as real traffic in wall time, measured so that the figures can be believed.

plan.py says who is to come when (a pure function of file and seed), people.py with which card, fleet.py what each ATM
sends and does with the answer, record.py keeps what happened in arrays. drive.py is the only part that knows asyncio;
figures.py, judge.py and settle.py work on what it left.
"""
