"""The command `bank-host`: a sound database, a doctored one, one that is not there; the schema; the policy by date."""

from __future__ import annotations

import builtins
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bank_host import cli
from bank_host.ledger.entries import opening
from bank_host.policy import load_policy
from bank_host.rules.changes import Audit
from bank_host.rules.facts import Account
from bank_host.store.sql import SqlStore

DAY = date(2014, 1, 15)
NOON_US = 1_389_754_800_000_000


def call(*words: str) -> Result:
    """Runs `bank-host`; a traceback would be an exception that is no SystemExit."""
    result = CliRunner().invoke(cli.main, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def bank(tmp_path: Path) -> str:
    """A database with two accounts that were opened with money on them."""
    file = tmp_path / "bank.sqlite"
    store = SqlStore.create(f"sqlite:///{file}", durable=False)
    for account_id in ("0010000001", "0010000002"):
        with store.begin() as unit:
            unit.add_account(Account(account_id, "individual", "token", DAY, 500_000))
            unit.apply(
                [opening(account_id, 100_000, DAY), Audit("staff", "bank", account_id, "open", "", "opened")],
                NOON_US,
            )
    store.close()
    return str(file)


def doctor(bank: str, statement: str) -> None:
    """What somebody does who can write to the file: first of all away with the triggers that guard history."""
    with closing(sqlite3.connect(bank)) as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
        connection.commit()


# ---------------------------------------------------------------- verify


def test_a_sound_database_exits_0(bank: str) -> None:
    result = call("verify", bank)
    assert (0, f"{bank}: the books are in order\n") == (result.exit_code, result.output)
    assert (0, []) == (
        call("verify", bank, "--json").exit_code,
        json.loads(call("verify", bank, "--json").output),
    )


@pytest.mark.parametrize(
    ("statement", "invariant", "where"),
    [
        (
            "UPDATE account SET posted_jpy = posted_jpy + 1 WHERE account_id = '0010000001'",
            "I3",
            "0010000001",
        ),
        ("UPDATE leg SET amount_jpy = amount_jpy + 1 WHERE book = 'customer:0010000002'", "I1", "posting"),
        ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "I6", "chain"),
    ],
)
def test_a_doctored_database_exits_1_and_names_invariant_and_place(
    statement: str, invariant: str, where: str, bank: str
) -> None:
    doctor(bank, statement)
    result = call("verify", bank)
    assert 1 == result.exit_code
    *findings, total = result.output.splitlines()
    assert any(line.startswith(f"{invariant} ") and where in line for line in findings), result.output
    assert f"{len(findings)} findings in {bank}" == total

    told = json.loads(call("verify", bank, "--json").output)
    assert len(findings) == len(told)
    assert invariant in {finding["invariant"] for finding in told}


def test_a_file_that_is_not_there_exits_2_and_is_not_made(tmp_path: Path) -> None:
    result = call("verify", str(tmp_path / "missing.sqlite"))
    assert (2, "") == (result.exit_code, result.stdout)
    assert "does not exist" in result.stderr
    assert [] == list(tmp_path.iterdir())


def test_a_file_that_is_no_database_exits_3(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<html>", encoding="utf-8")
    result = call("verify", str(tmp_path / "report.html"))
    assert (3, "") == (result.exit_code, result.stdout)
    assert "file is not a database" in result.stderr


def test_a_database_without_its_tables_exits_3_and_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    result = call("verify", str(tmp_path / "empty.sqlite"))
    assert 3 == result.exit_code
    assert "bank-host migrate" in result.stderr


@pytest.mark.parametrize("url", ["mysql://bank:hush@host/bank", "ftp://hush", "no such://hush"])
def test_a_wrong_address_exits_2_and_says_what_is_expected(url: str) -> None:
    result = call("verify", url)
    assert (2, "") == (result.exit_code, result.stdout)
    assert "URL" in result.stderr or "postgresql://" in result.stderr
    assert "hush" not in result.stderr


def test_a_server_that_does_not_answer_exits_3_and_no_password_is_shown() -> None:
    result = call("verify", "postgresql://bank:hush@127.0.0.1:1/bank?connect_timeout=2")
    assert 3 == result.exit_code
    assert "postgresql://bank:***@127.0.0.1:1/bank" in result.stderr
    assert "hush" not in result.stderr


def test_a_driver_that_is_not_installed_exits_3_and_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "__import__", _without("psycopg", builtins.__import__))
    result = call("verify", "postgresql://bank@127.0.0.1:1/bank")
    assert 3 == result.exit_code
    assert "pip install 'atm-sim[postgres]'" in result.stderr


def _without(module: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def importing(name: str, *rest: Any, **how: Any) -> Any:
        if name == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **how)

    return importing


def test_an_interrupted_sweep_exits_130_which_is_no_finding(
    bank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.database, "verify", interrupted)
    result = call("verify", bank)
    assert (130, "bank-host: interrupted\n") == (result.exit_code, result.stderr)


# ---------------------------------------------------------------- migrate


def test_a_new_database_is_made_and_migrating_it_again_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    for _ in range(2):
        result = call("migrate", str(file))
        assert (0, f"{file}: schema is up to date\n") == (result.exit_code, result.output)
    assert 0 == call("verify", str(file)).exit_code


def test_a_folder_that_is_not_there_exits_3(tmp_path: Path) -> None:
    result = call("migrate", str(tmp_path / "missing/new.sqlite"))
    assert 3 == result.exit_code
    assert "unable to open database file" in result.stderr


# ---------------------------------------------------------------- policy


def shown(*words: str) -> dict[str, list[str]]:
    """The columns of each line by its key: date, value, basis."""
    lines = [line.split("\t") for line in call("policy", *words).output.splitlines()]
    return {key: rest for key, *rest in lines}


def test_the_policy_of_a_day_has_every_key_once() -> None:
    assert list(load_policy().entries()) == list(shown("--on", "2014-01-15"))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2014-03-31", ["2014-01-01", "1050"]),
        ("2014-04-01", ["2014-04-01", "1080"]),
        ("2000-01-01", ["2014-01-01", "1050"]),
    ],
)
def test_the_entry_in_force_on_the_day_is_shown(day: str, expected: list[str]) -> None:
    assert expected == shown("--on", day, "--key", "token.fee.second")["token.fee.second"][:2]


def test_without_a_day_every_dated_entry_is_shown() -> None:
    assert 3 == len(call("policy", "--key", "token.fee.second").output.splitlines())


def test_a_value_is_written_as_in_the_policy_file() -> None:
    hours = json.loads(shown("--on", "2014-01-15")["partners.japan_post"][1])["hours"]
    assert ["07:00", "23:00"] == hours


@pytest.mark.parametrize(
    ("option", "value"), [("--on", "2014-13-01"), ("--on", "today"), ("--key", "pin_max")]
)
def test_a_day_or_key_that_is_not_there_exits_2(option: str, value: str) -> None:
    result = call("policy", option, value)
    assert (2, "") == (result.exit_code, result.stdout)
    assert option in result.stderr
