"""Commands about a whole database: create an example bank, migrate the schema, copy it, sweep the invariants."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from random import Random, SystemRandom

import click

from bank_host.cli.common import clock_at, open_database, shown
from bank_host.cli.exits import FINDING, WRONG_USAGE, stop
from bank_host.cli.keys import key_options, keys_of, store_of, told
from bank_host.example import hand_over, open_example
from bank_host.host import Bank
from bank_host.policy import load_policy
from bank_host.store.backup import back_up
from bank_host.store.engine import open_engine
from bank_host.store.migrate import upgrade
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify


@click.command()
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
@key_options
@told
def init(
    database: str, folder: Path, seed: int | None, moment: str, key_file: Path | None, sealed_by: Path | None
) -> None:
    """Create an example bank in DATABASE (an empty SQLite file or a URL): people of all kinds, cards, tokens."""
    now_us = clock_at(moment)()
    hsm = keys_of(key_file, sealed_by)
    with open_database(database, must_exist=False) as engine:
        upgrade(engine)
        store = store_of(engine, database, hsm)
        if next(store.accounts(), None) is not None:
            stop(WRONG_USAGE, f"{shown(database)} holds a bank already; name an empty database")
        bank = Bank("example", store, load_policy(), hsm)
        random = SystemRandom() if seed is None else Random(seed)
        for holding in open_example(bank, random, now_us):
            hand_over(holding, folder)
            example = holding.example
            click.echo(f"{holding.account_id} {example.alias:8} {example.kind:16} {example.authenticator}")
    click.echo(f"{shown(database)}: an example bank; letters and token files are in {folder.as_posix()}")


@click.command("verify")
@click.argument("database")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@key_options
@told
def verify_command(database: str, as_json: bool, key_file: Path | None, sealed_by: Path | None) -> None:
    """Sweep every invariant of a bank's DATABASE (a SQLite file or a URL); exit 1 on any difference."""
    hsm = keys_of(key_file, sealed_by)
    with open_database(database, must_exist=True) as engine:
        findings = verify(store_of(engine, database, hsm), load_policy())
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{finding.invariant} {finding.where}: {finding.what}")
        click.echo(
            f"{len(findings)} findings in {shown(database)}"
            if findings
            else f"{shown(database)}: the books are in order"
        )
    raise SystemExit(FINDING if findings else 0)


@click.command()
@click.argument("database")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(database: str, file: Path) -> None:
    """Copy a bank's DATABASE (a SQLite file or its URL) to a new FILE, as of one commit, while hosts go on writing."""
    with open_database(database, must_exist=True) as engine:
        if engine.dialect.name != "sqlite":
            stop(WRONG_USAGE, f"{shown(database)} is no SQLite file; PostgreSQL has pg_dump for this")
        try:
            back_up(engine, file)
        except OSError as error:
            stop(WRONG_USAGE, f"{file} cannot be written: {error.strerror or error}")
        with closing(SqlStore(open_engine(f"sqlite:///{file}"))) as store:
            postings, ends = sum(1 for _ in store.journal()), store.chain_tails()
    click.echo(f"{file}: a copy of {shown(database)} with {postings} postings")
    for end in ends:
        click.echo(f"chain {end.chain} ends at link {end.n}, {end.digest[:16]}")


@click.command()
@click.argument("database")
def migrate(database: str) -> None:
    """Bring DATABASE (a SQLite file or a URL) to the newest schema; creates a SQLite file that is not there."""
    with open_database(database, must_exist=False) as engine:
        upgrade(engine)
    click.echo(f"{shown(database)}: schema is up to date")
