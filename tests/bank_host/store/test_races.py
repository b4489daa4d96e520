"""Many at once: the whole host on every engine, with 2 ms between what it reads and what it writes.

A store that does not lock must fail the same test, or the test would prove nothing (negative controls below).
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import date
from itertools import count
from threading import Barrier, Event
from typing import Any

import pyotp
import pytest
from sqlalchemy import URL, Engine, Update, create_engine, update

from bank_host.host import Bank
from bank_host.hsm import PVK, TPK, Hsm
from bank_host.iso8583 import build
from bank_host.iso8583.message import Message
from bank_host.ledger.entries import opening
from bank_host.ledger.posting import Post
from bank_host.passwords import Passwords
from bank_host.policy import Policy, load_policy
from bank_host.rules import RULES
from bank_host.rules.changes import Change, CountUse, SetCustomer
from bank_host.rules.facts import Account, Act, Card, CardFacts, Enrolment, Payee, Token
from bank_host.secrets import Secret
from bank_host.store import schema
from bank_host.store.contract import Store, Wanted
from bank_host.store.driver import PostgresqlSession, SqliteSession
from bank_host.store.ends import Chain, Ends
from bank_host.store.engine import as_ours, open_engine, reading
from bank_host.store.memory import MemoryStore
from bank_host.store.memory_unit import MemoryUnit
from bank_host.store.sealing import SIMULATION_KEY, derive
from bank_host.store.sql import SqlStore
from bank_host.store.sql_statements import columns
from bank_host.store.sql_unit import SqlUnit
from bank_host.store.verify import verify

THREADS = 40
ROUNDS = 3
NOW_US = 1_775_000_000_000_000  # 2026-04-01 JST
TODAY = date(2026, 4, 1)
ACCOUNT = "0011234567"
PIN = "5739"
HSM = Hsm.simulation()
POLICY: Policy = load_policy().with_overrides(
    {"fee.atm": [{"services": ["withdraw", "deposit", "balance", "change_pin"], "fee_jpy": 0}]}
)
ATM = build.Acceptor("ATM00001", "SHOP0001", "00000000034")


def slow_decide(*args: Any) -> Any:
    """The real decision, 2 ms after its facts were read: room for others to get in between."""
    time.sleep(0.002)
    return RULES.decide(*args)


def pan(n: int) -> str:
    return f"900012000000{n:04d}"


def card(n: int, account_id: str = ACCOUNT) -> Card:
    block = HSM.encrypt_pin_block(TPK, PIN, pan(n))
    return Card(
        HSM.card_id(pan(n)), f"card-{n}", account_id, "3012", HSM.new_pvv(TPK, block, pan(n), PVK).pvv
    )


def withdrawal(stan: int, card_number: int, amount_jpy: int = 10_000) -> Message:
    return build.financial_request(
        "withdraw",
        pan=pan(card_number),
        amount_jpy=amount_jpy,
        stan=stan,
        now_us=NOW_US,
        acceptor=ATM,
        expiry_yymm="3012",
        pin_block=HSM.encrypt_pin_block(TPK, PIN, pan(card_number)),
    )


def bank_of(store: Store, *, limit_jpy: int, balance_jpy: int) -> Bank:
    bank = Bank("ours", store, POLICY, HSM, rules=RULES._replace(decide=slow_decide))
    account = Account(ACCOUNT, "individual", "token", date(2020, 1, 6), standing_jpy=limit_jpy)
    bank.enrol(Enrolment(account, balance_jpy, tuple(card(n) for n in range(THREADS)), ()), NOW_US)
    return bank


def all_at_once(tasks: list[Callable[[], Any]]) -> list[Any]:
    """Run every task in a thread of its own, all let go at the same moment; an exception of one is ours."""
    barrier = Barrier(len(tasks))

    def run(task: Callable[[], Any]) -> Any:
        barrier.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [done.result() for done in [pool.submit(run, task) for task in tasks]]


def race(store: Store) -> Counter[str]:
    """40 withdrawals of 10,000 yen from one account, each with its own card and identity; answers by DE39.

    Cards of their own, because the tries of one card in parallel use up its PIN tries before they are compared.
    """
    bank = Bank("ours", store, POLICY, HSM, rules=RULES._replace(decide=slow_decide))
    messages = [withdrawal(stan=n + 1, card_number=n) for n in range(THREADS)]
    answers = all_at_once([lambda m=message: bank.answer(m, NOW_US) for message in messages])
    return Counter(answer[39] for answer in answers)


def test_of_40_withdrawals_at_once_exactly_as_many_as_the_limit_allows_are_approved(new_store):
    for _ in range(ROUNDS):
        store = new_store()
        bank_of(store, limit_jpy=70_000, balance_jpy=100_000)
        codes = race(store)
        assert {"00": 7, "61": 33} == codes
        assert [30_000] == [account.posted_jpy for account in store.accounts()]
        assert 70_000 == sum(used_jpy for *_, used_jpy in store.limit_uses())
        assert 7 == sum(row.kind == "withdrawal" for row in store.journal())
        assert [] == verify(store)


def test_of_40_withdrawals_at_once_exactly_as_many_as_the_balance_covers_are_approved(new_store):
    for _ in range(ROUNDS):
        store = new_store()
        bank_of(store, limit_jpy=500_000, balance_jpy=70_000)
        codes = race(store)
        assert {"00": 7, "51": 33} == codes
        assert [0] == [account.posted_jpy for account in store.accounts()]
        assert [] == verify(store)


@pytest.mark.parametrize("act", ["lock_card", "set_limit", "close_account"])
def test_no_approval_is_committed_after_a_lock_set_in_mid_race(new_store, act):
    """I17, judged in commit order: an audit row is written while the account's row is locked."""
    store = new_store()
    bank = bank_of(store, limit_jpy=500_000, balance_jpy=1_000_000)
    approved = Event()
    bank.watch = lambda commit: approved.set() if commit.code == "00" else None
    one_card = act == "lock_card"
    messages = [withdrawal(n + 1, 0 if one_card else n, 1_000) for n in range(THREADS)]
    tasks = [lambda m=message: bank.answer(m, NOW_US) for message in messages]

    def shut() -> Any:
        assert approved.wait(60)
        by = "operator" if act == "close_account" else "pc"
        card_id = HSM.card_id(pan(0)) if one_card else ""
        return bank.act(Act("req-1", act, ACCOUNT, by, card_id=card_id), NOW_US).outcome

    assert "done" in all_at_once([*tasks, shut])
    rows = list(store.audit())
    shut_at = max(row.seq for row in rows if row.what == act)
    approvals = [row.seq for row in rows if row.what == "withdraw" and row.after == "00"]
    assert approvals
    assert max(approvals) < shut_at
    assert [] == verify(store)


TOKEN_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PAYEE = "0017654321"


def desk_of(store: Store, compared: list[str]) -> Bank:
    """A bank for acts, 2 ms between each comparison of a code and the write that follows; it lists what it compared."""

    def slow_compare(code: str, *rest: Any) -> Any:
        compared.append(code)
        time.sleep(0.002)
        return RULES.compare_otp(code, *rest)

    bank = Bank("ours", store, POLICY, HSM, rules=RULES._replace(compare_otp=slow_compare))
    for account_id in (ACCOUNT, PAYEE):
        account = Account(account_id, "individual", "token", date(2020, 1, 6), standing_jpy=100_000)
        token = Token(f"T-{account_id}", account_id, TOKEN_SECRET, date(2030, 1, 1))
        bank.enrol(Enrolment(account, 1_000_000, (), (token,)), NOW_US)
    return bank


def codes() -> tuple[str, list[str]]:
    """The code on the display, and forty that are wrong."""
    right = {pyotp.TOTP(TOKEN_SECRET, interval=60).at(NOW_US // 1_000_000 - 60 * ago) for ago in (0, 1)}
    wrong = (f"{n:06d}" for n in count())
    return pyotp.TOTP(TOKEN_SECRET, interval=60).at(NOW_US // 1_000_000), [
        code for code, _ in zip((code for code in wrong if code not in right), range(THREADS), strict=False)
    ]


def raised(n: int, code: str) -> Act:
    return Act(f"raise-{n}", "set_transfer_limit", ACCOUNT, "pc", amount_jpy=4_000_000, otp=code)


def test_five_of_40_guesses_of_a_code_at_once_are_compared(new_store):
    """I18, Q1: each try is charged and committed before its comparison."""
    store, compared = new_store(), []
    bank = desk_of(store, compared)
    _, wrong = codes()
    reasons = all_at_once(
        [lambda n=n, code=code: bank.act(raised(n, code), NOW_US).reason for n, code in enumerate(wrong)]
    )
    assert 5 == len(compared)
    assert {"OTP_WRONG": 5, "OTP_LOCKED": 35} == Counter(reasons)
    assert {(5, True), (0, False)} == {(row.otp_fails, row.otp_locked) for row in store.accounts()}
    assert 1 == sum(row.kind == "otp_locked" for row in store.outbox())
    assert [] == verify(store)


def test_of_32_uses_of_one_code_at_once_one_is_accepted(new_store):
    """I19, R8: the others are used, or too many."""
    store, compared = new_store(), []
    bank = desk_of(store, compared)
    right, _ = codes()
    asked = [
        Act(f"n{n}", "change_customer_data", ACCOUNT, "pc", otp=right, data=(("name", f"Aoki {n}"),))
        for n in range(32)
    ]
    results = all_at_once([lambda act=act: bank.act(act, NOW_US) for act in asked])
    assert 1 == sum(result.outcome == "done" for result in results)
    assert {"", "OTP_USED", "OTP_LOCKED"} >= {result.reason for result in results}
    assert 1 == sum(row.what == "change_customer_data" and not row.reason for row in store.audit())
    assert [] == verify(store)


def test_one_transfer_confirmed_by_32_threads_with_one_code_is_posted_once(new_store):
    """R26, I19: under request ids of their own."""
    store = new_store()
    bank = desk_of(store, [])
    bank.act(Act("t1", "enter_transfer", ACCOUNT, "pc", payee=Payee("", PAYEE), amount_jpy=30_000), NOW_US)
    right, _ = codes()
    asked = [Act(f"c{n}", "confirm_transfer", ACCOUNT, "pc", transfer="t1", otp=right) for n in range(32)]
    reasons = Counter(all_at_once([lambda act=act: bank.act(act, NOW_US).reason for act in asked]))
    assert 1 == reasons["EXECUTED"]
    assert {ACCOUNT: 970_000, PAYEE: 1_030_000} == {
        row.account_id: row.posted_jpy for row in store.accounts()
    }
    assert 1 == sum(row.kind == "incoming_transfer" for row in store.outbox())
    assert [] == verify(store)


def test_transfers_across_each_other_all_arrive(new_store):
    """Both accounts are locked in one order, so two that pay each other do not block each other for ever."""
    store = new_store()
    bank = desk_of(store, [])
    bank.policy = POLICY.with_overrides({"otp_required": ["raise"]})

    def send(n: int) -> str:
        payer, payee = (ACCOUNT, PAYEE) if n % 2 else (PAYEE, ACCOUNT)
        while True:
            key = f"t{n}-{time.monotonic_ns()}"
            entered = Act(key, "enter_transfer", payer, "pc", payee=Payee("", payee), amount_jpy=1_000 + n)
            assert "done" == bank.act(entered, NOW_US).outcome
            confirmed = Act(f"c-{key}", "confirm_transfer", payer, "pc", transfer=key)
            reason = bank.act(confirmed, NOW_US).reason
            if reason != "NO_PENDING_TRANSFER":  # another thread's entry took its place
                return reason

    assert {"EXECUTED": 8} == Counter(all_at_once([lambda n=n: send(n) for n in range(8)]))
    assert 2_000_000 == sum(row.posted_jpy for row in store.accounts())
    assert 8 == sum(row.kind == "transfer" for row in store.journal())
    assert [] == verify(store)


def test_five_of_40_passwords_at_once_are_compared(new_store):
    """I18, Q6: the comparison lies between two commits, the charge before it."""
    store = new_store()
    bank = desk_of(store, [])
    bank.passwords = counted = CountedPasswords()
    with store.begin() as unit:
        unit.apply([SetCustomer(ACCOUNT, "password_hash", counted.stored)], NOW_US)
    asked = [Act(f"l{n}", "login", ACCOUNT, "pc", password=Secret(f"guess {n}")) for n in range(THREADS)]
    reasons = all_at_once([lambda act=act: bank.act(act, NOW_US).reason for act in asked])
    assert {"LOGIN_FAILED": THREADS} == Counter(reasons)
    assert 5 == sum(counted.real)
    assert [True] == [row.password_lapsed for row in store.customers() if row.account_id == ACCOUNT]
    assert 1 == sum(row.kind == "password_lapsed" for row in store.outbox())


class CountedPasswords(Passwords):
    """Notes of each call whether it came from a charged try; the others burn time for nothing."""

    def __init__(self) -> None:
        super().__init__(bytes, memory_kib=8, passes=1)
        self.real: list[bool] = []
        self.stored = self.hash(Secret("right"))

    def verify(self, stored: str, password: Secret | None) -> bool:
        time.sleep(0.002)
        self.real.append(bool(stored))
        return super().verify(stored, password)


def test_two_accounts_that_share_ledger_accounts_do_not_deadlock_each_other(new_store):
    """Rows that all customers share are locked last and sorted, so no circle of waiting can form."""
    store = new_store()
    with store.begin() as unit:
        for n in range(2):
            unit.add_account(Account(f"001000000{n}", "individual", "token", TODAY, 0))
            unit.apply([opening(f"001000000{n}", 1_000_000, TODAY)], NOW_US)

    def move(n: int) -> int:
        """Ledger accounts touched in opposite orders."""
        account_id, books = f"001000000{n % 2}", ["fees", "suspense:A", "suspense:B"]
        with store.begin() as unit:
            for book in books if n % 2 else reversed(books):
                legs = ((f"customer:{account_id}", -1_000), (book, 1_000))
                unit.apply([_post(f"{n}:{book}", legs)], NOW_US)
        return n

    assert list(range(THREADS)) == all_at_once([lambda n=n: move(n) for n in range(THREADS)])
    assert 0 == sum(jpy for _, jpy in store.balances())


def _post(key: str, legs: tuple[tuple[str, int], ...]) -> Post:
    return Post(key, "withdrawal", TODAY, legs)


# ---------------------------------------------------------------- negative controls


class UnlockedMemoryStore(MemoryStore):
    """A memory store whose units of work do not wait for each other."""

    def __init__(self) -> None:
        super().__init__()
        self._tables.lock = _NoLock()  # type: ignore[assignment]


class _NoLock:
    def acquire(self) -> None: ...

    def release(self) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class LateSession(SqliteSession):
    """Leaves it to the driver to begin, which it does before the first write."""

    def begin(self) -> None: ...


class CarelessUnit(SqlUnit):
    """Reads outside its transaction and writes back what it has read, plus or minus: the classic mistake."""

    _counted = count(1)

    def __enter__(self) -> SqlUnit:
        MemoryUnit.__enter__(self)
        late = PostgresqlSession if self._engine.dialect.name == "postgresql" else LateSession
        self._session = late(self._engine)
        self._ends = Ends(self._session, self._chain)
        return self

    def prefetch(self, wanted: Iterable[Wanted], day: date, month: str) -> None:
        """Nothing is looked at in good time."""

    def next_seq(self) -> int:
        return next(self._counted)

    def _run(self, statement: Update) -> None:
        text = statement.compile(self._engine, compile_kwargs={"literal_binds": True})
        try:
            self._session._driver.execute(str(text))
        except self._session._error as error:
            raise as_ours(error) from error

    def card_facts(self, card_id: str, day: date, month: str, service: str, medium: str) -> CardFacts | None:
        with reading(self._engine) as connection:
            (found,) = connection.execute(columns(schema.card, Card).filter_by(card_id=card_id))
            (owner,) = connection.execute(columns(schema.account, Account).filter_by(account_id=found[2]))
            (used,) = connection.execute(schema.limit_use.select())
        self._account = Account._make(owner)
        self._used_jpy = used.used_jpy
        return CardFacts(Card._make(found), self._account, None, used.used_jpy, used.used_jpy, 0)

    def _move_customer(self, account_id: str, amount_jpy: int, forced: bool) -> None:
        self._run(update(schema.account).values(posted_jpy=self._account.posted_jpy + amount_jpy))

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        for change in changes:
            if isinstance(change, CountUse):
                self._run(update(schema.limit_use).values(used_jpy=self._used_jpy + change.amount_jpy))
            else:
                super().apply([change], now_us)


class CarelessStore(SqlStore):
    def begin(self) -> AbstractContextManager[Any]:  # type: ignore[override]
        return CarelessUnit(self.engine, derive(SIMULATION_KEY), Chain("host"))


def _default_engine(url: URL) -> Engine:
    """An engine with the driver's default transactions: on SQLite a SELECT stands outside of them."""
    how = {"timeout": 30} if url.get_backend_name() == "sqlite" else {}
    return create_engine(url, connect_args=how, pool_size=2 * THREADS)


def _prepared(store: Store) -> None:
    """The account with its counter's row, written by a careful unit of work."""
    bank_of(store, limit_jpy=70_000, balance_jpy=100_000)
    with store.begin() as unit:
        unit.apply([CountUse(ACCOUNT, TODAY, "stripe", 0)], NOW_US)


def test_the_race_finds_a_database_store_that_reads_first_and_writes_later(database):
    careful = SqlStore(open_engine(database))
    _prepared(careful)
    careful.close()
    store = CarelessStore(_default_engine(database))
    codes = race(store)
    assert codes["00"] > 7, codes
    assert {"I3", "I5", "I15"} <= {finding.invariant for finding in verify(store)}
    store.close()


def test_the_race_finds_a_memory_store_without_its_lock():
    store = UnlockedMemoryStore()
    _prepared(store)
    assert race(store)["00"] > 7
