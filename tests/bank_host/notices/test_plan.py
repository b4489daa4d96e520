"""What is due and in which order: quiet hours, delays, leases, the end of patience (R103, R108)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.jst import HOUR_US, MINUTE_US, midnight_us
from bank_host.notices.plan import Pace, addressed, claimed, delayed, due, is_quiet, used_up
from bank_host.policy import load_policy
from bank_host.store.contract import MailRow, OutboxRow

DAY_US = midnight_us(date(2014, 1, 15))
NOON_US, NIGHT_US = DAY_US + 12 * HOUR_US, DAY_US + 23 * HOUR_US
POLICY = load_policy()
FIGURES = POLICY.on(date(2014, 1, 15))
PACE = Pace(lease_us=5 * MINUTE_US, first_delay_us=MINUTE_US, longest_delay_us=10 * MINUTE_US, attempts=6)
URGENT, LOW = "atm_withdrawal", "card_locked"


def row(seq: int, kind: str = URGENT, address: str = "a@example.jp", **other: object) -> MailRow:
    made = MailRow(seq, address, f"k{seq}", DAY_US, "0010000001", kind, 1_000, "waiting", 0, DAY_US, "")
    return made._replace(**other)


def numbers(rows) -> list[int]:
    return [each.seq for each in rows]


# ---------------------------------------------------------------- quiet hours


@pytest.mark.parametrize(
    ("quiet", "hours", "minutes"),
    [
        (False, 20, 59),
        (True, 21, 0),
        (True, 23, 59),
        (True, 0, 0),
        (True, 6, 59),
        (False, 7, 0),
        (False, 12, 0),
    ],
)
def test_quiet_hours_are_from_21_to_7(quiet, hours, minutes):
    assert quiet is is_quiet(DAY_US + hours * HOUR_US + minutes * MINUTE_US, FIGURES)


def test_quiet_hours_within_a_day_are_possible_too():
    figures = POLICY.with_overrides({"mail.quiet_hours": ["12:00", "13:00"]}).on(date(2014, 1, 15))
    moments = [DAY_US + quarter * HOUR_US // 4 for quarter in (47, 48, 51, 52)]
    assert [False, True, True, False] == [is_quiet(moment, figures) for moment in moments]


def test_quiet_hours_hold_low_urgency_only_and_hold_nothing_back_behind_it():
    rows = [row(1, LOW), row(2, URGENT), row(3, LOW), row(4, "password_lapsed")]
    assert [2, 4] == numbers(due(rows, NIGHT_US, FIGURES))
    assert [1, 2, 3, 4] == numbers(due(rows, NOON_US, FIGURES))


@pytest.mark.parametrize("kind", ["atm_deposit", "atm_withdrawal", "incoming_transfer", "password_lapsed"])
def test_what_the_page_promises_is_never_held(kind):
    """R104-R107."""
    assert [1] == numbers(due([row(1, kind)], NIGHT_US, FIGURES))


def test_a_kind_without_a_text_is_not_held_so_that_it_is_seen():
    assert [1] == numbers(due([row(1, "unheard_of")], NIGHT_US, FIGURES))


# ---------------------------------------------------------------- order and delays


def test_a_row_that_waits_holds_back_later_ones_to_its_address_alone():
    rows = [row(1, next_at_us=NOON_US + 1), row(2), row(3, address="b@example.jp"), row(4)]
    assert [3] == numbers(due(rows, NOON_US, FIGURES))


def test_a_row_is_due_in_the_microsecond_its_time_comes():
    rows = [row(1, next_at_us=NOON_US), row(2)]
    assert [1, 2] == numbers(due(rows, NOON_US, FIGURES))


def test_a_claimed_row_is_not_due_before_its_lease_ends():
    mine = claimed(row(1), NOON_US, PACE)
    assert () == due([mine], NOON_US + PACE.lease_us - 1, FIGURES)
    assert (mine,) == due([mine], NOON_US + PACE.lease_us, FIGURES)


def test_the_delay_doubles_up_to_its_cap_and_then_the_letter_is_dead():
    waits, now = [], row(1)
    while now.state == "waiting":
        started = claimed(now, NOON_US, PACE)
        now = delayed(started, NOON_US, "busy", PACE)
        waits.append((now.next_at_us - NOON_US) // MINUTE_US)
    assert [1, 2, 4, 8, 10] == waits[:-1]
    assert ("dead", 6, "given up after 6 attempts: busy") == (now.state, now.attempts, now.problem)


def test_attempts_that_nobody_heard_of_are_counted_too():
    now = row(1)
    for _ in range(PACE.attempts):
        assert not used_up(now, PACE)
        now = claimed(now, NOON_US, PACE)
    assert used_up(now, PACE)


@given(
    st.lists(
        st.tuples(st.sampled_from([URGENT, LOW]), st.sampled_from("abc"), st.integers(0, 3)), max_size=12
    ),
    st.booleans(),
)
def test_what_is_due_goes_out_in_the_order_of_its_events_and_never_before_a_row_that_failed(cases, night):
    now_us = NIGHT_US if night else NOON_US
    rows = [row(n, kind, to, next_at_us=now_us + late - 1) for n, (kind, to, late) in enumerate(cases)]
    ready = due(rows, now_us, FIGURES)
    assert numbers(ready) == sorted(numbers(ready))
    for each in ready:
        before = [other for other in rows if other.seq < each.seq and other.address == each.address]
        assert all(other in ready or (night and other.kind == LOW) for other in before)


# ---------------------------------------------------------------- addresses


NOTICE = OutboxRow(7, "act:1", NOON_US, "0010000001", "email_changed", 0, "waiting")


def test_a_notice_goes_to_every_registered_address_once():
    """R103."""
    rows = addressed(NOTICE, ("b@example.jp", "a@example.jp", "b@example.jp"))
    assert ["b@example.jp", "a@example.jp"] == [each.address for each in rows]
    assert {(7, "act:1", "waiting", 0, 0)} == {
        (each.seq, each.key, each.state, each.attempts, each.next_at_us) for each in rows
    }


def test_a_notice_for_one_address_goes_there_alone():
    """R20: the address that was given up is told."""
    rows = addressed(NOTICE._replace(address="old@example.jp"), ("new@example.jp",))
    assert ["old@example.jp"] == [each.address for each in rows]


def test_a_notice_with_nowhere_to_go_is_a_visible_dead_letter():
    (letter,) = addressed(NOTICE, ())
    assert ("dead", "", "no address is registered") == (letter.state, letter.address, letter.problem)
