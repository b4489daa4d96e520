"""Steps and streams become plans: when, where, under which label, and with what code read off the token."""

from __future__ import annotations

import pytest

from atm_sim.world.plans import Planned
from atm_sim.world.simulate import simulate
from bank_host.jst import midnight_us
from bank_host.rules.changes import Outcome
from bank_host.rules.facts import Act
from tests.atm_sim.world.small_world import HOUR, MINUTE, lab

NOON = "steps:\n  - {at: 12:00, who: hanako, do: withdraw, amount: ¥10_000, atm: "


def planned(rest: str) -> list[Planned]:
    return lab(rest).steps


def arrivals(stream: str, run: str = "") -> list[Planned]:
    (coming,) = lab(f"streams:\n  crowd: {{at: shop, from: 09:00, {stream}}}\n{run}").streams
    return list(coming)


# ---------------------------------------------------------------- steps


def test_a_step_happens_at_its_time_of_the_scenarios_day():
    (noon,) = planned(NOON + "shop}")
    assert midnight_us(lab(NOON + "shop}").scenario.day) + 12 * HOUR == noon.at_us


def test_a_step_may_lie_on_a_later_day():
    (later,) = planned(NOON.replace("12:00", "2014-01-17 12:00") + "shop}")
    assert lab(NOON + "shop}").start_us + 60 * HOUR == later.at_us


def test_steps_are_labelled_by_their_number_and_repeats_by_their_turn():
    many = planned(
        NOON + "shop}\n  - {at: 13:00, who: taro, do: balance, atm: shop, repeat: {times: 3, every: 10 min}}"
    )
    assert ["1", "2#1", "2#2", "2#3"] == [each.label for each in many]
    assert [0, 10 * MINUTE, 20 * MINUTE] == [each.at_us - many[1].at_us for each in many[1:]]


def test_a_person_goes_to_whichever_machine_is_free_or_to_the_one_named():
    any_machine, second = planned(NOON + "bank}\n" + NOON.partition("\n")[2] + "bank/2}")
    assert ("bank", "") == (any_machine.site, any_machine.machine)
    assert ("bank", "bank/2") == (second.site, second.machine)


@pytest.mark.parametrize(
    ("do", "channel"),
    [
        ("lock_card, via: mobile", "mobile"),
        ("report_card, as: lost", "operator"),
        ("close_account", "operator"),
    ],
)
def test_an_act_at_home_has_its_channel_and_no_wish(do: str, channel: str):
    step = f"steps:\n  - {{at: 12:00, who: hanako, do: {do}}}"
    (act,) = planned(step)
    assert (channel, None) == (act.channel, act.wish)
    assert [channel] == [asked.channel for asked in acts(step)]


@pytest.mark.parametrize(
    ("device", "leaves", "fault", "partial_jpy"),
    [
        ("jam", "", "jam", 0),
        ("power_loss", "", "power_loss", 0),
        ("cash_not_taken", "cash", "", 0),
        ("card_not_taken", "card", "", 0),
        ("{partial: ¥20_000}", "", "partial", 20_000),
    ],
)
def test_a_mishap_is_the_persons_or_the_devices(device: str, leaves: str, fault: str, partial_jpy: int):
    (mishap,) = planned(NOON.replace("¥10_000", "¥30_000") + f"shop, device: {device}}}")
    assert mishap.wish is not None
    assert (leaves, fault, partial_jpy) == (mishap.wish.leaves, mishap.wish.device, mishap.wish.partial_jpy)


# ---------------------------------------------------------------- codes of the token


def acts(steps: str) -> list[Act]:
    """What the bank is asked, by a bank that does whatever it is asked."""
    world, asked = lab(steps), []
    bank = world.banks["jnb"]

    def done(act: Act, now_us: int) -> Outcome:
        asked.append(act)
        return Outcome("done", "", ())

    bank.act = done  # type: ignore[method-assign]
    simulate(world)
    return asked


def codes(*typed: tuple[str, str]) -> list[str]:
    """The codes that hanako types, by (time, otp)."""
    steps = [f"  - {{at: {at}, who: hanako, do: unlock_card, via: pc, otp: {otp}}}\n" for at, otp in typed]
    return [act.otp for act in acts("steps:\n" + "".join(steps))]


def test_a_code_is_read_off_the_token_when_it_is_typed():
    first, same, later = codes(("12:00:00", "current"), ("12:00:59", "current"), ("12:01:00", "current"))
    assert first == same
    assert first != later


def test_the_previous_code_is_that_of_a_minute_ago():
    current, previous = codes(("12:00", "current"), ("12:01", "previous"))
    assert current == previous


def test_a_wrong_code_is_six_digits_and_neither_the_current_nor_the_previous_one():
    previous, current, wrong = codes(("11:59", "current"), ("12:00", "current"), ("12:00", "wrong"))
    assert wrong not in (previous, current)
    assert 6 == len(wrong)


def test_a_code_in_digits_is_typed_as_it_stands():
    assert ["123456"] == codes(("12:00", '"123456"'))


def test_a_used_code_is_the_one_typed_last():
    first, again = codes(("12:00", "current"), ("12:05", "used"))
    assert first == again


# ---------------------------------------------------------------- streams


def test_a_stream_brings_so_many_customers():
    crowd = arrivals("customers: 3, interarrival: 2 min, do: balance")
    start_us = lab(NOON + "shop}").start_us
    assert [9 * HOUR + n * 2 * MINUTE for n in (1, 2, 3)] == [each.at_us - start_us for each in crowd]


def test_a_stream_ends_before_its_until():
    assert 4 == len(arrivals("until: 09:10, interarrival: 2 min, do: balance"))


def test_regulars_come_in_turn():
    crowd = arrivals("customers: 3, interarrival: 2 min, do: balance, who: taro")
    assert ["taro"] * 3 == [each.person.alias for each in crowd]


def test_strangers_each_have_an_account_of_their_own():
    crowd = arrivals("customers: 3, interarrival: 2 min, do: balance")
    assert ["crowd/1", "crowd/2", "crowd/3"] == [each.person.alias for each in crowd]
    assert 3 == len({each.person.account_id for each in crowd})
    assert 3 == len({each.person.card.pan for each in crowd})


def test_the_first_customers_are_the_warm_up():
    crowd = arrivals("customers: 4, interarrival: 2 min, do: balance", "run: {warm_up: 2 customers}\n")
    assert [True, True, False, False] == [each.warm_up for each in crowd]


def test_one_service_time_for_the_whole_visit_is_drawn_for_each_customer():
    crowd = arrivals("customers: 20, interarrival: 2 min, do: balance, visit: {uniform: [1 min, 2 min]}")
    held = [each.hold_us or 0 for each in crowd]
    assert MINUTE <= min(held) < max(held) <= 2 * MINUTE


def test_services_and_amounts_come_in_the_shares_of_the_stream():
    crowd = arrivals(
        "customers: 400, interarrival: 2 min, do: {withdraw: 0.75, balance: 0.25}, "
        "amount: {choose: {¥10_000: 3, ¥30_000: 1}}"
    )
    drawing = [each.wish.amount_jpy for each in crowd if each.wish and each.service == "withdraw"]
    assert 0.75 == pytest.approx(len(drawing) / len(crowd), abs=0.1)
    assert {10_000, 30_000} == set(drawing)
    assert 0.75 == pytest.approx(drawing.count(10_000) / len(drawing), abs=0.1)


def test_a_deposit_of_a_stream_is_brought_in_as_few_notes_as_possible():
    (one,) = arrivals("customers: 1, interarrival: 2 min, do: deposit, amount: ¥27_000")
    assert one.wish is not None
    assert ((10_000, 2), (5_000, 1), (1_000, 2)) == one.wish.notes


def test_another_stream_does_not_change_when_the_first_ones_customers_come():
    stream = "{at: shop, from: 09:00, customers: 5, interarrival: {exponential: 2 min}, do: balance}\n"
    alone = lab(f"streams:\n  crowd: {stream}").streams[0]
    beside = lab(f"streams:\n  crowd: {stream}  other: {stream}").streams[0]
    assert [each.at_us for each in alone] == [each.at_us for each in beside]
