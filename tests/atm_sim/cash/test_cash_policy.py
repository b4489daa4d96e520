"""A policy sees the past only; a planted cheater, who looks for tomorrow, finds nothing."""

from datetime import date

import numpy as np
import pytest

from atm_sim.cash.cassettes import one_by_one, serve
from atm_sim.cash.policy import NO_ORDER, Orders, Past, Policy, fixed, forecast, none, reorder
from atm_sim.cash.run import Costs, Figures, Rounds, run
from atm_sim.cash.world import PARTS, World, draw_world
from atm_sim.demand import generator, load_demand
from atm_sim.terminal.cassettes import CashUnit, Cassette
from atm_sim.world.plans import notes_of

DEMAND = load_demand("convenience")
UNITS = (Cassette(10_000, 2_600, 4_000), Cassette(1_000, 2_000, 4_000))
COSTS = Costs(0.01, 3_000, 40_000, 0.2, 165, 8_000)
FILL = (2_600, 2_000)
USUAL = Rounds()


def world(machines: int = 6, days: int = 40, seed: int = 1) -> World:
    return draw_world(DEMAND, date(2014, 1, 6), days, machines, (10_000, 1_000), seed=seed, replication=1)


def played(policy: Policy, of: World, start: tuple[int, int] = FILL, rounds: Rounds = USUAL) -> Figures:
    machines = of.wanted.shape[1]
    return run(
        of, policy, np.tile(start, (machines, 1)), np.zeros(machines, dtype=np.int64), UNITS, rounds, COSTS
    )


def orders_of(policy: Policy, of: World) -> list[list[list[int]]]:
    """What it ordered each morning."""
    found: list[list[list[int]]] = []

    def listening(past: Past) -> Orders:
        orders = policy(past)
        found.append(orders.tolist())
        return orders

    played(listening, of)
    return found


POLICIES = {
    "fixed": fixed(14, FILL),
    "reorder": reorder(10_000_000, FILL, (10_000, 1_000)),
    "forecast": forecast(14, 0.01, DEMAND),
}


def with_other_future(of: World, day: int) -> World:
    """The same until that morning; from then on nobody comes."""
    wanted = of.wanted.copy()
    wanted[day * PARTS :] = 0
    return of._replace(wanted=wanted)


@pytest.mark.parametrize("name", POLICIES)
def test_what_a_policy_orders_depends_on_no_later_day(name: str) -> None:
    first, second = world(), with_other_future(world(), 25)
    assert orders_of(POLICIES[name], first)[:26] == orders_of(POLICIES[name], second)[:26]


def test_a_planted_cheater_that_holds_the_future_is_noticed_by_the_same_comparison() -> None:
    """A policy that was told the world itself orders by tomorrow: this is what the comparison above would show."""

    def cheater(of: World) -> Policy:
        def decide(past: Past) -> Orders:
            orders, tomorrow = none(past), (len(past.days) - len(of.history) + 1) * PARTS
            if tomorrow < len(of.wanted):
                orders[of.wanted[tomorrow].sum(axis=1) > 20] = FILL
            return orders

        return decide

    first, second = world(), with_other_future(world(), 25)
    assert orders_of(cheater(first), first)[:26] != orders_of(cheater(second), second)[:26]


def test_nothing_in_the_past_leads_to_the_future() -> None:
    """A cheater that follows an array to the whole it is part of, or changes the machine's cash, gains nothing."""
    of = world()

    def cheater(past: Past) -> Orders:
        assert past.today not in past.days
        assert len(past.days) == len(past.net_out)
        for array in (past.net_out, past.notes, past.since_visit, past.ordered):
            assert array.base is None
            array[:] = 0
        return none(past)

    assert played(lambda past: none(past), of) == played(cheater, of)


def test_guards_come_after_the_notice_on_a_day_of_their_round_and_leave_the_target() -> None:
    """Ordered on Monday 6 January with one day's notice; the guards drive on Fridays only."""
    seen: list[tuple[date, list[int]]] = []

    def once(past: Past) -> Orders:
        seen.append((past.today, past.since_visit.tolist()))
        orders = none(past)
        if past.today == date(2014, 1, 6):
            orders[:] = FILL
        return orders

    figures = played(once, world(days=10), rounds=Rounds(weekdays=(4,)))
    assert [0] * 6 == dict(seen)[date(2014, 1, 11)]
    assert [4] * 6 == dict(seen)[date(2014, 1, 10)]
    assert 6 / (10 * 6) * 7 == pytest.approx(figures.visits_week)
    assert 1 == figures.tours


def test_guards_reach_no_more_machines_a_day_than_their_tours_hold() -> None:
    rounds = Rounds(machines_per_tour=2, tours_per_day=1)
    figures = played(fixed(1, FILL), world(days=5), rounds=rounds)  # Monday to Friday, from Tuesday on
    assert 4 == figures.tours
    assert 4 * 2 == pytest.approx(figures.visits_week * 6 * 5 / 7)


def test_without_guards_machines_run_dry_and_service_is_lost() -> None:
    figures = played(lambda past: none(past), world(days=60))
    assert figures.cash_out_share > 0.1
    assert 0.1 < figures.lost_withdrawals_share < 1
    assert 0 == figures.visits_week
    well = played(fixed(14, FILL), world(days=60))
    assert well.lost_withdrawals_share < 0.001


def test_cost_is_the_sum_of_what_was_moved_held_and_lost() -> None:
    of = world(days=30)
    figures = played(fixed(7, FILL), of)
    days = 30 * 6
    expected = (
        figures.mean_cash_jpy * 0.01 / 365 + figures.visits_week / 7 * 3_000
        + (figures.tours * 40_000 + figures.notes_moved * 0.2) / days
    )  # fmt: skip
    assert 0 == figures.lost_withdrawals_share
    assert expected == pytest.approx(figures.cost_machine_day_jpy)


def test_a_part_of_a_day_as_one_sum_is_the_same_as_its_customers_one_by_one() -> None:
    """While nothing runs out, whatever the order."""
    of = world(days=20, machines=4)
    at_once = np.tile((2_000, 1_500), (4, 1))
    singly = at_once.copy()
    for part in range(of.wanted.shape[0]):
        serve(of, part, at_once, UNITS)
        for machine in range(4):
            one_by_one(of, part, machine, singly, UNITS)
        assert singly.tolist() == at_once.tolist()
        if (at_once < 150).any():
            break
    assert part > 5
    assert NO_ORDER < at_once.min()


def by_the_terminal(
    of: World, part: int, machine: int, units: tuple[Cassette, ...]
) -> tuple[list[int], int, int]:
    """Differential: the terminal's own cash unit serves the same customers in the same order."""
    unit, lost = CashUnit(units), []
    rng = generator(of.seed, of.replication, f"cash/order/{machine}/{part}")
    for number in rng.permutation(np.repeat(np.arange(len(of.kinds)), of.wanted[part, machine])).tolist():
        kind = of.kinds[number]
        if kind.service == "withdraw":
            if (mix := unit.mix(kind.amount_jpy)) is None:
                lost.append(kind.amount_jpy)
            else:
                unit.count_out(mix)
                unit.hand_out()
        elif kind.service == "deposit":
            unit.take_in(notes_of(kind.amount_jpy))
            unit.keep_deposit()
    left = dict(unit.stock)
    return [left[each.denomination_jpy] for each in units], len(lost), sum(lost)


@pytest.mark.parametrize(
    "units",
    [
        (Cassette(10_000, 40, 4_000), Cassette(1_000, 30, 4_000)),  # runs dry
        (Cassette(10_000, 990, 1_000), Cassette(1_000, 195, 200)),  # has no room
        (Cassette(10_000, 60, 70, recycles=False), Cassette(1_000, 20)),
        (Cassette(10_000, 60, pays_out=False), Cassette(1_000, 400)),
    ],
)
def test_customers_one_by_one_are_served_as_the_terminals_cash_unit_serves_them(units):
    of = world(days=8, machines=3)
    lost = 0
    for part in range(of.wanted.shape[0]):
        for machine in range(3):
            notes = np.array([[unit.count for unit in units]] * 3)
            _, refused, refused_jpy = one_by_one(of, part, machine, notes, units)
            assert by_the_terminal(of, part, machine, units) == (
                notes[machine].tolist(),
                refused,
                refused_jpy,
            )
            lost += refused
    assert (lost > 0) == (units[0].count < 100)
