"""One load run from the scenario to its figures: people, fleet, wire; the target is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from atm_sim.load.cards import CardTurns
from atm_sim.load.drive import Driver, Progress, Target
from atm_sim.load.figures import Figures, figures
from atm_sim.load.fleet import Fleet
from atm_sim.load.people import Carrier, acceptors
from atm_sim.load.record import Record, Transaction
from atm_sim.load.settle import Done, done_of
from atm_sim.scenario import Scenario
from atm_sim.scenario.loading import Load
from atm_sim.wire.connections import run
from atm_sim.wire.traces import numbers_before
from bank_host.clock import steady_clock
from bank_host.jst import SECOND_US, jst_date
from bank_host.policy import Policy


class Played(NamedTuple):
    """What there is after the run."""

    started_us: int  # wall clock
    record: Record
    figures: Figures
    links_ended: Sequence[tuple[str, str]]
    interrupted_us: int | None = None  # after so long, of a run that somebody ended


def play(
    scenario: Scenario,
    load: Load,
    seed: int,
    people: Sequence[Carrier],
    target: Target,
    policy: Policy,
    tell: Callable[[Progress], None] = lambda progress: None,
    over: Callable[[Done], None] = lambda done: None,
    turns: CardTurns | None = None,
) -> Played:
    """NotReached if the target cannot be used. `over` gets each transaction that could move cash, at its end.

    With `turns` people come as it says, and nobody is in two open transactions.
    """
    clock = steady_clock()

    def ended(transaction: Transaction) -> None:
        if turns is not None and transaction.state != "dropped":
            turns.give_back(transaction.deed.customer)
        if (done := done_of(transaction, terminals)) is not None:
            over(done)

    record = Record(load.for_us, ended)
    terminals = acceptors(scenario, load, policy.on(jst_date(clock())))
    fleet = Fleet(load, terminals, people, record, last_stan=numbers_before(clock()))

    async def main() -> Driver:
        driver = Driver(load, seed, fleet, target, len(people), clock, tell, turns)
        await driver.run()
        return driver

    driver = run(main())
    record.close()
    links = [each for each in driver.wires.ended if each[0] != "stopped"]
    for_us = load.for_us if driver.interrupted_us is None else driver.interrupted_us
    found = figures(record, round(for_us / SECOND_US, 3))
    return Played(driver.start_us, record, found, links, driver.interrupted_us)
