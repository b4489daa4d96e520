"""A copy of a bank's SQLite file, taken while hosts go on writing (PostgreSQL has pg_dump for that).

The copy is the database as of one commit: WAL lets a reader keep its moment while others write. It appears under its
name only when it is whole and on the disk.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from bank_host.store.contract import Unavailable


def back_up(engine: Engine, file: Path) -> None:
    """Copy the database to a new file, which only its owner may read; FileExistsError where there is one."""
    if file.exists():
        raise FileExistsError(f"{file} is there already")
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        with closing(engine.raw_connection()) as connection:  # outside of any transaction
            connection.cursor().execute("VACUUM INTO ?", (str(part),))
        _sync(part)
        part.rename(file)
        _sync(file.parent)
    except sqlite3.Error as error:
        raise Unavailable("the database cannot be copied") from error
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the disk keep it before anybody relies on it; a folder cannot be opened for that everywhere."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
