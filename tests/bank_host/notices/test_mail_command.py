"""`bank-host mail`: what is due lands in a folder, dead letters are shown, exit codes tell (R103-R108)."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bank_host import cli
from bank_host.jst import HOUR_US, midnight_us
from bank_host.notices.mailbox import MailboxFolder
from bank_host.rules.changes import Notify
from bank_host.rules.facts import Account, Customer
from bank_host.store.sql import SqlStore

DAY = date(2014, 1, 15)
AOKI, BABA = "0010000001", "0010000002"


def call(*words: str) -> Result:
    result = CliRunner().invoke(cli.main, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def bank(tmp_path: Path) -> str:
    """A withdrawal and a lock at 22:00, for a customer with an e-mail address."""
    file = tmp_path / "bank.sqlite"
    store = SqlStore.create(f"sqlite:///{file}", durable=False)
    with store.begin() as unit:
        unit.add_account(
            Account(AOKI, "individual", "token", DAY, 500_000), Customer(AOKI, emails=("aoki@example.jp",))
        )
        unit.add_account(Account(BABA, "individual", "token", DAY, 500_000))
        unit.apply(
            [Notify("a:1", AOKI, "atm_withdrawal", 30_000), Notify("a:2", AOKI, "card_locked")],
            midnight_us(DAY) + 22 * HOUR_US,
        )
    store.close()
    return str(file)


def letters(folder: Path) -> list[str]:
    return [file.name[:15] for file in sorted(folder.iterdir())]


def test_what_is_due_lands_in_the_folder_and_quiet_hours_are_kept(bank: str, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    night = call("mail", bank, "--to", str(folder), "--at", "2014-01-15 22:05")
    assert (0, "1 delivered, 1 waiting, 0 dead letters\n") == (night.exit_code, night.output)
    morning = call("mail", bank, "--to", str(folder), "--at", "2014-01-16 07:00")
    assert (0, "1 delivered, 0 waiting, 0 dead letters\n") == (morning.exit_code, morning.output)
    assert ["20140115-220000"] * 2 == letters(folder)
    again = call("mail", bank, "--to", str(folder), "--at", "2014-01-16 07:01")
    assert "0 delivered, 0 waiting, 0 dead letters\n" == again.output


def test_without_a_time_the_computers_clock_is_used(bank: str, tmp_path: Path) -> None:
    result = call("mail", bank, "--to", str(tmp_path / "mail"))
    assert 0 == result.exit_code
    assert len(letters(tmp_path / "mail")) >= 1  # the urgent one, whatever time it is


def test_a_dead_letter_is_shown_and_makes_exit_1_each_time(bank: str, tmp_path: Path) -> None:
    store = SqlStore.create(f"sqlite:///{bank}")
    with store.begin() as unit:
        unit.apply([Notify("b:1", BABA, "atm_deposit", 10_000)], midnight_us(DAY))
    store.close()
    for delivered in (2, 0):
        result = call("mail", bank, "--to", str(tmp_path / "mail"), "--at", "2014-01-16 12:00")
        assert 1 == result.exit_code
        assert [
            "2014-01-15 00:00:00 JST atm_deposit, account •••002, to nobody: no address is registered (dead letter)",
            f"{delivered} delivered, 0 waiting, 1 dead letters",
        ] == result.output.splitlines()


def test_a_delivery_that_failed_says_why_and_when_it_is_tried_again(
    bank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, message: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MailboxFolder, "__call__", full)
    result = call("mail", bank, "--to", str(tmp_path / "mail"), "--at", "2014-01-15 22:05")
    assert 1 == result.exit_code
    assert [
        "2014-01-15 22:00:00 JST atm_withdrawal, account •••001, to aoki@example.jp: No space left on device "
        "(again at 2014-01-15 22:06:00 JST)",
        "0 delivered, 2 waiting, 0 dead letters",
    ] == result.output.splitlines()


def test_a_wrong_time_or_folder_is_wrong_usage(bank: str, tmp_path: Path) -> None:
    result = call("mail", bank, "--to", str(tmp_path / "mail"), "--at", "noon")
    assert 2 == result.exit_code
    assert "expected a JST time such as '2014-01-15 10:30'" in result.output
    assert 2 == call("mail", bank, "--to", bank).exit_code
    assert 2 == call("mail", str(tmp_path / "none.sqlite"), "--to", str(tmp_path / "mail")).exit_code


def test_a_database_of_another_kind_is_not_used(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE note (text)")
    result = call("mail", str(other), "--to", str(tmp_path / "mail"))
    assert 3 == result.exit_code
    assert "bank-host migrate" in result.output
