"""Broken example files: each states in leading comments what the loader must say of it.

    # expect: 7:12: unknown key 'amuont'; did you mean 'amount'?
    # structural: yes

One `expect` comment a problem, with the true position in that same file; such a file passes if exactly that is said.
`structural: yes` stands where the JSON Schema refuses the file too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from atm_sim.scenario.errors import ScenarioError
from atm_sim.scenario.loader import load
from atm_sim.scenario.names import Known

_EXPECT = "# expect: "
_STRUCTURAL = "# structural: yes"


def expected_problems(text: str) -> list[str]:
    """The problems that the file says it has, each as `line:column: message`."""
    return [line.removeprefix(_EXPECT) for line in _head(text) if line.startswith(_EXPECT)]


def is_structural(text: str) -> bool:
    """Whether the fault lies in the form, so that the JSON Schema has to refuse the file as well."""
    return _STRUCTURAL in _head(text)


def check_invalid(path: Path, known: Known | None = None) -> tuple[bool, list[str], list[str]]:
    """Whether the loader says exactly what the file expects; with what was expected and what was said."""
    expected = expected_problems(path.read_bytes().decode("utf-8", "replace"))
    try:
        load(path, known)
        said = []
    except ScenarioError as error:
        said = [problem.located for problem in error.problems]
    return bool(expected) and expected == said, expected, said


def _head(text: str) -> Iterator[str]:
    """The comment lines at the top."""
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line.rstrip()
