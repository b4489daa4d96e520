"""Tests scenario files against a host: each case planned, played over the wire, judged by what the target shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple
from xml.etree import ElementTree

from atm_sim.records.check import Check
from atm_sim.records.log import EventLog, MessageRow, fields_json, fields_of
from atm_sim.runner.files import open_scenario
from atm_sim.runner.grade import step_checks
from atm_sim.runner.suite import INVALID
from atm_sim.scenario import Case, Loaded, rows
from atm_sim.scenario.machine_steps import SendMessage
from atm_sim.scenario.vocabulary import DEFAULT_BANK
from atm_sim.target.border import STAMPED, Border
from atm_sim.target.cards import CardBox, LabCard
from atm_sim.target.profile import Profile
from atm_sim.target.rehearse import NOTHING_SEEN, Plan, lab_of, plan, seen
from atm_sim.target.session import Session
from atm_sim.terminal.card import CardData
from atm_sim.world.cast import Person
from atm_sim.world.lab import Lab, Parts
from bank_host.address import Address
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US
from bank_host.policy import Policy
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore
from bank_host.store.sql import SqlStore

LATE_US: Final = 5 * SECOND_US
"""So much longer than the switch the wire waits for an answer, to tell one that is late from none."""

Status = Literal["passed", "failed", "not run"]
NO_CARD: Final = "the card file has no card left for it"
NO_CARD_FILE: Final = (
    "no card: a profile (--profile) names the target's test cards under cards = , or our bank's database"
)


class StepDone(NamedTuple):
    """What became of a step: its checks, or why it was not run."""

    number: int
    line: int
    do: str
    status: Status
    reason: str = ""
    checks: tuple[Check, ...] = ()
    hidden: tuple[str, ...] = ()  # what it expects beside, and the target does not show


class CaseDone(NamedTuple):
    """What became of a case."""

    path: Path
    case: Case
    steps: tuple[StepDone, ...]
    odd: tuple[str, ...] = ()  # messages of the target that were no answer
    log: EventLog | None = None

    @property
    def status(self) -> Status:
        found = {step.status for step in self.steps}
        return "failed" if "failed" in found else "passed" if "passed" in found else "not run"

    def count(self, status: Status) -> int:
        return sum(step.status == status for step in self.steps)


def cases_of(files: Iterable[Path], policy: Policy) -> list[tuple[Loaded, Case]]:
    """Every case of the files, but those that are meant to be refused and those that are load."""
    found = []
    for path in files:
        if INVALID in path.parent.parts:
            continue
        loaded = open_scenario(path, policy)
        if not loaded.scenario.only_load:
            found += [(loaded, case) for case in rows(loaded)]
    return found


def run_cases(
    cases: Iterable[tuple[Loaded, Case]],
    address: Address,
    profile: Profile,
    clock: Callable[[], int],
    seed: int = 1,
) -> Iterator[CaseDone]:
    """Run the cases one by one; NotReached when the target cannot be."""
    cases = list(cases)
    wait_us = max((case.scenario.timers.switch_us for _, case in cases), default=0) + LATE_US
    books = Books(profile.bank_database)
    cards = profile.card_box(seed)
    with Session(address, profile, clock, wait_us) as session:
        try:
            for loaded, case in cases:
                yield _tested(session, loaded, case, books, cards, profile, clock)
        finally:
            books.close()


class Books:
    """The target's database where the profile names it, and how many accounts it has."""

    def __init__(self, database: str) -> None:
        url = database if "://" in database else f"sqlite:///{database}"
        self.store = SqlStore.for_process(url) if database else None
        self.accounts = 0
        if self.store is not None:
            numbers = (
                int(each.account_id[3:]) for each in self.store.accounts() if each.account_id.isdigit()
            )
            self.accounts = max(numbers, default=0)

    def of(self, bank: str, name: str) -> Store:
        return self.store if self.store is not None and name == bank else MemoryStore()

    def close(self) -> None:
        if self.store is not None:
            self.store.close()


def _tested(
    session: Session,
    loaded: Loaded,
    case: Case,
    books: Books,
    cards: CardBox,
    profile: Profile,
    clock: Callable[[], int],
) -> CaseDone:
    planned = plan(case, books=books.store is not None, clock=clock)
    handed: dict[str, LabCard] = {}
    if books.store is None:
        planned = _with_cards(planned, cards, handed, has_file=bool(profile.cards))
    try:
        if len(planned.not_run) == len(case.scenario.steps):
            return CaseDone(loaded.path, case, tuple(_not_run(case, planned)))
        border = Border(clock, session.stans, _kept(case))
        build = partial(_lab, planned, handed, clock)
        if books.store is None:
            log = session.play(build, border)
        else:
            log = session.play(build, border, partial(books.of, DEFAULT_BANK), books.accounts)
            books.accounts += sum(person.count for person in case.scenario.cast.values())
    finally:
        for card in handed.values():
            cards.give_back(card)
    steps = tuple(_as_there(step, border) for step in _judged(planned, log, books=books.store is not None))
    log.messages[:] = [_on_the_wire(row, border) for row in log.messages]
    return CaseDone(loaded.path, case, steps, tuple(session.odd), log)


def _as_there(step: StepDone, border: Border) -> StepDone:
    """With the references by which the target has its requests."""
    checks = (check._replace(request_id=border.chain_on_the_wire(check.request_id)) for check in step.checks)
    return step._replace(checks=tuple(checks))


def _on_the_wire(row: MessageRow, border: Border) -> MessageRow:
    """With the stamps by which the target's own log has it."""
    message = border.as_on_the_wire(Message(row.mti, fields_of(row)))
    return row._replace(fields=fields_json(message.fields))


def _lab(planned: Plan, handed: dict[str, LabCard], clock: Callable[[], int], parts: Parts) -> Lab:
    lab = lab_of(planned, parts, clock)
    for alias, card in handed.items():
        give(lab.people[alias], card)
    return lab


def give(person: Person, card: LabCard) -> None:
    """A card of the target for somebody of the cast."""
    person.pin = card.pin.reveal()
    person.card = CardData(
        person.alias,
        card.pan.reveal(),
        card.expires,
        card.track2.reveal(),
        card.service_code,
        person.card.medium,
        sequence=card.sequence,
    )


def _with_cards(planned: Plan, cards: CardBox, handed: dict[str, LabCard], *, has_file: bool) -> Plan:
    """A card for everybody who comes to an ATM; who gets none does not come."""
    not_run = dict(planned.not_run)
    for number, step in enumerate(planned.case.scenario.steps, 1):
        who = getattr(step, "who", "")
        if number in not_run or not who or who in handed:
            continue
        card = cards.take(who)
        if card is None:
            not_run[number] = NO_CARD if has_file else NO_CARD_FILE
        else:
            handed[who] = card
    return planned._replace(not_run=not_run)


def _kept(case: Case) -> frozenset[tuple[int, str]]:
    """The stamps that the scenario sets itself."""
    told = [step.elements for step in case.scenario.steps if isinstance(step, SendMessage)]
    return frozenset(
        (de, value) for elements in told for de, value in elements.items() if de in STAMPED and value
    )


def _not_run(case: Case, planned: Plan) -> Iterator[StepDone]:
    for number, step in enumerate(case.scenario.steps, 1):
        yield StepDone(number, step.line, step.do, "not run", planned.not_run[number])


def _judged(planned: Plan, log: EventLog, *, books: bool) -> Iterator[StepDone]:
    checks: dict[int, list[Check]] = {}
    for check in step_checks(planned.case, {1: log}):
        checks.setdefault(int(check.step.partition("#")[0]), []).append(check)
    for number, step in enumerate(planned.case.scenario.steps, 1):
        done = StepDone(number, step.line, step.do, "not run", planned.not_run.get(number, ""))
        if done.reason:
            yield done
            continue
        shown = tuple(check for check in checks.get(number, ()) if seen(check, log, books=books))
        hidden = tuple(dict.fromkeys(c.name for c in checks.get(number, ()) if c not in shown))
        if step.expect is not None and not shown:
            yield done._replace(reason=NOTHING_SEEN, hidden=hidden)
            continue
        status: Status = "passed" if all(check.passed for check in shown) else "failed"
        yield done._replace(status=status, checks=shown, hidden=hidden)


def junit_of(done: Iterable[CaseDone]) -> str:
    """One suite a case, one test case a step."""
    root = ElementTree.Element("testsuites", {"name": "atm-sim against a host"})
    for case in done:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            {
                "name": f"{case.path.name}: {case.case.name}",
                "tests": f"{len(case.steps)}",
                "failures": f"{case.count('failed')}",
                "skipped": f"{case.count('not run')}",
            },
        )
        for step in case.steps:
            name = {"classname": case.path.name, "name": f"step {step.number}: {step.do}"}
            element = ElementTree.SubElement(suite, "testcase", name)
            if step.status == "not run":
                ElementTree.SubElement(element, "skipped", {"message": step.reason})
            for check in step.checks:
                if not check.passed:
                    text = f"{check.name} expected {check.expected}, got {check.actual}"
                    ElementTree.SubElement(element, "failure", {"message": text})
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
