"""What of a case a target can be asked and can show, found out with our own bank before anything is sent.

A case is played three times in simulated time: as it stands; on the real clock, by our own bank; and without what the
target has no door for. A step that meets its expectation as it stands, and no longer then, would be judged for
something that the target is not to blame for. It is not run, and the reason is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from atm_sim.checks.steps import step_results
from atm_sim.records.check import Check
from atm_sim.records.log import EventLog
from atm_sim.runner.grade import step_checks
from atm_sim.scenario import Case, Scenario, Step
from atm_sim.scenario.claim_steps import Claim, Complaint
from atm_sim.scenario.faults import Crashed, DatabaseError, Skewed
from atm_sim.scenario.machine_steps import CountCash, SendMessage
from atm_sim.scenario.step_parts import PersonStep
from atm_sim.scenario.vocabulary import DEFAULT_BANK
from atm_sim.target.bank import Rehearsed
from atm_sim.target.border import Border
from atm_sim.target.today import as_of
from atm_sim.world.lab import Lab, Parts
from atm_sim.world.plans import Planned
from atm_sim.world.simulate import simulate
from bank_host.host import Bank
from bank_host.jst import jst_date

SEEN_ON_THE_WIRE: Final = frozenset({"outcome", "code", "dispensed", "card", "messages"})
NO_DESK: Final = "an act at the bank's desk, and this target has no door for it (bank_database opens ours)"
BY_PEOPLE: Final = "decided by people of the bank; no host has a part in it"
NOTHING_SEEN: Final = "what it expects stands in the target's books only"
BY_THE_CLOCK: Final = "it depends on the scenario's day or hour, or on time that passes between steps"


class Plan(NamedTuple):
    """A case as it can be run now."""

    case: Case  # as of today
    not_run: Mapping[int, str]  # steps by number, with the reason
    whole: str = ""  # why nothing of it can be run

    def performs(self, label: str) -> bool:
        return int(label.partition("#")[0]) not in self.not_run


def plan(case: Case, *, books: bool, clock: Callable[[], int]) -> Plan:
    """Which steps can be run; `books`: the target's are open to us."""
    today = case._replace(scenario=with_own_cards(as_of(case.scenario, jst_date(clock()))))
    steps = dict(enumerate(today.scenario.steps, 1))
    if why := _why_not_at_all(today.scenario, books=books):
        return Plan(today, dict.fromkeys(steps, why), why)
    met = _met(
        case, simulate(Lab(case.scenario, seed=case.scenario.seed, replication=1, run="as-it-stands")), books
    )
    not_run: dict[int, str] = {}
    for number in _astray(met, _met(today, _rehearsed(Plan(today, {}), clock), books)):
        not_run[number] = BY_THE_CLOCK
    for number, step in steps.items():
        if why := _why_not(step, today.scenario, books=books):
            not_run[number] = why
    while astray := [
        n
        for n in _astray(met, _met(today, _rehearsed(Plan(today, not_run), clock), books))
        if n not in not_run
    ]:
        not_run[astray[0]] = f"it depends on step {_last_before(astray[0], not_run)}, which is not run"
    return Plan(today, not_run)


def seen(check: Check, log: EventLog, *, books: bool) -> bool:
    """Whether the target shows what a check is about. Why a bank declined is told by its books alone."""
    if books or check.name in SEEN_ON_THE_WIRE or check.name.startswith(("DE", "mti", "within")):
        return True
    if check.name != "reason":
        return False
    result = step_results([row for row in log.events if row.step == check.step]).get(check.step)
    return result is not None and not result.code


# ---------------------------------------------------------------- what can be told from the file


def _why_not_at_all(scenario: Scenario, *, books: bool) -> str:
    if scenario.streams:
        return "streams: are for simulated time; atm-sim load puts load on a host"
    if scenario.from_reader:
        return "it needs a card in a reader"
    if books and scenario.policy:
        return "it overrides the bank's policy:, and the target has its own"
    if any(isinstance(fault, Crashed | DatabaseError | Skewed) for fault in scenario.faults):
        return "its faults happen inside the bank's host, or to a clock"
    bank = scenario.banks.get(DEFAULT_BANK)
    if bank is not None and (bank.stand_in is not None or bank.policy):
        return "it says how the bank itself is, and the target is as it is"
    return ""


def _why_not(step: Step, scenario: Scenario, *, books: bool) -> str:
    if isinstance(step, SendMessage):
        return "nobody else speaks in the target's name" if step.sender == DEFAULT_BANK else ""
    if isinstance(step, CountCash):
        return ""
    assert isinstance(step, PersonStep), "a step is a machine's or a person's"
    if scenario.cast[step.who.partition("/")[0]].bank != DEFAULT_BANK:
        return "it is about a customer of another bank"
    if isinstance(step, Claim | Complaint):
        return BY_PEOPLE
    return "" if books or "atm" in type(step).model_fields else NO_DESK


def with_own_cards(scenario: Scenario) -> Scenario:
    """Card numbers that a file names may be taken at the target: its people get what is free."""
    cast = {
        alias: person.model_copy(update={"card": person.card.model_copy(update={"pan": None})})
        for alias, person in scenario.cast.items()
    }
    return scenario.model_copy(update={"cast": cast})


# ---------------------------------------------------------------- what can be told by our own bank only


def _met(case: Case, log: EventLog, books: bool) -> dict[tuple[str, str], bool]:
    checks = step_checks(case, {1: log})
    return {(check.step, check.name): check.passed for check in checks if seen(check, log, books=books)}


def _astray(met: Mapping[tuple[str, str], bool], now: Mapping[tuple[str, str], bool]) -> list[int]:
    """The steps that were met and are not now, in their order."""
    return sorted(
        {int(key[0].partition("#")[0]) for key, passed in now.items() if not passed and met.get(key, True)}
    )


def _last_before(number: int, not_run: Mapping[int, str]) -> int:
    return max((each for each in not_run if each < number), default=min(not_run, default=0))


def _rehearsed(plan: Plan, clock: Callable[[], int]) -> EventLog:
    at_us = iter(range(clock(), 1 << 62, 1_000))

    def ticking() -> int:
        return next(at_us)

    border = Border(ticking, iter(range(1, 1 << 30)))

    def bank(found: Bank) -> Bank:
        return Rehearsed(found, border, ticking) if found.name == DEFAULT_BANK else found

    return simulate(lab_of(plan, Parts(bank=bank), ticking))


def lab_of(plan: Plan, parts: Parts, clock: Callable[[], int]) -> Lab:
    """The lab of a plan: without the steps that are not run; codes are read off their devices by the real clock."""
    scenario = plan.case.scenario
    lab = Lab(scenario, seed=scenario.seed, replication=1, run="target", parts=parts)
    lab.steps = tuple(_on(clock, planned) for planned in lab.steps if plan.performs(planned.label))
    lab.errands = tuple(errand for errand in lab.errands if plan.performs(errand.label))
    return lab


def _on(clock: Callable[[], int], planned: Planned) -> Planned:
    script = planned.script
    if script is None:
        return planned
    return replace(planned, script=lambda bank, now_us, offices: script(bank, clock, offices))
