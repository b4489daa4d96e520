"""The conductor carries out what machines and people ask for, and writes down who it was about."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from atm_sim.records.log import EventLog
from atm_sim.sansio.effects import CancelTimer, CardInserted, Effect, Event, SetTimer, TimerFired
from atm_sim.world.lab import RESTART_US
from atm_sim.world.mishaps import paid_out
from atm_sim.world.simulate import simulate
from tests.atm_sim.world.small_world import HOUR, MINUTE, SECOND, lab, of, run

WITHDRAWAL = "{at: 12:00, who: hanako, do: withdraw, amount: ¥30_000, atm: shop"


class Probe:
    """A machine in an ATM's place: does what it is told when a card comes, and notes which timers fire when."""

    def __init__(self, effects: Iterable[Effect]) -> None:
        self._effects = list(effects)
        self.inserted_us = 0
        self.fired: list[tuple[int, str]] = []

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        if isinstance(event, CardInserted):
            self.inserted_us = now_us
            return self._effects
        if isinstance(event, TimerFired):
            self.fired.append((now_us - self.inserted_us, event.key))
        return []


def fired(*effects: Effect) -> list[tuple[int, str]]:
    world = lab(f"steps:\n  - {WITHDRAWAL}}}")
    probe = world.nodes["shop"] = Probe(effects)
    simulate(world)
    return probe.fired


# ---------------------------------------------------------------- timers


def test_a_timer_fires_once_at_its_time():
    assert [(10, "a"), (20, "b")] == fired(SetTimer("b", 20), SetTimer("a", 10))


def test_a_timer_set_again_fires_only_at_the_later_setting():
    assert [(30, "a")] == fired(SetTimer("a", 10), SetTimer("a", 30))


def test_a_cancelled_timer_does_not_fire():
    assert [] == fired(SetTimer("a", 10), CancelTimer("a"))


def test_a_timer_cancelled_and_set_again_fires_at_the_new_setting():
    assert [(30, "a")] == fired(SetTimer("a", 10), CancelTimer("a"), SetTimer("a", 30))


# ---------------------------------------------------------------- people


def visits(log: EventLog, step: str) -> tuple[int, int]:
    (started,), (left,) = of(log, "started", step=step), of(log, "left", step=step)
    return started.time_us, left.time_us


def test_a_person_does_one_thing_after_the_other_even_if_the_steps_say_at_once():
    log = run(f"steps:\n  - {WITHDRAWAL}}}\n  - {WITHDRAWAL.replace('shop', 'bank')}}}\n")
    assert visits(log, "1")[1] == visits(log, "2")[0]


def test_an_act_at_home_waits_until_its_person_is_back_from_the_atm():
    log = run(f"steps:\n  - {WITHDRAWAL}}}\n  - {{at: 12:00:01, who: hanako, do: lock_card, via: mobile}}\n")
    (lock,) = of(log, "act")
    assert visits(log, "1")[1] == lock.time_us


def test_two_people_do_not_wait_for_each_other_at_home_but_at_the_machine_they_do():
    taro = WITHDRAWAL.replace("hanako", "taro").replace("12:00", "12:00:05")
    log = run(
        f"steps:\n  - {WITHDRAWAL}}}\n  - {taro}}}\n  - {{at: 12:00:10, who: taro, do: lock_card, via: mobile}}\n"
    )
    (started,) = of(log, "started", step="2")
    assert visits(log, "1")[1] == started.time_us
    assert started.time_us - (12 * HOUR + 5 * SECOND) == started.wait_us


def test_one_service_time_for_the_whole_visit_is_how_long_the_machine_is_taken():
    log = run(
        "streams:\n"
        "  crowd: {at: shop, from: 12:00, customers: 3, interarrival: 1 min, visit: 4 min,\n"
        "          do: withdraw, amount: ¥10_000}\n"
    )
    assert [4 * MINUTE] * 3 == [row.service_us for row in of(log, "left")]
    assert [0, 3 * MINUTE, 6 * MINUTE] == [row.wait_us for row in of(log, "started")]
    assert 3 == len(of(log, "dispensed"))


# ---------------------------------------------------------------- messages and steps


def message_types(log: EventLog, step: str) -> set[str]:
    return {message.mti for message in log.messages if message.step == step}


def test_every_message_and_row_of_a_request_names_its_step():
    taro = WITHDRAWAL.replace("hanako", "taro").replace("shop", "bank")
    log = run(f"steps:\n  - {WITHDRAWAL}, device: jam}}\n  - {taro}}}\n")
    assert {"1", "2"} == {message.step for message in log.messages if message.mti[1] != "8"}
    for step, actor in (("1", "hanako"), ("2", "taro")):
        requests = {message.request_id for message in log.messages if message.step == step}
        assert requests == {row.request_id for row in of(log, "sent", step=step)}
        assert {actor} == {row.actor for row in log if row.step == step}
    assert {"0420", "0430"} == message_types(log, "1") - message_types(log, "2")


def test_a_reversal_long_after_the_visit_still_belongs_to_its_step():
    log = run(
        f"steps:\n  - {WITHDRAWAL}, device: jam}}\n"
        "faults:\n  - {from: 12:00:20, to: 12:30, link: acquirer-switch, is: down}\n"
    )
    (reversed_,) = of(log, "reversed")
    assert ("1", "hanako") == (reversed_.step, reversed_.actor)
    assert reversed_.time_us > visits(log, "1")[1] + 10 * MINUTE


def test_a_message_on_a_line_that_is_down_is_lost_and_said_to_be():
    log = run(
        f"steps:\n  - {WITHDRAWAL}}}\n"
        "faults:\n  - {from: 11:00, to: 13:00, link: switch-issuer, is: down}\n"
    )
    first = of(log, "lost")[0]
    assert ("0200", "switch-issuer", "1") == (first.mti, first.reason, first.step)
    assert [] == of(log, "decided")


# ---------------------------------------------------------------- devices


@pytest.mark.parametrize(
    ("device", "partial_jpy", "notes", "fault"),
    [
        ("", 0, ((10_000, 2), (1_000, 5)), ""),
        ("jam", 0, (), "jam"),
        ("partial", 21_000, ((10_000, 2), (1_000, 1)), "partial"),
        ("partial", 9_000, ((1_000, 5),), "partial"),
        ("partial", 0, (), "partial"),
    ],
)
def test_a_dispenser_pays_all_notes_none_or_the_first_that_fit(
    device: str, partial_jpy: int, notes: tuple[tuple[int, int], ...], fault: str
):
    paid = paid_out(((10_000, 2), (1_000, 5)), device, partial_jpy)
    assert (notes, fault) == (paid.notes, paid.fault)


def test_after_a_power_loss_the_machine_is_back_for_the_next_person():
    taro = WITHDRAWAL.replace("hanako", "taro").replace("12:00", "12:01")
    log = run(f"steps:\n  - {WITHDRAWAL}, device: power_loss}}\n  - {taro}}}\n")
    first, second = visits(log, "1"), visits(log, "2")
    assert second[0] >= first[1] >= first[0] + RESTART_US
    assert [] == of(log, "dispensed", step="1")
    assert [30_000] == [row.amount_jpy for row in of(log, "dispensed", step="2")]
    assert ["power_loss"] == [row.reason for row in of(log, "suspect", step="1")]


# ---------------------------------------------------------------- the record


def test_the_record_ends_with_how_each_persons_last_step_left_the_bank():
    log = run(f"steps:\n  - {WITHDRAWAL}}}\n")
    assert {"balance": 220_000, "limit": 500_000, "room": 470_000} == {
        row.reason: row.amount_jpy for row in of(log, "state", step="1")
    }


def test_no_row_and_no_message_holds_a_card_number():
    world = lab(f"steps:\n  - {WITHDRAWAL}}}\n")
    log = simulate(world)
    pan = world.people["hanako"].card.pan
    assert "hanako" in {row.card_alias for row in log}
    assert not [row for row in (*log.events, *log.messages) if pan in "|".join(map(str, row))]


def test_rows_before_the_end_of_the_warm_up_do_not_count():
    crowd = "streams:\n  crowd: {at: shop, from: 12:00, customers: 4, interarrival: 10 min, do: balance}\n"
    log = run(crowd + "run: {warm_up: 25 min}\n")
    assert ["warm_up", "warm_up", "measured", "measured"] == [row.phase for row in of(log, "arrived")]


def test_a_run_stops_at_its_until():
    crowd = "streams:\n  crowd: {at: shop, from: 12:00, customers: 4, interarrival: 10 min, do: balance}\n"
    assert 2 == len(of(run(crowd + "run: {until: 12:25}\n"), "arrived"))
