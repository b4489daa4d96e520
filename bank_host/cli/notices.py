"""The command about the customers' notices: deliver those that are due."""

from __future__ import annotations

from pathlib import Path

import click

from bank_host.cli.common import FINDING, clock_at, open_database
from bank_host.jst import civil
from bank_host.notices.mailbox import MailboxFolder
from bank_host.notices.plan import DEAD, WAITING
from bank_host.notices.relay import Relay
from bank_host.policy import load_policy
from bank_host.store.sql import SqlStore


@click.command(short_help="Deliver the customers' notices that are due.")
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
    clock = clock_at(moment)
    with open_database(database, must_exist=True) as engine:
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
