"""What people read on the console after a run: the summary, each failure with its messages, a person's day.

Tables are drawn for terminals and stay plain text elsewhere; colours never carry meaning alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from atm_sim.checks.values import in_words, yen
from atm_sim.records.check import Check
from atm_sim.report import tables, trace
from atm_sim.report.texts import code_text, name_text, reason_text
from atm_sim.report.view import RunView, check_group, clock, load, place_of

_FIGURES = (
    "customers",
    "customers.lost",
    "withdrawals",
    "dispensed",
    "deposits",
    "deposited",
    "declines",
    "wait.mean",
    "wait.p95",
    "service.mean",
    "utilisation",
    "reversals",
    "fees",
    "guard_visits",
)
MOST_MACHINES = 12


class UnknownPerson(Exception):
    """A trace of somebody who is not in the run; the text names who is."""


def print_summary(folder: Path, console: Console | None = None, *, report: str = "") -> None:
    """The summary of the run in `folder`; `report` is the path to name, where one was written."""
    (console or _console()).print(summary(load(folder), report=report), soft_wrap=True)


def print_failures(folder: Path, console: Console | None = None) -> None:
    """Every failed check of the run: where, expected, actual, messages, and how to run it again."""
    console = console or _console()
    for block in failure_blocks(load(folder)):
        console.print(Text(block), soft_wrap=True)


def print_trace(folder: Path, alias: str, console: Console | None = None) -> None:
    """One person's day, with the fields of each message; UnknownPerson if nobody of that name did anything."""
    (console or _console()).print(Text("\n".join(trace_lines(load(folder), alias))), soft_wrap=True)


def _console() -> Console:
    return Console(highlight=False)


# ---------------------------------------------------------------- summary


def summary(view: RunView, *, report: str = "") -> RenderableType:
    manifest = view.manifest
    runs = f", {manifest.replications} replications (means)" if manifest.replications > 1 else ""
    parts: list[RenderableType] = [
        Text(manifest.title, style="bold"),
        Text(f"{manifest.scenario_file}, {manifest.day}, seed {manifest.seed}{runs}"),
    ]
    parts += [table for table in (_figures(view), _declines(view), _cash(view)) if table.row_count]
    parts.append(_verdict(view))
    if report:
        parts.append(Text(f"Report: {report}"))
    return Group(*(part for piece in parts for part in (piece, Text(""))))


def _table(*columns: str, title: str) -> Table:
    """First column left, numbers right; lines only under the heading."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=bool(index))
    return table


def _figures(view: RunView) -> Table:
    runs = view.manifest.replications > 1
    table = _table("", "value", *(["95 % interval"] if runs else []), title="The day in figures")
    total = {row.measure: row for row in view.summary if not row.filters}
    for row in (total[name] for name in _FIGURES if name in total):
        unit = "duration" if row.unit == "us" else row.unit
        ends = (row.low, row.high) if row.low != row.high else ()
        spread = " to ".join(in_words(float(end), unit) for end in ends)
        table.add_row(name_text(row.measure).en, in_words(float(row.mean), unit), *([spread] if runs else []))
    return table


def _declines(view: RunView) -> Table:
    table = _table("reason", "number", title="Declines by reason")
    table.add_column("code")
    for count in tables.declines_by_reason(view):
        code = code_text(count.code).en if count.code else "not sent to the bank"
        table.add_row(reason_text(count.name).en, in_words(count.per_run, "count"), code)
    return table


def _cash(view: RunView) -> Table:
    table = _table("ATM", "start", "lowest", "end", title="Cash in each ATM")
    lines = tables.cash_by_atm(view)
    for line in lines[:MOST_MACHINES]:
        table.add_row(line.atm, yen(line.start_jpy), yen(line.lowest_jpy), yen(line.end_jpy))
    if len(lines) > MOST_MACHINES:
        table.add_row(f"and {len(lines) - MOST_MACHINES} more in the report")
    return table


def _verdict(view: RunView) -> Text:
    lines = []
    for kinds, name in ((("step", "measure"), "Expectations"), (("invariant",), "Invariants")):
        found = [check for check in view.checks if check.kind in kinds]
        if found:
            met = sum(check.passed for check in found)
            lines.append(f"{name}: {met} of {len(found)} met")
    lines += [f"Reconciliation: {check.actual}" for check in view.checks if check.kind == "reconciliation"]
    broken = [check for check in view.checks if check.kind == "measurement" and not check.passed]
    lines += [f"The measurement is not valid: {check.name}, {check.actual}" for check in broken]
    style = "bold green" if view.verdict.met else "bold red"
    return Text("\n".join(lines) or "Nothing was checked", style=style if lines else "")


# ---------------------------------------------------------------- failures


def failure_blocks(view: RunView) -> Iterator[str]:
    """One block of text for each step, measure or invariant that failed."""
    broken = (check for check in view.checks if not check.passed)
    for _, checks in groupby(broken, key=check_group):
        yield "\n".join(failure_lines(view, list(checks))) + "\n"


def failure_lines(view: RunView, checks: list[Check]) -> list[str]:
    """The failed checks of one step: position, expected and actual, messages in words, replay command."""
    first = checks[0]
    case, _, group = check_group(first)
    lines = [f"{place_of(view, first)}: {f'{case}, ' if case else ''}{group}"]
    width = max(len(check.name) for check in checks)
    for check in checks:
        lines.append(f"  {check.name:<{width}}  expected {check.expected}, got {check.actual}")
        if check.detail:
            lines.append(f"  {'':<{width}}  {check.detail}")
    lines += _indented(line for message in view.messages_of(first.request_id) for line in message.lines())
    if view.manifest.replay:
        lines.append(f"  replay: {view.manifest.replay}")
    return lines


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


# ---------------------------------------------------------------- a person's day


def trace_lines(view: RunView, alias: str) -> list[str]:
    """`alias` is a member of the cast, or one of a group: `crowd/3`."""
    day = trace.day_of(view, alias)
    if not day.lines:
        known = trace.people(view)
        names = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
        raise UnknownPerson(f"nobody called {alias!r} did anything in this run; known: {names or 'nobody'}")
    lines = [
        f"{day.name} ({day.alias}), {view.manifest.day}" if day.name else f"{day.alias}, {view.manifest.day}"
    ]
    step = ""
    for line in day.lines:
        if line.step != step:
            step = line.step
            lines += ["", f"step {step}"] if step else [""]
        lines.append(f"{clock(line.time_us)}  {line.text.en}")
        if line.messages:
            lines += [f"{'':10}{text}" for text in line.messages[0].lines()[1:]]
    return lines
