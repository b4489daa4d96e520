"""A scripted issuer: ordered rules in words say which messages are not answered as the real bank would.

`load` reads a script, `decide` finds the rule for a message, `treated` changes the answer. Nothing here does I/O
but reading the file, and all chance comes from the script's seed.
"""

from __future__ import annotations

from bank_host.script.decide import START, State, Verdict, decide, own_answer, treated
from bank_host.script.model import Actions, Rule, Script
from bank_host.script.reader import ScriptError, load, loads

__all__ = [
    "START",
    "Actions",
    "Rule",
    "Script",
    "ScriptError",
    "State",
    "Verdict",
    "decide",
    "load",
    "loads",
    "own_answer",
    "treated",
]
