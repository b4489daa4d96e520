"""Tells a file that went to the wrong command which command reads it, instead of a page of unknown keys."""

from __future__ import annotations

from typing import Final

from bank_host.written.problems import FileKind, Problems
from bank_host.written.source import Mapping

READ_BY: Final = {
    "study": ("a study file", "atm-sim study"),  # has a key scenario: too, so it is looked for first
    "incident": ("an incident file", "atm-sim incident"),
    "scenario": ("a scenario file", "atm-sim run"),
    "cash": ("a cash plan", "atm-sim cash"),
}
"""By the key that holds a file's title: what it is, and who plays it."""


def check_kind(tree: Mapping, expected: FileKind, problems: Problems) -> None:
    """Raises the error of `problems` where the titles say that the file is of another kind."""
    title = next((key for name in READ_BY for key in tree if key == name), None)
    if title is None or expected.begins.startswith(f"'{title}:"):
        return
    what, command = READ_BY[str(title)]
    problems.add(title, f"this is {what}; {command} {tree.source.file} plays it")
    problems.stop_if_any()
