"""The matrix: every requirement of the product, which scenarios claim it, how they ended, and what that is worth.

proven      a scenario claims it, and one of them fails when the requirement is broken on purpose
claimed     scenarios say that they cover it; nobody has tried whether they would notice
structural  no customer can see it; a test in the suite holds it, and is named
uncovered   nothing shows it yet
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from atm_sim.checks.truth_table import TRUTH_TABLE
from atm_sim.runner.proof import CLAIMED, Proof, place

STRUCTURAL, UNCOVERED = "structural", "uncovered"


class Requirement(NamedTuple):
    """One line of the list of requirements."""

    id: str
    kind: str  # stated | consequence | informational | decided
    text: str
    structural: str = ""  # the test that holds it: path::name


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One requirement and everything that speaks for it."""

    requirement: str
    text: str
    status: str  # proven | claimed | structural | uncovered
    scenarios: tuple[tuple[str, bool], ...] = ()  # (scenario, passed)
    test: str = ""  # the test that holds a structural requirement
    missing: str = ""  # why a claim is not proven, if that was tried

    @property
    def passed(self) -> bool:
        return all(passed for _, passed in self.scenarios)


@lru_cache(maxsize=1)
def requirements() -> tuple[Requirement, ...]:
    """Every requirement in its order: those of the list, then the rows of the truth table of reversals."""
    text = files("atm_sim.checks").joinpath("requirements.yaml").read_text(encoding="utf-8")
    listed = (Requirement(**line) for line in YAML(typ="safe", pure=True).load(text))
    return (*listed, *(Requirement(row.id, "decided", row.requirement) for row in TRUTH_TABLE))


def matrix_rows(
    results: Iterable[tuple[Path, Sequence[str], bool]], proofs: Iterable[Proof] = ()
) -> list[MatrixRow]:
    """A row for every requirement, from (scenario file, what it covers, did it pass) of every case played."""
    outcomes: dict[str, dict[str, bool]] = defaultdict(dict)
    for path, covers, passed in results:
        for requirement in covers:
            so_far = outcomes[requirement].get(path.stem, True)
            outcomes[requirement][path.stem] = so_far and passed
    proof_of = {proof.requirement: proof for proof in proofs}
    return [_row(one, outcomes.get(one.id, {}), proof_of.get(one.id)) for one in requirements()]


def _row(requirement: Requirement, outcomes: dict[str, bool], proof: Proof | None) -> MatrixRow:
    return MatrixRow(
        requirement.id,
        requirement.text,
        _status(requirement, outcomes, proof),
        tuple(sorted(outcomes.items())),
        requirement.structural,
        proof.missing if proof else "",
    )


def _status(requirement: Requirement, outcomes: dict[str, bool], proof: Proof | None) -> str:
    if outcomes:
        return proof.status if proof else CLAIMED
    return STRUCTURAL if requirement.structural else UNCOVERED


def matrix_data(rows: Iterable[MatrixRow]) -> list[dict[str, Any]]:
    """The matrix as plain data, for `--json`."""
    return [
        asdict(row) | {"scenarios": [{"scenario": name, "passed": passed} for name, passed in row.scenarios]}
        for row in rows
    ]


def matrix_text(rows: Sequence[MatrixRow]) -> str:
    """The matrix for a console: a line for every scenario that claims a requirement, the rest listed compactly."""
    lines = []
    for row in rows:
        if not row.scenarios:
            continue
        lines.append(f"{row.requirement:<5} {row.status:<8} {row.text}")
        lines += [f"{'':15}{'passed' if passed else 'FAILED'}  {name}" for name, passed in row.scenarios]
        if row.missing:
            lines.append(f"{'':15}not proven: {row.missing}")
        if row.test:
            lines.append(f"{'':15}test    {row.test}")
    structural = [row for row in rows if row.status == STRUCTURAL]
    if structural:
        lines += ["", "Structural, held by a test:"]
        lines += [f"{row.requirement:<5} {row.test}" for row in structural]
    lines += ["", *_summary(rows)]
    return "\n".join(lines) + "\n"


def _summary(rows: Sequence[MatrixRow]) -> list[str]:
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row.status] += 1
    summary = f"{len(rows)} requirements: " + ", ".join(
        f"{n} {status}" for status, n in sorted(counts.items())
    )
    uncovered = [row.requirement for row in rows if row.status == UNCOVERED]
    return [summary, f"Nothing covers yet: {ranges(uncovered)}"] if uncovered else [summary]


def ranges(ids: Iterable[str]) -> str:
    """R1, R2, R3, R7 as `R1-R3, R7`."""
    runs: list[list[str]] = []
    for one in ids:
        if runs and place(one) == (place(runs[-1][-1])[0], place(runs[-1][-1])[1] + 1):
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
