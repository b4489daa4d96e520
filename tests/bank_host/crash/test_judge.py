"""The judge of the crash tests finds each fault that it is there for, and nothing in books that are right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from bank_host.iso8583 import build, identity
from bank_host.iso8583.codec import encode
from bank_host.iso8583.message import Message
from bank_host.store.contract import JournalRow
from tests.bank_host.crash.judge import Heard, Log, findings
from tests.bank_host.online_bank import HANAKO, NOON_US, PANS
from tests.bank_host.port.wire import ACQUIRER

AT = build.Acceptor("ATM00007", "SHIBUYA", ACQUIRER)
PAID = build.financial_request(
    "withdraw", pan=PANS[HANAKO], amount_jpy=1_000, stan=2, now_us=NOON_US, acceptor=AT
)
TAKEN_BACK = build.financial_request(
    "withdraw", pan=PANS[HANAKO], amount_jpy=2_000, stan=3, now_us=NOON_US, acceptor=AT
)
REVERSAL = build.reversal_advice(TAKEN_BACK, "timeout", stan=4, now_us=NOON_US)
KEY, KEY_BACK = identity.identity(PAID), identity.identity(TAKEN_BACK)
FEE = {28: "D00000165"}


def heard(message: Message, code: str, more: dict[int, str] | None = None) -> Heard:
    answer = build.answer(message, code, more)
    return Heard(encode(answer), answer)


def row(key: str, kind: str, gain_jpy: int) -> JournalRow:
    legs = ((f"customer:{HANAKO}", gain_jpy), ("suspense:ATM00007", -gain_jpy))
    return JournalRow(1, key, kind, date(2014, 1, 15), NOON_US, "", False, legs)


def right() -> tuple[Log, list[JournalRow]]:
    """One withdrawal with a fee, and one that was reversed after its answer was lost and then repeated."""
    log = Log(
        {"000002": PAID, "000003": TAKEN_BACK, "000004": REVERSAL},
        {
            "000002": [heard(PAID, "96"), heard(PAID, "00", FEE), heard(PAID, "00", FEE)],
            "000003": [heard(TAKEN_BACK, "00")],
            "000004": [heard(REVERSAL, "00")],
        },
    )
    journal = [
        row(KEY, "withdrawal", -1_165),
        row(KEY_BACK, "withdrawal", -2_000),
        row(f"{KEY_BACK}:reversal", "reversal", 2_000),
    ]
    return log, journal


def test_books_that_are_right() -> None:
    assert [] == findings(*right(), at_rest=True)


def not_posted(log: Log, journal: list[JournalRow]) -> None:
    del journal[0]


def posted_twice(log: Log, journal: list[JournalRow]) -> None:
    journal.append(journal[0])


def other_amount(log: Log, journal: list[JournalRow]) -> None:
    journal[0] = row(KEY, "withdrawal", -1_000)


def reversal_not_posted(log: Log, journal: list[JournalRow]) -> None:
    del journal[2]


def declined_and_posted(log: Log, journal: list[JournalRow]) -> None:
    log.heard["000002"] = [heard(PAID, "51")]


def posted_for_nobody(log: Log, journal: list[JournalRow]) -> None:
    journal.append(row("020x/34/ATM00007/000099/0115120000", "withdrawal", -1_000))


def two_answers(log: Log, journal: list[JournalRow]) -> None:
    log.heard["000002"].append(heard(PAID, "00", FEE | {38: "000777"}))


def never_answered(log: Log, journal: list[JournalRow]) -> None:
    del log.heard["000002"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (not_posted, f"{KEY} is approved and not posted"),
        (posted_twice, f"{KEY} is posted 2 times"),
        (other_amount, f"{KEY} is posted with -1000 instead of -1165"),
        (reversal_not_posted, f"{KEY_BACK}:reversal is approved and not posted"),
        (declined_and_posted, f"{KEY} is posted and was not approved"),
        (posted_for_nobody, "020x/34/ATM00007/000099/0115120000 is posted and was not approved"),
        (two_answers, "000002 had two different answers"),
        (never_answered, f"{KEY} was never told to the client"),
    ],
)
def test_a_fault(fault: Callable[[Log, list[JournalRow]], None], told: str) -> None:
    log, journal = right()
    fault(log, journal)
    assert told in findings(log, journal, at_rest=True)


def test_a_mac_may_be_another_one_in_a_repeat() -> None:
    log, journal = right()
    macs = [heard(PAID, "00", FEE | {64: mac}) for mac in ("0123456789ABCDEF", "FEDCBA9876543210")]
    log.heard["000002"] = macs
    assert [] == findings(log, journal, at_rest=True)


def test_what_is_still_open_may_or_may_not_be_posted() -> None:
    log, journal = right()
    del log.heard["000002"]
    assert [] == findings(log, journal, at_rest=False)
    assert [] == findings(log, journal[1:], at_rest=False)
