"""Plays one world and says what was found: invariants that broke, ends that stayed loose, or a crash of the product."""

from __future__ import annotations

import traceback
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from atm_sim.fuzz.coverage import Reached, reached
from atm_sim.fuzz.written import World, file_text
from atm_sim.runner.files import known_to
from atm_sim.runner.play import play
from atm_sim.scenario import Loaded, loads, rows
from atm_sim.world.lab import Parts
from bank_host.policy import load_policy

NOWHERE = Path("fuzz.yaml")


class Finding(NamedTuple):
    """What a world showed. Two worlds with the same `name` are taken to show the same fault."""

    name: str  # I3, rest.queues, crash KeyError in switch.py:_answer
    expected: str = ""
    actual: str = ""


class Trial(NamedTuple):
    findings: tuple[Finding, ...]
    reached: Reached

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(finding.name for finding in self.findings)


def read(world: World) -> Loaded:
    """The world through the loader of scenario files; raises ScenarioError for one that no file may hold."""
    return loads(file_text(world), NOWHERE, known_to(load_policy()))


def trial(loaded: Loaded, parts: Parts | None = None) -> Trial:
    """Play the world, wired from `parts` if somebody hands in others."""
    try:
        done = play(loaded, rows(loaded)[0], parts=lambda replication: parts or Parts())
    except Exception as error:  # whatever the product raises is a finding, never the end of the hunt
        return Trial((_crash(error),), Counter())
    failed = [check for check in done.checks if not check.passed]
    found = tuple(Finding(check.name, check.expected, check.actual) for check in failed)
    return Trial(found, reached(done))


def _crash(error: Exception) -> Finding:
    """Named by its kind and by where it came from, the line left out so that an edit does not rename it."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return Finding(
        f"crash {type(error).__name__} in {Path(at.filename).name}:{at.name}", "no crash", f"{error}"
    )
