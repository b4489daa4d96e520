"""The `cases:` table: one scenario, many rows. `$column` as a whole scalar in a step stands for the row's cell.

A filled-in scalar keeps the position of its cell, so whatever is wrong with it points at the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from bank_host.written.problems import Problems, listed, nearest, shown
from bank_host.written.source import Mapping, Scalar, Sequence, walk

MOST_ROWS = 1_000
NAME_COLUMN = "case"
_COLUMN = re.compile(r"\$([A-Za-z_][A-Za-z0-9_-]*)")
_INSIDE = re.compile(r"\$\{?[A-Za-z_]")


class Row(NamedTuple):
    """One row as nodes: the whole file with the row's cells in its steps."""

    name: str
    number: int | None  # from 1; None: the file has no table
    line: int
    tree: Mapping


def expand(tree: Mapping, problems: Problems) -> list[Row]:
    """The file once for each row of its table; once as it stands if it has none."""
    title = str(tree.value("scenario") or "")
    references = list(_references(tree.value("steps"), problems))
    if "cases" not in tree:
        for scalar, column in references:
            problems.add(scalar, f"${column} stands for a column, but there is no cases: table")
        return [Row(title, None, tree.line, tree)]
    table = tree.value("cases")
    rows = _rows(table, problems)
    if not rows:
        return [Row(title, None, tree.line, tree)]
    _check_columns(rows[0], references, problems)
    return [
        Row(row_name(row, number), number, row.line, _filled(tree, row)) for number, row in enumerate(rows, 1)
    ]


def _rows(table: Any, problems: Problems) -> list[Mapping]:
    """The rows that can be used: maps of scalars, all with the columns of the first."""
    if not isinstance(table, Sequence) or not table or len(table) > MOST_ROWS:
        problems.add(
            table, f"cases: is a list of 1 to {MOST_ROWS} rows such as - {{case: exact, amount: ¥10_000}}"
        )
        return []
    good: list[Mapping] = []
    names: set[str] = set()
    for number, row in enumerate(table, 1):
        if not isinstance(row, Mapping) or not row:
            problems.add(row, "a row is a map such as {case: exact, amount: ¥10_000}")
            continue
        for value in row.values():
            if not isinstance(value, Scalar):
                problems.add(value, "a cell is one value, not a list or a map")
        if good and list(row) != list(good[0]):
            problems.add(
                row,
                f"this row's columns differ from the first row's: {listed(good[0], 'and')}, in this order",
            )
            continue
        if row_name(row, number) in names:
            problems.add(row, f"two rows are called '{shown(row_name(row, number))}'; give each its own name")
        names.add(row_name(row, number))
        good.append(row)
    return good


def row_name(row: Mapping, number: int) -> str:
    """What a row is called: its `case` cell, or its number."""
    name = row.value(NAME_COLUMN)
    return str(name) if isinstance(name, Scalar) and name else f"row {number}"


def _references(steps: Any, problems: Problems) -> Iterator[tuple[Scalar, str]]:
    for node in walk(steps):
        action = node.value("do") if isinstance(node, Mapping) else None
        if isinstance(action, Scalar) and _COLUMN.fullmatch(action):
            problems.add(action, "$column cannot choose the action; write one scenario for each action")
        if not isinstance(node, Scalar) or "$" not in node:
            continue
        if match := _COLUMN.fullmatch(node):
            yield node, match[1]
        elif _INSIDE.search(node):
            problems.add(node, "$column stands alone as a whole value; put the finished text into the column")


def _check_columns(first: Mapping, references: list[tuple[Scalar, str]], problems: Problems) -> None:
    columns = [str(column) for column in first if column != NAME_COLUMN]
    used = {column for _, column in references}
    for scalar, column in references:
        if column not in columns:
            meant = nearest(column, columns)
            problems.add(scalar, f"cases: has no column '{shown(column)}'", f"${meant}" if meant else "")
            used.add(meant)
    for column in first:
        if column not in used and column != NAME_COLUMN:
            problems.add(
                column, f"no step uses this column; write ${shown(column)} in a step, or delete the column"
            )


def _filled(tree: Mapping, row: Mapping) -> Mapping:
    cells = {f"${column}": value for column, value in row.items() if isinstance(value, Scalar)}
    pairs = {key: _substituted(value, cells) if key == "steps" else value for key, value in tree.items()}
    return tree.like(pairs)


def _substituted(node: Any, cells: dict[str, Scalar]) -> Any:
    if isinstance(node, Scalar):
        return cells.get(node, node)
    if isinstance(node, Mapping):
        return node.like(
            {key: value if key == "do" else _substituted(value, cells) for key, value in node.items()}
        )
    if isinstance(node, Sequence):
        other = Sequence(node.source, node.line, node.column)
        other.extend(_substituted(item, cells) for item in node)
        return other
    return node
