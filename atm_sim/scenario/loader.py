"""From a file to a scenario: read, extend, fill in the cases, resolve names, type; every problem at once.

The only errors that leave here are ScenarioError (the file is wrong) and OSError (the named file cannot be opened).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from atm_sim.scenario.cases import Row, expand
from atm_sim.scenario.errors import SCENARIO_FILE, ScenarioError, no_problems
from atm_sim.scenario.fields import FILE_PATTERN
from atm_sim.scenario.kinds import check_kind
from atm_sim.scenario.model import Scenario
from atm_sim.scenario.names import Known, resolve, unused
from atm_sim.scenario.part import report
from bank_host.written.card_numbers import refuse_card_numbers
from bank_host.written.mask import SECRET_KEYS, masked
from bank_host.written.problems import Problem, Problems, Source
from bank_host.written.source import MOST_BYTES, Mapping, Scalar, parse, read_text, walk

Spans = tuple[tuple[int, int], ...]
Alter = Callable[[Mapping, Problems], Mapping]
"""Another tree in place of a file's own, with what is wrong about that: how a study makes its variants."""


class Case(NamedTuple):
    """One run of a scenario: the file as it stands, or one row of its `cases:` table."""

    name: str
    row_number: int | None
    line: int
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario file that is right. With a `cases:` table, `scenario` is that of the first row; run `rows(loaded)`."""

    path: Path
    text: str = field(repr=False)
    sha256: str
    scenario: Scenario
    cases: tuple[Case, ...] = field(repr=False)
    warnings: tuple[Problem, ...] = ()
    secrets: Spans = field(default=(), repr=False)
    scalars: Spans = field(default=(), repr=False)


def load(path: Path, known: Known | None = None, alter: Alter | None = None) -> Loaded:
    """Read and check a scenario file; raises ScenarioError with everything that is wrong with it."""
    return _load(Path(path), _bytes_of(Path(path)), known or Known(), alter)


def loads(text: str, path: Path = Path("scenario.yaml"), known: Known | None = None) -> Loaded:
    """The same for text that stands in no file; `extends:` looks beside `path`."""
    return _load(path, text.encode("utf-8", "surrogatepass"), known or Known())


def rows(loaded: Loaded) -> list[Case]:
    """What there is to run: one case for each row of the `cases:` table, or a single one."""
    return list(loaded.cases)


def masked_text(loaded: Loaded) -> str:
    """The file's text with PINs, one-time passwords and card numbers dotted out."""
    return masked(loaded.text, loaded.secrets, loaded.scalars)


def _load(path: Path, data: bytes, known: Known, alter: Alter | None = None) -> Loaded:
    problems = no_problems()
    source = read_text(str(path), data, SCENARIO_FILE, problems)
    own = parse(source, SCENARIO_FILE, problems) if source else None
    if source is None or own is None:
        raise ScenarioError(problems.ordered())
    check_kind(own, SCENARIO_FILE, problems)
    base, base_data = _extended(own, path, problems)
    tree = _merged(base, own) if base is not None else own
    for text in {id(part.source): part.source for part in (own, base) if part is not None}.values():
        refuse_card_numbers(text, problems)
    if alter is not None:
        tree = alter(tree, problems)
    expanded = expand(tree, problems)
    cases = [case for row in expanded if (case := _typed(row, known, problems)) is not None]
    problems.stop_if_any()
    return Loaded(
        path=path,
        text=source.text,
        sha256=hashlib.sha256(data + base_data).hexdigest(),
        scenario=cases[0].scenario,
        cases=tuple(cases),
        warnings=unused([row.tree for row in expanded]),
        secrets=_secret_spans(source, own, expanded),
        scalars=tuple((node.start, node.end) for node in walk(own) if isinstance(node, Scalar)),
    )


def _typed(row: Row, known: Known, problems: Problems) -> Case | None:
    resolve(row.tree, known, problems)
    try:
        scenario = Scenario.model_validate(row.tree, context=problems)
    except ValidationError as error:
        report(error.errors(include_url=False), problems)
        return None
    return Case(row.name, row.number, row.line, scenario)


def _bytes_of(path: Path) -> bytes:
    """The file's bytes, and never more than one over the bound."""
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _extended(own: Mapping, path: Path, problems: Problems) -> tuple[Mapping | None, bytes]:
    """The file named by `extends:`, one deep and in the same folder."""
    name: Any = own.value("extends")
    if not isinstance(name, Scalar) or not re.fullmatch(FILE_PATTERN, name):
        return None, b""
    other = path.parent / str(name)
    if not other.is_file() or other.resolve().parent != path.parent.resolve():
        problems.add(name, f"there is no file '{name[:60]}' in the folder of this file")
        return None, b""
    if other.resolve() == path.resolve():
        problems.add(name, "a file cannot extend itself")
        return None, b""
    data = _bytes_of(other)
    source = read_text(str(other), data, SCENARIO_FILE, problems)
    base = parse(source, SCENARIO_FILE, problems) if source else None
    if base is not None and "extends" in base:
        problems.add(name, f"'{name[:60]}' extends another file itself; extends: goes one file deep")
        return None, b""
    return base, data


def _merged(base: Mapping, over: Mapping) -> Mapping:
    """Maps merge by key; a list or a scalar of `over` replaces that of `base`."""
    pairs = dict(base)
    for key, value in over.items():
        below = pairs.pop(key, None)
        pairs[key] = (
            _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
        )
    return over.like(pairs)


def _secret_spans(source: Source, own: Mapping, expanded: list[Row]) -> Spans:
    """Where this file holds secrets, also where a step takes one from a column."""
    spans = set()
    for tree in (own, *(row.tree for row in expanded)):
        for node in walk(tree):
            if isinstance(node, Mapping):
                for key, value in node.items():
                    secret = (
                        key in SECRET_KEYS and isinstance(value, Scalar) and any(c.isdigit() for c in value)
                    )
                    if secret and value.source is source:
                        spans.add((value.start, value.end))
    return tuple(sorted(spans))
