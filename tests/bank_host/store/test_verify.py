"""The sweeps name every planted fault: a checker that never fails proves nothing (mutants of the store)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from typing import Any

import pytest

from bank_host.iso8583 import build
from bank_host.iso8583.codec import encode
from bank_host.ledger.entries import authorised, cleared, given_back, opening, transferred
from bank_host.ledger.posting import FEES, OPENING, customer, suspense
from bank_host.rules.acts.transfers import digest
from bank_host.rules.changes import (
    Audit,
    CountUse,
    MoveTransfer,
    Notify,
    Open,
    OpenTransfer,
    PutRaise,
    Resolve,
    SetAccount,
)
from bank_host.rules.facts import Account, Authorisation, Exchange, Payee, Raise, Transfer
from bank_host.store.contract import JournalRow, Store
from bank_host.store.memory import MemoryStore
from bank_host.store.verify import limit_use_is_what_was_authorised, verify

TODAY = date(2026, 4, 1)
A, B = "0011234567", "0017654321"
NOW_US = 1_775_000_000_000_000


def opened(n: int, service: str = "withdraw", atm: str = "ATM1") -> Authorisation:
    return Authorisation(
        f"original:{n}",
        f"0200:{n}",
        "card",
        A,
        "seven_bank",
        atm,
        service,
        10_000,
        110,
        "chip",
        TODAY,
        NOW_US,
        "00",
        "",
        "open",
    )


def approval(n: int) -> Exchange:
    asked = build.financial_request(
        "withdraw",
        pan="4999000000000013",
        amount_jpy=10_000,
        stan=n,
        now_us=NOW_US,
        acceptor=build.Acceptor("ATM1", "SHOP", "34"),
    )
    return Exchange(f"0200:{n}", "", encode(build.answer(asked, "00", {38: "000001"})), NOW_US)


def filled(store: Store) -> Store:
    """One withdrawal of each ending, a deposit, and a dated raise."""
    with store.begin() as unit:
        for n in range(1, 6):
            unit.remember(approval(n))
        for account_id in (A, B):
            unit.add_account(Account(account_id, "individual", "token", TODAY, 500_000))
        unit.apply([opening(A, 100_000, TODAY), PutRaise(A, TODAY, 600_000, 1)], NOW_US)
        for n in (1, 2, 3, 4):
            unit.apply(
                [
                    authorised(f"0200:{n}", "withdrawal", TODAY, A, "ATM1", 10_000, 110),
                    CountUse(A, TODAY, "chip", 10_000),
                    Open(opened(n)),
                    Audit("atm", "seven_bank", A, "withdraw", "", "00"),
                    Notify(f"0200:{n}", A, "atm_withdrawal", 10_000),
                ],
                NOW_US,
            )
        unit.apply(
            [
                authorised("0200:5", "deposit", TODAY, A, "ATM2", 10_000, 110),
                Open(opened(5, "deposit", "ATM2")),
                Notify("0200:5", A, "atm_deposit", 10_000),
                cleared("0200:2", "withdrawal", "completion", TODAY, "ATM1", 10_000),
                Resolve("original:2", "completed", 0),
                given_back("0200:3", "withdrawal", TODAY, A, "ATM1", 10_000, 10_000, 110),
                CountUse(A, TODAY, "chip", -10_000),
                Resolve("original:3", "reversed", 10_000),
                given_back("0200:4", "withdrawal", TODAY, A, "ATM1", 10_000, 4_000, 0),
                CountUse(A, TODAY, "chip", -4_000),
                Resolve("original:4", "part_reversed", 4_000),
            ],
            NOW_US,
        )
        for n, (bank, state, day) in enumerate(
            (("", "executed", TODAY), ("smbc", "reserved", TODAY), ("smbc", "dropped", None)), 1
        ):
            payee = Payee(bank, B)
            unit.apply(
                [
                    OpenTransfer(Transfer(f"t{n}", A, payee, 5_000, digest(A, payee, 5_000), NOW_US)),
                    MoveTransfer(f"t{n}", "pending", state, day),
                ],
                NOW_US,
            )
        unit.apply(
            [
                transferred("t1", TODAY, A, "", B, 5_000),
                Notify("t1:incoming", B, "incoming_transfer", 5_000),
                SetAccount(A, "held_jpy", 5_000),
            ],
            NOW_US,
        )
    return store


class Doctored:
    """A store in which one sweep tells something else."""

    def __init__(self, store: Store, sweep: str, rows: list[Any]) -> None:
        self._store = store
        self._sweep = sweep
        self._rows = rows

    def snapshot(self) -> AbstractContextManager[Any]:
        return nullcontext(self)

    def __getattr__(self, name: str) -> Any:
        return (lambda: iter(self._rows)) if name == self._sweep else getattr(self._store, name)


def test_a_sound_bank_has_no_findings(store):
    assert [] == verify(filled(store))


Change = Callable[[list[Any]], list[Any]]


def last_replaced(**fields: Any) -> Change:
    return lambda rows: [*rows[:-1], rows[-1]._replace(**fields)]


def without(prefix: str) -> Change:
    return lambda rows: [row for row in rows if not str(row.key).startswith(prefix)]


def of_state(was: str, /, **fields: Any) -> Change:
    return lambda rows: [row._replace(**fields) if row.state == was else row for row in rows]


def of_account(account_id: str, /, **fields: Any) -> Change:
    return lambda rows: [row._replace(**fields) if row.account_id == account_id else row for row in rows]


SECOND_OPENING = JournalRow(
    99, "opening:again", "opening", TODAY, 1, "", False, ((customer(A), 1), (OPENING, -1))
)
TWICE_CLEARED = JournalRow(
    99, "x", "completion", TODAY, 1, "0200:2", False, ((suspense("ATM1"), 1), (FEES, -1))
)


@pytest.mark.parametrize(
    ("sweep", "change", "finding"),
    [
        ("journal", last_replaced(legs=((customer(A), 4_000),)), ("I1", "fewer than two legs")),
        ("journal", last_replaced(legs=((customer(A), 1), (FEES, 0), (OPENING, -1))), ("I1", "zero leg")),
        ("journal", last_replaced(legs=((customer(A), 1), (FEES, 1))), ("I1", "sum to 2")),
        ("journal", lambda rows: [*rows, rows[-1]], ("I2", "was posted 2 times")),
        (
            "balances",
            lambda rows: [(book, jpy + (book == FEES)) for book, jpy in rows],
            ("I3", "cached balance is"),
        ),
        ("balances", lambda rows: rows[:-1], ("I3", "not 0")),
        ("accounts", of_account(A, posted_jpy=1), ("I5", "but the balance is 1 yen")),
        ("journal", lambda rows: [*rows, SECOND_OPENING], ("I5", "opens again with posting 99")),
        ("chain_faults", lambda rows: ["a row was changed"], ("I6", "a row was changed")),
        (
            "authorisations",
            of_state("completed", state="open"),
            ("I8", "its open authorisations are 20000 yen"),
        ),
        (
            "authorisations",
            of_state("open", state="completed"),
            ("I8", "holds 10000 yen, its open authorisations are 0"),
        ),
        (
            "authorisations",
            of_state("reversed", reversed_jpy=10_001),
            ("I10", "gave back 10001 yen of 10000"),
        ),
        ("authorisations", of_state("reversed", reversed_jpy=9_000), ("I10", "only 9000 yen")),
        ("authorisations", of_state("part_reversed", reversed_jpy=10_000), ("I10", "is partly reversed")),
        ("authorisations", of_state("completed", reversed_jpy=1_000), ("I10", "yet it is completed")),
        ("journal", without("0200:3:reversal"), ("I10", "in 0 reversal postings")),
        ("journal", lambda rows: [*rows, TWICE_CLEARED], ("I10", "was cleared 2 times")),
        ("authorisations", of_state("completed", state="open"), ("I10", "was cleared, yet it is open")),
        ("limit_uses", lambda rows: [(A, TODAY, "chip", 26_001)], ("I15", "the counter says 26001 yen")),
        ("limit_uses", lambda rows: [], ("I15", "the counter says 0 yen, its authorisations are 26000 yen")),
        ("transfers", of_state("reserved", state="executed"), ("I3", "reserved transfers are 0 yen")),
        ("accounts", of_account(A, held_jpy=0), ("I3", "holds 0 yen, its reserved transfers are 5000 yen")),
        ("transfers", of_state("executed", amount_jpy=6_000), ("I10", "its digest differs")),
        ("transfers", of_state("executed", payee=Payee("", A)), ("I10", "another payee or amount")),
        ("transfers", of_state("executed", state="pending"), ("I10", "was posted, yet it is pending")),
        ("transfers", of_state("dropped", state="executed"), ("I10", "it was never posted")),
        ("transfers", lambda rows: rows[1:], ("I10", "belongs to no transfer")),
        ("outbox", without("t1:incoming"), ("I20", "has no notice")),
        ("transfers", of_state("dropped", entered_us=1), ("I21", "has no audit row of its entry")),
        ("outbox", without("0200:1"), ("I20", "has no notice")),
        ("outbox", without("0200:5"), ("I20", "has no notice")),
        ("audit", lambda rows: [], ("I21", "has no audit row of its commit")),
        (
            "raises",
            lambda rows: [*rows, Raise("0019999999", TODAY, 1_000, 2)],
            ("I21", "has no audit row"),
        ),
    ],
)
def test_a_planted_fault_is_named(sweep, change, finding):
    bank = filled(MemoryStore())
    doctored = Doctored(bank, sweep, change(list(getattr(bank, sweep)())))
    invariant, what = finding
    found = verify(doctored)
    assert any(invariant == each.invariant and what in each.what for each in found), found


def test_only_what_the_policy_counts_is_expected_in_the_limit_counter():
    """Q10: with the withdrawal switch off, every counted yen is one too many."""
    (finding,) = limit_use_is_what_was_authorised(filled(MemoryStore()), counted=("purchase",))
    assert ("I15", f"account {A} on {TODAY}") == (finding.invariant, finding.where)
