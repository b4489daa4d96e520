"""The switch in an issuer's place: when it answers itself, what it queues, what waits, and that nothing is posted twice
(X6, X8)."""

from __future__ import annotations

from typing import Any

import pytest

from atm_sim.network.stand_in import StandInSettings
from atm_sim.network.switch import Switch, SwitchConfig
from atm_sim.sansio.effects import (
    Clocked,
    Disconnected,
    Effect,
    Event,
    ListsCame,
    PowerRestored,
    Received,
    Record,
    SetTimer,
    TimerFired,
)
from bank_host.iso8583 import build
from bank_host.iso8583.identity import original_data, quoted_original_key
from bank_host.iso8583.message import Message
from bank_host.jst import HOUR_US, MINUTE_US, SECOND_US
from tests.atm_sim.network.small_network import (
    ACQUIRER_IDS,
    NOON_US,
    OTHER_PAN,
    ROUTES,
    kinds,
    sent,
)
from tests.atm_sim.network.standing_in import CAPS, ISSUER, WRONG, PlainCrypto, asking, lists, store

WINDOW = CAPS._replace(windows_us=((12 * HOUR_US, 13 * HOUR_US),))


class Box:
    """One switch with its disk and its timers, spoken to by hand."""

    def __init__(self, settings: StandInSettings = CAPS) -> None:
        self.config = SwitchConfig(
            frozenset(ACQUIRER_IDS), ROUTES, stand_in={ISSUER: settings}, crypto=PlainCrypto()
        )
        self.disk: dict[str, Any] = {}
        self.switch = Switch(self.config, self.disk)
        self.now_us = NOON_US
        self.handle(ListsCame(ISSUER, lists()))

    def handle(self, event: Event) -> list[Effect]:
        effects = self.switch.handle(event, self.now_us)
        store(self.disk, effects)
        return effects

    def restart(self) -> list[Effect]:
        self.switch = Switch(self.config, self.disk)
        return self.handle(PowerRestored())

    def ask(self, request: Message) -> list[Effect]:
        return self.handle(Received("seven", request))

    def times_out(self, request: Message) -> list[Effect]:
        (timer,) = [each for each in self.ask(request) if isinstance(each, SetTimer)]
        self.now_us += timer.after_us
        return self.handle(TimerFired(timer.key))

    def accepts(self, advice: Message) -> list[Effect]:
        return self.handle(Received(ISSUER, build.answer(advice, "00")))


def to(node: str, effects: list[Effect]) -> list[Message]:
    return [message for name, message in sent(effects) if name == node]


def told(effects: list[Effect]) -> list[tuple[str, str]]:
    """(response code, approval code) of each answer to the acquirer."""
    return [(message[39], message.get(38)) for message in to("seven", effects) if message.mti == "0210"]


# ---------------------------------------------------------------- no answer, or none to use


def test_after_a_vain_wait_the_switch_approves_and_advises_instead_of_reversing() -> None:
    box = Box()
    effects = box.times_out(asking())
    assert [("00", "S00001")] == told(effects)
    (advice,) = to(ISSUER, effects)
    assert ("0220", "stand_in_timeout", "S00001") == (advice.mti, advice[60], advice[38])
    assert original_data(asking()) == advice[90]
    assert ["timed_out", "stood_in", "advice_queued"] == kinds(effects)


def test_neither_pin_block_nor_track_is_in_the_advice_or_on_the_disk() -> None:
    box = Box()
    (advice,) = to(ISSUER, box.times_out(asking().but({35: "4999001234567890=1812201"})))
    assert 35 not in advice
    assert 52 not in advice
    kept = [entry.message for key, entry in box.disk.items() if key.startswith("saf/")]
    assert [False] == [35 in message or 52 in message for message in kept]


def test_the_answer_is_kept_before_anything_is_sent() -> None:
    effects = Box().times_out(asking())
    names = [type(each).__name__ for each in effects]
    assert max(n for n, name in enumerate(names) if name == "Keep") < names.index("Send")


def test_a_refusal_after_a_vain_wait_reverses_because_the_issuer_may_have_approved() -> None:
    box = Box()
    effects = box.times_out(asking(60_000))
    assert [("61", "")] == told(effects)
    assert ["0420"] == [message.mti for message in to(ISSUER, effects)]
    assert ["timed_out", "reversal_queued", "stand_in_declined"] == kinds(effects)


def test_an_answer_that_contradicts_its_request_is_stood_in_for() -> None:
    box = Box()
    box.ask(asking())
    wrong = build.answer(asking(), "00").but({4: f"{90_000:012d}"})
    effects = box.handle(Received(ISSUER, wrong))
    assert [("00", "S00001")] == told(effects)
    assert ["0220"] == [message.mti for message in to(ISSUER, effects)]


def test_a_late_answer_of_the_issuer_is_counted_and_dropped() -> None:
    box = Box()
    box.times_out(asking())
    effects = box.handle(Received(ISSUER, build.answer(asking(), "51")))
    assert [] == sent(effects)
    assert ["late_answer"] == kinds(effects)
    assert 1 == box.switch.counts(ISSUER).late


def test_an_issuer_that_wants_none_on_timeouts_is_reversed_as_ever() -> None:
    effects = Box(CAPS._replace(on_timeout=False)).times_out(asking())
    assert [("91", "")] == told(effects)
    assert ["0420"] == [message.mti for message in to(ISSUER, effects)]


def test_another_issuer_is_not_stood_in_for() -> None:
    effects = Box().times_out(asking(pan=OTHER_PAN))
    assert [("91", "")] == told(effects)


def test_what_the_issuer_answers_in_time_is_passed_back_and_nothing_is_advised() -> None:
    box = Box()
    box.ask(asking())
    effects = box.handle(Received(ISSUER, build.answer(asking(), "51")))
    assert [("51", "")] == told(effects)
    assert () == box.switch.saf.waiting


def test_the_issuers_own_approval_sets_the_count_of_wrong_pins_back() -> None:
    box = Box(CAPS._replace(pin_tries=1))
    assert [("75", "")] == told(box.times_out(asking(stan=1, pin=WRONG)))
    box.ask(asking(stan=2))
    box.handle(Received(ISSUER, build.answer(asking(stan=2), "00")))
    assert [("00", "S00001")] == told(box.times_out(asking(stan=3)))


# ---------------------------------------------------------------- out of reach, planned windows


def test_signed_off_nothing_is_sent_to_the_issuer_until_it_is_back() -> None:
    box = Box()
    box.handle(Clocked(f"sign_off {ISSUER}"))
    effects = box.ask(asking())
    assert [("00", "S00001")] == told(effects)
    assert [] == to(ISSUER, effects)
    (advice,) = to(ISSUER, box.handle(Clocked(f"sign_on {ISSUER}")))
    assert ("0220", "stand_in_sign_off") == (advice.mti, advice[60])


def test_an_issuer_that_was_lost_is_stood_in_for_and_told_at_the_queues_own_pace() -> None:
    """Nobody knows when it is back, so the advice is tried."""
    box = Box()
    box.handle(Disconnected(ISSUER))
    effects = box.ask(asking())
    assert [("00", "S00001")] == told(effects)
    assert ["0220"] == [message.mti for message in to(ISSUER, effects)]


def test_out_of_reach_without_stand_in_for_it_is_91_and_nothing_to_reverse() -> None:
    box = Box(CAPS._replace(on_sign_off=False))
    box.handle(Disconnected(ISSUER))
    effects = box.ask(asking())
    assert [("91", "")] == told(effects)
    assert () == box.switch.saf.waiting


def test_a_refusal_out_of_reach_has_nothing_to_reverse() -> None:
    box = Box()
    box.handle(Disconnected(ISSUER))
    assert [("61", "")] == told(box.ask(asking(60_000)))
    assert () == box.switch.saf.waiting


@pytest.mark.parametrize("service", ["311000", "210010", "920000"])
def test_in_a_planned_window_other_services_are_91_at_once(service: str) -> None:
    effects = Box(WINDOW).ask(asking().but({3: service}))
    assert [("91", "")] == told(effects)
    assert [] == to(ISSUER, effects)


def test_advices_wait_for_the_end_of_a_planned_window_and_then_go_out_by_themselves() -> None:
    box = Box(WINDOW)
    box.now_us = NOON_US + 10 * MINUTE_US
    assert [] == to(ISSUER, box.ask(asking()))
    box.now_us = NOON_US + HOUR_US
    (advice,) = to(ISSUER, box.handle(TimerFired(f"stand_in/window/{ISSUER}")))
    assert ("0220", "stand_in_planned") == (advice.mti, advice[60])
    assert ["advice_accepted"] == kinds(box.accepts(advice))


def test_a_window_that_a_restart_falls_into_still_has_its_end() -> None:
    box = Box(WINDOW)
    box.ask(asking())
    box.now_us += 20 * MINUTE_US
    effects = box.restart()
    assert [] == to(ISSUER, effects)
    (timer,) = [each for each in effects if isinstance(each, SetTimer)]
    assert 40 * MINUTE_US == timer.after_us
    box.now_us += timer.after_us
    assert ["0220"] == [message.mti for message in to(ISSUER, box.handle(TimerFired(timer.key)))]


def test_a_window_timer_under_a_clock_that_was_set_back_is_set_again() -> None:
    box = Box(WINDOW)
    box.ask(asking())
    box.now_us += 30 * MINUTE_US
    (timer,) = [
        each for each in box.handle(TimerFired(f"stand_in/window/{ISSUER}")) if isinstance(each, SetTimer)
    ]
    assert 30 * MINUTE_US == timer.after_us


def test_waiting_costs_an_advice_no_try() -> None:
    box = Box(WINDOW)
    box.ask(asking())
    assert [0] == [entry.tries for entry in box.switch.saf.waiting]


# ---------------------------------------------------------------- nothing twice


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("repeated", [False, True])
def test_a_request_that_comes_again_gets_the_same_answer_and_no_second_advice(
    repeated: bool, restarts: bool
) -> None:
    box = Box()
    box.times_out(asking())
    if restarts:
        box.restart()
    effects = box.ask(build.as_repeat(asking()) if repeated else asking())
    assert [("00", "S00001")] == told(effects)
    assert [] == to(ISSUER, effects)
    assert 1 == len(box.switch.saf.waiting)


def test_a_request_that_was_passed_on_before_the_window_is_not_stood_in_for_when_it_comes_again() -> None:
    """Its first sending still waits for the issuer's own answer."""
    box = Box(WINDOW)
    box.now_us = NOON_US - SECOND_US
    box.ask(asking())
    box.now_us = NOON_US + SECOND_US
    effects = box.ask(asking())
    assert [] == sent(effects)
    assert ["duplicate_request"] == kinds(effects)


# ---------------------------------------------------------------- reversals of what was stood in for


def reversal(dispensed_jpy: int | None = None) -> Message:
    bare = asking().but({52: None})
    return build.reversal_advice(
        bare, "hardware_error", stan=900, now_us=NOON_US, dispensed_jpy=dispensed_jpy
    )


def test_a_full_reversal_passes_the_advice_that_waits() -> None:
    """What is about to be taken back takes nobody over a limit."""
    box = Box()
    box.times_out(asking())
    assert ["0420"] == [message.mti for message in to(ISSUER, box.ask(reversal()))]


def test_a_part_reversal_follows_the_advice_that_it_is_a_part_of() -> None:
    box = Box()
    (advice,) = to(ISSUER, box.times_out(asking()))
    effects = box.ask(reversal(10_000))
    assert [] == sent(effects)
    assert ["held"] == kinds(effects)
    box.accepts(advice)
    (passed,) = to(ISSUER, box.ask(reversal(10_000)))
    assert quoted_original_key(advice) == quoted_original_key(passed)


def test_a_completion_follows_the_advice_of_its_approval() -> None:
    """It would be about something that the issuer has never heard of."""
    box = Box()
    (advice,) = to(ISSUER, box.times_out(asking()))
    completion = build.completion_advice(asking().but({52: None}), stan=900, now_us=NOON_US)
    assert ["held"] == kinds(box.ask(completion))
    box.accepts(advice)
    assert ["0220"] == [message.mti for message in to(ISSUER, box.ask(completion))]


def test_a_part_reversal_of_something_else_is_not_held_up() -> None:
    box = Box()
    box.times_out(asking())
    other = build.reversal_advice(
        asking(stan=2).but({52: None}), "part_dispense", stan=901, now_us=NOON_US, dispensed_jpy=10_000
    )
    assert ["0420"] == [message.mti for message in to(ISSUER, box.ask(other))]


def test_the_age_of_the_lists_stands_in_the_record() -> None:
    box = Box()
    (stood_in,) = [
        each for each in box.times_out(asking()) if isinstance(each, Record) and each.kind == "stood_in"
    ]
    assert ("stand_in_timeout", 25 * SECOND_US) == (stood_in.reason, stood_in.latency_us)
