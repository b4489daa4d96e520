"""What the bank decides, as pure functions of facts: no clock, no database, no randomness.

`RULES` is the set of rules a host is wired with. Tests and proofs hand in a set with one part replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bank_host.policy import Figures
from bank_host.rules import card, reversal
from bank_host.rules.changes import Decision
from bank_host.rules.facts import Account, At, Authorisation, CardFacts, CardRequest
from bank_host.rules.reversal import Claim


class Rules(NamedTuple):
    """One callable per question the host asks."""

    precheck: Callable[[CardRequest, CardFacts, Figures, At], Decision | None] = card.precheck
    decide: Callable[[CardRequest, CardFacts, Figures, At], Decision] = card.decide
    decide_overtaken: Callable[[CardRequest, CardFacts, Figures, At], Decision] = card.decide_overtaken
    decide_reversal: Callable[[Claim, Authorisation | None, Account | None, At, Figures], Decision] = (
        reversal.decide_reversal
    )
    decide_completion: Callable[[Claim, Authorisation | None, At, Figures], Decision] = (
        reversal.decide_completion
    )
    decide_advice: Callable[[CardRequest, CardFacts, Authorisation | None, At, Figures], Decision] = (
        reversal.decide_advice
    )
    settle: Callable[[Authorisation, At, Figures], Decision | None] = reversal.settle


RULES = Rules()

__all__ = ["RULES", "Claim", "Rules"]
