"""How the faults of a scenario file are told: the words of this kind of file, and its one error."""

from __future__ import annotations

from bank_host.written.problems import FileKind, Problems, WrittenError

SCENARIO_FILE = FileKind(
    "scenario file", "'scenario: title'", "a shipped scenario", "use a cases: table or extends:"
)


class ScenarioError(WrittenError):
    """A scenario file cannot be used; `problems` holds everything that is wrong with it, in file order."""


def no_problems() -> Problems:
    """None found yet."""
    return Problems(ScenarioError)
