"""The store-and-forward queue repeats an advice until it is accepted and never drops one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.sansio.effects import Effect, Forget, Keep, Record, Send, SetTimer
from atm_sim.sansio.saf import Saf, SafSettings
from bank_host.iso8583 import build
from bank_host.iso8583.message import Message

SECOND = 1_000_000
NOON_US = 1_388_977_200 * SECOND
ACCEPTOR = build.Acceptor("TERM0007", "SHOP", "12345")
BANK, TIMER = "bank", "saf/bank"


def request(stan: int = 1, pan: str = "4999001234567890") -> Message:
    return build.financial_request(
        "withdraw", pan=pan, amount_jpy=30_000, stan=stan, now_us=NOON_US, acceptor=ACCEPTOR
    )


def reversal(stan: int = 1, pan: str = "4999001234567890") -> Message:
    return build.reversal_advice(request(stan, pan), "timeout", stan=500 + stan, now_us=NOON_US)


def completion(stan: int = 1, pan: str = "4999001234567890") -> Message:
    return build.completion_advice(request(stan, pan), stan=500 + stan, now_us=NOON_US)


def sent(effects: list[Effect] | None) -> list[Message]:
    return [effect.message for effect in effects or [] if isinstance(effect, Send)]


def kinds(effects: list[Effect] | None) -> list[str]:
    return [effect.kind for effect in effects or [] if isinstance(effect, Record)]


class Disk:
    """What a machine has written, as it finds it when it starts again."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}

    def write(self, effects: list[Effect] | None) -> None:
        for effect in effects or []:
            if isinstance(effect, Keep):
                self.held[effect.key] = effect.value
            elif isinstance(effect, Forget):
                del self.held[effect.key]


def timers(effects: list[Effect] | None) -> list[SetTimer]:
    return [effect for effect in effects or [] if isinstance(effect, SetTimer)]


def test_an_advice_is_sent_at_once() -> None:
    advice = reversal()
    effects = Saf().queue(BANK, advice, NOON_US, "timeout")
    assert [advice] == sent(effects)
    assert ["reversal_queued"] == kinds(effects)


def test_an_unanswered_advice_is_repeated_as_0421_with_every_element_unchanged() -> None:
    saf, advice = Saf(), reversal()
    saf.queue(BANK, advice, NOON_US)
    after_wait = saf.timer_fired(TIMER, NOON_US + 60 * SECOND)
    assert [] == sent(after_wait)
    assert [SetTimer(TIMER, 30 * SECOND)] == timers(after_wait)
    repeat = saf.timer_fired(TIMER, NOON_US + 90 * SECOND)
    assert [advice.but(mti="0421")] == sent(repeat)
    assert ["repeated"] == kinds(repeat)


def test_the_delay_between_repeats_doubles_up_to_its_longest() -> None:
    settings = SafSettings(first_delay_us=30 * SECOND, longest_delay_us=100 * SECOND)
    saf, now_us = Saf(settings), NOON_US
    saf.queue(BANK, reversal(), now_us)
    delays = []
    for _ in range(4):
        now_us += settings.answer_wait_us
        (timer,) = timers(saf.timer_fired(TIMER, now_us))
        delays.append(timer.after_us // SECOND)
        now_us += timer.after_us
        saf.timer_fired(TIMER, now_us)
    assert [30, 60, 100, 100] == delays


@pytest.mark.parametrize("code", ["00", "25", "94"])
def test_an_acceptance_ends_the_repeats(code: str) -> None:
    """00 is done, 25 says there was nothing to reverse, 94 says it was known: all three acknowledge."""
    saf, advice = Saf(), reversal()
    saf.queue(BANK, advice, NOON_US, "timeout")
    effects = saf.answered(BANK, build.answer(advice, code), NOON_US + SECOND)
    assert [("reversed", code, "timeout", SECOND)] == [
        (r.kind, r.code, r.reason, r.latency_us) for r in effects or [] if isinstance(r, Record)
    ]
    assert 0 == saf.depth(BANK)


@pytest.mark.parametrize("code", ["30", "91", "92", "96"])
def test_an_answer_that_says_it_did_not_get_through_keeps_the_advice_queued(code: str) -> None:
    saf, advice = Saf(), reversal()
    saf.queue(BANK, advice, NOON_US)
    assert ["advice_refused"] == kinds(saf.answered(BANK, build.answer(advice, code), NOON_US + SECOND))
    saf.timer_fired(TIMER, NOON_US + 60 * SECOND)
    assert [advice.but(mti="0421")] == sent(saf.timer_fired(TIMER, NOON_US + 90 * SECOND))


def test_an_answer_to_the_first_try_that_comes_while_the_repeat_is_delayed_is_accepted() -> None:
    saf, advice = Saf(), reversal()
    saf.queue(BANK, advice, NOON_US)
    saf.timer_fired(TIMER, NOON_US + 60 * SECOND)
    assert ["reversed"] == kinds(saf.answered(BANK, build.answer(advice, "00"), NOON_US + 70 * SECOND))


def test_the_second_acceptance_is_a_duplicate_and_changes_nothing() -> None:
    saf, advice = Saf(), reversal()
    saf.queue(BANK, advice, NOON_US)
    saf.answered(BANK, build.answer(advice, "00"), NOON_US + SECOND)
    assert ["duplicate_answer"] == kinds(saf.answered(BANK, build.answer(advice, "00"), NOON_US + 2 * SECOND))


def test_a_refusal_after_the_acceptance_changes_nothing() -> None:
    saf, advice = Saf(), reversal()
    saf.queue(BANK, advice, NOON_US)
    saf.answered(BANK, build.answer(advice, "00"), NOON_US + SECOND)
    assert ["duplicate_answer"] == kinds(saf.answered(BANK, build.answer(advice, "91"), NOON_US + 2 * SECOND))


def test_an_advice_accepted_before_its_turn_leaves_the_one_in_flight_alone() -> None:
    """The peer may have had the same reversal from another stage already."""
    saf = Saf()
    saf.queue(BANK, reversal(1), NOON_US)
    saf.queue(BANK, reversal(2), NOON_US)
    effects = saf.answered(BANK, build.answer(reversal(2), "00"), NOON_US + SECOND)
    assert (["reversed"], [], []) == (kinds(effects), sent(effects), timers(effects))
    assert [reversal(1)] == [entry.message for entry in saf.waiting]


def test_an_answer_to_something_this_queue_never_sent_is_left_to_the_owner() -> None:
    saf = Saf()
    saf.queue(BANK, reversal(1), NOON_US)
    assert saf.answered(BANK, build.answer(reversal(2), "00"), NOON_US) is None
    assert saf.answered("other bank", build.answer(reversal(1), "00"), NOON_US) is None
    assert saf.timer_fired("request/1", NOON_US) is None


def test_one_advice_is_in_flight_and_the_next_follows_after_the_gap() -> None:
    saf = Saf()
    saf.queue(BANK, reversal(1), NOON_US)
    assert [] == sent(saf.queue(BANK, reversal(2), NOON_US))
    effects = saf.answered(BANK, build.answer(reversal(1), "00"), NOON_US + SECOND)
    assert [SetTimer(TIMER, SECOND)] == timers(effects)
    assert [reversal(2)] == sent(saf.timer_fired(TIMER, NOON_US + 2 * SECOND))


def test_the_gap_also_holds_for_an_advice_queued_right_after_the_queue_ran_empty() -> None:
    saf = Saf()
    saf.queue(BANK, reversal(1), NOON_US)
    saf.answered(BANK, build.answer(reversal(1), "00"), NOON_US + SECOND)
    effects = saf.queue(BANK, reversal(2), NOON_US + SECOND + 1)
    assert [] == sent(effects)
    assert [SetTimer(TIMER, SECOND - 1)] == timers(effects)


def test_a_silent_destination_does_not_hold_up_another() -> None:
    saf = Saf()
    saf.queue(BANK, reversal(1), NOON_US)
    assert [reversal(2)] == sent(saf.queue("other bank", reversal(2), NOON_US))


def test_a_reversal_passes_the_waiting_0220s_of_its_own_card_only() -> None:
    saf, other = Saf(), "4999000000000009"
    for advice in (completion(1), completion(2, other), completion(3), reversal(4)):
        saf.queue(BANK, advice, NOON_US)
    waiting = [entry.message for entry in saf.waiting]
    assert [completion(1), completion(2, other), reversal(4), completion(3)] == waiting


def test_the_same_advice_queued_twice_is_sent_once() -> None:
    saf = Saf()
    saf.queue(BANK, reversal(), NOON_US)
    assert [] == saf.queue(BANK, reversal(), NOON_US + SECOND)
    assert 1 == saf.depth(BANK)


def test_only_advices_are_taken() -> None:
    with pytest.raises(ValueError, match="takes advices"):
        Saf().queue(BANK, request(), NOON_US)


def test_used_up_tries_make_an_advice_manual_and_the_next_is_sent() -> None:
    saf = Saf(SafSettings(most_tries=1))
    saf.queue(BANK, reversal(1), NOON_US)
    saf.queue(BANK, reversal(2), NOON_US)
    effects = saf.timer_fired(TIMER, NOON_US + 60 * SECOND)
    assert [("manual", "tries_used_up")] == [
        (r.kind, r.reason) for r in effects or [] if isinstance(r, Record)
    ]
    saf.timer_fired(TIMER, NOON_US + 90 * SECOND)
    assert [reversal(1)] == [entry.message for entry in saf.manual]
    assert 1 == saf.depth(BANK)


def test_an_advice_becomes_manual_the_moment_its_age_is_used_up() -> None:
    saf = Saf(SafSettings(longest_age_us=75 * SECOND))
    saf.queue(BANK, reversal(), NOON_US)
    delay = saf.timer_fired(TIMER, NOON_US + 60 * SECOND)
    assert [SetTimer(TIMER, 15 * SECOND)] == timers(delay)
    effects = saf.timer_fired(TIMER, NOON_US + 75 * SECOND)
    assert [("manual", "too_old")] == [(r.kind, r.reason) for r in effects or [] if isinstance(r, Record)]


def test_an_acceptance_of_a_manual_advice_is_late_and_leaves_it_to_the_person() -> None:
    saf = Saf(SafSettings(most_tries=1))
    saf.queue(BANK, reversal(), NOON_US)
    saf.timer_fired(TIMER, NOON_US + 60 * SECOND)
    assert ["late_answer"] == kinds(saf.answered(BANK, build.answer(reversal(), "00"), NOON_US + 61 * SECOND))
    assert 1 == len(saf.manual)


def test_a_full_queue_makes_the_newcomer_manual_instead_of_dropping_it() -> None:
    saf = Saf(SafSettings(capacity=1))
    saf.queue(BANK, reversal(1), NOON_US)
    effects = saf.queue(BANK, reversal(2), NOON_US)
    assert ["reversal_queued", "manual"] == kinds(effects)
    assert [reversal(2)] == [entry.message for entry in saf.manual]


def test_after_a_restart_what_was_tried_is_repeated_and_the_rest_waits_its_turn() -> None:
    saf, disk = Saf(), Disk()
    disk.write(saf.queue(BANK, reversal(1), NOON_US))
    disk.write(saf.queue(BANK, reversal(2), NOON_US))
    restarted = Saf(disk=disk.held)
    assert [reversal(1).but(mti="0421")] == sent(restarted.resume(NOON_US + 5 * SECOND))
    restarted.answered(BANK, build.answer(reversal(1), "00"), NOON_US + 6 * SECOND)
    assert [reversal(2)] == sent(restarted.timer_fired(TIMER, NOON_US + 7 * SECOND))


def test_what_waits_and_what_is_manual_comes_back_from_the_disk_as_it_was() -> None:
    saf, disk = Saf(SafSettings(capacity=1)), Disk()
    disk.write(saf.queue(BANK, reversal(1), NOON_US))
    disk.write(saf.queue(BANK, reversal(2), NOON_US))
    restarted = Saf(SafSettings(capacity=1), disk.held)
    assert (1, 1) == (len(restarted.waiting), len(restarted.manual))
    assert (saf.waiting, saf.manual) == (restarted.waiting, restarted.manual)


def test_an_accepted_advice_leaves_the_disk() -> None:
    saf, disk = Saf(), Disk()
    disk.write(saf.queue(BANK, reversal(), NOON_US))
    disk.write(saf.answered(BANK, build.answer(reversal(), "00"), NOON_US + SECOND))
    assert {} == disk.held


def test_what_is_sent_is_on_the_disk_first_and_known_there_as_tried() -> None:
    effects = Saf().queue(BANK, reversal(), NOON_US)
    kept = [
        effect.value
        for effect in effects[: effects.index(Send(BANK, reversal()))]
        if isinstance(effect, Keep)
    ]
    assert [0, 1] == [entry.tries for entry in kept]


def test_depth_and_oldest_age_are_those_of_the_destination() -> None:
    saf = Saf()
    assert (0, 0) == (saf.depth(BANK), saf.oldest_age_us(BANK, NOON_US))
    saf.queue(BANK, reversal(1), NOON_US)
    saf.queue(BANK, reversal(2), NOON_US + SECOND)
    assert (2, 5 * SECOND) == (saf.depth(BANK), saf.oldest_age_us(BANK, NOON_US + 5 * SECOND))


@given(
    advices=st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b"])), min_size=1, max_size=8),
    replies=st.lists(st.sampled_from(["00", "91", "", "restart"]), max_size=40),
)
def test_every_advice_ends_accepted_manual_or_still_queued(
    advices: list[tuple[bool, str]], replies: list[str]
) -> None:
    """Whatever the other side answers, or does not, and however often the machine starts again, nothing is lost."""
    saf, now_us, disk = Saf(SafSettings(most_tries=3)), NOON_US, Disk()
    due: dict[str, int] = {}
    in_flight: dict[str, Message] = {}
    settled = 0

    def carry_out(effects: list[Effect] | None) -> None:
        nonlocal settled
        disk.write(effects)
        for effect in effects or []:
            if isinstance(effect, Send):
                in_flight[effect.to] = effect.message
            elif isinstance(effect, SetTimer):
                due[effect.key] = now_us + effect.after_us
            elif isinstance(effect, Record) and effect.kind in ("reversed", "advice_accepted"):
                settled += 1

    for stan, (is_reversal, destination) in enumerate(advices, 1):
        carry_out(saf.queue(destination, reversal(stan) if is_reversal else completion(stan), now_us))
    for reply in replies:
        if reply == "restart":
            due.clear()
            saf = Saf(saf.settings, disk.held)
            carry_out(saf.resume(now_us))
            continue
        for destination, message in sorted(in_flight.items(), key=lambda item: item[0]):
            if reply:
                carry_out(saf.answered(destination, build.answer(message, reply), now_us))
        if due:
            key = min(due, key=lambda name: (due[name], name))
            now_us = max(now_us, due.pop(key))
            carry_out(saf.timer_fired(key, now_us))
    assert len(advices) == settled + len(saf.manual) + saf.depth("a") + saf.depth("b")
