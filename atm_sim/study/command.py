"""The commands `atm-sim study`, which plays a study file, and `atm-sim explain`, which only works out formulas.

Exit 0 all met, 1 an expectation failed, 2 the file, the folder or the command line is wrong, 3 it could not run there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atm_sim.checks.values import in_words
from atm_sim.exits import BROKEN, FAILED, MET, stop
from atm_sim.progress import progress_bar
from atm_sim.records.check import Check, failures_first
from atm_sim.records.study_folder import DifferenceRow, IntervalRow, StudyFolder
from atm_sim.report.view import clock
from atm_sim.runner.files import open_scenario
from atm_sim.runner.suite import is_study_file
from atm_sim.study.executors import ExecutorError, open_executor
from atm_sim.study.explain import SiteLoad, site_loads
from atm_sim.study.explain_fleet import fleet_loads
from atm_sim.study.formulas import Queue
from atm_sim.study.plan import load_study
from atm_sim.study.run import run_study
from atm_sim.study.write import write_study
from bank_host.jst import HOUR_US
from bank_host.policy import load_policy

WIDTH = 160
"""Columns where the output is no terminal."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("study")
@click.argument("file", type=_FILE)
@click.option("--on", default="", help="dask://HOST:PORT; without it the cores of this machine.")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes; default one for each core.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Study folder; default out/FILE."
)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def study(file: Path, on: str, workers: int | None, out: Path | None, as_json: bool) -> None:
    """Play the study FILE: replications, variants, sweeps; with 95 % intervals and a report."""
    if on and not on.startswith("dask://"):
        raise click.BadParameter("a study runs on dask://HOST:PORT, or without --on here", param_hint="--on")
    plan = load_study(file, load_policy())
    folder = StudyFolder.create(out or Path("out") / file.stem)
    console = Console(highlight=False)

    try:
        with open_executor(on, workers) as executor, progress_bar(plan.study.title, console, as_json) as tell:
            played = run_study(plan, executor, folder.write_events, tell)
    except ExecutorError as error:
        stop(BROKEN, f"atm-sim: {error}")
    checks = write_study(plan, played, folder)
    if as_json:
        click.echo(json.dumps(_data(folder, checks), ensure_ascii=False))
    else:
        _show(console, folder, checks)
    raise SystemExit(MET if all(check.passed for check in checks) else FAILED)


@click.command("explain")
@click.argument("file", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def explain(file: Path, as_json: bool) -> None:
    """Loads and expected waits of the scenario or study FILE by queueing formulas; nothing is simulated."""
    policy = load_policy()
    if is_study_file(file):
        plan = load_study(file, policy)
        base, seed = plan.base, plan.seed
        arms = {arm.name: arm.case.scenario for arm in plan.arms}
    else:
        base = open_scenario(file, policy)
        seed, arms = base.scenario.seed, {"": base.cases[0].scenario}
    found = [
        (name, each)
        for name, scenario in arms.items()
        for each in (
            site_loads(scenario) if scenario.fleet is None else fleet_loads(scenario, base.path.parent, seed)
        )
    ]
    if as_json:
        click.echo(json.dumps([_load_data(name, each) for name, each in found], ensure_ascii=False))
        return
    if not found:
        click.echo("No streams of customers come to any place here, so there is no queue to work out.")
        return
    console = Console(highlight=False)
    _print(console, _load_table(found))
    for line in _remarks(found):
        console.print(Text(line), soft_wrap=True)


def _load_data(arm: str, each: SiteLoad) -> dict[str, object]:
    return {
        "arm": arm,
        "site": each.site,
        "machines": each.machines,
        "from_us": each.from_us,
        "until_us": each.until_us,
        "arrivals_per_h": HOUR_US / each.arrivals.mean_us,
        "service_mean_us": each.service.mean_us,
        "offered_load": each.load,
        "utilisation": each.utilisation,
        "formula": each.queue.formula if each.queue else None,
        "exact": bool(each.queue and each.queue.exact),
        "p_wait": each.queue.p_wait if each.queue else 1.0,
        "wait_mean_us": each.queue.wait_mean_us if each.queue else None,
    }


def _load_table(found: list[tuple[str, SiteLoad]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    several = any(arm for arm, _ in found)
    for name in (["variant"] if several else []) + ["site", "from", "to"]:
        table.add_column(name)
    for name in ("ATMs", "per hour", "service", "load", "rho", "P(wait)", "mean wait"):
        table.add_column(name, justify="right")
    table.add_column("formula")
    for arm, each in found:
        grows = each.queue is None
        cells = [arm] if several else []
        cells += [each.site, clock(each.from_us), clock(each.until_us), f"{each.machines}"]
        cells += [f"{HOUR_US / each.arrivals.mean_us:.1f}", in_words(each.service.mean_us, "duration")]
        cells += [f"{each.load:.3f}", f"{each.utilisation:.3f}"]
        if each.queue is None:
            cells += ["1", "grows", "none: rho >= 1"]
        else:
            cells += [f"{each.queue.p_wait:.4f}", in_words(each.queue.wait_mean_us, "duration")]
            cells += [_formula(each.queue)]
        table.add_row(*cells, style="red" if grows else None)
    return table


def _formula(queue: Queue) -> str:
    """The formula's name, and that it is an approximation where it is one."""
    return {
        "M/M/c": "Erlang C (M/M/c)",
        "M/G/1": "Pollaczek-Khinchine (M/G/1)",
        "Allen-Cunneen": "approximation (Allen-Cunneen)",
    }[queue.formula]


def _remarks(found: list[tuple[str, SiteLoad]]) -> Iterator[str]:
    for arm, each in found:
        if each.queue is None:
            at = f"{arm}: {each.site}" if arm else each.site
            needed = int(each.load) + 1
            yield (
                f"warning: {at}, {clock(each.from_us)} to {clock(each.until_us)}: rho {each.utilisation:.2f}, more "
                f"comes than {each.machines} can serve; the queue grows until the stream ends. {needed} would do."
            )
    if any(each.assumed for _, each in found):
        yield "Service times are the sum of habits and one round trip to the bank, as no visit: is given."
    yield "Long-run values: a stretch that is short, or that begins empty, waits less. Mean wait is over everybody."


def _data(folder: StudyFolder, checks: list[Check]) -> dict[str, object]:
    facts = folder.read_manifest()
    return {
        "study": facts["title"],
        "folder": folder.path.as_posix(),
        "report": (folder.path / "report.html").as_posix(),
        "replications": facts["replications"],
        "intervals": [row._asdict() for row in folder.read_table("intervals")],
        "differences": [row._asdict() for row in folder.read_table("differences")],
        "checks": [check._asdict() for check in checks],
    }


# ---------------------------------------------------------------- what is shown


def _show(console: Console, folder: StudyFolder, checks: list[Check]) -> None:
    facts = folder.read_manifest()
    numbers = "common random numbers" if facts["random_numbers"] == "common" else "independent random numbers"
    about = f"{facts['replications']} replications of {len(facts['arms'])}, {numbers}, seed {facts['seed']}"
    console.print(Text(f"{facts['title']}\n{about}\n"), soft_wrap=True)
    intervals: list[IntervalRow] = folder.read_table("intervals")
    for key in facts["measures"]:
        rows = [row for row in intervals if row.measure == key]
        if rows:
            _print(console, _interval_table(key, rows))
    differences: list[DifferenceRow] = folder.read_table("differences")
    if differences:
        _print(console, _difference_table(facts["against"], differences))
    for check in failures_first(checks):
        mark = ("met   ", "green") if check.passed else ("FAILED", "red")
        about = f"{check.case}: {check.name}" if check.case else check.name
        line = f" {about} {check.expected}: {check.actual}"
        console.print(Text.assemble(mark, line), soft_wrap=True)
    console.print(f"\nReport: {(folder.path / 'report.html').as_posix()}", soft_wrap=True)


def _print(console: Console, table: Table) -> None:
    """A table; where nobody is looking, whole lines without padding for a program or a page to take."""
    if console.is_terminal:
        console.print(table)
        return
    plain = Console(highlight=False, width=WIDTH, file=io.StringIO())
    with plain.capture() as caught:
        plain.print(table)
    click.echo("\n".join(line.rstrip() for line in caught.get().splitlines()))


def _table(title: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title)
    for name in ("mean", "95 % from", "to"):
        table.add_column(name, justify="right")
    return table


def _words(value: float, unit: str) -> str:
    return in_words(value, "duration" if unit == "us" else unit)


def _interval_table(key: str, rows: list[IntervalRow]) -> Table:
    table = _table(key)
    for row in rows:
        table.add_row(row.arm, *(_words(value, row.unit) for value in (row.mean, row.low, row.high)))
    return table


def _difference_table(against: str, rows: list[DifferenceRow]) -> Table:
    table = _table(f"less {against}")
    table.add_column("")
    for row in rows:
        values = (_words(value, row.unit) for value in (row.mean, row.low, row.high))
        table.add_row(f"{row.arm}: {row.measure}", *values, row.verdict)
    return table
