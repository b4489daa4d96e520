"""Tests a folder of scenario files in one process: every case is a test, every invalid example too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from atm_sim.incidents.file import is_incident
from atm_sim.report.junit import junit_xml
from atm_sim.runner.files import known_to, open_scenario
from atm_sim.runner.fleet import play_fleet
from atm_sim.runner.folder import view_of
from atm_sim.runner.play import CaseRun, play
from atm_sim.scenario import Case, Loaded, ScenarioError, rows
from atm_sim.scenario.invalid import check_invalid
from atm_sim.world.lab import Parts
from bank_host.policy import Policy

INVALID = "invalid"
"""The folder whose files must be refused, each with exactly the messages that it states."""


NOT_RUN = "not run: it needs a card in a reader (--virtual-card puts a virtual one in)"


@dataclass(slots=True)
class Tested:
    """One test of a suite: a played case, an invalid example, or a file that could not be loaded."""

    path: Path
    name: str
    passed: bool
    run: CaseRun | None = None
    not_run: bool = False  # it needs a card in a reader, and there is none
    expected: list[str] = field(default_factory=list)  # messages of an invalid example
    actual: list[str] = field(default_factory=list)

    @property
    def covers(self) -> tuple[str, ...]:
        """The requirements that the test claims to show."""
        return self.run.case.scenario.covers if self.run else ()


def scenario_files(path: Path) -> list[Path]:
    """The scenario files below a folder, in order, studies and models of incidents left out; a file is itself."""
    if path.is_file():
        return [path]
    files = sorted(file for pattern in ("*.yaml", "*.yml") for file in path.rglob(pattern))
    return [file for file in files if not (is_study_file(file) or is_incident(file))]


def is_study_file(path: Path) -> bool:
    """Whether a file says that it is a study of a scenario, and none itself."""
    return any(line.startswith(b"study:") for line in path.read_bytes().splitlines())


def run_tests(
    files: Iterable[Path],
    policy: Policy,
    seed: int | None = None,
    card_read: Callable[[Loaded], str] = lambda loaded: "",
) -> Iterator[Tested]:
    """Play every case of every file, one after the other; `card_read` looks at the card of a file that needs one."""
    for path in files:
        if INVALID in path.parent.parts:
            passed, expected, actual = check_invalid(path, known_to(policy))
            yield Tested(path, path.stem, passed, expected=expected, actual=actual)
            continue
        try:
            loaded = open_scenario(path, policy)
        except ScenarioError as error:
            yield Tested(path, path.stem, False, actual=[str(problem) for problem in error.problems])
            continue
        if loaded.scenario.only_load:
            continue  # nothing of it is in simulated time
        read = card_read(loaded) if loaded.scenario.from_reader else ""
        for case in rows(loaded):
            if loaded.scenario.from_reader and not read:
                yield Tested(path, case.name, False, not_run=True)
                continue
            done = _played(loaded, case, seed, read)
            if done.verdict.met:
                done.logs.clear()  # nobody asks what happened in a run that went well, and a folder has many
            yield Tested(path, case.name, done.verdict.met, done)


def _played(loaded: Loaded, case: Case, seed: int | None, read: str) -> CaseRun:
    if case.scenario.fleet is None:
        return play(loaded, case, seed=seed, parts=partial(_with_card, read))
    with tempfile.TemporaryDirectory(prefix="atm-sim-fleet-") as folder:
        return play_fleet(loaded, case, Path(folder), seed=seed)


def _with_card(read: str, replication: int) -> Parts:
    return Parts(card_read=read)


def suite_junit(tests: Iterable[Tested], policy: Policy) -> str:
    """One JUnit document for a whole folder: a suite a case, and one for the files that are meant to be refused."""
    root = ElementTree.Element("testsuites", {"name": "atm-sim"})
    files = ElementTree.SubElement(root, "testsuite", {"name": "scenario files"})
    for test in tests:
        if test.run is not None:
            document = ElementTree.fromstring(junit_xml(view_of(test.run, policy)))
            root.extend(document.iter("testsuite"))
            continue
        case = ElementTree.SubElement(files, "testcase", {"classname": test.path.name, "name": test.name})
        if test.not_run:
            ElementTree.SubElement(case, "skipped", {"message": NOT_RUN})
        elif not test.passed:
            failure = ElementTree.SubElement(case, "failure", {"message": "the loader says something else"})
            failure.text = "\n".join(["expected:", *test.expected, "actual:", *test.actual])
    for suite in root.iter("testsuite"):
        suite.set("tests", str(len(suite.findall("testcase"))))
        suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
