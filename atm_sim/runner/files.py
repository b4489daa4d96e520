"""Opens a scenario file with everything that it may name: partners, policy keys and their ranges, shipped demands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from atm_sim.demand import shipped_demands
from atm_sim.fleet.ground import no_site
from atm_sim.scenario import Alter, Known, Loaded, Problem, ScenarioError, load
from atm_sim.scenario.participants import PolicyOverride
from bank_host.policy import Policy, PolicyError
from bank_host.written.problems import nearest


def known_to(policy: Policy) -> Known:
    """The names that a scenario file may use without defining them."""
    return Known(partners=policy.partner_codes(), demands=shipped_demands())


def open_scenario(path: Path, policy: Policy, alter: Alter | None = None) -> Loaded:
    """Load and check a file, its policy overrides included; raises ScenarioError."""
    loaded = load(path, known_to(policy), alter)
    blocks = [loaded.scenario.policy, *(bank.policy for bank in loaded.scenario.banks.values())]
    problems = [problem for block in blocks for problem in _faults(loaded, policy, block)]
    if problems:
        raise ScenarioError(tuple(problems))
    return loaded


def check_sites(loaded: Loaded, sites: Collection[str]) -> None:
    """A site that a fleet is asked about has to be one of its `sites`; raises ScenarioError."""
    problems = [
        _problem(loaded, each.line, each.at, no_site(each.at), nearest(each.at, sites))
        for each in loaded.scenario.expectations
        if each.at is not None and each.at not in sites
    ]
    if problems:
        raise ScenarioError(tuple(problems))


def _faults(loaded: Loaded, policy: Policy, block: Mapping[str, PolicyOverride]) -> list[Problem]:
    """What the policy says of each override, at the line where it stands."""
    problems = []
    for key, override in block.items():
        try:
            policy.with_overrides({key: override.value})
        except PolicyError as error:
            problems.append(_problem(loaded, override.line, key, str(error)))
    return problems


def _problem(loaded: Loaded, number: int, key: str, message: str, meant: str = "") -> Problem:
    """At the key in this file, or in the one it extends, whose lines an inherited override counts."""
    own, base = loaded.path, loaded.path.parent / (loaded.scenario.extends or "")
    for file, text in (
        (own, loaded.text),
        (base, base.read_text(encoding="utf-8") if base.is_file() else ""),
    ):
        lines = text.splitlines()
        if number <= len(lines) and key in lines[number - 1]:
            line = lines[number - 1]
            return Problem(str(file), number, line.index(key) + 1, message, meant, line)
    return Problem(str(own), 1, 1, message)
