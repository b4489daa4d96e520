"""Several host processes on one database answer as one would: the race test of security in its three forms.

Two processes with twenty threads each, let go together. A store that reads first and writes later must fail the same
race, or it would prove nothing.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier

import pytest
from sqlalchemy import URL, make_url

from bank_host.host import Bank
from bank_host.rules import RULES
from bank_host.rules.facts import Act
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.store.test_races import (
    ACCOUNT,
    HSM,
    NOW_US,
    POLICY,
    THREADS,
    CarelessStore,
    _default_engine,
    _prepared,
    all_at_once,
    bank_of,
    pan,
    slow_decide,
    withdrawal,
)

PROCESSES = 2
_together: Barrier


def _begin(together: Barrier) -> None:
    global _together
    _together = together


@pytest.fixture(scope="module")
def hosts() -> Iterator[ProcessPoolExecutor]:
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        PROCESSES, mp_context=spawn, initializer=_begin, initargs=(spawn.Barrier(PROCESSES),)
    )
    yield pool
    pool.shutdown()


def _host(url: str, careless: bool = False) -> Bank:
    store = CarelessStore(_default_engine(make_url(url))) if careless else SqlStore.for_process(url)
    return Bank("ours", store, POLICY, HSM, rules=RULES._replace(decide=slow_decide))


def withdraws(url: str, first: int, one_card: bool, batched: bool, careless: bool) -> Counter[str]:
    """What one process does: half of the withdrawals, in threads or in one batch."""
    bank = _host(url, careless)
    numbers = range(first, first + THREADS // PROCESSES)
    messages = [withdrawal(n + 1, 0 if one_card else n) for n in numbers]
    _together.wait(60)
    if batched:
        answers = bank.answer_many(messages, NOW_US)
    else:
        answers = all_at_once([lambda m=message: bank.answer(m, NOW_US) for message in messages])
    bank.store.close()
    return Counter(answer[39] for answer in answers)


def locks(url: str, card_id: str) -> str:
    """The other process: it withdraws nothing, and locks the card when it sees the first approval."""
    bank = _host(url)
    _together.wait(60)
    while not any(row.what == "withdraw" and row.after == "00" for row in bank.store.audit()):
        time.sleep(0.001)
    outcome = bank.act(Act("lock-1", "lock_card", ACCOUNT, "pc", card_id=card_id), NOW_US).outcome
    bank.store.close()
    return outcome


Race = Callable[..., Counter[str]]


@pytest.fixture
def race(hosts: ProcessPoolExecutor, database: URL) -> Race:
    url = database.render_as_string(hide_password=False)

    def run(*, one_card: bool = False, batched: bool = False, careless: bool = False) -> Counter[str]:
        firsts = range(0, THREADS, THREADS // PROCESSES)
        done = [hosts.submit(withdraws, url, first, one_card, batched, careless) for first in firsts]
        return sum((each.result(120) for each in done), Counter())

    return run


@pytest.mark.parametrize("batched", [False, True], ids=["threads", "batches"])
def test_two_processes_approve_as_many_as_the_limit_allows(race: Race, sql_store: SqlStore, batched: bool):
    bank_of(sql_store, limit_jpy=70_000, balance_jpy=100_000)
    assert {"00": 7, "61": 33} == race(batched=batched)
    assert [30_000] == [account.posted_jpy for account in sql_store.accounts()]
    assert 70_000 == sum(used_jpy for *_, used_jpy in sql_store.limit_uses())
    assert 7 == sum(row.kind == "withdrawal" for row in sql_store.journal())
    assert [] == verify(sql_store)


@pytest.mark.parametrize("batched", [False, True], ids=["threads", "batches"])
def test_two_processes_approve_as_many_as_the_balance_covers(race: Race, sql_store: SqlStore, batched: bool):
    bank_of(sql_store, limit_jpy=500_000, balance_jpy=70_000)
    assert {"00": 7, "51": 33} == race(batched=batched)
    assert [0] == [account.posted_jpy for account in sql_store.accounts()]
    assert [] == verify(sql_store)


def test_no_approval_is_committed_after_a_lock_that_another_process_set(
    hosts: ProcessPoolExecutor, database: URL, sql_store: SqlStore
):
    """I17, judged in commit order."""
    bank_of(sql_store, limit_jpy=500_000, balance_jpy=1_000_000)
    url = database.render_as_string(hide_password=False)
    withdrawn = hosts.submit(withdraws, url, 0, True, False, False)
    locked = hosts.submit(locks, url, HSM.card_id(pan(0)))
    assert "done" == locked.result(120)
    withdrawn.result(120)
    rows = list(sql_store.audit())
    (locked_at,) = (row.seq for row in rows if row.what == "lock_card")
    approvals = [row.seq for row in rows if row.what == "withdraw" and row.after == "00"]
    assert approvals
    assert max(approvals) < locked_at
    assert [] == verify(sql_store)


def test_each_process_has_a_hash_chain_of_its_own(race: Race, sql_store: SqlStore):
    """I6: so that no process waits for another one's commit, and a process that starts again begins a new one."""
    bank_of(sql_store, limit_jpy=500_000, balance_jpy=1_000_000)
    race()
    race_again = SqlStore.for_process(sql_store.engine.url)
    with race_again.begin():
        """Its first unit of work."""
    tails = sql_store.chain_tails()
    assert {"host"} < {tail.chain for tail in tails}
    assert 1 + PROCESSES == len(tails)
    assert race_again.chain_name not in {tail.chain for tail in tails}
    race_again.close()


def test_the_race_finds_processes_that_read_first_and_write_later(race: Race, database: URL):
    store = SqlStore(open_engine(database))
    _prepared(store)
    codes = race(careless=True)
    assert codes["00"] > 7, codes
    assert {"I3", "I5", "I15"} <= {finding.invariant for finding in verify(store)}
    store.close()
