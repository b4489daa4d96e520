"""Plays one replication of a fleet scenario, or one partition of it: a picklable job in, small picklable figures out.

`play_partition(job)` and `play_replication(job)` are plain functions of a module, so that any pool can call them; both
write their Parquet files below `job.out` while they run, and give back figures alone. Who computes never shows: the
partitions come from the scenario, their random streams from seed, replication and partition, and `events_sha256` is the
same on any number of workers.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from atm_sim.fleet.arrivals import Arrival, Plan
from atm_sim.fleet.audit import ColumnAudit
from atm_sim.fleet.books import POSTING, POSTING_KINDS, Books
from atm_sim.fleet.cash import CassetteClass, Stock
from atm_sim.fleet.columns import Writer
from atm_sim.fleet.counting import Counting
from atm_sim.fleet.drive import Outside, drive
from atm_sim.fleet.ground import Site, partition_of, sites_of
from atm_sim.fleet.kernel import VISIT, Kernel, Travel
from atm_sim.fleet.measures import measures
from atm_sim.fleet.outside import outside_of
from atm_sim.fleet.population import Population, population
from atm_sim.fleet.rows import spelled_out
from atm_sim.fleet.visits import Visits, takes_part
from atm_sim.records.tally import Tally
from atm_sim.sansio.saf import SafSettings
from atm_sim.scenario import Scenario
from atm_sim.scenario.participants import Place
from atm_sim.terminal.config import TerminalConfig
from atm_sim.world.lab import terminal_config
from atm_sim.world.links import LATENCIES
from bank_host.jst import DAY_US, HOUR_US, midnight_us
from bank_host.policy import Policy, load_policy

WAY = ("atm-acquirer", "acquirer-switch", "switch-issuer")
"""The lines between an ATM and the bank."""


ROW_GROUP = 50_000
"""So many event rows, and a few more, are written together."""


ANY_TERMINAL = "T0000000"
"""A fleet's machines are known by their place; only in full detail has each a terminal id."""


class Job(NamedTuple):
    """What is to be played; `partition` 0 is all of them, one after the other."""

    scenario: Scenario
    seed: int
    replication: int
    out: Path  # run folder: events/ and ledger/ are written in it
    run: str = ""  # the run's name in the event rows
    folder: Path = Path()  # where the scenario file lies, for its CSV of sites
    partition: int = 0
    outside: tuple[Outside, ...] = ()  # who acts from outside; picklable for a pool of processes


class Played(NamedTuple):
    """What came of it. Hashes are of the files' bytes; of several partitions, of their hashes in order."""

    measures: dict[str, float]  # by the names that scenarios expect by, for the whole fleet
    events_sha256: str
    ledger_sha256: str
    tally: Tally
    checked: Counter[str]  # how often each invariant had something to check
    broken: dict[str, str]  # invariants that do not hold, with what is wrong


def play_replication(
    job: Job, each: Callable[[Callable[[Job], Played], list[Job]], Iterable[Played]] = map
) -> Played:
    """All partitions of one replication. `each` is `map`, or the map of a pool of processes."""
    fleet = job.scenario.fleet
    assert fleet is not None, "a fleet scenario has a fleet"
    jobs = [job._replace(partition=number) for number in range(1, fleet.partitions + 1)]
    return together(job.scenario, list(each(play_partition, jobs)))


def together(scenario: Scenario, parts: list[Played]) -> Played:
    """Partitions, in order, as one."""
    tally, checked = Tally(), Counter[str]()
    broken: dict[str, str] = {}
    for part in parts:
        tally.add(part.tally)
        checked += part.checked
        broken = {**part.broken, **broken}
    events, ledger = (
        hashlib.sha256("".join(getattr(part, name) for part in parts).encode()).hexdigest()
        for name in ("events_sha256", "ledger_sha256")
    )
    return Played(measures(tally), events, ledger, tally, checked, broken)


def play_partition(job: Job) -> Played:
    """One partition of one replication, in this process."""
    scenario, fleet = job.scenario, job.scenario.fleet
    assert fleet is not None, "a fleet scenario has a fleet"
    policy = policy_of(scenario)
    number = max(job.partition, 1)
    sites = partition_of(sites_of(fleet, job.folder, job.seed), number, fleet.partitions)
    figures = policy.on(scenario.day)
    people = population(
        fleet.accounts, fleet.days, figures.atm_standing_initial, job.seed, number, fleet.partitions
    )
    kernel = kernel_of(scenario, sites, people, policy)
    books = kernel.books
    start_us = midnight_us(scenario.day)
    plan = Plan(scenario, sites, len(people), job.seed, job.replication, number)
    counting = Counting(sites, kernel.removed, start_us, fleet.days * DAY_US // HOUR_US)
    audit = ColumnAudit(people, len(kernel.configs), start_us)
    outside: tuple[Outside, ...] = (*outside_of(scenario, job.seed, job.replication), *job.outside)
    visits: Visits | None = None
    opened_jpy = [kernel.stock.total_jpy(machine) for machine in range(len(kernel.configs))]
    name = f"r{job.replication:03}" if fleet.partitions == 1 else f"r{job.replication:03}-{number:03}"
    writer = Writer(job.out, name, job.run, job.replication, sites, start_us, people.first)

    def write() -> None:
        posted = spelled_out(books.journal.take(), "posting", books.postings, POSTING)
        rows = spelled_out(kernel.rows.take(), "visit", kernel.visits, VISIT)
        audit.ledger(posted, POSTING_KINDS)
        words = list(kernel.words)
        audit.rows(rows, words, "withdrawal" in figures.atm_counts)
        counting.rows(rows, words)
        counting.ledger(posted)
        writer.ledger(posted)
        writer.events(rows, words)
        if visits is not None:
            writer.records(visits.take_rows())

    def windows() -> Iterator[tuple[int, Iterable[Arrival]]]:
        for end_us, by_hour, arrivals in plan.windows():
            counting.arrivals(end_us, by_hour)
            yield end_us, chain.from_iterable(map(tidied, arrivals))

    def tidied(arrivals: Iterator[Arrival]) -> Iterator[Arrival]:
        kernel.pack()
        if len(kernel.rows) >= ROW_GROUP:
            write()
        return arrivals

    if takes_part(scenario):
        visits = Visits(scenario, policy, kernel, job.seed, job.replication)
        outside = (visits, *outside)
    if sites:
        drive(kernel, start_us, windows(), outside)
    write()
    counting.loads(
        sum(jpy for machine, jpy in enumerate(opened_jpy) if not kernel.gone(machine)), kernel.loads
    )
    lying = (
        kernel.stock.total_jpy(machine) - kernel.added_jpy[machine] for machine in range(len(kernel.configs))
    )
    audit.finish(books.posted, opened_jpy, lying, books.suspense)
    events, ledger = writer.close()
    tally = counting.tally
    return Played(measures(tally), events, ledger, tally, audit.checked, audit.broken)


def kernel_of(scenario: Scenario, sites: tuple[Site, ...], people: Population, policy: Policy) -> Kernel:
    """Machines, cassettes and books of one partition, as its operators and the bank's figures make them."""
    fleet = scenario.fleet
    assert fleet is not None
    figures = policy.on(scenario.day)
    saf = SafSettings(**scenario.network.saf.model_dump())
    configs: list[TerminalConfig] = []
    classes: list[CassetteClass] = []

    @cache
    def alike(
        operator: str, machine_class: str, hours_us: tuple[int, int] | None
    ) -> tuple[TerminalConfig, CassetteClass]:
        """What machines have in common that only a terminal id would tell apart."""
        built, partner = fleet.class_of(operator, machine_class), figures.partners[operator]
        place = Place.model_construct(operator=operator, hours_us=hours_us)
        config = terminal_config(ANY_TERMINAL, place, partner, figures, scenario.timers.atm_us, saf)
        return config, CassetteClass.of(built.cassettes, partner.denominations, built.near_end)

    for site in sites:
        config, cassettes = alike(site.operator, site.machine_class, site.hours_us)
        configs += [config] * site.machines
        classes += [cassettes] * site.machines
    books = Books(people, [config.operator for config in configs], policy, scenario.day)
    latencies = {**LATENCIES, **{str(name): spread for name, spread in scenario.links.items()}}
    way_us = sum(round(latencies[line].first) for line in WAY)
    removed = frozenset(place for place, site in enumerate(sites) if site.name in fleet.removed)
    return Kernel(sites, configs, books, Stock(classes), fleet.customers, Travel(way_us, way_us), removed)


def policy_of(scenario: Scenario) -> Policy:
    """The bank's policy with what the scenario overrides."""
    policy = load_policy()
    overrides = {key: override.value for key, override in scenario.policy.items()}
    return policy.with_overrides(overrides) if overrides else policy
