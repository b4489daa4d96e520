"""An answer is matched, late, duplicate, unmatched or unsolicited, and the five are counted apart."""

from __future__ import annotations

from atm_sim.sansio.matching import KEEP_US, Counts, Pending
from bank_host.iso8583 import build
from bank_host.iso8583.message import Message

SECOND = 1_000_000
NOON_US = 1_388_977_200 * SECOND
WAIT_US = 25 * SECOND


def request(stan: int = 1, terminal: str = "TERM0007", at_us: int = NOON_US) -> Message:
    return build.financial_request(
        "withdraw",
        pan="4999001234567890",
        amount_jpy=30_000,
        stan=stan,
        now_us=at_us,
        acceptor=build.Acceptor(terminal, "SHOP", "12345"),
    )


def test_the_answer_gives_back_what_was_kept_beside_its_request() -> None:
    pending: Pending[str] = Pending()
    pending.expect(request(1), "first", NOON_US, WAIT_US)
    pending.expect(request(2), "second", NOON_US, WAIT_US)
    verdict = pending.answer(build.answer(request(2), "00"), NOON_US + SECOND)
    assert ("matched", "second") == (verdict.kind, verdict.context)
    assert 1 == len(pending)


def test_an_answer_to_a_repeat_matches_the_request() -> None:
    """0201 is answered 0210, and 0210 answers 0200 and 0201 alike."""
    pending: Pending[str] = Pending()
    pending.expect(request(), "kept", NOON_US, WAIT_US)
    assert "matched" == pending.answer(build.answer(build.as_repeat(request()), "00"), NOON_US).kind


def test_a_second_answer_is_a_duplicate() -> None:
    pending: Pending[str] = Pending()
    pending.expect(request(), "kept", NOON_US, WAIT_US)
    pending.answer(build.answer(request(), "00"), NOON_US)
    verdict = pending.answer(build.answer(request(), "00"), NOON_US + SECOND)
    assert ("duplicate", None) == (verdict.kind, verdict.context)


def test_an_answer_after_the_timer_is_late_and_stays_known_for_120_seconds() -> None:
    pending: Pending[str] = Pending()
    key = pending.expect(request(), "kept", NOON_US, WAIT_US)
    fired_us = NOON_US + WAIT_US
    given_up = pending.give_up(key, fired_us)
    assert given_up is not None
    assert "kept" == given_up.context
    answer = build.answer(request(), "00")
    assert "late" == pending.answer(answer, fired_us + KEEP_US - 1).kind
    assert "unmatched" == pending.answer(answer, fired_us + KEEP_US).kind


def test_a_timer_of_an_answered_request_gives_up_nothing() -> None:
    pending: Pending[str] = Pending()
    key = pending.expect(request(), "kept", NOON_US, WAIT_US)
    pending.answer(build.answer(request(), "00"), NOON_US)
    assert pending.give_up(key, NOON_US + WAIT_US) is None


def test_a_request_where_answers_are_due_is_unsolicited() -> None:
    pending: Pending[str] = Pending()
    assert "unsolicited" == pending.answer(request(), NOON_US).kind


def test_an_unmatched_answer_names_the_nearest_waiting_key_and_the_part_that_differs() -> None:
    pending: Pending[str] = Pending()
    pending.expect(request(7, "TERM0001"), "far", NOON_US, WAIT_US)
    pending.expect(request(1, "TERM0007"), "near", NOON_US, WAIT_US)
    verdict = pending.answer(build.answer(request(), "00").but({41: None}), NOON_US)
    assert "unmatched" == verdict.kind
    assert (
        "looked for 0200/12345//000001/0106030000; nearest waiting "
        "0200/12345/TERM0007/000001/0106030000: DE41 absent instead of TERM0007" == verdict.detail
    )


def test_the_timeout_that_follows_names_the_answer_that_came_nearest() -> None:
    pending: Pending[str] = Pending()
    key = pending.expect(request(), "kept", NOON_US, WAIT_US)
    verdict = pending.answer(build.answer(request(), "00").but({11: "000009"}), NOON_US)
    given_up = pending.give_up(key, NOON_US + WAIT_US)
    assert given_up is not None
    assert "DE11 000009 instead of 000001" in given_up.near_miss
    assert verdict.detail == given_up.near_miss


def test_an_unmatched_answer_with_nothing_waiting_says_so() -> None:
    verdict = Pending[str]().answer(build.answer(request(), "00"), NOON_US)
    assert verdict.detail.endswith("nothing is waiting")


def test_each_kind_has_a_count_of_its_own() -> None:
    pending: Pending[str] = Pending()
    answered, late = request(1), request(2)
    pending.expect(answered, "", NOON_US, WAIT_US)
    key = pending.expect(late, "", NOON_US, WAIT_US)
    pending.give_up(key, NOON_US + WAIT_US)
    pending.answer(build.answer(answered, "00"), NOON_US + WAIT_US)
    for _ in range(2):
        pending.answer(build.answer(answered, "00"), NOON_US + WAIT_US)
    for _ in range(3):
        pending.answer(build.answer(late, "00"), NOON_US + WAIT_US)
    for _ in range(4):
        pending.answer(build.answer(request(3), "00"), NOON_US + WAIT_US)
    for _ in range(5):
        pending.answer(request(4), NOON_US + WAIT_US)
    assert Counts(matched=1, duplicate=2, late=3, unmatched=4, unsolicited=5) == pending.counts


def test_asked_again_a_key_waits_anew() -> None:
    pending: Pending[str] = Pending()
    pending.expect(request(), "first", NOON_US, WAIT_US)
    pending.answer(build.answer(request(), "00"), NOON_US)
    pending.expect(build.as_repeat(request()), "again", NOON_US + SECOND, WAIT_US)
    assert "waiting" == pending.state(request(), NOON_US + SECOND)
    assert "again" == pending.answer(build.answer(request(), "00"), NOON_US + SECOND).context


def test_a_key_settled_again_does_not_keep_the_others_known_longer() -> None:
    pending: Pending[str] = Pending()
    for stan, at_us in ((1, NOON_US), (2, NOON_US + SECOND), (1, NOON_US + 2 * SECOND)):
        pending.expect(request(stan), "kept", at_us, WAIT_US)
        pending.answer(build.answer(request(stan), "00"), at_us)
    now_us = NOON_US + SECOND + KEEP_US
    assert ("answered", "") == (pending.state(request(1), now_us), pending.state(request(2), now_us))


def test_a_key_that_waits_anew_does_not_keep_the_others_waiting_longer() -> None:
    pending: Pending[str] = Pending()
    for stan, at_us in ((1, NOON_US), (2, NOON_US + SECOND), (1, NOON_US + 2 * SECOND)):
        pending.expect(request(stan), "kept", at_us, WAIT_US, timed=False)
    now_us = NOON_US + SECOND + WAIT_US + KEEP_US
    assert ("waiting", "") == (pending.state(request(1), now_us), pending.state(request(2), now_us))


def test_what_nobody_gave_up_is_forgotten_in_the_end() -> None:
    """A passed-on advice has no timer; its route must not stay in memory for ever."""
    pending: Pending[str] = Pending()
    pending.expect(request(), "kept", NOON_US, WAIT_US, timed=False)
    assert "waiting" == pending.state(request(), NOON_US + WAIT_US + KEEP_US - 1)
    assert "" == pending.state(request(), NOON_US + WAIT_US + KEEP_US)
    assert 0 == len(pending)


def test_a_clock_that_is_set_forgets_nothing_that_a_timer_will_give_up() -> None:
    pending: Pending[str] = Pending()
    key = pending.expect(request(), "kept", NOON_US, WAIT_US)
    an_hour_later_us = NOON_US + 3_600 * SECOND
    assert "waiting" == pending.state(request(), an_hour_later_us)
    given_up = pending.give_up(key, an_hour_later_us)
    assert given_up is not None
    assert "kept" == given_up.context


def test_a_reused_trace_number_is_another_key_because_its_time_differs() -> None:
    pending: Pending[str] = Pending()
    pending.expect(request(1), "morning", NOON_US, WAIT_US)
    later = request(1, at_us=NOON_US + 3_600 * SECOND)
    assert "unmatched" == pending.answer(build.answer(later, "00"), NOON_US).kind
