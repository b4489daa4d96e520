"""`atm-sim run`: a scenario file in simulated time, its run folder and report."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from atm_sim.exits import BROKEN, FAILED, WRONG_USAGE, stop
from atm_sim.records.folder import clear
from atm_sim.report import text
from atm_sim.report.view import RunView, clock
from atm_sim.runner.files import open_scenario
from atm_sim.runner.fleet import play_fleet
from atm_sim.runner.folder import write_run
from atm_sim.runner.own_card import look_at, virtual_reader
from atm_sim.runner.play import play
from atm_sim.runner.tap import PcapTap
from atm_sim.scenario import Case, Loaded, rows
from atm_sim.world.lab import Parts
from bank_host.policy import load_policy
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore
from bank_host.store.sql import SqlStore
from cardreader.guard import Level
from cardreader.pcsc.machine import system_transport
from cardreader.transport import Transport

VIRTUAL_CARD = click.option(
    "--virtual-card", is_flag=True, help="For `card: reader`: a virtual card instead of one in a reader."
)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Run folder; default out/FILE.")
@click.option("--seed", type=click.IntRange(0), help="Instead of the file's own seed.")
@click.option("--case", "row", type=click.IntRange(1), help="Only this row of the file's cases: table.")
@click.option(
    "--pcap",
    "pcap_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the messages of the first replication as a capture for Wireshark.",
)
@VIRTUAL_CARD
@click.option("--reader", help="For `card: reader`: part of the reader's name, if several have a card.")
@click.option(
    "--level",
    type=click.Choice(["identify", "read"]),
    default="identify",
    help="For `card: reader`: how far the card is read.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=30,
    help="For `card: reader`: seconds to wait for a card.",
)
@click.option("--yes", is_flag=True, help="Do not ask before the level read.")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=None,
    help="For `fleet:`: processes that play its partitions; default one a core.",
)
@click.pass_obj
def run(
    transport: Callable[[], Transport] | None,
    file: Path,
    out: Path | None,
    seed: int | None,
    row: int | None,
    pcap_file: Path | None,
    virtual_card: bool,
    reader: str | None,
    level: str,
    wait_s: float,
    yes: bool,
    as_json: bool,
    workers: int | None,
) -> None:
    """Run the scenario FILE in simulated time and write a run folder with its report.

    Where somebody's card is `card: reader`, it waits for a card in a reader first; nothing of it is kept but the name
    of its application, the interface and how its ATR begins.
    """
    policy = load_policy()
    loaded = open_scenario(file, policy)
    if loaded.scenario.only_load:
        stop(WRONG_USAGE, f"{file}: only load: here, which runs in wall time; atm-sim load {file}")
    card_read = ""
    if loaded.scenario.from_reader:
        if level == "read" and not (yes or virtual_card):
            _ask_first()
        readers = (virtual_reader if virtual_card else transport or system_transport)()
        found = look_at(
            readers,
            loaded.scenario.day,
            level=Level[level.upper()],
            reader=reader,
            wait_s=wait_s,
            waiting=_say_waiting,
        )
        card_read = str(found)
    folder = out or Path("out") / file.stem
    console = Console(highlight=False)
    views: list[tuple[Path, RunView]] = []
    cases = _chosen(loaded, row)
    if pcap_file is not None and loaded.scenario.fleet is not None:
        raise click.UsageError("--pcap: a fleet in detail `fleet` sends no messages; choose another scenario")
    if pcap_file is not None and len(cases) > 1:
        raise click.UsageError(
            f"--pcap holds one run; choose a row of the file with --case 1 to {len(cases)}"
        )
    tap = PcapTap() if pcap_file is not None else None
    for case in cases:
        path = folder / f"row-{case.row_number}" if case.row_number else folder
        clear(folder if row is None and not views else path)
        with ExitStack() as stores, _progress(case, quiet=as_json or not console.is_terminal) as tell:
            if case.scenario.fleet is not None:
                done = play_fleet(
                    loaded, case, path, seed=seed, workers=workers or os.cpu_count() or 1, progress=tell
                )
            else:
                wired = partial(_parts, path, stores, card_read, tap)
                done = play(loaded, case, seed=seed, parts=wired, progress=tell)
        views.append((path, write_run(done, path, policy)))
    if pcap_file is not None and tap is not None:
        pcap_file.write_bytes(tap.pcap())
        _tell_capture(pcap_file, tap)
    if as_json:
        click.echo(json.dumps([_run_data(path, view) for path, view in views], ensure_ascii=False))
    else:
        for path, view in views:
            console.print(text.summary(view, report=(path / "report.html").as_posix()), soft_wrap=True)
            show_failures(console, view)
    raise SystemExit(0 if all(view.verdict.met for _, view in views) else FAILED)


def _tell_capture(file: Path, tap: PcapTap) -> None:
    """On standard error, so that --json stays what it is."""
    nodes = [f"{name} {address}" for name, address in islice(tap.addresses.items(), 12)]
    more = f", and {len(tap.addresses) - 12} more" if len(tap.addresses) > 12 else ""
    click.echo(f"{file}: {tap.messages:,} messages; {', '.join(nodes)}{more}", err=True)


def _run_data(path: Path, view: RunView) -> dict[str, Any]:
    """A run for a program to read."""
    return {
        "run": view.manifest.run,
        "scenario": view.manifest.title,
        "folder": path.as_posix(),
        "report": (path / "report.html").as_posix(),
        "passed": view.verdict.passed,
        "failed": view.verdict.failed,
        "failed_checks": [check._asdict() for check in view.checks if not check.passed],
        "measures": [row._asdict() for row in view.summary],
        "replay": view.manifest.replay,
    }


def show_failures(console: Console, view: RunView) -> None:
    for block in text.failure_blocks(view):
        console.print(Text(block), soft_wrap=True)


def _chosen(loaded: Loaded, row: int | None) -> list[Case]:
    cases = rows(loaded)
    if row is None:
        return cases
    chosen = [case for case in cases if case.row_number == row]
    if not chosen:
        raise click.BadParameter(f"the file's cases: table has rows 1 to {len(cases)}", param_hint="--case")
    return chosen


def _say_waiting() -> None:
    click.echo("Insert a card, or lay it on the reader. No PIN of it is asked for or sent.", err=True)


def _ask_first() -> None:
    click.echo(
        "The card's transaction counter will go up by one for each application. Nothing else on it changes, and no PIN "
        "is sent.",
        err=True,
    )
    if not click.confirm("Go on?", err=True):
        stop(BROKEN, "atm-sim: nothing was sent to the card; without --level read its counter stays as it is")


def _parts(folder: Path, stores: ExitStack, card_read: str, tap: PcapTap | None, replication: int) -> Parts:
    """The first replication's banks are kept as SQLite files in the run folder, and it is listened to; the others live
    in memory."""

    def store(bank: str) -> Store:
        if replication > 1:
            return MemoryStore()
        folder.mkdir(parents=True, exist_ok=True)
        kept = SqlStore.create(f"sqlite:///{folder / f'bank-{bank}.sqlite'}", durable=False)
        stores.callback(kept.close)
        return kept

    if tap is None or replication > 1:
        return Parts(store=store, card_read=card_read)
    return Parts(store=store, card_read=card_read, tap=tap)


@contextmanager
def _progress(case: Case, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar that tells replication and simulated time; nothing where nobody is looking."""
    if quiet:
        yield lambda replication, time_us: None
        return
    replications = case.scenario.run.replications
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[at]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(case.scenario.title, total=replications, at="")

        def tell(replication: int, time_us: int) -> None:
            bar.update(task, completed=replication - 1, at=f"{replication}/{replications} {clock(time_us)}")

        yield tell
