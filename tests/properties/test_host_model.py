"""The host alone against a reference model: any sequence of messages, acts and days, on every store.

Hypothesis draws the sequence. After each step the host's answer must be the model's, balance and room the model's, and
memory and SQLite must have answered with the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from bank_host.host import Bank
from bank_host.iso8583 import build
from bank_host.iso8583.codec import encode
from bank_host.iso8583.identity import original_data
from bank_host.iso8583.message import Message
from bank_host.jst import DAY_US, HOUR_US, SECOND_US, jst_date, midnight_us
from bank_host.policy import load_policy
from bank_host.rules import RULES, Rules
from bank_host.rules.changes import CountUse, Decision
from bank_host.rules.facts import Account, Act, Card, Enrolment
from bank_host.store.contract import Store
from bank_host.store.engine import open_engine
from bank_host.store.memory import MemoryStore
from bank_host.store.migrate import upgrade
from bank_host.store.sql import SqlStore
from tests.faults.workload import FakeHsm
from tests.properties.reference_model import Model

DAY = date(2014, 1, 15)
NOON_US = midnight_us(DAY) + 12 * HOUR_US
ACCOUNT, CARD, PIN, WRONG_PIN = "0010000001", "card-0001", "1234FFFFFFFFFFFF", "4321FFFFFFFFFFFF"
BALANCE_JPY, LIMIT_JPY = 400_000, 200_000
POLICY = load_policy()

amounts_jpy = st.sampled_from([30_000, 31_000, 50_000, 100_000, 199_000, 200_000, 201_000, 30_500])
limits_jpy = st.sampled_from([0, 30_000, 60_000, 100_000, 200_000])


@cache
def migrated() -> Path:
    """An empty database with all its tables, to be copied."""
    path = Path(mkdtemp()) / "template.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


def bank_on(store: Store, rules: Rules) -> Bank:
    """A bank with one customer, who has nothing but a card."""
    bank = Bank("jnb", store, POLICY, FakeHsm(), rules=rules)  # type: ignore[arg-type]
    account = Account(ACCOUNT, "individual", "token", date(2010, 4, 1), LIMIT_JPY)
    bank.enrol(Enrolment(account, BALANCE_JPY, (Card(CARD, "aoi", ACCOUNT, "1812", PIN),), ()), NOON_US)
    return bank


class HostAndModel(RuleBasedStateMachine):
    """The same messages to every bank and to the model."""

    bank_rules = RULES
    numbers = Bundle("numbers")  # of requests that were sent, or spoken of before they were

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        path = shutil.copy(migrated(), Path(self.folder.name) / "bank.sqlite")
        database = SqlStore(open_engine(f"sqlite:///{path}", durable=False))
        self.stores: list[Store] = [MemoryStore(), database]
        self.banks = [bank_on(store, self.bank_rules) for store in self.stores]
        self.model = Model(BALANCE_JPY, LIMIT_JPY)
        self.now_us = NOON_US
        self.sent: dict[int, Message] = {}
        self.stan = self.acts = 0

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    # ---------------------------------------------------------------- parts

    def ask(self, message: Message, expected: str) -> None:
        answers = [bank.answer(message, self.now_us) for bank in self.banks]
        assert all(answer is not None for answer in answers)
        given = {encode(answer) for answer in answers if answer is not None}
        assert 1 == len(given), "the stores answer differently"
        assert expected == (answers[0] or message).get(39)

    def built(self, service: str, amount_jpy: int) -> tuple[int, Message]:
        self.stan += 1
        self.now_us += SECOND_US
        message = build.financial_request(
            service,
            pan="4999000000000001",
            amount_jpy=amount_jpy,
            stan=self.stan,
            now_us=self.now_us,
            acceptor=build.Acceptor("ATM00001", "SEVEN_BANK", "00000000034"),
        )
        self.sent[self.stan] = message
        return self.stan, message

    def act(self, kind: str, channel: str, **more: object) -> None:
        self.acts += 1
        self.now_us += SECOND_US
        for bank in self.banks:
            outcome = bank.act(Act(f"act-{self.acts}", kind, ACCOUNT, channel, **more), self.now_us)  # type: ignore[arg-type]
            assert "done" == outcome.outcome, outcome

    # ---------------------------------------------------------------- what may happen

    @initialize(target=numbers)
    def first(self) -> int:
        number, request = self.built("withdraw", 30_000)
        self.ask(request.but({52: PIN}), self.model.request(number, "withdraw", 30_000, True))
        return number

    @rule(
        target=numbers,
        service=st.sampled_from(["withdraw", "withdraw", "deposit"]),
        amount_jpy=amounts_jpy,
        right_pin=st.sampled_from([True, True, True, False]),
    )
    def request(self, service: str, amount_jpy: int, right_pin: bool) -> int:
        amount_jpy = amount_jpy // 1_000 * 1_000 if service == "deposit" else amount_jpy
        number, message = self.built(service, amount_jpy)
        block = PIN if right_pin else WRONG_PIN
        self.ask(message.but({52: block}), self.model.request(number, service, amount_jpy, right_pin))
        return number

    @rule(target=numbers, amount_jpy=st.sampled_from([30_000, 60_000]))
    def overtaken(self, amount_jpy: int) -> int:
        """The reversal comes first; the request may follow as a repeat."""
        number, message = self.built("withdraw", amount_jpy)
        reversal = build.reversal_advice(message, "timeout", stan=self._next(), now_us=self.now_us)
        self.ask(reversal, self.model.reverse(number))
        return number

    @rule(number=numbers)
    def repeat(self, number: int) -> None:
        message = self.sent[number]
        service = "deposit" if message[3].startswith("21") else "withdraw"
        expected = self.model.request(number, service, int(message[4]), True)
        self.ask(build.as_repeat(message).but({52: PIN}), expected)

    @rule(
        number=numbers, stands=st.sampled_from([None, None, 0, 1_000, 30_000, 500_000]), twice=st.booleans()
    )
    def reverse(self, number: int, stands: int | None, twice: bool) -> None:
        message = self.sent[number]
        self.now_us += SECOND_US
        reversal = build.reversal_advice(
            message, "timeout", stan=self._next(), now_us=self.now_us, dispensed_jpy=stands
        )
        self.ask(reversal, self.model.reverse(number, stands or 0))
        if twice:
            self.ask(build.as_repeat(reversal), "00")

    @rule(number=numbers)
    def complete(self, number: int) -> None:
        self.now_us += SECOND_US
        advice = build.completion_advice(self.sent[number], stan=self._next(), now_us=self.now_us)
        self.ask(advice, self.model.complete(number))

    @rule(target=numbers, amount_jpy=st.sampled_from([30_000, 250_000]))
    def stand_in(self, amount_jpy: int) -> int:
        """The switch has paid by itself and tells of it."""
        number, message = self.built("withdraw", amount_jpy)
        stan = f"{self._next():06d}"
        advice = message.but({11: stan, 60: "stand_in", 90: original_data(message)}, mti="0220")
        self.ask(advice, self.model.stand_in(number, amount_jpy))
        return number

    @rule()
    def lock(self) -> None:
        self.act("lock_card", "pc", card_id=CARD)
        self.model.locked = True

    @rule()
    def release_pin(self) -> None:
        if self.model.tries >= 3:
            self.act("release_pin", "operator", card_id=CARD)
            self.model.tries = 0

    @rule(limit_jpy=limits_jpy)
    def lower_limit(self, limit_jpy: int) -> None:
        if limit_jpy < self.model.limit_jpy:
            self.act("set_limit", "pc", amount_jpy=limit_jpy)
            self.model.limit_jpy = limit_jpy

    @rule()
    def next_day(self) -> None:
        self.now_us += DAY_US
        self.model.day += 1

    def _next(self) -> int:
        self.stan += 1
        return self.stan

    # ---------------------------------------------------------------- what holds after every step

    @invariant()
    def balance_and_room_are_the_models(self) -> None:
        for bank in self.banks:
            standing = bank.standing(CARD, jst_date(self.now_us))
            assert standing is not None
            assert (self.model.balance_jpy, self.model.room_jpy) == (standing.balance_jpy, standing.room_jpy)


FEW = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_the_host_is_the_model_whatever_happens_on_memory_and_sqlite() -> None:
    run_state_machine_as_test(HostAndModel, settings=FEW)


# ---------------------------------------------------------------- and the comparison can fail


def _without_use_back(*asked: object) -> Decision:
    """A reversal gives the money back and forgets the limit."""
    decision = RULES.decide_reversal(*asked)  # type: ignore[arg-type]
    return decision._replace(
        changes=tuple(change for change in decision.changes if not isinstance(change, CountUse))
    )


def _equal_is_over(*asked: object) -> Decision:
    """Exactly the room is refused."""
    decision = RULES.decide(*asked)  # type: ignore[arg-type]
    request, facts = asked[0], asked[1]
    if decision.code == "00" and request.amount_jpy == facts.account.standing_jpy - facts.used_jpy:  # type: ignore[attr-defined]
        return Decision("61", "OVER_LIMIT")
    return decision


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(RULES._replace(decide_reversal=_without_use_back), id="limit use not given back"),
        pytest.param(RULES._replace(decide=_equal_is_over), id="exactly the room refused"),
    ],
)
def test_a_broken_rule_is_found(rules: Rules) -> None:
    machine: Callable[[], HostAndModel] = type("Broken", (HostAndModel,), {"bank_rules": rules})
    # to find it is enough: no shrinking
    search = settings(FEW, phases=[Phase.generate], print_blob=False, database=None)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=search)
