"""Built messages are well formed for every service, and secrets and times go only where they belong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.iso8583.build import (
    Acceptor,
    answer,
    as_repeat,
    completion_advice,
    financial_request,
    network_request,
    reversal_advice,
    stan_text,
)
from bank_host.iso8583.codec import check, decode, encode
from bank_host.iso8583.composite import SERVICES, parse_replacement, service_of
from bank_host.iso8583.message import Message

NOW_US = 1_760_000_000_000_000  # 2025-10-09 08:53:20 UTC, 17:53:20 in Japan
LATER_US = NOW_US + 45_000_000
PAN = "9990010000000017"
ATM = Acceptor("ATM1", "OPERATOR1", "9001", name="Shibuya", city="Tokyo")


def request(service: str = "withdraw", amount_jpy: int = 30_000, fee_jpy: int = 110) -> Message:
    return financial_request(
        service,
        pan=PAN,
        amount_jpy=amount_jpy,
        stan=7,
        now_us=NOW_US,
        acceptor=ATM,
        expiry_yymm="3012",
        track2=PAN + "=30122010000000000000",
        pin_block="0123456789ABCDEF",
        fee_jpy=fee_jpy,
    )


@given(
    service=st.sampled_from([service.name for service in SERVICES]),
    amount_jpy=st.integers(0, 999_999_999_999),
    stan=st.integers(1, 3_000_000),
    now_us=st.integers(NOW_US, NOW_US + 10**15),
    fee_jpy=st.integers(0, 99_999_999),
    name=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
    pin_block=st.sampled_from(["", "0123456789ABCDEF"]),
    icc_data=st.sampled_from(["", "9F2608" + "00" * 8]),
)
def test_every_request_and_what_follows_from_it_is_well_formed(
    service: str,
    amount_jpy: int,
    stan: int,
    now_us: int,
    fee_jpy: int,
    name: str,
    pin_block: str,
    icc_data: str,
) -> None:
    first = financial_request(
        service,
        pan=PAN,
        amount_jpy=amount_jpy,
        stan=stan,
        now_us=now_us,
        acceptor=ATM._replace(name=name),
        fee_jpy=fee_jpy,
        pin_block=pin_block,
        icc_data=icc_data,
    )
    assert service == service_of(first[3])
    advice = completion_advice(first, stan=stan + 1, now_us=now_us)
    reversal = reversal_advice(first, "suspect", stan=stan + 1, now_us=now_us, dispensed_jpy=0)
    for message in (first, as_repeat(first), advice, reversal, as_repeat(reversal)):
        assert message == decode(encode(message))
        check(answer(message, "00"))


def test_a_request_carries_terminal_time_in_japan_and_transmission_time_in_utc() -> None:
    assert ("1009085320", "175320", "1009") == tuple(request()[de] for de in (7, 12, 13))


def test_the_retrieval_reference_is_year_day_hour_and_trace_number() -> None:
    assert request()[37] == "5" + "282" + "17" + "000007"


@pytest.mark.parametrize(
    ("expected", "stan"), [("000001", 1), ("999999", 999_999), ("000001", 1_000_000), ("000002", 1_000_001)]
)
def test_the_trace_number_wraps_after_999999_and_is_never_zero(expected: str, stan: int) -> None:
    assert expected == stan_text(stan)


def test_no_fee_element_without_a_fee() -> None:
    assert request()[28] == "D00000110"
    assert 28 not in request(fee_jpy=0)


def test_a_repeat_differs_in_its_type_only() -> None:
    repeat = as_repeat(request())
    assert repeat == request().but(mti="0201")
    assert repeat == as_repeat(repeat)


@pytest.mark.parametrize("dispensed_jpy", [None, 0, 10_000])
def test_a_reversal_keeps_what_identifies_its_original_and_drops_the_secrets(
    dispensed_jpy: int | None,
) -> None:
    original = request()
    reversal = reversal_advice(
        original, "timeout", stan=8, now_us=LATER_US, dispensed_jpy=dispensed_jpy, approval_code="A00001"
    )
    kept = (2, 3, 4, 12, 13, 14, 18, 22, 25, 28, 32, 37, 41, 42, 43, 49)
    assert [original[de] for de in kept] == [reversal[de] for de in kept]
    assert ("000008", "1009085405", "A00001", "timeout") == tuple(reversal[de] for de in (11, 7, 38, 60))
    assert reversal[90].startswith("02000000071009085320")
    assert (False, False) == (35 in reversal, 52 in reversal)


def test_only_a_part_reversal_says_what_stands() -> None:
    def reversal(dispensed_jpy: int | None) -> Message:
        return reversal_advice(
            request(), "part_dispense", stan=8, now_us=LATER_US, dispensed_jpy=dispensed_jpy
        )

    assert 95 not in reversal(None)
    assert (10_000, 0) == parse_replacement(reversal(10_000)[95])
    assert len(reversal(10_000)[95]) == 42


def test_a_completion_advice_quotes_its_original_and_drops_the_secrets() -> None:
    advice = completion_advice(request(), stan=8, now_us=LATER_US)
    assert ("0220", "completion") == (advice.mti, advice[60])
    assert advice[90].startswith("02000000071009085320")
    assert (False, False) == (35 in advice, 52 in advice)


def test_an_answer_echoes_the_match_key_and_never_the_card() -> None:
    echoed = (3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49)
    reply = answer(request(), "61", {44: "unused"})
    assert [request()[de] for de in echoed] == [reply[de] for de in echoed]
    assert ("0210", "61", "unused") == (reply.mti, reply[39], reply[44])
    assert not {2, 14, 35, 52, 55} & set(reply.fields)


def test_network_requests_are_answered_with_their_code() -> None:
    echo = network_request("301", stan=1, now_us=NOW_US, acquirer_id="9001")
    check(echo)
    reply = answer(echo, "00")
    check(reply)
    assert ("0810", "301", "9001") == (reply.mti, reply[70], reply[32])
