"""Messages on their way through the bank: one commit decides what the last one charged, and charges what is new."""

from __future__ import annotations

import pytest

from bank_host.host import Bank
from bank_host.iso8583.codec import encode
from bank_host.rules import RULES
from bank_host.store.contract import Store
from bank_host.store.verify import verify
from tests.bank_host.test_poison import NOW_US, POISON, bank_of, fails, poisoned, withdrawals


@pytest.fixture
def bank(store: Store) -> Bank:
    return bank_of(store)


@pytest.fixture
def units(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One element for each unit of work that was begun."""
    begun: list[None] = []
    begin = store.begin

    def counted():  # type: ignore[no-untyped-def]
        begun.append(None)
        return begin()

    monkeypatch.setattr(store, "begin", counted)
    return begun


def fails_of(bank: Bank) -> list[int]:
    return [card.pin_fails for card in sorted(bank.store.cards(), key=lambda card: card.alias)]


def test_one_commit_decides_what_was_charged_and_charges_what_is_new(bank, units):
    first, second, third, *_ = withdrawals()
    units.clear()
    step = bank.step([(1, first), (2, second)], (), NOW_US)
    assert ([], [1, 2]) == (step.answers, [each.key for each in step.on_the_way])
    assert [1, 1, 0, 0, 0] == fails_of(bank)
    step = bank.step([(3, third)], step.on_the_way, NOW_US)
    assert [(1, "00"), (2, "00")] == [(key, answer[39]) for key, answer in step.answers]
    assert [0, 0, 1, 0, 0] == fails_of(bank)
    step = bank.step([], step.on_the_way, NOW_US)
    assert ([3], ()) == ([key for key, _ in step.answers], step.on_the_way)
    assert 3 == len(units)
    assert [] == verify(bank.store)


def test_a_repeat_that_comes_while_its_request_is_on_the_way_gets_the_same_bytes(bank):
    request = withdrawals()[0]
    step = bank.step([(1, request)], (), NOW_US)
    step = bank.step([(2, request)], step.on_the_way, NOW_US)
    (_, first), (_, repeated) = step.answers
    assert encode(first) == encode(repeated)
    assert (90_000, 0) == (next(bank.store.accounts()).posted_jpy, fails_of(bank)[0])


def test_the_second_message_of_a_card_waits_for_the_answer_to_the_first(bank, units):
    """Its try is charged in the commit that decides the first."""
    first = withdrawals()[0]
    second = first.but({11: "000099"})
    units.clear()
    step = bank.step([(1, first), (2, second)], (), NOW_US)
    assert [(1, True), (2, None)] == [(each.key, each.pin_ok) for each in step.on_the_way]
    step = bank.step([], step.on_the_way, NOW_US)
    assert [(2, True)] == [(each.key, each.pin_ok) for each in step.on_the_way]
    step = bank.step([], step.on_the_way, NOW_US)
    assert ([(2, "00")], ()) == ([(key, answer[39]) for key, answer in step.answers], step.on_the_way)
    assert (3, 2) == (len(units), sum(row.kind == "withdrawal" for row in bank.store.journal()))


def test_a_fault_in_a_decision_leaves_the_charges_of_its_commit(store):
    bank = bank_of(store, decide=poisoned(RULES.decide, fails))
    bank.fault = lambda error: None
    first, _, poison, third, _ = withdrawals()
    step = bank.step([(POISON, poison)], (), NOW_US)
    step = bank.step([(1, first), (3, third)], step.on_the_way, NOW_US)
    assert [(POISON, "96")] == [(key, answer[39]) for key, answer in step.answers]
    assert [1, 3] == [each.key for each in step.on_the_way]
    assert ["00", "00"] == [answer[39] for _, answer in bank.step([], step.on_the_way, NOW_US).answers]
