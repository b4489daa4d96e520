"""What an ATM does with each answer, row by row of the published table."""

from __future__ import annotations

import pytest

from bank_host.iso8583.codes import (
    ADVICE_REASONS,
    NETWORK_BY_NAME,
    RESPONSE_CODES,
    AtmAction,
    response_code,
)


@pytest.mark.parametrize(
    ("action", "codes"),
    [
        ("pay", ["00"]),
        ("ask_pin", ["55"]),
        ("retain_card", ["41", "43"]),
        ("decline", ["05", "33", "37", "38", "51", "54", "57", "61", "62", "75", "91", "96"]),
    ],
)
def test_the_atm_pays_asks_again_keeps_the_card_or_declines(action: AtmAction, codes: list[str]) -> None:
    assert {action} == {response_code(code).action for code in codes}


def test_only_approval_pays() -> None:
    assert ["00"] == [row.code for row in RESPONSE_CODES if row.action == "pay"]


def test_answers_after_which_the_host_may_have_posted_are_reversed() -> None:
    assert ["68", "94", "96"] == [row.code for row in RESPONSE_CODES if row.reverse]


def test_a_reversal_is_acknowledged_also_when_the_original_is_unknown_or_it_came_twice() -> None:
    assert ["00", "25", "94"] == [row.code for row in RESPONSE_CODES if row.acknowledges]


def test_operators_hear_of_format_and_security_errors() -> None:
    assert ["30", "63"] == [row.code for row in RESPONSE_CODES if row.alarm]


def test_the_screen_offers_what_can_still_be_done() -> None:
    offers = {
        "13": "other_amount",
        "51": "balance",
        "61": "smaller_amount",
        "62": "unlock",
        "75": "",
        "91": "later",
    }
    assert offers == {code: response_code(code).offer for code in offers}


@pytest.mark.parametrize("code", ["76", "79", "88", "99", "ZZ"])
def test_a_code_without_a_row_is_a_decline(code: str) -> None:
    row = response_code(code)
    assert (code, "decline", False) == (row.code, row.action, row.reverse)


def test_codes_and_names_are_unique_and_have_words_in_both_languages() -> None:
    for rows in (RESPONSE_CODES, ADVICE_REASONS):
        assert len(rows) == len({row[0] for row in rows})
        assert all(row.name_en and row.name_ja for row in rows)


def test_link_codes_by_name() -> None:
    assert ("001", "002", "301") == tuple(NETWORK_BY_NAME[name] for name in ("sign_on", "sign_off", "echo"))
