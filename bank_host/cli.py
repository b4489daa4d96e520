"""The command `bank-host`: look after the bank's database, its notices and its policy.

Exit 0 all well, 1 a finding, 2 the command line is wrong, 3 the database cannot be used, 130 interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, NoReturn

import click
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bank_host.clock import wall_clock
from bank_host.example import hand_over, open_example
from bank_host.help_topics import TOPICS
from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.jst import civil
from bank_host.notices.mailbox import MailboxFolder
from bank_host.notices.plan import DEAD, WAITING
from bank_host.notices.relay import Relay
from bank_host.policy import load_policy
from bank_host.rules.languages import LANGUAGES, say
from bank_host.store.backup import back_up
from bank_host.store.contract import Unavailable
from bank_host.store.engine import open_engine
from bank_host.store.migrate import upgrade
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify

FINDING, WRONG_USAGE, NOT_REACHED, INTERRUPTED = 1, 2, 3, 130


def _stop(code: int, message: str) -> NoReturn:
    click.echo(f"bank-host: {message}", err=True)
    raise SystemExit(code)


class _Command(click.Group):
    """An interrupted sweep has found nothing: it must not look like a finding (click's own exit code is 1)."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            _stop(INTERRUPTED, "interrupted")


@click.group(cls=_Command)
@click.version_option(package_name="atm-sim")
def main() -> None:
    """The issuing bank: its database, its notices and its policy."""


@main.command(short_help="Create an example bank.")
@click.argument("database")
@click.option(
    "--hand-over",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for what the customers carry: a letter each, and their token files.",
)
@click.option("--seed", type=click.IntRange(0), help="For the same cards, PINs and tokens every time.")
@click.option("--at", "moment", default="", help="Opened at this JST time, YYYY-MM-DD HH:MM; default: now.")
def init(database: str, folder: Path, seed: int | None, moment: str) -> None:
    """Create an example bank in DATABASE (an empty SQLite file or a URL): people of all kinds, cards, tokens."""
    now_us = _clock(moment)()
    with _database(database, must_exist=False) as engine:
        upgrade(engine)
        store = SqlStore(engine)
        if next(store.accounts(), None) is not None:
            _stop(WRONG_USAGE, f"{_shown(database)} holds a bank already; name an empty database")
        bank = Bank("example", store, load_policy(), Hsm.simulation())
        random = SystemRandom() if seed is None else Random(seed)
        for holding in open_example(bank, random, now_us):
            hand_over(holding, folder)
            example = holding.example
            click.echo(f"{holding.account_id} {example.alias:8} {example.kind:16} {example.authenticator}")
    click.echo(f"{_shown(database)}: an example bank; letters and token files are in {folder.as_posix()}")


@main.command("verify", short_help="Sweep the invariants of a database.")
@click.argument("database")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def verify_command(database: str, as_json: bool) -> None:
    """Sweep every invariant of a bank's DATABASE (a SQLite file or a URL); exit 1 on any difference."""
    with _database(database, must_exist=True) as engine:
        findings = verify(SqlStore(engine), load_policy())
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{finding.invariant} {finding.where}: {finding.what}")
        click.echo(
            f"{len(findings)} findings in {_shown(database)}"
            if findings
            else f"{_shown(database)}: the books are in order"
        )
    raise SystemExit(FINDING if findings else 0)


@main.command(short_help="Copy a SQLite database while it is in use.")
@click.argument("database")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(database: str, file: Path) -> None:
    """Copy a bank's DATABASE (a SQLite file or its URL) to a new FILE, as of one commit, while hosts go on writing."""
    with _database(database, must_exist=True) as engine:
        if engine.dialect.name != "sqlite":
            _stop(WRONG_USAGE, f"{_shown(database)} is no SQLite file; PostgreSQL has pg_dump for this")
        try:
            back_up(engine, file)
        except OSError as error:
            _stop(WRONG_USAGE, f"{file} cannot be written: {error.strerror or error}")
        with closing(SqlStore(open_engine(f"sqlite:///{file}"))) as store:
            postings, ends = sum(1 for _ in store.journal()), store.chain_tails()
    click.echo(f"{file}: a copy of {_shown(database)} with {postings} postings")
    for end in ends:
        click.echo(f"chain {end.chain} ends at link {end.n}, {end.digest[:16]}")


@main.command(short_help="Bring a database to the newest schema.")
@click.argument("database")
def migrate(database: str) -> None:
    """Bring DATABASE (a SQLite file or a URL) to the newest schema; creates a SQLite file that is not there."""
    with _database(database, must_exist=False) as engine:
        upgrade(engine)
    click.echo(f"{_shown(database)}: schema is up to date")


@main.command(short_help="Deliver the customers' notices that are due.")
@click.argument("database")
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that receives one UTF-8 file per message; it is made when the first one comes.",
)
@click.option(
    "--at", "moment", default="", help="As if it were this JST time, YYYY-MM-DD HH:MM; default: now."
)
def mail(database: str, folder: Path, moment: str) -> None:
    """Deliver the customers' notices of DATABASE that are due; exit 1 when one failed or is a dead letter."""
    clock = _clock(moment)
    with _database(database, must_exist=True) as engine:
        store = SqlStore(engine)
        counts = Relay(store, MailboxFolder(folder), clock, load_policy()).run()
        failed = [row for row in store.delivery.mail(WAITING) if row.problem]
        letters = list(store.delivery.mail(DEAD))
    for row in (*failed, *letters):
        state = (
            "dead letter" if row.state == DEAD else f"again at {civil(row.next_at_us):%Y-%m-%d %H:%M:%S} JST"
        )
        at, account = f"{civil(row.at_us):%Y-%m-%d %H:%M:%S} JST", "•••" + row.account_id[-3:]
        click.echo(
            f"{at} {row.kind}, account {account}, to {row.address or 'nobody'}: {row.problem} ({state})"
        )
    click.echo(f"{counts.sent} delivered, {counts.left} waiting, {len(letters)} dead letters")
    raise SystemExit(FINDING if failed or letters else 0)


@main.command(short_help="Show the figures the bank decides by.")
@click.option("--on", "day", default="", help="JST date, YYYY-MM-DD; without it every dated entry is listed.")
@click.option("--key", "only", default="", help="One key, or the beginning of several.")
def policy(day: str, only: str) -> None:
    """Show the bank's figures: every number a rule uses, by date, with where it comes from."""
    try:
        wanted = date.fromisoformat(day) if day else None
    except ValueError:
        raise click.BadParameter("expected a date such as 2014-01-15", param_hint="--on") from None
    entries = {key: timeline for key, timeline in load_policy().entries().items() if key.startswith(only)}
    if not entries:
        raise click.BadParameter(
            f"no key begins with {only!r}; without --key all are shown", param_hint="--key"
        )
    for key, timeline in entries.items():
        in_force = [entry for entry in timeline if wanted is None or entry.as_of <= wanted] or timeline[:1]
        for entry in in_force if wanted is None else in_force[-1:]:
            value = json.dumps(entry.raw, ensure_ascii=False, default=str)
            click.echo(f"{key}\t{entry.as_of}\t{value}\t{entry.basis}")


@main.command("help", short_help="Show what customers can look up.")
@click.argument("topic", type=click.Choice(list(TOPICS)))
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of the words.")
def help_command(topic: str, lang: str) -> None:
    """Show what customers can look up about TOPIC, as from the confirm screen of a transfer."""
    click.echo(say(TOPICS[topic], lang), nl=False)


def _clock(moment: str) -> Callable[[], int]:
    try:
        return wall_clock(moment)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--at") from None


@contextmanager
def _database(name: str, *, must_exist: bool) -> Iterator[Engine]:
    """The engine of a URL or of a SQLite file; what keeps it from being used becomes a message and an exit code."""
    if must_exist and "://" not in name:
        click.Path(exists=True, dir_okay=False).convert(name, None, None)
    try:
        engine = open_engine(name if "://" in name else f"sqlite:///{name}")
    except ImportError as missing:
        _stop(NOT_REACHED, f"{missing.name} is not installed: pip install 'atm-sim[postgres]'")
    except (ArgumentError, ValueError) as error:
        _stop(WRONG_USAGE, f"{error}")
    try:
        yield engine
    except (SQLAlchemyError, Unavailable) as error:
        told = error.__cause__ if isinstance(error, Unavailable) else error
        cause = str(getattr(told, "orig", None) or told).splitlines()[0]
        old = (
            "no such" in cause or "does not exist" in cause
        )  # a table or a column, in SQLite's and PostgreSQL's words
        hint = "; an older schema? `bank-host migrate` brings it to the newest" if old else ""
        _stop(NOT_REACHED, f"{_shown(name)} cannot be used: {cause}{hint}")
    finally:
        engine.dispose()


def _shown(name: str) -> str:
    """A database as it may be printed: a URL without its password."""
    return make_url(name).render_as_string(hide_password=True) if "://" in name else name
