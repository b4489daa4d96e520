"""A store that does not work: requests are answered 96, advices wait, acts are refused, nothing escapes (RS7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from bank_host.hsm import TPK
from bank_host.iso8583 import build
from bank_host.iso8583.message import Message
from bank_host.rules.facts import Account
from bank_host.store.contract import Conflict, Refused, Unavailable, UnitOfWork
from bank_host.store.memory import MemoryStore
from bank_host.store.sql import SqlStore
from tests.bank_host.online_bank import DAY, HANAKO, PANS, PINS, OnlineBank, open_bank

LOST_CONNECTION = OperationalError("COMMIT", None, Exception("the server closed the connection"))


class Flaky:
    """A store whose units of work end as told: '' commits, 'before' fails unwritten, 'after' is written and fails."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.fate: list[str | Exception] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        fate = self.fate.pop(0) if self.fate else ""
        with self.store.begin() as unit:
            yield unit
            if isinstance(fate, Exception):
                raise fate
            if fate == "before":
                raise Unavailable
        if fate == "after":
            raise Unavailable


@pytest.fixture
def flaky() -> Flaky:
    return Flaky()


@pytest.fixture
def online(flaky: Flaky) -> OnlineBank:
    return open_bank(flaky)


def withdrawal(online: OnlineBank, amount_jpy: int = 30_000) -> Message:
    online.asked += 1
    return build.financial_request(
        "withdraw",
        pan=PANS[HANAKO],
        amount_jpy=amount_jpy,
        stan=online.asked,
        now_us=online.now_us,
        acceptor=build.Acceptor("T0000001", "SHIBUYA", "00000000034"),
        expiry_yymm="1801",
        pin_block=online.bank.hsm.encrypt_pin_block(TPK, PINS[HANAKO], PANS[HANAKO]),
    )


def answer(online: OnlineBank, message: Message) -> str | None:
    answered = online.bank.answer(message, online.now_us)
    return None if answered is None else answered[39]


def reversal(online: OnlineBank, request: Message) -> Message:
    return build.reversal_advice(request, "invalid_answer", stan=900, now_us=online.now_us)


@pytest.mark.parametrize("fate", [["before"], ["", "before"]], ids=["at the charge", "at the decision"])
def test_a_request_is_answered_96_and_nothing_is_posted(online: OnlineBank, flaky: Flaky, fate: list[str]):
    flaky.fate = fate
    assert "96" == answer(online, withdrawal(online))
    assert 250_000 == online.account().posted_jpy


def test_the_identity_of_a_failed_request_is_not_remembered(online: OnlineBank, flaky: Flaky):
    flaky.fate = ["", "before"]
    request = withdrawal(online)
    assert ["96", "00"] == [answer(online, request), answer(online, build.as_repeat(request))]
    assert 220_000 == online.account().posted_jpy


def test_what_was_committed_under_a_96_is_given_back_by_the_reversal_that_follows(
    online: OnlineBank, flaky: Flaky
):
    """The commit took place and its word got lost: RS7 has the sender reverse after a 96."""
    flaky.fate = ["", "after"]
    request = withdrawal(online)
    assert "96" == answer(online, request)
    assert 220_000 == online.account().posted_jpy
    assert "00" == answer(online, reversal(online, request))
    assert 250_000 == online.account().posted_jpy


@pytest.mark.parametrize("fate", ["before", "after"])
def test_an_advice_stays_unanswered_and_its_repeat_is_accepted_once(
    online: OnlineBank, flaky: Flaky, fate: str
):
    request = withdrawal(online)
    answer(online, request)
    flaky.fate = [fate]
    advice = reversal(online, request)
    assert [None, "00"] == [answer(online, advice), answer(online, build.as_repeat(advice))]
    assert 250_000 == online.account().posted_jpy


def test_a_guard_that_is_false_at_the_decision_has_the_facts_looked_at_again(
    online: OnlineBank, flaky: Flaky
):
    flaky.fate = ["", Refused("somebody was faster"), ""]
    assert "00" == answer(online, withdrawal(online))
    assert 220_000 == online.account().posted_jpy


@pytest.mark.parametrize("error", [Refused("always"), Conflict("always")])
def test_a_host_that_never_gets_through_says_so(online: OnlineBank, flaky: Flaky, error: Exception):
    flaky.fate = ["", *[error] * 1_000]
    assert "96" == answer(online, withdrawal(online))


def test_an_act_is_refused_and_can_be_asked_again_under_its_request_id(online: OnlineBank, flaky: Flaky):
    flaky.fate = ["before"]
    lock = {"key": "lock-1", "card_id": online.bank.hsm.card_id(PANS[HANAKO])}
    assert ("refused", "MALFUNCTION") == online.act("lock_card", **lock)
    assert ("done", "") == online.act("lock_card", **lock)


def test_what_is_due_stays_due_while_the_store_fails(online: OnlineBank, flaky: Flaky):
    answer(online, withdrawal(online))
    online.later(days=30)
    flaky.fate = ["before"]
    assert [0, 1] == [online.bank.run_due(online.now_us) for _ in range(2)]


# ---------------------------------------------------------------- the database behind it


@pytest.fixture
def database(tmp_path):
    store = SqlStore.create(f"sqlite:///{tmp_path}/bank.sqlite", durable=False)
    yield store
    store.close()


class Breaking(sqlite3.Connection):
    """A connection on which one method fails, as on a disk that is gone."""

    broken = ""

    def executemany(self, *how: Any) -> sqlite3.Cursor:
        return self._unless_broken("executemany", *how)

    def commit(self) -> None:
        self._unless_broken("commit")

    def _unless_broken(self, method: str, *how: Any) -> Any:
        if method == self.broken:
            raise sqlite3.OperationalError("disk I/O error")
        return getattr(super(), method)(*how)


@pytest.mark.parametrize("at", ["executemany", "commit"])
def test_a_broken_database_is_an_unavailable_store(
    database: SqlStore, at: str, monkeypatch: pytest.MonkeyPatch
):
    database.close()
    event.listen(database.engine, "do_connect", lambda dialect, record, args, how: Breaking(*args, **how))

    def write() -> None:
        with database.begin() as unit:
            unit.add_account(Account("0010000009", "individual", "token", DAY, 100_000))

    monkeypatch.setattr(Breaking, "broken", at)
    with pytest.raises(Unavailable):
        write()
    monkeypatch.undo()
    assert [] == list(database.accounts())
    write()
    assert 1 == len(list(database.accounts()))


def test_a_sweep_of_a_broken_database_says_so_too(database: SqlStore):
    def fails(*_: Any) -> None:
        raise LOST_CONNECTION

    event.listen(database.engine, "before_cursor_execute", fails)
    with pytest.raises(Unavailable):
        list(database.accounts())


def test_a_database_that_is_not_there_is_an_unavailable_store(tmp_path):
    engine = SqlStore.create(f"sqlite:///{tmp_path}/bank.sqlite").engine
    engine.dispose()
    (tmp_path / "bank.sqlite").unlink()
    (tmp_path / "bank.sqlite").mkdir()
    with pytest.raises(Unavailable), SqlStore(engine).begin():
        raise AssertionError("there is nothing to begin on")
