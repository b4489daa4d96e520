"""What the bank hands the switch so that it can stand in: its cards, and those that must not be approved (X8).

Two lists of one moment. The card file says which cards there are, until when, and with which PIN value. The negative
file says which of them are refused, with the answer that the bank itself would give. A switch that stands in knows
nothing newer: what the customer locks a minute later is paid all the same, until the next lists have come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bank_host.policy import Figures
from bank_host.rules.facts import Account, Card, Raise
from bank_host.rules.limits import effective
from bank_host.rules.reasons import CODES, HOT_CARD, HOT_CODES, PIN_BLOCKED


class CardOnFile(NamedTuple):
    """One card as the switch has to know it."""

    expires: str  # YYMM
    pvv: str

    def __repr__(self) -> str:
        """Without the PIN's value."""
        return f"CardOnFile({self.expires})"


class Refused(NamedTuple):
    """How a card of the negative file is answered."""

    code: str  # DE39
    reason: str


class CardFile(NamedTuple):
    """Card file and negative file by card id, and the moment they speak of."""

    as_of_us: int
    cards: Mapping[str, CardOnFile]
    negative: Mapping[str, Refused]


def card_file(
    cards: Iterable[Card],
    accounts: Iterable[Account],
    raises: Iterable[Raise],
    figures: Figures,
    as_of_us: int,
) -> CardFile:
    """The lists as the rows stand; `figures` are those of the moment's day."""
    holders = {account.account_id: account for account in accounts}
    today = {each.account_id: each for each in raises if each.day == figures.day and not each.cancelled}
    on_file: dict[str, CardOnFile] = {}
    negative: dict[str, Refused] = {}
    for card in cards:
        on_file[card.card_id] = CardOnFile(card.expires, card.pvv)
        refused = _refused(card, holders[card.account_id], today.get(card.account_id), figures)
        if refused is not None:
            negative[card.card_id] = refused
    return CardFile(as_of_us, on_file, negative)


def _refused(card: Card, account: Account, raised: Raise | None, figures: Figures) -> Refused | None:
    """What the bank would answer whatever the amount, in its order of checks."""
    if card.hot:
        return Refused(HOT_CODES[card.hot], HOT_CARD)
    if card.locked:
        return Refused(CODES["CARD_LOCKED"], "CARD_LOCKED")
    if card.pin_fails >= figures.pin_max_wrong:
        return Refused(figures.pin_block_code, PIN_BLOCKED)
    if account.closed:
        return Refused(CODES["ACCOUNT_CLOSED"], "ACCOUNT_CLOSED")
    if effective(account, raised) == 0:
        return Refused(CODES["LIMIT_ZERO"], "LIMIT_ZERO")
    return None
