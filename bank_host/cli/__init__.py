"""The command `bank-host`: run the bank, look after its database, its keys, its notices and its policy.

Exit 0 all well, 1 a finding, 2 the command line is wrong, 3 the database cannot be used, 130 interrupted.
"""

from __future__ import annotations

from typing import Any, Final

import click

from bank_host.cli.exits import INTERRUPTED, stop
from bank_host.lazy_group import LazyGroup, Place

COMMANDS: Final = {
    "accounts": Place("bank_host.cli.accounts:accounts", "Look at accounts; unlock, close one."),
    "audit": Place("bank_host.cli.history:audit", "Show what was changed, by whom and why."),
    "backup": Place("bank_host.cli.database:backup", "Copy a SQLite database while it is in use."),
    "cards": Place("bank_host.cli.cards:cards", "Look at cards; report, unlock, replace one."),
    "customers": Place(
        "bank_host.cli.customers:customers", "Look at customers; new password, token, ID card."
    ),
    "dialects": Place("bank_host.cli.dialects:dialects", "List, show and import ISO 8583 dialects."),
    "exceptions": Place(
        "bank_host.cli.history:exceptions", "Show and close the cases that people have to settle."
    ),
    "help": Place("bank_host.cli.looking_up:help_command", "Show what customers can look up."),
    "init": Place("bank_host.cli.database:init", "Create an example bank."),
    "keys": Place("bank_host.cli.keys:keys", "Make and fill the sealed file of keys."),
    "mail": Place("bank_host.cli.notices:mail", "Deliver the customers' notices that are due."),
    "migrate": Place("bank_host.cli.database:migrate", "Bring a database to the newest schema."),
    "policy": Place("bank_host.cli.looking_up:policy", "Show the figures the bank decides by."),
    "script": Place("bank_host.cli.script:script", "Check the script of a scripted issuer."),
    "serve": Place("bank_host.cli.serve:serve_command", "Run the bank as an ISO 8583 server."),
    "verify": Place("bank_host.cli.database:verify_command", "Sweep the invariants of a database."),
}


class _Group(LazyGroup):
    """An interrupted sweep has found nothing: it must not look like a finding (click's own exit code is 1)."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            stop(INTERRUPTED, "interrupted")


@click.group(cls=_Group, places=COMMANDS)
@click.version_option(package_name="atm-sim")
def main() -> None:
    """The issuing bank: its database, its keys, its notices and its policy."""
