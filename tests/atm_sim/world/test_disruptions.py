"""What a scenario breaks beside its lines: crashes, restarts, power, clocks, databases; and where the money is then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atm_sim.records.log import EventLog
from atm_sim.sansio.effects import Connected, Disconnected, Event, PowerRestored, Received
from atm_sim.world.lab import Lab, Parts
from atm_sim.world.simulate import simulate
from tests.atm_sim.world.small_world import MINUTE, SECOND, lab, of, run, scenario

HABITS = "habits: {insert: 3 s, pin: 8 s, choose: 10 s}\nlinks: {switch-issuer: 2 s}\n"
"""A request leaves the ATM 21 s after the step, reaches the bank at 23 s, the answer comes back at 25 s."""

WITHDRAW = "steps:\n  - {at: 12:00, who: hanako, do: withdraw, amount: ¥30_000, atm: shop}\n"


def world(*faults: str, steps: str = WITHDRAW) -> str:
    return HABITS + "faults:\n" + "".join(f"  - {{{fault}}}\n" for fault in faults) + steps


def strikes(log: EventLog, *kinds: str) -> list[tuple[int, str, str]]:
    """When (seconds after noon), by which kind of fault, and where."""
    rows = of(log, *(kinds or ("fault",)))
    return [((row.time_us - 12 * 60 * MINUTE) // SECOND, row.reason, row.code) for row in rows]


def balance_jpy(played: Lab) -> int:
    hanako = played.people["hanako"]
    standing = played.banks["jnb"].standing(hanako.card_id, played.scenario.day)
    assert standing is not None
    return standing.balance_jpy


class Overheard:
    """A machine that tells what happens to it."""

    def __init__(self, machine: object, heard: list[tuple[str, Event]], name: str) -> None:
        self._machine, self._heard, self._name = machine, heard, name

    def __getattr__(self, name: str) -> object:
        return getattr(self._machine, name)

    def handle(self, event: Event, now_us: int) -> list[object]:
        self._heard.append((self._name, event))
        return self._machine.handle(event, now_us)


def heard_in(text: str) -> list[tuple[str, Event]]:
    heard: list[tuple[str, Event]] = []
    parts = Parts(node=lambda name, machine: Overheard(machine, heard, name))
    simulate(Lab(scenario(text), seed=1, replication=1, run="overheard", parts=parts))
    return heard


# ---------------------------------------------------------------- a host that crashes


@pytest.mark.parametrize(
    ("when", "posted", "charged"), [("before_commit", 0, 0), ("after_charge", 0, 1), ("after_commit", 1, 1)]
)
def test_a_crash_leaves_behind_what_was_committed_and_nothing_else(when: str, posted: int, charged: int):
    played = lab(world(f"at: 11:59, bank: jnb, is: crashed, for: 1 min, when: {when}"))
    whole = played.banks["jnb"]
    log = simulate(played)
    seen = [row.kind for row in whole.store.journal() if row.kind != "opening"]
    assert ["withdrawal", "reversal"][: 2 * posted] == seen
    assert 250_000 == balance_jpy(played)
    assert [(23, "crashed", "jnb")] == strikes(log)
    fails = next(card.pin_fails for card in whole.store.cards() if card.alias == "hanako")
    assert (charged if when == "after_charge" else 0) == fails


def test_a_crash_without_a_moment_happens_at_its_time_and_ends_after_its_duration():
    log = run(world("at: 12:00, bank: jnb, is: crashed, for: 40 s"))
    assert [(0, "crashed", "jnb")] == strikes(log)
    assert [(40, "crashed", "jnb")] == strikes(log, "restored")
    assert ["unreachable"] == [row.kind for row in log.events if row.mti == "0200" and row.code == "91"][:1]


def test_what_was_under_way_to_a_host_when_it_crashed_is_lost_though_it_is_back_in_time():
    """The request left the switch at 12:00:21 and would have arrived at 12:00:23."""
    log = run(world('at: "12:00:22", bank: jnb, is: crashed, for: 500 ms'))
    assert ["0200"] == [row.mti for row in of(log, "lost")]


def test_neighbours_are_told_that_the_line_closes_and_opens_again():
    heard = heard_in(world("at: 12:00, bank: jnb, is: crashed, for: 40 s"))
    told = [(name, event) for name, event in heard if isinstance(event, Connected | Disconnected)]
    assert ("switch", Disconnected("issuer:jnb")) in told
    assert told.index(("switch", Disconnected("issuer:jnb"))) < max(
        place for place, each in enumerate(told) if each == ("switch", Connected("issuer:jnb"))
    )
    assert ("issuer:jnb", Connected("switch")) in told


def test_an_act_at_home_is_refused_while_the_host_is_down():
    steps = "steps:\n  - {at: 12:00, who: hanako, do: lock_card, via: pc}\n"
    log = run(world("at: 11:59, bank: jnb, is: crashed, for: 2 min", steps=steps))
    assert [("refused", "malfunction")] == [(row.code, row.reason) for row in of(log, "act")]


def test_two_crashes_that_overlap_last_until_the_later_end():
    log = run(
        world(
            "at: 12:00, bank: jnb, is: crashed, for: 5 min", "at: 12:01, bank: jnb, is: crashed, for: 1 min"
        )
    )
    assert [(300, "crashed", "jnb")] == strikes(log, "restored")


# ---------------------------------------------------------------- nodes that start again


@pytest.mark.parametrize("node", ["switch", "seven_bank"])
def test_a_node_that_restarts_while_it_waits_forgets_the_request_and_somebody_in_front_reverses_it(node: str):
    """The bank acted at 12:00:23; its answer reaches nobody who waits for it."""
    played = lab(world(f'at: "12:00:24", node: {node}, is: restarted, for: 500 ms'))
    log = simulate(played)
    assert 250_000 == balance_jpy(played)
    assert [] == of(log, "dispensed")
    assert [30_000] == [row.amount_jpy for row in of(log, "posted") if row.reason == "reversal"]
    assert [(24, "restarted", node)] == strikes(log)


def test_a_reversal_on_the_disk_outlasts_a_restart():
    """The bank's line is down; the switch alone knows that the withdrawal must be given back."""
    played = lab(
        world(
            'from: "12:00:22", to: 12:30, link: switch-issuer, is: down',
            "at: 12:15, node: switch, is: restarted, for: 10 s",
        )
    )
    simulate(played)
    assert [0] == sorted({len(queue.waiting) for queue in played.queues()})
    assert 250_000 == balance_jpy(played)


def test_a_node_hears_nothing_while_it_is_down():
    heard = heard_in(world("at: 12:00, node: switch, is: restarted, for: 5 min"))
    before = heard[: next(n for n, (name, e) in enumerate(heard) if (name, e) == ("switch", PowerRestored()))]
    switch_heard = [
        event.message for name, event in before if name == "switch" and isinstance(event, Received)
    ]
    assert {"0800", "0810"} == {message.mti for message in switch_heard}, (
        "the sign-on in the morning, no business"
    )


# ---------------------------------------------------------------- power


def test_who_comes_to_an_atm_without_power_finds_no_service_and_the_next_one_is_served():
    steps = WITHDRAW + "  - {at: 12:05, who: taro, do: withdraw, amount: ¥10_000, atm: shop}\n"
    log = run(world("at: 11:59, atm: shop, is: power_loss, for: 3 min", steps=steps))
    assert ["power_loss"] == [row.reason for row in of(log, "no_service", step="1")]
    assert ["completed"] == [row.kind for row in of(log, "completed", step="2")][:1]
    assert [] == of(log, "inserted", step="1")


def test_an_atm_that_loses_power_while_it_waits_reverses_when_it_is_back():
    played = lab(world('at: "12:00:22", atm: shop, is: power_loss, for: 2 min'))
    log = simulate(played)
    assert 250_000 == balance_jpy(played)
    assert [("lost", "0210", "down")] == [(row.kind, row.mti, row.reason) for row in of(log, "lost")]
    assert 1 == len(of(log, "reversed"))


def test_a_place_without_power_has_no_atm_with_power():
    log = run(world("at: 12:00, atm: bank, is: power_loss, for: 2 min"))
    assert ["bank/1", "bank/2"] == [row.atm for row in of(log, "fault")]


# ---------------------------------------------------------------- clocks


def test_the_limit_day_is_that_of_the_hosts_clock():
    played = lab(world("from: 11:00, to: 13:00, clock: jnb, is: skewed, by: 13 h"))
    simulate(played)
    assert ["2014-01-16"] == [
        str(row.day) for row in played.banks["jnb"].store.journal() if row.kind == "withdrawal"
    ]


@pytest.mark.parametrize(("by", "expected"), [("-90 s", "115851"), ("90 s", "120151")])
def test_an_atm_with_a_wrong_clock_sends_its_own_time(by: str, expected: str):
    heard = heard_in(world(f"from: 11:00, to: 13:00, clock: shop, is: skewed, by: {by}"))
    (request,) = [
        event.message
        for name, event in heard
        if name == "issuer:jnb" and isinstance(event, Received) and event.message.mti == "0200"
    ]
    assert expected == request[12]


def test_a_wrong_clock_shifts_no_timer():
    """The answer is lost; the switch gives up after its 25 s, however wrong its clock."""
    lost = 'from: "12:00:22", to: 12:10, link: switch-issuer, is: down'
    right = run(world(lost))
    wrong = run(world(lost, "from: 11:00, to: 13:00, clock: switch, is: skewed, by: 20 min"))
    assert [row.time_us for row in of(right, "timed_out")] == [row.time_us for row in of(wrong, "timed_out")]


def test_a_clock_is_right_again_at_the_end():
    log = run(world("from: 11:00, to: 12:00, clock: jnb, is: skewed, by: 13 h"))
    assert ([(-3600, "skewed", "jnb")], [(0, "skewed", "jnb")]) == (strikes(log), strikes(log, "restored"))


# ---------------------------------------------------------------- databases


@pytest.mark.parametrize("call", [1, 2])
def test_the_nth_unit_of_work_fails_and_the_bank_says_96(call: int):
    played = lab(world(f"at: 11:59, bank: jnb, is: database_error, call: {call}"))
    log = simulate(played)
    assert ["96"] == [row.code for row in of(log, "answered")]
    assert [(23, "database_error", "jnb")] == strikes(log)
    assert 250_000 == balance_jpy(played)


def test_a_look_at_the_books_is_no_unit_of_work():
    played = lab(world("at: 11:59, bank: jnb, is: database_error"))
    for _ in range(3):
        assert 250_000 == balance_jpy(played)
    assert 1 == len(strikes(simulate(played)))


# ---------------------------------------------------------------- all of them

LINE = "from: 11:59, to: 12:10, link: {link}, is: "
LINE_FAULTS = [
    "down",
    "slow, delay: 30 s",
    "lossy, chance: 0.5",
    "duplicating, chance: 0.5, delay: 1 s",
    "reordering, chance: 0.5, delay: 40 s",
    "late, chance: 0.5, delay: 40 s",
    "garbling, chance: 0.5, element: 39",
    "garbling, chance: 0.5, element: 11",
]
OTHERS = [
    "bank: jnb, is: crashed, for: 30 s",
    "bank: jnb, is: crashed, for: 30 s, when: before_commit",
    "bank: jnb, is: crashed, for: 30 s, when: after_charge",
    "bank: jnb, is: crashed, for: 30 s, when: after_commit",
    "node: switch, is: restarted, for: 10 s",
    "node: seven_bank, is: restarted, for: 10 s",
    "atm: shop, is: power_loss, for: 2 min",
    "bank: jnb, is: database_error, call: 2",
]
BEFORE_IT_PAYS = st.integers(0, 25)

any_fault = st.one_of(
    st.builds(
        lambda link, kind: LINE.format(link=link) + kind,
        st.sampled_from(["atm-acquirer", "acquirer-switch", "switch-issuer"]),
        st.sampled_from(LINE_FAULTS),
    ),
    st.builds(lambda at, what: f'at: "12:00:{at:02d}", {what}', BEFORE_IT_PAYS, st.sampled_from(OTHERS)),
)


def settled(played: Lab) -> Iterator[str]:
    """What is wrong with the money after a withdrawal under faults."""
    log = simulate(played)
    paid_jpy = sum(row.amount_jpy for row in of(log, "dispensed"))
    if not of(log, "suspect") and 250_000 - balance_jpy(played) != paid_jpy:
        yield f"charged {250_000 - balance_jpy(played)}, paid {paid_jpy}"
    if any(queue.waiting for queue in played.queues()):
        yield "something still waits to be sent"


@settings(max_examples=60, deadline=None)
@given(faults=st.lists(any_fault, min_size=1, max_size=3), seed=st.integers(0, 1_000))
def test_whatever_breaks_the_customer_pays_for_the_cash_that_came(faults: list[str], seed: int):
    assert [] == list(settled(lab(world(*faults), seed=seed)))


@settings(max_examples=15, deadline=None)
@given(faults=st.lists(any_fault, min_size=1, max_size=3), seed=st.integers(0, 1_000))
def test_the_same_seed_breaks_the_same_things(faults: list[str], seed: int):
    one, other = (simulate(lab(world(*faults), seed=seed)) for _ in range(2))
    assert (one.events, one.messages) == (other.events, other.messages)
