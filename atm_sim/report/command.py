"""`atm-sim trace` and `atm-sim report`: a run that is there already, told or shown again."""

from __future__ import annotations

from pathlib import Path

import click

from atm_sim.exits import WRONG_USAGE, stop
from atm_sim.records.folder import RunFolder
from atm_sim.records.study_folder import is_study
from atm_sim.report import html, junit, text
from atm_sim.report import study as study_report
from atm_sim.report.view import load

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--card", required=True, help="Alias of the person, as in the scenario's cast.")
def trace(folder: Path, card: str) -> None:
    """Tell one person's day from the run FOLDER, with every message in words."""
    try:
        lines = text.trace_lines(load(folder), card)
    except text.UnknownPerson as error:
        stop(WRONG_USAGE, f"atm-sim: {error}")
    click.echo("\n".join(lines))


@click.command()
@click.argument("folder", type=_FOLDER)
def report(folder: Path) -> None:
    """Build report.html and junit.xml of the run or study FOLDER again, from what the folder holds."""
    if is_study(folder):
        click.echo(f"{study_report.write_report(folder)}")
        return
    view = load(folder)
    files = RunFolder.open(folder)
    files.write_junit(junit.junit_xml(view))
    click.echo(f"{files.write_report(html.render_view(view))}")
