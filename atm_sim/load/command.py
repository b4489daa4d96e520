"""The commands `atm-sim load`, a scenario's fleet as real traffic with its verdict, and `atm-sim settle`.

Exit 0 met, 1 an expectation failed or the books differ, 2 wrong file or command line, 3 the host could not be reached,
4 the measurement is invalid, 130 interrupted.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from atm_sim.checks.values import duration as in_words
from atm_sim.exits import BROKEN, FAILED, MET, WRONG_USAGE, stop
from atm_sim.load import settle
from atm_sim.load.cards import CardTurns
from atm_sim.load.drive import Progress, Target
from atm_sim.load.journal_file import read_journal, read_map, read_sent
from atm_sim.load.judge import Verdict, judge
from atm_sim.load.people import Carrier
from atm_sim.load.plan import planned_rate
from atm_sim.load.play import Played, play
from atm_sim.load.target import HostBroke, OwnHost, carriers, make_database, own_host
from atm_sim.load.write import SENT, summary, write, writing
from atm_sim.report.load import ends_in_words
from atm_sim.report.texts import code_text
from atm_sim.runner.files import open_scenario
from atm_sim.scenario import Scenario
from atm_sim.scenario.loading import Load
from atm_sim.target.profile import Profile, read_profile
from atm_sim.wire.connections import NotReached
from atm_sim.wire.keys import WireKeys, published
from bank_host.address import Address, AddressType
from bank_host.cli.common import open_database
from bank_host.clock import wall_clock
from bank_host.iso8583.dialect import Dialect, load_dialect
from bank_host.jst import SECOND_US
from bank_host.policy import Policy, load_policy
from bank_host.store.sql import SqlStore
from bank_host.written.values import duration_us

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _DurationType(click.ParamType):
    """A duration as scenario files write it, in microseconds."""

    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> int:
        try:
            found = duration_us(str(value))
        except ValueError as error:
            self.fail(f"{error}", param, context)
        if not found:
            self.fail("a run takes some time", param, context)
        return found


class _Asked(NamedTuple):
    """What is to be run."""

    file: Path
    scenario: Scenario
    load: Load
    seed: int
    policy: Policy
    dialect_name: str
    dialect: Dialect
    profile: Profile | None


@click.command()
@click.argument("file", type=_FILE)
@click.option("--target", type=AddressType(), help="The host; without it our own is started for the run.")
@click.option(
    "--dialect", "dialect_name", help="Name, or path of a .toml file; the profile's or atm-sim without it."
)
@click.option("--profile", "profile_file", type=_FILE, help="The target's dialect, keys and cards, TOML.")
@click.option("--no-sign-on", is_flag=True, help="The target wants no 0800 before business.")
@click.option("--seed", type=click.IntRange(0), help="Instead of the file's own seed.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Run folder; default out/FILE.")
@click.option(
    "--enrol",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only make this bank database with the run's customers, for `bank-host serve`.",
)
@click.option(
    "--duration", type=_DurationType(), help="How long, such as 8h: the arrivals start over until then."
)
@click.option("--no-sent-log", is_flag=True, help="Keep no sent.csv: nothing of this run is to be settled.")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def load(
    file: Path,
    target: Address | None,
    dialect_name: str | None,
    profile_file: Path | None,
    no_sign_on: bool,
    seed: int | None,
    out: Path | None,
    enrol: Path | None,
    duration: int | None,
    no_sent_log: bool,
    as_json: bool,
) -> None:
    """Play the load: block of the scenario FILE as real traffic in wall time, and judge what was measured."""
    policy = load_policy()
    scenario = open_scenario(file, policy).scenario
    if scenario.load is None:
        stop(WRONG_USAGE, f"{file}: no load: block here; docs/reference/load.md has its keys")
    if profile_file is not None and (target is None or dialect_name is not None or enrol is not None):
        raise click.UsageError("--profile goes with --target, and not with --dialect or --enrol")
    profile = None if profile_file is None else read_profile(profile_file)
    dialect_name = dialect_name or "atm-sim"
    dialect = _dialect(dialect_name) if profile is None else profile.dialect
    block = scenario.load if duration is None else scenario.load.model_copy(update={"duration_us": duration})
    asked = _Asked(
        file, scenario, block, scenario.seed if seed is None else seed, policy, dialect_name, dialect, profile
    )
    if enrol is not None:
        _enrol(asked, enrol)
        return
    console, folder = Console(highlight=False), out or Path("out") / file.stem
    with _live(console, asked.load, quiet=as_json or not console.is_terminal) as tell:
        try:
            facts = _run(asked, target, folder, tell, sign_on=not no_sign_on, sent_log=not no_sent_log)
        except (NotReached, HostBroke) as error:
            stop(BROKEN, f"atm-sim: {error}")
    report = write(folder, facts)
    if as_json:
        click.echo(json.dumps(facts | {"report": report.as_posix()}, ensure_ascii=False))
    else:
        _show(console, facts, report)
    raise SystemExit(facts["exit_code"])


@click.command("settle")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--journal", type=_FILE, help="The host's journal, CSV.")
@click.option("--columns", type=_FILE, help="Which column is what, TOML.")
@click.option("--database", help="Instead: the database of a bank-host, a SQLite file or a URL.")
def settle_command(folder: Path, journal: Path | None, columns: Path | None, database: str | None) -> None:
    """Compare what the ATMs of the load run FOLDER know with the journal of a host: a CSV file, or our own database."""
    if (journal is None) == (database is None) or (database is not None and columns is not None):
        raise click.UsageError("name the host's journal: --journal (with --columns), or --database")
    sent = read_sent(folder / SENT)
    if journal is not None:
        found = settle.settle(sent, read_journal(journal, read_map(columns)), may_be_cut=True)
    else:
        found = _settled_in(f"{database}", sent)
    for difference in (*found.differences, *found.cut_short):
        click.echo(f"{difference}")
    click.echo(
        f"{found.compared:,} compared, {found.completed:,} completed, {found.reversed:,} reversed, "
        f"{len(found.differences):,} differences, {len(found.cut_short):,} beyond the journal's end"
    )
    raise SystemExit(FAILED if found.differences or found.cut_short else MET)


def _settled_in(database: str, sent: Iterable[settle.Done]) -> settle.Settlement:
    with open_database(database, must_exist=True) as engine:
        entries = settle.of_our_host(SqlStore(engine).journal())
        return settle.settle(sent, entries, by="identity", has_other_runs=True)


def _dialect(name: str) -> Dialect:
    try:
        return load_dialect(name)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--dialect") from None


def _enrol(asked: _Asked, database: Path) -> None:
    if database.exists():
        stop(WRONG_USAGE, f"atm-sim: {database} exists already; name a new file")
    people = make_database(database, asked.scenario, asked.load, asked.seed, asked.policy, wall_clock()())
    click.echo(f"{database}: a bank with {len(people):,} customers; bank-host serve --database {database}")


# ---------------- the run


def _run(
    asked: _Asked,
    address: Address | None,
    out: Path,
    tell: Callable[[Progress], None],
    *,
    sign_on: bool,
    sent_log: bool,
) -> dict[str, Any]:
    now_us, profile = wall_clock()(), asked.profile
    turns = CardTurns(profile, asked.seed) if profile is not None and profile.cards else None
    with ExitStack() as stack:
        host: OwnHost | None = None
        if address is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atm-sim-load-")))
            database = folder / "bank.sqlite"
            people: Sequence[Carrier] = make_database(
                database, asked.scenario, asked.load, asked.seed, asked.policy, now_us
            )
            host = stack.enter_context(own_host(database, "--dialect", asked.dialect_name))
            address = host.address
        elif turns is not None:
            people = turns.people
        else:
            people = carriers(asked.scenario, asked.load, asked.seed, asked.policy, now_us)
        target = Target(address, asked.dialect, partial(WireKeys, published(asked.dialect)), sign_on)
        if profile is not None:
            link = profile.link_settings(asked.load.answer_within_us)
            target = target._replace(new_keys=profile.wire_keys, sign_on=sign_on and link.sign_on, link=link)
        sent = out / SENT if sent_log else None
        with writing(sent) as over:
            played = play(
                asked.scenario, asked.load, asked.seed, people, target, asked.policy, tell, over, turns
            )
        settlement = None if host is None or sent is None else _settled(host, sent)
    differences = None if settlement is None else len(settlement.differences)
    verdict = judge(asked.load, played.figures, differences, played.interrupted_us)
    words = "our own host" if host is not None else f"{address}"
    return _facts(asked, words, played, verdict, settlement)


def _settled(host: OwnHost, sent: Path) -> settle.Settlement:
    host.stop()
    store = SqlStore.create(f"sqlite:///{host.database}", durable=False)
    try:
        return settle.settle(read_sent(sent), settle.of_our_host(store.journal()), by="identity")
    finally:
        store.close()


def _facts(
    asked: _Asked, target: str, played: Played, verdict: Verdict, settlement: settle.Settlement | None
) -> dict[str, Any]:
    return summary(
        asked.scenario,
        asked.load,
        asked.seed,
        target,
        played.figures,
        verdict,
        settlement,
        played.record.odd_details,
        played.links_ended,
        played.started_us,
        asked.profile,
    )


# ---------------- what is shown


@contextmanager
def _live(console: Console, load: Load, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Where it stands, a few times a second; nothing where nobody is looking."""
    if quiet:
        yield lambda progress: None
        return
    with Live(console=console, auto_refresh=False, transient=True) as view:
        yield lambda progress: view.update(_view(load, progress), refresh=True)


def _view(load: Load, at: Progress) -> Table:
    table = Table.grid(padding=(0, 2))
    rate = (
        f"{planned_rate(load, max(0, at.since_start_us)):,.0f}/s planned now" if load.arrivals else "closed"
    )
    for name, value in (
        ("time", f"{max(0, at.since_start_us) / SECOND_US:.1f} of {load.for_us / SECOND_US:g} s"),
        ("arrivals", f"{at.planned:,}  ({rate})"),
        ("waiting for an answer", f"{at.waiting:,}"),
        ("advices still to send", f"{at.unsettled:,}"),
        ("connections", f"{at.links} of {load.connections}"),
    ):
        table.add_row(name, value)
    return table


def _show(console: Console, facts: dict[str, Any], report: Path) -> None:
    counts, model = facts["counts"], facts["model"]
    console.print(Text(f"{facts['title']}, {facts['target']}, seed {facts['seed']}, {model} model"))
    if (lab := facts["lab"]) is not None:
        console.print(Text(f"profile {lab['profile']}: {lab['cards']:,} cards, {lab['card_policy']}"))
        if lab["allow_bins"]:
            console.print(Text(f"beside test cards: BINs {', '.join(lab['allow_bins'])}, by the profile"))
    if counts["no_card"]:
        console.print(Text(f"{counts['no_card']:,} arrivals were dropped because no card was free"))
    console.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("latency from the intended moment" if model == "open" else "latency (closed)")
    names = ("p50", "p90", "p95", "p99", "p99.9", "max")
    for name in ("n", *names):
        table.add_column(name, justify="right")
    rows = {"all": facts["latency_us"], **facts["latency_us_by_service"]}
    rows |= {f"code {code}": row for code, row in facts["latency_us_by_code"].items()}
    rows["send lag"] = facts["send_lag_us"]
    for title, row in rows.items():
        table.add_row(title, f"{row['number']:,}", *(in_words(row[name]) for name in names))
    console.print(table)
    console.print()
    console.print(Text(_counts(counts)), soft_wrap=True)
    for code, number in facts["declines"].items():
        console.print(Text(f"declined {code_text(code).en}: {number:,}"))
    if ends := ends_in_words(facts):
        console.print(Text(f"connections that ended: {', '.join(ends)}"), soft_wrap=True)
    for detail in facts["unmatched"][:3]:
        console.print(Text(f"unmatched answer: {detail}"), soft_wrap=True)
    if facts["settlement"] is not None:
        found = facts["settlement"]
        console.print(
            Text(
                f"settlement: {found['compared']:,} compared, {found['completed']:,} completed, "
                f"{found['reversed']:,} reversed, {found['number_of_differences']:,} differences"
            )
        )
        for each in found["differences"][:20]:
            console.print(Text(f"  {each}"), soft_wrap=True)
    for check in facts["checks"]:
        mark = ("met   ", "green") if check["met"] else ("FAILED", "red")
        console.print(Text.assemble(mark, f" {check['name']} {check['expected']}: {check['actual']}"))
    if facts["invalid"]:
        console.print(Text.assemble(("INVALID ", "red"), facts["invalid"]), soft_wrap=True)
    console.print(f"\nReport: {report.as_posix()}", soft_wrap=True)


def _counts(counts: dict[str, int]) -> str:
    shown = ("planned", "sent", "dropped", "answered", "not_answered", "throughput")
    odd = ("late", "unmatched", "duplicate", "unsolicited", "mac_failures", "reversals", "unresolved")
    lines = (
        ", ".join(f"{name.replace('_', ' ')} {counts[name]:,}" for name in names) for names in (shown, odd)
    )
    return "\n".join(lines).replace("throughput", "answers a second")
