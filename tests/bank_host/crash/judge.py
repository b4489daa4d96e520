"""What a client's log says about a bank's journal: no approval without its posting, none twice, one answer for ever.

The judge shares no rule with the bank: what has to be posted follows from what was sent and from the answers that came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bank_host.iso8583 import composite, identity
from bank_host.iso8583.message import Message
from bank_host.store.contract import JournalRow

APPROVED = "00"
LEAVES_OPEN = frozenset({"91", "96"})
"""Codes of an answer after which the client does not know whether anything was committed."""

MACS, MAC_DIGITS = (64, 128), 16


class Heard(NamedTuple):
    """One answer as it came."""

    data: bytes
    message: Message


@dataclass
class Log:
    """Everything a client sent, written down before it was sent, and everything it heard; by trace number (DE11)."""

    sent: dict[str, Message] = field(default_factory=dict)  # in its first form
    heard: dict[str, list[Heard]] = field(default_factory=dict)

    def settled(self, stan: str) -> list[Heard]:
        """The answers that say what became of it."""
        return [each for each in self.heard.get(stan, ()) if each.message[39] not in LEAVES_OPEN]

    def answer(self, stan: str) -> Message | None:
        return next((each.message for each in self.settled(stan)), None)


class Posting(NamedTuple):
    """What the journal must hold of an approval: its key, and what the customer gains by it."""

    key: str
    gain_jpy: int


def findings(log: Log, journal: Iterable[JournalRow], *, at_rest: bool) -> list[str]:
    """What journal and log do not agree on. `at_rest`: every request has had an answer, so that nothing is open."""
    found = [f"{stan} had two different answers" for stan in log.sent if _differ(log.settled(stan))]
    posted = Counter(row.key for row in journal if row.kind != "opening")
    gains = {row.key: _gain_jpy(row) for row in journal}
    found += [f"{key} is posted {times} times" for key, times in posted.items() if times > 1]
    due: dict[str, int] = {}
    open_keys: set[str] = set()
    for stan in log.sent:
        posting = _posting(log, stan)
        if posting is not None:
            due[posting.key] = posting.gain_jpy
        elif _is_open(log, stan):
            open_keys.add(_key(log, log.sent[stan]))
    if at_rest:
        found += [f"{key} was never told to the client" for key in open_keys]
    for key, gain_jpy in due.items():
        if key not in posted:
            found.append(f"{key} is approved and not posted")
        elif gains[key] != gain_jpy:
            found.append(f"{key} is posted with {gains[key]} instead of {gain_jpy}")
    strange = posted.keys() - due.keys() - open_keys
    return found + [f"{key} is posted and was not approved" for key in sorted(strange)]


def unheard(log: Log, journal: Iterable[JournalRow]) -> set[str]:
    """Keys that are posted while the client waits for the answer."""
    return {_key(log, message) for stan, message in log.sent.items() if log.answer(stan) is None} & {
        row.key for row in journal
    }


def _differ(answers: Sequence[Heard]) -> bool:
    return len({_without_mac(each) for each in answers}) > 1


def _without_mac(heard: Heard) -> bytes:
    sealed = any(de in heard.message for de in MACS)
    return heard.data[:-MAC_DIGITS] if sealed else heard.data


def _gain_jpy(row: JournalRow) -> int:
    return sum(amount_jpy for book, amount_jpy in row.legs if book.startswith("customer:"))


# ---------------------------------------------------------------- what a message has to do to the journal


def _key(log: Log, message: Message) -> str:
    """The posting that an approval of this message makes."""
    if message.mti[:2] == "02" and message.mti[2] == "0":
        return identity.identity(message)
    how = "reversal" if message.mti[:2] == "04" else "completion"
    return f"{identity.identity(_original(log, message))}:{how}"


def _original(log: Log, advice: Message) -> Message:
    return log.sent[identity.parse_original(advice[90]).stan]


def _is_open(log: Log, stan: str) -> bool:
    """Whether the client cannot know if this has been posted: no answer yet, or none to what it reverses."""
    message = log.sent[stan]
    if log.answer(stan) is None:
        return True
    return 90 in message and log.answer(_original(log, message)[11]) is None


def _posting(log: Log, stan: str) -> Posting | None:
    message, answer = log.sent[stan], log.answer(stan)
    if answer is None or answer[39] != APPROVED:
        return None
    key = _key(log, message)
    if message.mti[:2] == "02" and message.mti[2] == "0":
        gain_jpy = _approved_gain_jpy(message, answer)
        return None if gain_jpy is None else Posting(key, gain_jpy)
    original = _original(log, message)
    first = log.answer(original[11])
    if first is None or first[39] != APPROVED:
        return None
    gain_jpy = _approved_gain_jpy(original, first)
    assert gain_jpy is not None, "only what moves money is completed or reversed"
    return Posting(key, -gain_jpy if message.mti[:2] == "04" else 0)


def _approved_gain_jpy(request: Message, answer: Message) -> int | None:
    """What an approved request brings the customer; None where no money moves."""
    service = composite.service_of(request[3])
    if service not in ("withdraw", "deposit"):
        return None
    amount_jpy = composite.amount_jpy(request[4])
    fee_jpy = composite.fee_jpy(answer[28]) if 28 in answer else 0
    return (amount_jpy if service == "deposit" else -amount_jpy) - fee_jpy
