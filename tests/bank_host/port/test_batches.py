"""The writer: together what waits together, an answer after its commit, and one bad message spoils no other."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bank_host.host import Bank, OnTheWay, Step
from bank_host.iso8583 import build
from bank_host.iso8583.message import Message
from bank_host.port.batches import Answers, Batches, BatchSettings
from bank_host.rules import RULES, Rules
from bank_host.rules.changes import Audit, Decision
from bank_host.rules.facts import CardRequest
from bank_host.rules.reversal import Claim
from tests.bank_host.online_bank import NOON_US, OnlineBank, open_bank
from tests.bank_host.port.wire import PATIENCE_S, HeldBank, withdrawal

BAD = "BAD00000"


class FaultyBank:
    """A bank with a fault of its own that one terminal's messages bring to light."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self.due = 0

    def step(
        self, new: Sequence[tuple[int, Message]], on_the_way: Sequence[OnTheWay[int]], now_us: int
    ) -> Step[int]:
        if any(message[41] == BAD for _, message in new):
            raise ZeroDivisionError("a fault of ours")
        return self._bank.step(new, on_the_way, now_us)

    def run_due(self, now_us: int) -> int:
        self.due += 1
        raise ZeroDivisionError("a fault of ours")


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


class Writer:
    """The writer of a bank, and what it hands back."""

    def __init__(self, bank: object, **settings: int) -> None:
        self.heard: queue.SimpleQueue[Answers[int]] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.sends = True  # at once what is handed back
        self.batches: Batches[int] = Batches(
            bank,  # type: ignore[arg-type]
            lambda: NOON_US,
            self.hear,
            BatchSettings(**settings),
            ended=lambda: self.ended.put(None),
        )

    def hear(self, answers: Answers[int]) -> None:
        self.heard.put(answers)
        if self.sends:
            self.batches.sent()

    def codes(self, count: int) -> dict[int, str]:
        answers: list[tuple[int, Message | None]] = []
        while len(answers) < count:
            answers += self.heard.get(timeout=PATIENCE_S)
        return {key: "" if answer is None else answer[39] for key, answer in answers}

    def stop(self) -> None:
        self.batches.stop()
        self.ended.get(timeout=PATIENCE_S)


@pytest.fixture
def writers() -> Iterator[list[Writer]]:
    started: list[Writer] = []
    yield started
    for writer in started:
        writer.stop()


def test_an_answer_is_handed_over_after_its_commit(online: OnlineBank, writers: list[Writer]) -> None:
    posted: list[int] = []
    writer = Writer(online.bank)
    writers.append(writer)
    told = writer.hear
    writer.batches._deliver = lambda answers: (posted.append(online.account().posted_jpy), told(answers))  # type: ignore[assignment]
    writer.batches.start()
    writer.batches.put(1, withdrawal(online, 2))
    assert {1: "00"} == writer.codes(1)
    assert [240_000] == posted


def test_a_batch_has_a_bound(online: OnlineBank, writers: list[Writer]) -> None:
    held = HeldBank(online.bank)
    held.released.set()
    writers.append(writer := Writer(held, most_at_once=3))
    for stan in range(2, 9):
        assert writer.batches.put(stan, withdrawal(online, stan))
    writer.batches.start()
    writer.codes(7)
    assert [3, 3, 1] == held.batches


def test_a_commit_waits_until_the_answers_of_the_last_one_have_left(
    online: OnlineBank, writers: list[Writer]
) -> None:
    """So that whoever asks again at once takes part in it."""
    writers.append(writer := Writer(online.bank, most_at_once=1))
    writer.sends, leaving, begun_with = False, [False], list[bool]()
    step, hear = online.bank.step, writer.hear

    def watched_step(*of: Any) -> Step[int]:
        begun_with.append(leaving[0])
        return step(*of)

    def slow_hear(answers: Answers[int]) -> None:
        leaving[0] = True
        hear(answers)

    online.bank.step = watched_step  # type: ignore[method-assign]
    writer.batches._deliver = slow_hear
    for stan in range(2, 9):
        writer.batches.put(stan, withdrawal(online, stan))
    writer.batches.start()
    for _ in range(7):
        writer.codes(1)
        leaving[0] = False
        writer.batches.sent()
    assert 8 <= len(begun_with)
    assert not any(begun_with)


def test_the_end_waits_for_no_answer_to_leave(online: OnlineBank, writers: list[Writer]) -> None:
    writers.append(writer := Writer(online.bank))
    writer.sends = False
    writer.batches.start()
    writer.batches.put(1, withdrawal(online, 2))
    assert {1: "00"} == writer.codes(1)
    writer.batches.put(2, withdrawal(online, 3))
    writer.batches.stop()
    assert {2: "00"} == writer.codes(1)


def test_the_queue_has_a_bound(online: OnlineBank, writers: list[Writer]) -> None:
    writers.append(writer := Writer(online.bank, most_waiting=2))
    assert [True, True, False] == [writer.batches.put(n, withdrawal(online, n)) for n in (2, 3, 4)]
    assert 2 == len(writer.batches)
    writer.batches.start()


def failing_for_one_terminal() -> Rules:
    """Rules with a fault that one terminal's messages bring to light."""

    def precheck(request: CardRequest, *known: Any) -> Decision | None:
        if request.atm == BAD:
            raise ZeroDivisionError("a fault of ours")
        return RULES.precheck(request, *known)

    def decide_reversal(claim: Claim, *known: Any) -> Decision:
        if claim.atm == BAD:
            raise ZeroDivisionError("a fault of ours")
        return RULES.decide_reversal(claim, *known)

    return RULES._replace(precheck=precheck, decide_reversal=decide_reversal)


def put_one_good_and_two_bad(online: OnlineBank, writer: Writer) -> None:
    writer.batches.put(1, withdrawal(online, 2))
    writer.batches.put(2, withdrawal(online, 3, terminal=BAD))
    advice = build.reversal_advice(withdrawal(online, 4, terminal=BAD), "timeout", stan=5, now_us=NOON_US)
    writer.batches.put(3, advice)
    writer.batches.start()


def test_a_message_that_the_bank_fails_at_is_answered_96_and_spoils_no_other(
    online: OnlineBank, writers: list[Writer]
) -> None:
    online.bank.rules = failing_for_one_terminal()
    writers.append(writer := Writer(online.bank))
    put_one_good_and_two_bad(online, writer)
    assert {1: "00", 2: "96", 3: ""} == writer.codes(3)


def test_a_bank_that_fails_at_a_whole_batch_leaves_nobody_waiting(
    online: OnlineBank, writers: list[Writer]
) -> None:
    """96 to requests, silence to an advice, which comes again; the writer goes on."""
    writers.append(writer := Writer(FaultyBank(online.bank)))
    put_one_good_and_two_bad(online, writer)
    assert {1: "96", 2: "96", 3: ""} == writer.codes(3)
    writer.batches.put(4, withdrawal(online, 5))
    assert {4: "00"} == writer.codes(1)


def test_work_that_is_due_and_fails_does_not_end_the_writer(
    online: OnlineBank, writers: list[Writer]
) -> None:
    bank = FaultyBank(online.bank)
    writers.append(writer := Writer(bank))
    writer.batches.start()
    writer.batches.put(1, withdrawal(online, 2))
    assert {1: "00"} == writer.codes(1)
    assert 1 == bank.due


def test_what_was_taken_is_answered_before_the_writer_ends(online: OnlineBank) -> None:
    writer = Writer(online.bank)
    writer.batches.put(1, withdrawal(online, 2))
    writer.batches.stop()
    assert not writer.batches.put(2, withdrawal(online, 3))
    writer.batches.start()
    writer.ended.get(timeout=PATIENCE_S)
    assert {1: "00"} == writer.codes(1)


def test_audit_rows_that_wait_have_a_bound(online: OnlineBank, writers: list[Writer]) -> None:
    writers.append(writer := Writer(online.bank, most_notes=2))
    for number in range(5):
        writer.batches.note(Audit("host", "port", "", "mac_failure", after=f"0200 ATM0000{number}"))
    writer.batches.start()
    writer.batches.put(1, withdrawal(online, 2))
    writer.codes(1)
    audited = [row.after for row in online.bank.store.audit() if row.what == "mac_failure"]
    assert ["0200 ATM00000", "0200 ATM00001"] == audited
