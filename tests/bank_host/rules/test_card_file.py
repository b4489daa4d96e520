"""The lists that a switch stands in by: what the bank would answer, card by card (X8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bank_host.rules.card_file import CardFile, CardOnFile, Refused, card_file
from bank_host.rules.facts import Raise
from tests.bank_host.rules.builders import ACCOUNT_ID, DAY, account, at, card, figures


def listed(raises: tuple[Raise, ...] = (), **changes: Any) -> CardFile:
    holder, plastic = account(**changes.pop("account", {})), card(**{"pin_fails": 0, **changes})
    return card_file([plastic], [holder], raises, figures(), at().now_us)


def test_a_card_in_order_is_on_the_card_file_alone() -> None:
    lists = listed()
    assert {"card-1": CardOnFile("1812", "1234")} == lists.cards
    assert {} == lists.negative
    assert at().now_us == lists.as_of_us


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"hot": "lost"}, "41", "HOT_CARD"),
        ({"hot": "stolen"}, "43", "HOT_CARD"),
        ({"locked": True}, "62", "CARD_LOCKED"),
        ({"pin_fails": 3}, "75", "PIN_BLOCKED"),
        ({"account": {"closed": True}}, "14", "ACCOUNT_CLOSED"),
        ({"account": {"standing_jpy": 0}}, "57", "LIMIT_ZERO"),
        ({"hot": "stolen", "locked": True, "account": {"closed": True}}, "43", "HOT_CARD"),
    ],
)
def test_what_the_bank_would_refuse_whatever_the_amount_is_on_the_negative_file(
    changes: dict[str, Any], code: str, reason: str
) -> None:
    assert {"card-1": Refused(code, reason)} == listed(**changes).negative


@pytest.mark.parametrize(
    ("days_on", "cancelled", "refused"), [(0, False, False), (0, True, True), (1, False, True)]
)
def test_a_raise_recorded_after_the_set_to_0_opens_its_own_day(
    days_on: int, cancelled: bool, refused: bool
) -> None:
    raised = Raise(ACCOUNT_ID, DAY + timedelta(days=days_on), 100_000, seq=9, cancelled=cancelled)
    lists = listed((raised,), account={"standing_jpy": 0, "zero_seq": 8})
    assert refused is ("card-1" in lists.negative)


def test_the_pins_value_is_not_written_out() -> None:
    assert "1234" not in repr(listed())
