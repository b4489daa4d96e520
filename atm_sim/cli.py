"""The command `atm-sim`: run, test, trace, report, schema, describe, demo; others stand with their packages.

Exit 0 all met, 1 an expectation or invariant failed, 2 the file or the command line is wrong, 3 the tool broke, 4 a
measurement is invalid, 130 interrupted. A user's mistake never ends in a traceback; ATM_SIM_DEBUG=1 shows those of the
tool's own.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from atm_sim.cash.command import cash
from atm_sim.demand.command import fit
from atm_sim.doctor.command import doctor
from atm_sim.fleet.ground import SitesError
from atm_sim.fuzz.command import fuzz
from atm_sim.incidents.command import incident
from atm_sim.kiosk.command import kiosk
from atm_sim.load.command import load as load_command
from atm_sim.load.command import settle_command
from atm_sim.records.folder import RunFolder, RunFolderError, clear
from atm_sim.records.study_folder import is_study
from atm_sim.report import html, junit, text
from atm_sim.report import study as study_report
from atm_sim.report.view import RunView, clock, load
from atm_sim.runner.files import open_scenario
from atm_sim.runner.fleet import play_fleet
from atm_sim.runner.folder import view_of, write_run
from atm_sim.runner.matrix import matrix_data, matrix_rows, matrix_text
from atm_sim.runner.own_card import look_at, virtual_reader
from atm_sim.runner.play import play
from atm_sim.runner.proof import prove
from atm_sim.runner.suite import NOT_RUN, Tested, run_tests, scenario_files, suite_junit
from atm_sim.runner.tap import PcapTap
from atm_sim.scenario import Case, Loaded, ScenarioError, json_schema, rows
from atm_sim.shipped import shipped_scenarios
from atm_sim.study.command import explain, study
from atm_sim.target.command import Asked, run_against
from atm_sim.target.replay_command import replay
from atm_sim.token.command import token
from atm_sim.world.lab import Parts
from bank_host.address import Address, AddressType
from bank_host.iso8583.describe import describe_hex
from bank_host.iso8583.errors import FormatError
from bank_host.policy import load_policy
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore
from bank_host.store.sql import SqlStore
from cardreader.guard import Level
from cardreader.pcsc.machine import system_transport
from cardreader.problems import ReaderError
from cardreader.transport import Transport

FAILED, WRONG_USAGE, BROKEN, INTERRUPTED = 1, 2, 3, 130
"""Exit codes beside 0; 4, a measurement that is invalid, is `load`'s."""

_EXISTING = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_VIRTUAL_CARD = click.option(
    "--virtual-card", is_flag=True, help="For `card: reader`: a virtual card instead of one in a reader."
)
_LANG = click.option("--lang", type=click.Choice(["en", "ja"]), default="en", help="Language of the words.")


def _stop(code: int, message: object) -> NoReturn:
    click.echo(f"{message}", err=True)
    raise SystemExit(code)


class _Command(click.Group):
    """Turns every error into a message and an exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (ScenarioError, SitesError) as error:
            _stop(WRONG_USAGE, error)
        except BrokenPipeError:  # `atm-sim schema | head`: click knows what to do
            raise
        except ReaderError as error:
            _stop(BROKEN, f"atm-sim: {error}")
        except (RunFolderError, OSError) as error:
            _stop(WRONG_USAGE, f"atm-sim: {error}")
        except KeyboardInterrupt:
            _stop(INTERRUPTED, "atm-sim: interrupted")
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if os.environ.get("ATM_SIM_DEBUG"):
                raise
            _stop(
                BROKEN,
                f"atm-sim broke: {type(error).__name__}: {error}\n"
                "This is a fault of atm-sim, not of your file. ATM_SIM_DEBUG=1 shows where; please report it.",
            )


@click.group(cls=_Command)
@click.version_option(package_name="atm-sim")
def main() -> None:
    """Simulate ATMs, a card network and a bank: scenario file in, graded run out."""


# ---------------------------------------------------------------- run


@main.command(short_help="Run a scenario file and write its report.")
@click.argument("file", type=_FILE)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Run folder; default out/FILE.")
@click.option("--seed", type=click.IntRange(0), help="Instead of the file's own seed.")
@click.option("--case", "row", type=click.IntRange(1), help="Only this row of the file's cases: table.")
@click.option(
    "--pcap",
    "pcap_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the messages of the first replication as a capture for Wireshark.",
)
@_VIRTUAL_CARD
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
        _stop(WRONG_USAGE, f"{file}: only load: here, which runs in wall time; atm-sim load {file}")
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
            _show_failures(console, view)
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


def _show_failures(console: Console, view: RunView) -> None:
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
        _stop(
            BROKEN, "atm-sim: nothing was sent to the card; without --level read its counter stays as it is"
        )


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


# ---------------------------------------------------------------- test


@main.command(short_help="Test the scenario files of a folder.")
@click.argument("path", type=_EXISTING)
@click.option("--seed", type=click.IntRange(0), help="Instead of each file's own seed.")
@click.option(
    "--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML."
)
@click.option("--matrix", is_flag=True, help="Print requirement by scenario by outcome.")
@click.option(
    "--prove", "proving", is_flag=True, help="Break each covered requirement: a scenario must notice."
)
@_VIRTUAL_CARD
@click.option("--target", type=AddressType(), help="Test this host over TCP instead of simulated time.")
@click.option("--profile", type=_FILE, help="With --target: how it speaks, its keys and cards (TOML).")
@click.option("--own-host", is_flag=True, help="As --target, our own bank-host, started for the run.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --target or --own-host: write the run folder here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def test(
    path: Path,
    seed: int | None,
    junit_file: Path | None,
    matrix: bool,
    proving: bool,
    virtual_card: bool,
    target: Address | None,
    profile: Path | None,
    own_host: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Test the scenario file or folder PATH; files below a folder `invalid` must be refused as they say.

    A file with `card: reader` is not run, unless a virtual card stands in the reader. Against a host (--target,
    --own-host) steps that it cannot perform or show are not run, each with its reason.
    """
    policy = load_policy()
    files = scenario_files(path)
    if not files:
        _stop(WRONG_USAGE, f"atm-sim: {path}: no scenario file (*.yaml) here")
    if profile is not None and target is None:
        raise click.UsageError("--profile says how a --target speaks; name that too")
    if target is not None or own_host:
        if target is not None and own_host:
            raise click.UsageError("--target and --own-host are two hosts; choose one")
        if matrix or proving or virtual_card or seed is not None:
            raise click.UsageError("--seed, --matrix, --prove and --virtual-card are for simulated time")
        run_against(files, Asked(target, profile, junit_file, as_json, out), policy)
    if out is not None:
        raise click.UsageError(
            "--out goes with --target or --own-host; `atm-sim run` writes folders of simulated time"
        )
    console = Console(highlight=False)
    tests = []
    card_read = _look_at_virtual_card if virtual_card else _no_card
    for tested in run_tests(files, policy, seed, card_read):
        tests.append(tested)
        if not as_json:
            _show_test(console, tested)
    not_run = [tested for tested in tests if tested.not_run]
    failed = [tested for tested in tests if not tested.passed and not tested.not_run]
    if junit_file is not None:
        junit_file.write_text(suite_junit(tests, policy), encoding="utf-8")
    proofs = prove(files, _tell_proof(console)) if proving else []
    requirements = matrix_rows([(t.path, t.covers, t.passed) for t in tests if not t.not_run], proofs)
    if as_json:
        data: dict[str, Any] = {"tests": [_test_data(tested) for tested in tests]}
        if matrix or proving:
            data["matrix"] = matrix_data(requirements)
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        if matrix or proving:
            click.echo(matrix_text(requirements))
        for proof in (proof for proof in proofs if proof.missing):
            click.echo(f"{proof.requirement} is claimed and not proven: {proof.missing}")
        passed = len(tests) - len(failed) - len(not_run)
        left_out = f", {len(not_run)} not run" if not_run else ""
        click.echo(f"{passed} passed, {len(failed)} failed{left_out}, in {len(files)} files")
    raise SystemExit(FAILED if failed or any(proof.missing for proof in proofs) else 0)


def _no_card(loaded: Loaded) -> str:
    return ""


def _look_at_virtual_card(loaded: Loaded) -> str:
    return str(look_at(virtual_reader(), loaded.scenario.day))


def _tell_proof(console: Console) -> Callable[[int, int], None]:
    """A line that counts requirements while they are proven, where somebody is looking."""

    def tell(done: int, of: int) -> None:
        if console.is_terminal:
            console.print(f"proving: {done} of {of} requirements", end="\r")

    return tell


def _show_test(console: Console, tested: Tested) -> None:
    if tested.not_run:
        console.print(Text(f"not run {tested.path.as_posix()}: {tested.name}"), soft_wrap=True)
        return
    mark = ("passed", "green") if tested.passed else ("FAILED", "red")
    # as Text: a title may have [brackets], which are no markup
    console.print(Text.assemble(mark, f" {tested.path.as_posix()}: {tested.name}"), soft_wrap=True)
    if tested.passed:
        return
    if tested.run is not None:
        _show_failures(console, view_of(tested.run, load_policy()))
        return
    for title, lines in (("expected", tested.expected), ("actual", tested.actual)):
        for line in lines or ["nothing"]:
            console.print(Text(f"  {title}: {line}"), soft_wrap=True)


def _test_data(tested: Tested) -> dict[str, Any]:
    data: dict[str, Any] = {"file": tested.path.as_posix(), "case": tested.name, "passed": tested.passed}
    if tested.not_run:
        data["not_run"] = NOT_RUN
    if tested.run is not None:
        data["failed_checks"] = [check._asdict() for check in tested.run.checks if not check.passed]
        data["replay"] = tested.run.replay
    return data


main.add_command(fuzz)
main.add_command(fit)
main.add_command(cash)
main.add_command(incident)
main.add_command(kiosk)
main.add_command(doctor)
main.add_command(load_command)
main.add_command(settle_command)
main.add_command(study)
main.add_command(explain)
main.add_command(replay)
main.add_command(token)


# ---------------------------------------------------------------- looking at a run


@main.command(short_help="Tell one person's day, message by message.")
@click.argument("folder", type=_FOLDER)
@click.option("--card", required=True, help="Alias of the person, as in the scenario's cast.")
def trace(folder: Path, card: str) -> None:
    """Tell one person's day from the run FOLDER, with every message in words."""
    try:
        lines = text.trace_lines(load(folder), card)
    except text.UnknownPerson as error:
        _stop(WRONG_USAGE, f"atm-sim: {error}")
    click.echo("\n".join(lines))


@main.command(short_help="Build the report of a run again.")
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


# ---------------------------------------------------------------- reference


@main.command(short_help="Print the JSON Schema of scenario files.")
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))


@main.command(short_help="Put an ISO 8583 message into words.")
@click.argument("message")
@_LANG
def describe(message: str, lang: Any) -> None:
    """Describe an ISO 8583 MESSAGE (hexadecimal, or the ASCII text itself) in words; `-` reads standard input."""
    try:
        click.echo(describe_hex(sys.stdin.read().strip() if message == "-" else message, lang))
    except FormatError as error:
        _stop(WRONG_USAGE, f"atm-sim: not a message of our dialect: {error}")


@main.command(short_help="Copy the tutorial here and run it.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="atm-sim-demo")
@click.pass_context
def demo(context: click.Context, folder: Path) -> None:
    """Copy the tutorial scenarios to FOLDER, run the first one, and name its report."""
    if folder.exists() and any(folder.iterdir()):
        _stop(WRONG_USAGE, f"atm-sim: {folder} is not empty; name another folder: atm-sim demo OTHER")
    shutil.copytree(shipped_scenarios() / "tutorial", folder, dirs_exist_ok=True)
    click.echo(f"Copied the tutorial to {folder}. Running {folder / 'first_day.yaml'}.")
    context.invoke(run, file=folder / "first_day.yaml", out=folder / "run")


if __name__ == "__main__":
    main()
