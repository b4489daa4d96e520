"""The command about the customers' notices: deliver those that are due, into a folder or to a mail server."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bank_host.address import Address, AddressType
from bank_host.cli.common import clock_at, open_database
from bank_host.cli.exits import FINDING
from bank_host.jst import civil
from bank_host.notices.mailbox import MailboxFolder
from bank_host.notices.plan import DEAD, WAITING
from bank_host.notices.relay import Relay, Sink
from bank_host.notices.smtp import Login, SmtpServer
from bank_host.policy import load_policy
from bank_host.secrets import Secret
from bank_host.store.contract import MailRow
from bank_host.store.sql import SqlStore

USER, PASSWORD = "BANK_HOST_SMTP_USER", "BANK_HOST_SMTP_PASSWORD"


@click.command()
@click.argument("database")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that receives one UTF-8 file per message; it is made when the first one comes.",
)
@click.option(
    "--smtp",
    type=AddressType(),
    help=f"Mail server that receives the messages. It is logged in to if {USER} and {PASSWORD} are set.",
)
@click.option("--starttls", is_flag=True, help="Send to the mail server over TLS only, and check its name.")
@click.option(
    "--every",
    "every_s",
    type=click.IntRange(1),
    help="Go on, with a pass after so many seconds, until stopped.",
)
@click.option(
    "--at", "moment", default="", help="As if it were this JST time, YYYY-MM-DD HH:MM; default: now."
)
def mail(
    database: str, folder: Path | None, smtp: Address | None, starttls: bool, every_s: int | None, moment: str
) -> None:
    """Deliver the customers' notices of DATABASE that are due; exit 1 when one failed or is a dead letter."""
    if (folder is None) == (smtp is None):
        raise click.UsageError("say where notices go: either --to FOLDER or --smtp HOST:PORT")
    clock = clock_at(moment)
    with open_database(database, must_exist=True) as engine, _sink(folder, smtp, starttls) as sink:
        store = SqlStore(engine)
        relay = Relay(store, sink, clock, load_policy())
        while True:
            counts = relay.run()
            failed = [row for row in store.delivery.mail(WAITING) if row.problem]
            letters = list(store.delivery.mail(DEAD))
            if every_s is None:
                break
            if any(counts[:3]):
                click.echo(f"{counts.sent} delivered, {counts.left} waiting, {len(letters)} dead letters")
            time.sleep(every_s)
    for row in (*failed, *letters):
        click.echo(_told(row))
    click.echo(f"{counts.sent} delivered, {counts.left} waiting, {len(letters)} dead letters")
    raise SystemExit(FINDING if failed or letters else 0)


@contextmanager
def _sink(folder: Path | None, smtp: Address | None, starttls: bool) -> Iterator[Sink]:
    if smtp is None:
        assert folder is not None
        yield MailboxFolder(folder)
        return
    login = None
    if user := os.environ.get(USER):
        login = Login(user, Secret(os.environ.get(PASSWORD, "")))
        if not starttls:
            raise click.UsageError(f"{USER} is set, and a password is sent over TLS only: add --starttls")
    with SmtpServer(smtp, tls=ssl.create_default_context() if starttls else None, login=login) as server:
        yield server


def _told(row: MailRow) -> str:
    state = "dead letter" if row.state == DEAD else f"again at {civil(row.next_at_us):%Y-%m-%d %H:%M:%S} JST"
    at, account = f"{civil(row.at_us):%Y-%m-%d %H:%M:%S} JST", "•••" + row.account_id[-3:]
    return f"{at} {row.kind}, account {account}, to {row.address or 'nobody'}: {row.problem} ({state})"
