"""`atm-sim test --target`: scenario files against a host over TCP, told step by step.

Exit 0 all that ran passed, 1 a step failed, 2 wrong file or command line, 3 the target could not be reached or no step
could be run.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import click
from rich.console import Console
from rich.text import Text

from atm_sim import VERSION
from atm_sim.exits import BROKEN, FAILED, MET, WRONG_USAGE, stop
from atm_sim.load.target import HostBroke, own_host
from atm_sim.report.words import in_words
from atm_sim.target import folder
from atm_sim.target.profile import Profile, own_profile, read_profile
from atm_sim.target.suite import CaseDone, Status, StepDone, cases_of, junit_of, run_cases
from atm_sim.wire.connections import NotReached
from bank_host.address import Address
from bank_host.clock import wall_clock
from bank_host.iso8583.dialect import DEFAULT, load_dialect
from bank_host.policy import Policy
from bank_host.store.sql import SqlStore

_MARKS: Final[Mapping[Status, tuple[str, str]]] = {
    "passed": ("passed", "green"),
    "failed": ("FAILED", "red"),
    "not run": ("not run", "yellow"),
}


class Asked(NamedTuple):
    """Which host, and how the outcome is told."""

    target: Address | None  # None: our own host, started for the run
    profile: Path | None
    junit: Path | None
    as_json: bool
    out: Path | None = None  # the run folder, where one is wanted


def run_against(files: list[Path], asked: Asked, policy: Policy) -> NoReturn:
    """Run the files against the host and end with the exit code."""
    console = Console(highlight=False)
    cases = cases_of(files, policy)
    done: list[CaseDone] = []
    if asked.out is not None and folder.is_anothers(asked.out):
        stop(WRONG_USAGE, f"atm-sim: {asked.out} holds other files; name a new folder for --out")
    try:
        with host_of(asked.target, asked.profile) as (address, profile):
            if not asked.as_json:
                _say_what_is_used(console, address, profile)
            for case in run_cases(cases, address, profile, wall_clock()):
                done.append(case)
                if not asked.as_json:
                    _show(console, case)
    except (NotReached, HostBroke) as error:
        stop(BROKEN, f"atm-sim: {error}")
    if asked.junit is not None:
        asked.junit.write_text(junit_of(done), encoding="utf-8")
    steps = Counter(step.status for case in done for step in case.steps)
    results = {"steps": steps, "cases": [_data(case) for case in done]}
    if asked.out is not None:
        target = "our own host" if asked.target is None else f"{address}"
        folder.write(asked.out, folder.manifest(done, target, profile, VERSION), results, done)
    if asked.as_json:
        click.echo(json.dumps(results, ensure_ascii=False))
    else:
        _sum_up(console, done, steps)
        if asked.out is not None:
            console.print(Text(f"Run folder: {asked.out.as_posix()}"), soft_wrap=True)
    ran = steps["passed"] + steps["failed"]
    raise SystemExit(FAILED if steps["failed"] else MET if ran else BROKEN)


@contextmanager
def host_of(wanted: Address | None, profile_file: Path | None) -> Iterator[tuple[Address, Profile]]:
    """The target and what is known of it; our own host lives as long as the block."""
    if wanted is not None:
        yield wanted, own_profile("", DEFAULT) if profile_file is None else read_profile(profile_file)
        return
    with tempfile.TemporaryDirectory(prefix="atm-sim-test-") as place:
        database = Path(place) / "bank.sqlite"
        SqlStore.create(f"sqlite:///{database}", durable=False).close()
        with own_host(database) as host:
            yield host.address, own_profile(f"{database}", load_dialect("atm-sim"))


def _say_what_is_used(console: Console, address: Address, profile: Profile) -> None:
    cards = f"{len(profile.cards):,} cards of the card file" if profile.cards else "no cards"
    books = "its books are open" if profile.bank_database else cards
    words = f"target {address}, dialect {profile.dialect.name}, {books}; on the real clock"
    console.print(Text(words), soft_wrap=True)
    if profile.allow_bins:
        words = f"beside test cards: BINs {', '.join(profile.allow_bins)}, by the profile"
        console.print(Text(words), soft_wrap=True)


def _show(console: Console, done: CaseDone) -> None:
    word, style = _MARKS[done.status]
    console.print(Text.assemble((word, style), f" {done.path.as_posix()}: {done.case.name}"), soft_wrap=True)
    for reason, numbers in _by_reason(done.steps).items():
        steps = f"step {numbers[0]}" if len(numbers) == 1 else f"steps {', '.join(map(str, numbers))}"
        console.print(Text(f"  not run: {steps}: {reason}"), soft_wrap=True)
    for step in done.steps:
        if step.status == "failed":
            _show_failure(console, done, step)
    if done.status == "failed":
        for odd in done.odd[:5]:
            console.print(Text(f"  from the target: {odd}"), soft_wrap=True)


def _by_reason(steps: tuple[StepDone, ...]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for step in steps:
        if step.status == "not run":
            found.setdefault(step.reason, []).append(step.number)
    return found


def _show_failure(console: Console, done: CaseDone, step: StepDone) -> None:
    """The step's line, expected and got, and the messages as the switch sent and heard them."""
    console.print(
        Text(f"  {done.path.as_posix()}:{step.line}: step {step.number}, {step.do}"), soft_wrap=True
    )
    for check in step.checks:
        if not check.passed:
            console.print(
                Text(f"    {check.name}  expected {check.expected}, got {check.actual}"), soft_wrap=True
            )
    for row in done.log.messages if done.log is not None else ():
        on_the_wire = "issuer:" in row.sender or "issuer:" in row.receiver
        if row.step.partition("#")[0] == f"{step.number}" and on_the_wire:
            for line in in_words(row).lines():
                console.print(Text(f"    {line}"), soft_wrap=True)


def _sum_up(console: Console, done: list[CaseDone], steps: Counter[Status]) -> None:
    cases = Counter(case.status for case in done)
    for what, counted in (("cases", cases), ("steps", steps)):
        told = ", ".join(f"{counted[status]} {word}" for status, (word, _) in _MARKS.items())
        console.print(Text(f"{what}: {told.lower()}"))


def _data(case: CaseDone) -> dict[str, Any]:
    return {
        "file": case.path.as_posix(),
        "case": case.case.name,
        "status": case.status,
        "steps": [
            {
                "step": step.number,
                "line": step.line,
                "do": step.do,
                "status": step.status,
                "reason": step.reason,
                "not_shown": step.hidden,
                "checks": [check._asdict() for check in step.checks],
            }
            for step in case.steps
        ],
    }
