"""The command `bank-host`: look after the bank's database and its policy.

Exit 0 all well, 1 a finding, 2 wrong usage, 3 the database cannot be used.
"""

from __future__ import annotations

import json
from datetime import date

import click
from sqlalchemy.exc import SQLAlchemyError

from bank_host.policy import PolicyError, load_policy
from bank_host.store.engine import open_engine
from bank_host.store.migrate import upgrade
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify

NOT_REACHED = 3


@click.group()
@click.version_option(package_name="atm-sim")
def main() -> None:
    """The issuing bank."""


@main.command("verify")
@click.argument("database")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def verify_command(database: str, as_json: bool) -> None:
    """Sweep every invariant of a bank's DATABASE (a SQLite file or a URL); exit 1 on any difference."""
    try:
        store = SqlStore(open_engine(_url(database, must_exist=True)))
        findings = verify(store)
        store.close()
    except SQLAlchemyError as error:
        _not_reached(database, error)
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{finding.invariant} {finding.where}: {finding.what}")
        click.echo(
            f"{len(findings)} findings in {database}" if findings else f"{database}: the books are in order"
        )
    raise SystemExit(1 if findings else 0)


@main.command()
@click.argument("database")
def migrate(database: str) -> None:
    """Bring DATABASE (a SQLite file or a URL) to the newest schema; creates a SQLite file that is not there."""
    try:
        engine = open_engine(_url(database, must_exist=False))
        upgrade(engine)
        engine.dispose()
    except SQLAlchemyError as error:
        _not_reached(database, error)
    click.echo(f"{database}: schema is up to date")


@main.command()
@click.option("--on", "day", default="", help="JST date, YYYY-MM-DD; without it every dated entry is listed.")
@click.option("--key", "only", default="", help="One key, or the beginning of several.")
def policy(day: str, only: str) -> None:
    """Show the bank's figures: every number a rule uses, by date, with where it comes from."""
    try:
        wanted = date.fromisoformat(day) if day else None
    except ValueError:
        raise click.BadParameter("expected a date such as 2014-01-15", param_hint="--on") from None
    try:
        entries = load_policy().entries()
    except PolicyError as error:
        raise click.ClickException(str(error)) from None
    for key, timeline in entries.items():
        if not key.startswith(only):
            continue
        in_force = [entry for entry in timeline if wanted is None or entry.as_of <= wanted] or timeline[:1]
        for entry in in_force if wanted is None else in_force[-1:]:
            click.echo(f"{key}\t{entry.as_of}\t{entry.value}\t{entry.basis}")


def _url(database: str, *, must_exist: bool) -> str:
    """A URL stays as it is; anything else is the path of a SQLite file."""
    if "://" in database:
        return database
    if must_exist:
        click.Path(exists=True, dir_okay=False).convert(database, None, None)
    return f"sqlite:///{database}"


def _not_reached(database: str, error: SQLAlchemyError) -> None:
    cause = getattr(error, "orig", None) or error
    click.echo(f"bank-host: {database} cannot be used: {str(cause).splitlines()[0]}", err=True)
    raise SystemExit(NOT_REACHED) from None
