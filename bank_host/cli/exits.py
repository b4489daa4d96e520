"""How every `bank-host` command ends: its exit codes, and the one way to stop with a message."""

from __future__ import annotations

from typing import Final, NoReturn

import click

FINDING: Final = 1
WRONG_USAGE: Final = 2
NOT_REACHED: Final = 3
INTERRUPTED: Final = 130


def stop(code: int, message: str) -> NoReturn:
    click.echo(f"bank-host: {message}", err=True)
    raise SystemExit(code)
