"""Repeats share an identity, other messages do not; answers and reversals find what they belong to."""

from __future__ import annotations

import pytest

from bank_host.iso8583.build import (
    Acceptor,
    answer,
    as_repeat,
    completion_advice,
    financial_request,
    reversal_advice,
)
from bank_host.iso8583.identity import (
    explain_mismatch,
    fingerprint,
    identity,
    match_key,
    original_data,
    original_key,
    parse_original,
    quoted_original_key,
    request_id,
)
from bank_host.iso8583.message import Message

NOW_US = 1_760_000_000_000_000  # 2025-10-09 17:53:20 in Japan
DAY_US = 24 * 3_600 * 1_000_000
ATM = Acceptor("ATM1", "OPERATOR1", "9001")


def withdrawal(stan: int = 7, now_us: int = NOW_US, acceptor: Acceptor = ATM) -> Message:
    return financial_request(
        "withdraw", pan="9990010000000017", amount_jpy=30_000, stan=stan, now_us=now_us, acceptor=acceptor
    )


def reversal(original: Message, *, dispensed_jpy: int | None = None) -> Message:
    return reversal_advice(
        original, "timeout", stan=8, now_us=NOW_US + 5_000_000, dispensed_jpy=dispensed_jpy
    )


def test_a_repeat_has_the_identity_of_the_message_it_repeats() -> None:
    for message in (withdrawal(), reversal(withdrawal())):
        assert identity(message) == identity(as_repeat(message))
        assert fingerprint(message, "card") == fingerprint(as_repeat(message), "card")


@pytest.mark.parametrize(
    "other",
    [
        withdrawal(stan=8),
        withdrawal(now_us=NOW_US + DAY_US),
        withdrawal(acceptor=ATM._replace(terminal_id="ATM2")),
        withdrawal(acceptor=ATM._replace(acquirer_id="9002")),
        reversal(withdrawal()),
        completion_advice(withdrawal(), stan=7, now_us=NOW_US),
    ],
    ids=["trace number", "day", "terminal", "acquirer", "reversal", "advice"],
)
def test_another_message_has_another_identity(other: Message) -> None:
    assert identity(withdrawal()) != identity(other)


@pytest.mark.parametrize("element", [3, 4, 49])
def test_the_fingerprint_tells_another_content_under_the_same_identity(element: int) -> None:
    changed = withdrawal().but({element: "0" * len(withdrawal()[element])})
    assert identity(withdrawal()) == identity(changed)
    assert fingerprint(withdrawal(), "card") != fingerprint(changed, "card")
    assert fingerprint(withdrawal(), "card") != fingerprint(withdrawal(), "other card")


def test_the_fingerprint_of_a_reversal_tells_what_it_reverses_and_what_stands() -> None:
    prints = [
        fingerprint(message, "card")
        for message in (
            reversal(withdrawal()),
            reversal(withdrawal(stan=9)),
            reversal(withdrawal(), dispensed_jpy=10_000),
            reversal(withdrawal(), dispensed_jpy=20_000),
        )
    ]
    assert len(prints) == len(set(prints))


def test_an_answer_looks_for_the_request_it_answers_even_if_that_was_a_repeat() -> None:
    request = withdrawal()
    assert match_key(request) == match_key(answer(request, "00"))
    assert match_key(request) == match_key(answer(as_repeat(request), "00"))
    assert match_key(request) != match_key(answer(withdrawal(stan=8), "00"))


def test_an_unmatched_answer_names_the_nearest_waiting_request_and_what_differs() -> None:
    lost_terminal = match_key(answer(withdrawal(), "00").but({41: None}))
    waiting = [match_key(withdrawal(stan=3, now_us=NOW_US + DAY_US)), match_key(withdrawal())]
    explanation = explain_mismatch(lost_terminal, waiting)
    assert "nearest waiting 0200/9001/ATM1/000007/1009085320" in explanation
    assert explanation.endswith(": DE41 absent instead of ATM1")
    assert explain_mismatch(lost_terminal, []).endswith("nothing is waiting")


def test_a_chain_has_one_request_id() -> None:
    request = withdrawal()
    chain = [request, answer(request, "00"), reversal(request), answer(reversal(request), "00")]
    assert {"ATM1/528217000007"} == {request_id(message) for message in chain}


def test_original_data_quotes_type_trace_number_time_acquirer_and_forwarder() -> None:
    forwarded = as_repeat(withdrawal()).but({33: "42"})
    quoted = original_data(forwarded)
    assert quoted == "0200" + "000007" + "1009085320" + "00000009001" + "00000000042"
    assert parse_original(quoted) == ("0200", "000007", "1009085320", "9001", "42", True)


def test_a_reversal_finds_its_original_also_when_that_came_as_a_repeat() -> None:
    request = withdrawal()
    assert original_key(request) == original_key(as_repeat(request)) == quoted_original_key(reversal(request))
    assert quoted_original_key(reversal(as_repeat(request))) == original_key(request)


def test_a_later_request_that_reuses_the_trace_number_is_not_what_the_reversal_quotes() -> None:
    later = withdrawal(now_us=NOW_US + DAY_US)
    assert later[11] == withdrawal()[11]
    assert original_key(later) != quoted_original_key(reversal(withdrawal()))


def test_original_data_of_another_layout_is_read_and_marked() -> None:
    assert not parse_original("528217000007".ljust(42)).standard
    assert not parse_original("").standard


def test_a_request_quotes_no_original() -> None:
    assert quoted_original_key(withdrawal()) == ""
