"""A message that cannot be decided takes no other with it: each of its batch is then answered alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bank_host.host import Bank
from bank_host.hsm import TPK, Hsm
from bank_host.iso8583 import build
from bank_host.iso8583.message import Message
from bank_host.issuing import account_number, card_number, pin_value
from bank_host.jst import jst_date
from bank_host.policy import load_policy
from bank_host.rules import RULES
from bank_host.rules.changes import Change, Decision, SetCard
from bank_host.rules.facts import Account, Card, CardRequest, Enrolment
from bank_host.store.contract import Store
from bank_host.store.verify import verify

NOW_US = 1_400_000_000_000_000
HSM = Hsm.simulation()
PANS = [card_number("499900", n) for n in range(5)]
POISON = 2  # its amount is this many thousand yen more than the others'
ATM = build.Acceptor("T0000001", "SHIBUYA", "00000000034")


def bank_of(store: Store, **rules: Any) -> Bank:
    bank = Bank("ours", store, load_policy(), HSM, rules=RULES._replace(**rules))
    for n, pan in enumerate(PANS):
        account_id = account_number(n)
        account = Account(account_id, "individual", "token", jst_date(NOW_US), 500_000)
        card = Card(HSM.card_id(pan), f"card-{n}", account_id, "2012", pin_value(HSM, "5739", pan))
        bank.enrol(Enrolment(account, 100_000, (card,), ()), NOW_US)
    return bank


def withdrawals() -> list[Message]:
    return [
        build.financial_request(
            "withdraw",
            pan=pan,
            amount_jpy=12_000 if n == POISON else 10_000,
            stan=n + 1,
            now_us=NOW_US,
            acceptor=ATM,
            expiry_yymm="2012",
            pin_block=HSM.encrypt_pin_block(TPK, "5739", pan),
        )
        for n, pan in enumerate(PANS)
    ]


def poisoned(decide: Callable[..., Any], spoilt: Callable[[Decision], Decision]) -> Callable[..., Any]:
    def decided(request: CardRequest, *rest: Any) -> Any:
        decision = decide(request, *rest)
        return spoilt(decision) if request.amount_jpy == 12_000 else decision

    return decided


def fails(decision: Decision) -> Decision:
    raise ZeroDivisionError


def twice(decision: Decision) -> Decision:
    """Posts one key two times: a conflict, however often it is tried."""
    return decision._replace(changes=(*decision.changes, *decision.changes))


def unknown_row(decision: Decision) -> Decision:
    more: tuple[Change, ...] = (SetCard("no such card", "pvv", "1"),)
    return decision._replace(changes=decision.changes + more)


def too_much(decision: Decision) -> Decision:
    """Writes what a constraint of the database forbids."""
    card_id = HSM.card_id(PANS[POISON])
    return decision._replace(changes=(*decision.changes, SetCard(card_id, "pin_fails", -1)))


@pytest.mark.parametrize(
    ("step", "spoilt"), [("precheck", fails), ("decide", fails), ("decide", unknown_row)]
)
def test_a_fault_for_one_card_leaves_the_others_their_answers(store, step, spoilt):
    faults: list[Exception] = []
    bank = bank_of(store, **{step: poisoned(getattr(RULES, step), spoilt)})
    bank.fault = faults.append
    answers = bank.answer_many(withdrawals(), NOW_US)
    assert ["00", "00", "96", "00", "00"] == [answer[39] for answer in answers]
    assert 1 == len(faults)
    assert [90_000, 90_000, 100_000, 90_000, 90_000] == [row.posted_jpy for row in store.accounts()]
    assert [] == verify(store)


def test_a_row_that_the_database_refuses_leaves_the_others_their_answers(sql_store):
    faults: list[Exception] = []
    bank = bank_of(sql_store, decide=poisoned(RULES.decide, too_much))
    bank.fault = faults.append
    answers = bank.answer_many(withdrawals(), NOW_US)
    assert ["00", "00", "96", "00", "00"] == [answer[39] for answer in answers]
    assert ["IntegrityError" in {kind.__name__ for kind in type(fault).__mro__} for fault in faults] == [True]
    assert [] == verify(sql_store)


def test_a_conflict_that_never_ends_is_96_for_its_own_message_alone(store):
    bank = bank_of(store, decide=poisoned(RULES.decide, twice))
    answers = bank.answer_many(withdrawals(), NOW_US)
    assert ["00", "00", "96", "00", "00"] == [answer[39] for answer in answers]
    assert [] == verify(store)


def test_a_fault_of_the_pin_module_is_its_own_message_s(store, monkeypatch):
    bank = bank_of(store)
    bank.fault = lambda error: None
    real = Hsm.verify_pin

    def verify_pin(self: Hsm, tpk: str, block: str, pan: str, *rest: Any) -> bool:
        if pan == PANS[POISON]:
            raise ZeroDivisionError
        return real(self, tpk, block, pan, *rest)

    monkeypatch.setattr(Hsm, "verify_pin", verify_pin)
    answers = bank.answer_many(withdrawals(), NOW_US)
    assert ["00", "00", "96", "00", "00"] == [answer[39] for answer in answers]


def test_a_fault_stops_a_simulation(store):
    """Nobody has said where faults are to be reported, so none is swallowed."""
    bank = bank_of(store, decide=poisoned(RULES.decide, fails))
    with pytest.raises(ZeroDivisionError):
        bank.answer_many(withdrawals(), NOW_US)
