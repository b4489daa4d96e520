"""Proves claims: a scenario that says `covers: [R81]` must fail when R81 is broken on purpose.

The table of what is broken is `atm_sim.disturbances.table`. For each row the scenarios that claim the requirement are
played again with that one thing wrong, until one of them notices. A requirement is proven when every row of it is
noticed; it is merely claimed when one is not, or when the table has no row for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from atm_sim.disturbances.table import DISTURBANCES
from atm_sim.disturbances.ways import Disturbance
from atm_sim.records.check import Check
from atm_sim.runner.files import open_scenario
from atm_sim.runner.play import play
from atm_sim.scenario import Case, Loaded, ScenarioError, rows
from atm_sim.world.lab import Parts
from bank_host.policy import load_policy

PROVEN, CLAIMED = "proven", "claimed"

_KINDS = ("R", "X", "Q", "RS", "RI")

EXPECTED = ("step", "measure")
"""The kinds of check that count: what the scenario itself expects, not an invariant that holds for every run."""

Progress = Callable[[int, int], None]
"""Hears (requirements done, requirements in all)."""


class Trial(NamedTuple):
    """One thing set wrong, and the scenario that noticed it ('' = none did)."""

    disturbed: str
    noticed_by: str = ""


class Proof(NamedTuple):
    """What became of the claims on one requirement."""

    requirement: str
    status: str  # proven | claimed
    trials: tuple[Trial, ...]  # empty: the table has no row for the requirement

    @property
    def missing(self) -> str:
        """Why the claim is not proven; '' if it is."""
        if not self.trials:
            return "nothing is known to disturb it"
        unnoticed = [trial.disturbed for trial in self.trials if not trial.noticed_by]
        return f"no scenario notices when {'; '.join(unnoticed)}" if unnoticed else ""


class Claim(NamedTuple):
    """One case of a scenario file that claims a requirement."""

    loaded: Loaded
    case: Case


def prove(
    scenario_files: Sequence[Path],
    progress: Progress = lambda done, of: None,
    *,
    only: Iterable[str] = (),
    disturbances: Sequence[Disturbance] = DISTURBANCES,
) -> list[Proof]:
    """Try every claimed requirement (or those in `only`); files that do not load claim nothing."""
    claims = claims_of(scenario_files)
    wanted = [requirement for requirement in claims if not only or requirement in set(only)]
    holding = _Holding()
    proofs = []
    for done, requirement in enumerate(wanted):
        progress(done, len(wanted))
        trials = tuple(
            Trial(row.why, _noticed_by(row, claims[requirement], holding))
            for row in disturbances
            if row.requirement == requirement
        )
        proven = bool(trials) and all(trial.noticed_by for trial in trials)
        proofs.append(Proof(requirement, PROVEN if proven else CLAIMED, trials))
    progress(len(wanted), len(wanted))
    return proofs


def claims_of(scenario_files: Iterable[Path]) -> Mapping[str, list[Claim]]:
    """Who claims what, requirements in their order, quick scenarios (those without streams) first."""
    found: dict[str, list[Claim]] = defaultdict(list)
    for path in scenario_files:
        try:
            loaded = open_scenario(path, load_policy())
        except ScenarioError:
            continue
        for case in rows(loaded):
            for requirement in case.scenario.covers:
                found[requirement].append(Claim(loaded, case))
    for claims in found.values():
        claims.sort(key=lambda claim: bool(claim.case.scenario.streams))
    return {requirement: found[requirement] for requirement in sorted(found, key=place)}


def place(requirement: str) -> tuple[int, int]:
    """Where a requirement stands in the list: R1 ... R140, X1 ... X15, Q1 ... Q14, RS1 ... RS10, RI1 ... RI15."""
    number = requirement.lstrip("".join(_KINDS))
    return _KINDS.index(requirement.removesuffix(number)), int(number)


class _Holding:
    """Which claims hold with nothing disturbed; a scenario that fails anyway notices nothing. Each is played once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, int | None], bool] = {}

    def __call__(self, claim: Claim) -> bool:
        key = (claim.loaded.path, claim.case.row_number)
        if key not in self._known:
            self._known[key] = _broken(claim, lambda replication: Parts()) is None
        return self._known[key]


def _noticed_by(disturbance: Disturbance, claims: Iterable[Claim], holding: _Holding) -> str:
    """The first claim that holds undisturbed and fails disturbed, and what it says; '' if there is none."""
    for claim in claims:
        broken = _broken(claim, disturbance.parts)
        if broken is not None and holding(claim):
            row = f", {claim.case.name}" if claim.case.row_number else ""
            where = f"step {broken.step}: " if broken.step else ""
            return (
                f"{claim.loaded.path.name}{row}: "
                f"{where}{broken.name} expected {broken.expected}, was {broken.actual}"
            )
    return ""


def _broken(claim: Claim, parts: Callable[[int], Parts]) -> Check | None:
    """The first expectation of the scenario that fails."""
    checks = play(claim.loaded, claim.case, parts=parts).checks
    return next((check for check in checks if check.kind in EXPECTED and not check.passed), None)
