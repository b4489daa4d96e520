"""A file of its own kind (demand, cash plan, incident) read whole: its bytes, its tree with positions, its model."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from atm_sim.scenario.kinds import check_kind
from atm_sim.scenario.part import Part, report
from bank_host.written import source
from bank_host.written.problems import FileKind, Problems
from bank_host.written.source import Mapping

Model = TypeVar("Model", bound=Part)


def read_whole(
    path: Path, kind: FileKind, model: type[Model], problems: Problems
) -> tuple[bytes, Mapping, Model]:
    """What the file holds; the error of `problems`, with everything that is wrong with it. OSError without a file."""
    with path.open("rb") as file:
        data = file.read(source.MOST_BYTES + 1)
    text = source.read_text(str(path), data, kind, problems)
    tree = source.parse(text, kind, problems) if text else None
    found = None
    if tree is not None:
        check_kind(tree, kind, problems)
        try:
            found = model.model_validate(tree, context=problems)
        except ValidationError as error:
            report(error.errors(include_url=False), problems)
    problems.stop_if_any()
    if tree is None or found is None:
        raise AssertionError("a refused file has problems")
    return data, tree, found
