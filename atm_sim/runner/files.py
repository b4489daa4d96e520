"""Opens a scenario file with everything the bank knows: partner codes, policy keys and their ranges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from atm_sim.scenario import Known, Loaded, Problem, ScenarioError, load
from atm_sim.scenario.participants import PolicyOverride
from bank_host.policy import Policy, PolicyError


def known_to(policy: Policy) -> Known:
    """The names that a scenario file may use without defining them."""
    return Known(partners=policy.partner_codes())


def open_scenario(path: Path, policy: Policy) -> Loaded:
    """Load and check a file, its policy overrides included; raises ScenarioError."""
    loaded = load(path, known_to(policy))
    blocks = [loaded.scenario.policy, *(bank.policy for bank in loaded.scenario.banks.values())]
    problems = [problem for block in blocks for problem in _faults(loaded, policy, block)]
    if problems:
        raise ScenarioError(tuple(problems))
    return loaded


def _faults(loaded: Loaded, policy: Policy, block: Mapping[str, PolicyOverride]) -> list[Problem]:
    """What the policy says of each override, at the line where it stands."""
    problems = []
    lines = loaded.text.splitlines()
    for key, override in block.items():
        try:
            policy.with_overrides({key: override.value})
        except PolicyError as error:
            line = lines[override.line - 1]
            column = line.find(key) + 1 or len(line) - len(line.lstrip()) + 1
            problems.append(Problem(str(loaded.path), override.line, column, str(error), source_line=line))
    return problems
