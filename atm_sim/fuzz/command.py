"""The command `atm-sim fuzz`: hunts through the worlds of many seeds and writes down what it finds."""

from __future__ import annotations

import re
from pathlib import Path
from time import perf_counter

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atm_sim.exits import FAILED, MET
from atm_sim.fuzz.coverage import to_reach, unreached
from atm_sim.fuzz.hunt import Failure, Hunt, hunt_in_pieces, replayed, shrunk
from atm_sim.fuzz.twice import SAMPLED
from atm_sim.fuzz.written import file_text
from atm_sim.progress import progress_bar

ENOUGH_SEEDS = 2_000
"""From so many worlds on, a place that none of them reached fails the run."""


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=200, show_default=True, help="How many worlds.")
@click.option("--from", "first", type=click.IntRange(0), default=0, show_default=True, help="The first seed.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("fuzz-failures"),
    show_default=True,
    help="Folder for the shrunk scenario files.",
)
@click.option("--time-budget", type=click.IntRange(1), help="Stop after so many seconds, with what there is.")
def fuzz(seeds: int, first: int, jobs: int, save: Path, time_budget: int | None) -> None:
    """Play random worlds with faults, check every invariant, and let each come to rest; shrink what fails."""
    console = Console(highlight=False)
    hunt, began_s = Hunt(), perf_counter()
    with progress_bar("worlds", console) as tell:
        for piece in hunt_in_pieces(range(first, first + seeds), jobs):
            hunt.add(piece)
            tell(hunt.worlds, seeds)
            if time_budget is not None and perf_counter() - began_s > time_budget:
                break
    took_s = perf_counter() - began_s
    hunt.add(replayed(range(first, first + hunt.worlds, SAMPLED)))
    console.print(_table(hunt))
    rate = f"{hunt.worlds / took_s:.0f} worlds per second, {jobs} job{'s' if jobs > 1 else ''}"
    click.echo(f"{hunt.worlds} worlds from seed {first}, {rate}")
    for failure in hunt.to_shrink():
        _save(failure, hunt, save)
    raise SystemExit(FAILED if _verdict(hunt) else MET)


def _verdict(hunt: Hunt) -> bool:
    """Tell how it went; True when the run fails."""
    missing = [name for name in unreached(hunt.reached) if hunt.worlds >= ENOUGH_SEEDS]
    for kind, name in missing:
        click.echo(f"never reached in {hunt.worlds} worlds: {kind} {name}")
    failed = len(hunt.failures)
    click.echo(f"{failed} worlds failed" if failed else "every world held, and came to rest")
    return bool(failed or missing)


def _save(failure: Failure, hunt: Hunt, folder: Path) -> None:
    """Shrink the first world that shows a finding, and tell where it is and how to replay it."""
    finding, name = failure.findings[0], failure.name
    times = sum(each.name == name for each in hunt.failures)
    click.echo(f"\n{name} failed in {times} of {hunt.worlds} worlds, first in seed {failure.seed}")
    click.echo(f"  expected: {finding.expected}\n  actual: {finding.actual}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed-{failure.seed}-{re.sub('[^A-Za-z0-9.]+', '-', name)}.yaml"
    path.write_text(file_text(shrunk(failure)), encoding="utf-8")
    click.echo(f"  shrunk to {path.as_posix()}; replay: atm-sim test {path.as_posix()}")


def _table(hunt: Hunt) -> Table:
    """How often each place was reached, those that have to be reached first."""
    table = Table("kind", "reached", "never reached", title="What the worlds reached", title_justify="left")
    places = list(dict.fromkeys((*to_reach(), *sorted(hunt.reached))))
    for kind in dict.fromkeys(kind for kind, _ in places):
        counts = [(name, hunt.reached[kind, name]) for of, name in places if of == kind]
        there = "  ".join(f"{name} {times:,}" for name, times in counts if times)
        missing = "  ".join(name for name, times in counts if not times)
        table.add_row(kind, Text(there), Text(missing, style="yellow"))
    return table
