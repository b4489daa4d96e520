"""The command `atm-sim incident`: published against emergent figures, the what-if, and the weight of assumptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from atm_sim.exits import FAILED, MET, WRONG_USAGE, stop
from atm_sim.incidents.file import Incident, is_incident, load_incident
from atm_sim.incidents.play import Judged, Moved, judged, sensitivity, what_if

WIDTH = 140


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--sensitivity", "moving", is_flag=True, help="Move each assumption by 20 % both ways.")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def incident(path: Path, moving: bool, as_json: bool) -> None:
    """Play the incident file PATH, or all of a folder. Exit 1 when a figure lies outside its tolerance."""
    files = [path] if path.is_file() else [file for file in sorted(path.glob("*.yaml")) if is_incident(file)]
    if not files:
        stop(WRONG_USAGE, f"{path}: no incident file (*.yaml that begins with incident:) here")
    incidents = [load_incident(file) for file in files]
    console, met, data = _console(), True, []
    for each in incidents:
        as_it_was, changed = judged(each), what_if(each)
        moved = list(sensitivity(each)) if moving else []
        met = met and all(figure.met for figure in as_it_was + changed)
        if as_json:
            data.append(_data(each, as_it_was, changed, moved))
        else:
            _show(console, each, as_it_was, changed, moved)
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False))
    raise SystemExit(MET if met else FAILED)


def _console() -> Console:
    """Wide enough for every column where nobody sees it on a screen."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def _show(
    console: Console, each: Incident, as_it_was: list[Judged], changed: list[Judged], moved: list[Moved]
) -> None:
    console.print(f"{each.id}  {each.incident}", soft_wrap=True)
    if not each.validates:
        console.print("An illustration: nothing in it emerges that was published.")
    console.print(_figures(as_it_was))
    console.print(f"What if: {each.what_if.about}", soft_wrap=True)
    console.print(_figures(changed))
    if moved:
        table = Table("assumption", "figure")
        for heading in ("20 % lower", "as it is", "20 % higher"):
            table.add_column(heading, justify="right")
        for row in moved:
            table.add_row(row.assumption, row.figure, *map(words, (row.lower, row.as_is, row.higher)))
        console.print(table)
    console.print("")


def _figures(rows: list[Judged]) -> Table:
    table = Table()
    table.add_column("")
    table.add_column("figure", no_wrap=True)
    table.add_column("mark", no_wrap=True)
    for heading in ("expected", "found", "95 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        found = row.found
        table.add_row(
            ("missed, as told" if row.figure.misses else "met") if row.met else "OUTSIDE",
            row.figure.name,
            row.figure.mark,
            expected(row),
            words(found.mean),
            f"{words(found.low)} to {words(found.high)}",
        )
    return table


def expected(row: Judged) -> str:
    """The published value with its tolerance, or the bound."""
    figure = row.figure
    if figure.published is None:
        sides = ((figure.at_least, "at least"), (figure.at_most, "at most"))
        return ", ".join(f"{word} {words(limit)}" for limit, word in sides if limit is not None)
    low, high = figure.bounds()
    around = (high - low) / 2 / abs(figure.published) if figure.published else 0.0
    return f"{words(figure.published)} ±{around:.0%}" if around else words(figure.published)


def words(value: float) -> str:
    """Whole numbers with thousands, small ones with three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def _data(
    each: Incident, as_it_was: list[Judged], changed: list[Judged], moved: list[Moved]
) -> dict[str, Any]:
    def rows(judgements: list[Judged]) -> list[dict[str, Any]]:
        return [
            {
                "figure": row.figure.name,
                "mark": row.figure.mark,
                "published": row.figure.published,
                "found": row.found._asdict(),
                "met": row.met,
            }
            for row in judgements
        ]

    return {
        "id": each.id,
        "incident": each.incident,
        "validates": each.validates,
        "figures": rows(as_it_was),
        "what_if": rows(changed),
        "sensitivity": [{**row._asdict(), "elasticity": row.elasticity} for row in moved],
    }
