"""What a switch decides in an issuer's place: lists, caps, PIN tries, and nothing twice (X8)."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.network.stand_in import StandIn, StandInSettings
from bank_host.jst import DAY_US, HOUR_US, MINUTE_US, jst_date, midnight_us
from bank_host.rules.card_file import Refused
from tests.atm_sim.network.small_network import NOON_US, OTHER_PAN, OUR_PAN
from tests.atm_sim.network.standing_in import CAPS, ISSUER, RIGHT, WRONG, PlainCrypto, Standing, asking, lists

# ---------------------------------------------------------------- one request


def test_a_withdrawal_within_the_caps_is_approved_with_a_code_of_the_switchs_own() -> None:
    verdict = Standing().ask(asking())
    assert ("00", "", "S00001") == (verdict.code, verdict.reason, verdict.approval_code)


def test_two_approvals_have_two_codes_also_after_a_restart() -> None:
    standing = Standing()
    first = standing.ask(asking(10_000, stan=1))
    standing.restart()
    assert ("S00001", "S00002") == (first.approval_code, standing.ask(asking(10_000, stan=2)).approval_code)


def test_the_age_of_the_lists_is_told_with_every_answer() -> None:
    standing = Standing(card_lists=lists(as_of_us=NOON_US - 10 * MINUTE_US))
    assert 10 * MINUTE_US == standing.ask(asking()).list_age_us


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("41", "HOT_CARD"),
        ("43", "HOT_CARD"),
        ("62", "CARD_LOCKED"),
        ("75", "PIN_BLOCKED"),
        ("14", "ACCOUNT_CLOSED"),
        ("57", "LIMIT_ZERO"),
    ],
)
def test_a_card_of_the_negative_file_is_answered_as_the_issuer_would(code: str, reason: str) -> None:
    standing = Standing(card_lists=lists(negative={OUR_PAN: Refused(code, reason)}))
    verdict = standing.ask(asking())
    assert (code, reason) == (verdict.code, verdict.reason)


def test_a_wrong_pin_of_a_locked_card_is_no_try() -> None:
    standing = Standing(card_lists=lists(negative={OUR_PAN: Refused("62", "CARD_LOCKED")}))
    assert ["62"] * 4 == [standing.ask(asking(stan=n, pin=WRONG)).code for n in range(1, 5)]
    standing.come(lists())
    assert "00" == standing.ask(asking(stan=5)).code


def test_a_card_that_the_lists_do_not_know_is_14() -> None:
    assert "14" == Standing().ask(asking(pan="4999009999999999")).code


@pytest.mark.parametrize(("expires", "code"), [("1401", "00"), ("1312", "54")])
def test_a_card_is_good_until_the_end_of_its_month(expires: str, code: str) -> None:
    assert date(2014, 1, 6) == jst_date(NOON_US)
    assert code == Standing(card_lists=lists(expires=expires)).ask(asking()).code


@pytest.mark.parametrize("amount_jpy", [0, 1_500])
def test_an_amount_that_no_notes_make_up_is_13(amount_jpy: int) -> None:
    assert "13" == Standing().ask(asking(amount_jpy)).code


def test_another_currency_is_12() -> None:
    assert "12" == Standing().ask(asking().but({49: "840"})).code


@pytest.mark.parametrize("code", ["311000", "210010", "920000", "401010"])
def test_only_withdrawals_are_stood_in_for(code: str) -> None:
    verdict = Standing().ask(asking().but({3: code}))
    assert ("91", "NOT_STOOD_IN") == (verdict.code, verdict.reason)


def test_without_lists_nothing_is_approved() -> None:
    stand_in = StandIn({ISSUER: CAPS}, PlainCrypto())
    decided = stand_in.decide(ISSUER, asking(), "sign_off", NOON_US)
    assert decided is not None
    assert "91" == decided[0].code


def test_an_issuer_without_stand_in_is_not_stood_in_for() -> None:
    assert StandIn({ISSUER: CAPS}, PlainCrypto()).decide("other-bank", asking(), "sign_off", NOON_US) is None


def test_standing_in_without_a_key_module_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="key module"):
        StandIn({ISSUER: CAPS})


# ---------------------------------------------------------------- when


@pytest.mark.parametrize(
    ("settings", "why", "allowed"),
    [
        (CAPS, "planned", True),
        (CAPS, "timeout", True),
        (CAPS, "invalid_answer", True),
        (CAPS, "sign_off", True),
        (CAPS._replace(on_timeout=False), "timeout", False),
        (CAPS._replace(on_timeout=False), "invalid_answer", False),
        (CAPS._replace(on_timeout=False), "sign_off", True),
        (CAPS._replace(on_sign_off=False), "sign_off", False),
        (CAPS._replace(on_sign_off=False), "timeout", True),
    ],
)
def test_an_issuer_says_on_which_occasions(settings: StandInSettings, why: str, allowed: bool) -> None:
    stand_in = StandIn({ISSUER: settings}, PlainCrypto())
    assert allowed is (stand_in.decide(ISSUER, asking(), why, NOON_US) is not None)


@pytest.mark.parametrize(
    ("hour", "left_h"), [(1, 0), (2, 2), (3, 1), (4, 0), (22, 0), (23, 2), (24, 1), (25, 0)]
)
def test_a_planned_window_may_go_over_midnight(hour: int, left_h: int) -> None:
    """The hour it ends in is outside."""
    windows = ((2 * HOUR_US, 4 * HOUR_US), (23 * HOUR_US, 1 * HOUR_US))
    settings = CAPS._replace(windows_us=windows)
    now_us = midnight_us(date(2014, 1, 15)) + hour * HOUR_US
    assert left_h * HOUR_US == settings.window_left_us(now_us)
    assert bool(left_h) is settings.is_planned(now_us)


# ---------------------------------------------------------------- caps


def test_exactly_the_cap_of_yen_is_approved_and_one_note_more_is_61() -> None:
    standing = Standing()
    asked = (20_000, 30_000, 1_000)
    assert ["00", "00", "61"] == [standing.ask(asking(jpy, stan=n)).code for n, jpy in enumerate(asked, 1)]


def test_the_cap_of_approvals_is_65() -> None:
    standing = Standing()
    assert ["00", "00", "00", "65"] == [standing.ask(asking(1_000, stan=n)).code for n in range(1, 5)]


def test_the_caps_are_for_each_card_and_begin_again_at_midnight() -> None:
    standing = Standing()
    assert ["00", "61"] == [standing.ask(asking(50_000, stan=n)).code for n in (1, 2)]
    assert "00" == standing.ask(asking(50_000, stan=3, pan=OTHER_PAN)).code
    midnight = midnight_us(date(2014, 1, 7))
    assert "61" == standing.ask(asking(1_000, stan=4), midnight - 1).code
    assert "00" == standing.ask(asking(50_000, stan=5), midnight).code


# ---------------------------------------------------------------- PIN tries


def test_wrong_pins_are_counted_and_the_third_blocks() -> None:
    standing = Standing()
    codes = [standing.ask(asking(stan=n, pin=WRONG)).code for n in (1, 2, 3, 4)]
    assert ["55", "55", "75", "75"] == codes
    assert "75" == standing.ask(asking(stan=5)).code


def test_a_right_pin_before_that_sets_the_count_back_though_the_amount_is_refused() -> None:
    standing = Standing()
    pins = (WRONG, WRONG, RIGHT, WRONG, WRONG, RIGHT)
    asked = [asking(60_000, stan=n, pin=pin) for n, pin in enumerate(pins, 1)]
    assert ["55", "55", "61", "55", "55", "61"] == [standing.ask(each).code for each in asked]


def test_used_up_tries_last_over_midnight_and_new_lists_until_the_issuer_itself_approves() -> None:
    standing = Standing()
    for stan in (1, 2, 3):
        standing.ask(asking(stan=stan, pin=WRONG))
    later = NOON_US + 10 * DAY_US
    standing.come(lists(as_of_us=later), later)
    standing.restart()
    assert "75" == standing.ask(asking(stan=4), later).code
    standing.approved_by_issuer(asking(stan=5))
    standing.restart()
    assert "00" == standing.ask(asking(stan=6), later).code


def test_a_policy_may_answer_used_up_tries_with_38() -> None:
    standing = Standing(CAPS._replace(pin_tries=1, pin_block_code="38"))
    assert "38" == standing.ask(asking(pin=WRONG)).code


# ---------------------------------------------------------------- nothing twice


def test_the_same_request_again_has_the_same_answer_and_uses_nothing_up() -> None:
    standing = Standing()
    first = standing.ask(asking(50_000))
    standing.restart()
    again = standing.ask(asking(50_000))
    assert (first.code, first.approval_code) == (again.code, again.approval_code)


def test_a_refusal_stays_one_though_new_lists_would_allow_it() -> None:
    """The ATM has sent the customer away: an approval that comes after it would be cash that nobody gets."""
    standing = Standing(card_lists=lists(negative={OUR_PAN: Refused("62", "CARD_LOCKED")}))
    standing.ask(asking())
    standing.come(lists())
    assert "62" == standing.ask(asking()).code


def test_another_amount_under_the_same_identity_is_94() -> None:
    standing = Standing()
    standing.ask(asking(10_000))
    assert "94" == standing.ask(asking(20_000)).code


def test_what_is_old_is_forgotten_when_lists_come_and_a_count_of_tries_is_not() -> None:
    standing = Standing()
    standing.ask(asking(10_000))
    standing.ask(asking(10_000, stan=2, pan=OTHER_PAN, pin=WRONG))
    later = NOON_US + 3 * DAY_US
    standing.come(lists(as_of_us=later), later)
    assert [f"stand_in/card/{ISSUER}/{OTHER_PAN}"] == [key for key in standing.disk if "/card/" in key]


# ---------------------------------------------------------------- in general


@st.composite
def asked_in_any_order(draw: st.DrawFn) -> list[tuple[int, str, int, str, int, bool]]:
    """Requests of two cards over two days, some of them twice, some under a clock that is set back."""
    one = st.tuples(
        st.integers(1, 8),  # trace number: a small one comes twice
        st.sampled_from([OUR_PAN, OTHER_PAN]),
        st.sampled_from([1_000, 10_000, 20_000, 50_000]),
        st.sampled_from([RIGHT, RIGHT, RIGHT, WRONG]),
        st.integers(0, 2 * DAY_US - 1),
        st.booleans(),  # the switch starts again before it
    )
    return draw(st.lists(one, max_size=40))


@given(asked_in_any_order())
def test_no_order_no_restart_and_no_clock_takes_a_card_over_its_caps(
    asked: list[tuple[int, str, int, str, int, bool]],
) -> None:
    standing = Standing()
    approved: dict[tuple[str, str], tuple[date, int]] = {}
    for stan, pan, jpy, pin, after_us, restarts in asked:
        if restarts:
            standing.restart()
        now_us = NOON_US + after_us
        request = asking(jpy, stan=stan, pan=pan, pin=pin)
        verdict = standing.ask(request, now_us)
        if verdict.code == "00":
            approved.setdefault((request[11], verdict.approval_code), (jst_date(now_us), jpy))
    codes = [code for _, code in approved]
    assert len(codes) == len(set(codes))
    on_disk = [use for key, use in standing.disk.items() if "/card/" in key]
    for use in on_disk:
        by_day: Counter[date] = Counter()
        number: Counter[date] = Counter()
        for each in use.answered:
            if each.code == "00":
                by_day[jst_date(each.at_us)] += each.amount_jpy
                number[jst_date(each.at_us)] += 1
        assert all(jpy <= CAPS.amount_cap_jpy for jpy in by_day.values())
        assert all(count <= CAPS.count_cap for count in number.values())
    on_record = sum(each.amount_jpy for use in on_disk for each in use.answered if each.code == "00")
    assert on_record == sum(jpy for _, jpy in approved.values())
