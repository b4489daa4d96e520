"""The command `bank-host`: run the bank, look after its database, its keys, its notices and its policy.

Exit 0 all well, 1 a finding, 2 the command line is wrong, 3 the database cannot be used, 130 interrupted.
"""

from __future__ import annotations

from typing import Any

import click

from bank_host.cli import (
    accounts,
    cards,
    customers,
    database,
    dialects,
    history,
    keys,
    looking_up,
    notices,
    script,
    serve,
)
from bank_host.cli.common import INTERRUPTED, stop


class _Command(click.Group):
    """An interrupted sweep has found nothing: it must not look like a finding (click's own exit code is 1)."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            stop(INTERRUPTED, "interrupted")


@click.group(cls=_Command)
@click.version_option(package_name="atm-sim")
def main() -> None:
    """The issuing bank: its database, its keys, its notices and its policy."""


for _command in (
    serve.serve_command,
    database.init,
    database.verify_command,
    database.backup,
    database.migrate,
    keys.keys,
    notices.mail,
    customers.customers,
    accounts.accounts,
    cards.cards,
    history.audit,
    history.exceptions,
    script.script,
    dialects.dialects,
    looking_up.policy,
    looking_up.help_command,
):
    main.add_command(_command)
