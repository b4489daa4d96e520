"""What the commands share: the database a person names, the time a person names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bank_host.cli.exits import NOT_REACHED, WRONG_USAGE, stop
from bank_host.clock import wall_clock
from bank_host.store.contract import Unavailable
from bank_host.store.engine import open_engine


def clock_at(moment: str, option: str = "--at") -> Callable[[], int]:
    try:
        return wall_clock(moment)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint=option) from None


@contextmanager
def open_database(name: str, *, must_exist: bool) -> Iterator[Engine]:
    """The engine of a URL or of a SQLite file; what keeps it from being used becomes a message and an exit code."""
    if must_exist and "://" not in name:
        click.Path(exists=True, dir_okay=False).convert(name, None, None)
    try:
        engine = open_engine(name if "://" in name else f"sqlite:///{name}")
    except ImportError as missing:
        stop(NOT_REACHED, f"{missing.name} is not installed: pip install 'atm-sim[postgres]'")
    except (ArgumentError, ValueError) as error:
        stop(WRONG_USAGE, f"{error}")
    try:
        yield engine
    except (SQLAlchemyError, Unavailable) as error:
        told = error.__cause__ if isinstance(error, Unavailable) else error
        cause = str(getattr(told, "orig", None) or told).splitlines()[0]
        old = (
            "no such" in cause or "does not exist" in cause
        )  # a table or a column, in SQLite's and PostgreSQL's words
        hint = "; an older schema? `bank-host migrate` brings it to the newest" if old else ""
        stop(NOT_REACHED, f"{shown(name)} cannot be used: {cause}{hint}")
    finally:
        engine.dispose()


def shown(name: str) -> str:
    """A database as it may be printed: a URL without its password."""
    return make_url(name).render_as_string(hide_password=True) if "://" in name else name
