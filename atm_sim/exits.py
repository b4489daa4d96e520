"""How every `atm-sim` command ends: its exit codes, and the one way to stop with a message."""

from __future__ import annotations

from typing import Final, NoReturn

import click

MET: Final = 0
FAILED: Final = 1
"""What was expected did not happen."""
WRONG_USAGE: Final = 2
"""The file or the options are wrong; the message says where and what to write instead."""
BROKEN: Final = 3
"""Nothing can be said: a peer, a reader or the program itself did not work."""
INVALID: Final = 4
"""A measurement that may not be believed."""
INTERRUPTED: Final = 130


def stop(code: int, message: object) -> NoReturn:
    """Tell why, on standard error, and end with `code`."""
    click.echo(f"{message}", err=True)
    raise SystemExit(code)


class Mistake(Exception):
    """The user's own, told as it is: what is wrong, where, and what to do instead. Ends with WRONG_USAGE."""
