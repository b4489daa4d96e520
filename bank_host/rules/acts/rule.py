"""The shape of a row of the table of acts, and the parts that all rows are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bank_host.policy import Figures
from bank_host.rules.changes import Audit, Change, Outcome
from bank_host.rules.facts import Act, ActFacts, At, Card, Token

CUSTOMER = "customer"
OPERATOR = "operator"
HOST = "host"


class Needs(NamedTuple):
    """What has to be proven before an act is done."""

    serials: tuple[str, ...] | None = None  # a one-time code of one of these devices; None: no code
    pin: bool = False
    password: bool = False  # the one that the customer logs in with


NOTHING = Needs()


class Compare(NamedTuple):
    """What the host has to compare: charge a try for each part, commit, compare, then decide."""

    code: str = ""  # normalised
    second_code: str = ""  # of a resynchronisation
    serials: tuple[str, ...] = ()  # the devices whose code it may be
    card_id: str = ""  # whose PIN
    login: str = ""  # password | pin: the third item of a login, or the password that another act asks for

    def __repr__(self) -> str:
        return f"Compare(code=***, card_id={self.card_id!r}, login={self.login!r})"


def needs_nothing(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    return NOTHING


def never_refused(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return ""


class ActRule(NamedTuple):
    """Who may do an act, what speaks against it, what it changes, and what has to be proven first."""

    by: str  # customer | operator | host
    refuse: Callable[[Act, ActFacts, Figures, At], str]
    apply: Callable[[Act, ActFacts, Figures, At], Outcome]
    needs: Callable[[Act, ActFacts, Figures, At], Needs] = needs_nothing
    elsewhere: str = "WRONG_CHANNEL"  # the refusal from any other channel


# ---------------------------------------------------------------- parts


def done(*changes: Change, reason: str = "") -> Outcome:
    """`reason` qualifies what was done: EXECUTED, RESERVED, GUESSABLE_PIN ..."""
    return Outcome("done", reason, changes)


def refusal(act: Act, reason: str, before: str = "", after: str = "") -> Outcome:
    return Outcome("refused", reason, (audit(act, before, after, reason),))


def audit(act: Act, before: str, after: str, reason: str = "") -> Audit:
    """Staff is told apart by name, and their own words stand beside the reason of a refusal (X12)."""
    actor = act.channel if act.channel in (OPERATOR, HOST) else CUSTOMER
    named = f"{actor}:{act.operator}" if act.operator else actor
    why = "; ".join(part for part in (reason, act.because) if part)
    return Audit(named, act.channel, act.account_id, act.kind, before, after, why)


def the_card(act: Act, facts: ActFacts) -> Card | None:
    """The card that the act names."""
    return next((card for card in facts.cards if card.card_id == act.card_id), None)


def pin_card(act: Act, facts: ActFacts) -> Card | None:
    """The card whose PIN is asked for: the named one, else the account's first; the bank must keep its number."""
    numbered = [card for card in facts.cards if card.card_id in facts.numbered]
    return next((card for card in numbered if act.card_id in ("", card.card_id)), None)


def the_token(act: Act, facts: ActFacts, state: str = "registered") -> Token | None:
    """The token that the act names, when it is in this state."""
    return next(
        (
            each
            for each in facts.tokens
            if each.serial == act.serial and each.device == "token" and each.state == state
        ),
        None,
    )


def registered(facts: ActFacts, device: str) -> tuple[Token, ...]:
    return tuple(each for each in facts.tokens if each.device == device and each.state == "registered")


def code_of_account(facts: ActFacts) -> Needs:
    """A code of any device of the kind that the account uses: its tokens, or its ID card (R4, X13)."""
    return Needs(tuple(each.serial for each in registered(facts, facts.account.authenticator)))


def available_jpy(facts: ActFacts) -> int:
    return facts.account.posted_jpy - facts.account.held_jpy
