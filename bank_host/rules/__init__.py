"""What the bank decides, as pure functions of facts: no clock, no database, no randomness.

`RULES` is the set of rules a host is wired with. Tests and proofs hand in a set with one part replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bank_host.policy import Figures
from bank_host.rules import acts, card, otp, reversal
from bank_host.rules.acts import Compare
from bank_host.rules.card import Terms, Verdict
from bank_host.rules.changes import Change, Decision, Outcome
from bank_host.rules.facts import (
    Account,
    Act,
    ActFacts,
    At,
    Authorisation,
    CardFacts,
    CardRequest,
    OtpVerdict,
    Token,
)
from bank_host.rules.reversal import Claim


class Rules(NamedTuple):
    """One callable per question the host asks. Who decides by the million asks the parts of `decide`."""

    precheck: Callable[[CardRequest, CardFacts, Figures, At], Decision | None] = card.precheck
    decide: Callable[[CardRequest, CardFacts, Figures, At], Decision] = card.decide
    terms: Callable[[CardRequest, CardFacts, Figures], Terms] = card.terms
    weigh: Callable[[Terms, int, int, int], Verdict] = card.weigh
    follow: Callable[[Verdict, CardRequest, str, str, bool | None, Figures, At], tuple[Change, ...]] = (
        card.follow
    )
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
    precheck_act: Callable[[Act, ActFacts, Figures, At], Outcome | Compare | None] = acts.precheck_act
    decide_act: Callable[[Act, ActFacts, Figures, At], Outcome] = acts.decide_act
    compare_otp: Callable[[str, Iterable[Token], int, Figures], OtpVerdict] = otp.compare
    resync: Callable[[str, str, Token, int, Figures], OtpVerdict] = otp.resync


RULES = Rules()

__all__ = ["RULES", "Claim", "Compare", "Rules"]
