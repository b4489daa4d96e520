"""Reason codes of card transactions and the DE39 that the ATM receives for each (requirements section 15)."""

from __future__ import annotations

from typing import Final

APPROVED: Final = "00"

MALFUNCTION: Final = "MALFUNCTION"
HOT_CARD: Final = "HOT_CARD"
PIN_BLOCKED: Final = "PIN_BLOCKED"

#: The first of these that applies answers (requirements section 15).
ORDER_OF_CHECKS: Final = (
    "HOT_CARD",
    "CARD_EXPIRED",
    "CARD_LOCKED",
    "CARD_NOT_GENUINE",
    "PIN_BLOCKED",
    "PIN_WRONG",
    "ACCOUNT_CLOSED",
    "BAD_CURRENCY",
    "NOT_OFFERED",
    "LIMIT_ZERO",
    "BAD_AMOUNT",
    "LIMIT_EXCEEDED",
    "NO_FUNDS",
)

#: DE39 by reason. HOT_CARD depends on the report, PIN_BLOCKED on the policy, so neither stands here.
CODES: Final = {
    "CARD_UNKNOWN": "14",
    "CARD_EXPIRED": "54",
    "CARD_LOCKED": "62",
    "CARD_NOT_GENUINE": "05",
    "PIN_WRONG": "55",
    "ACCOUNT_CLOSED": "14",
    "BAD_CURRENCY": "12",
    "NOT_OFFERED": "58",
    "LIMIT_ZERO": "57",
    "BAD_AMOUNT": "13",
    "LIMIT_EXCEEDED": "61",
    "NO_FUNDS": "51",
    "REVERSED_FIRST": "94",
    "IDENTITY_REUSED": "94",  # the identity of an earlier message with other content
    "BAD_FORMAT": "30",
    MALFUNCTION: "96",
}

HOT_CODES: Final = {"lost": "41", "stolen": "43"}
