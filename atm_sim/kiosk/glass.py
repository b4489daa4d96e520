"""Under the glass: what trainers see of card, messages, the bank's decision, its ledger and the cash, in words.

Nothing secret comes here: messages are the record's masked ones, of a chip's commands there is only name and length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from atm_sim.kiosk.texts import TEXTS, Lang, say
from atm_sim.records.log import MessageRow
from atm_sim.report.texts import reason_text
from atm_sim.report.words import in_words
from atm_sim.terminal.machine import Terminal
from bank_host import jst
from bank_host.host import CHARGE, Commit
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.describe import yen
from bank_host.ledger.posting import Post
from bank_host.rules.facts import CardRequest
from bank_host.rules.reasons import APPROVED, ORDER_OF_CHECKS
from cardreader.card import Exchange

MOST: Final = 40
"""Of each sort, the latest so many are shown."""


class Decided(NamedTuple):
    """One decision of the bank about a card request."""

    number: int
    code: str
    reason: str  # the rule's name, upper case; '' when nothing stood against it
    service: str
    amount_jpy: int


class Posted(NamedTuple):
    """One posting of the ledger."""

    number: int
    kind: str
    legs: tuple[tuple[str, int], ...]


class Glass:
    """What one ATM's trainer has seen so far."""

    def __init__(self) -> None:
        self.decisions: list[Decided] = []
        self.postings: list[Posted] = []
        self.apdus: list[Exchange] = []
        self._numbered = 0

    def committed(self, commit: Commit) -> None:
        if isinstance(commit.request, CardRequest) and commit.code != CHARGE:
            request = commit.request
            self.decisions.append(
                Decided(self._next(), commit.code, commit.reason, request.service, request.amount_jpy)
            )
        self.postings += [
            Posted(self._next(), change.kind, change.legs)
            for change in commit.changes
            if isinstance(change, Post) and change.kind != "opening"
        ]

    def _next(self) -> int:
        self._numbered += 1
        return self._numbered

    def view(
        self, terminal: Terminal, messages: Sequence[MessageRow], now_us: int, lang: Lang
    ) -> dict[str, Any]:
        """All of it in words, newest last."""
        first = max(0, len(messages) - MOST)
        return {
            "session": [
                [say("glass.stage", lang), say(f"stage.{terminal.stage}", lang)],
                [say("glass.clock", lang), f"{jst.civil(now_us):%Y-%m-%d %H:%M:%S}"],
                [say("glass.queue", lang), str(len(terminal.settlement.saf.waiting))],
                [say("glass.suspects", lang), str(len(terminal.settlement.suspects))],
            ],
            "decisions": [_decision(each, lang) for each in self.decisions[-MOST:]],
            "messages": [_message(first + place, row, lang) for place, row in enumerate(messages[first:])],
            "ledger": [_posting(each, lang) for each in self.postings[-MOST:]],
            "apdus": [_apdu(each, lang) for each in self.apdus[-MOST:]],
            "cassettes": [
                [yen(note_jpy), say("glass.notes", lang).format(count)]
                for note_jpy, count in terminal.cash.stock
            ],
        }


def rule_words(reason: str, lang: Lang) -> str:
    return str(getattr(reason_text(reason.lower()), lang)) if reason else ""


def passed_before(reason: str) -> Iterable[str]:
    """The checks that a request had passed when the deciding one stopped it; all of them when none did."""
    if reason in ORDER_OF_CHECKS:
        return ORDER_OF_CHECKS[: ORDER_OF_CHECKS.index(reason)]
    return () if reason else ORDER_OF_CHECKS


def _decision(each: Decided, lang: Lang) -> dict[str, Any]:
    row = response_code(each.code)
    answer = f"{each.code} {row.name_en if lang == 'en' else row.name_ja}"
    passed = [rule_words(check, lang) for check in passed_before(each.reason)]
    asked = say(f"choice.{each.service}", lang) + (f" {yen(each.amount_jpy)}" if each.amount_jpy else "")
    return {
        "id": each.number,
        "title": f"{asked} → {answer}",
        "approved": each.code == APPROVED,
        "rule": f"{say('glass.rule', lang)}: {each.reason} — {rule_words(each.reason, lang)}"
        if each.reason
        else "",
        "passed": f"{say('glass.passed', lang)}: {', '.join(passed) or '–'}",
    }


def _message(number: int, row: MessageRow, lang: Lang) -> dict[str, Any]:
    told = in_words(row, lang)
    return {
        "id": number,
        "title": told.title,
        "way": told.way,
        "elements": [[f"DE{element.de}", element.name, element.words] for element in told.elements],
    }


def _apdu(each: Exchange, lang: Lang) -> str:
    answer = f"{each.status:04X}"
    return say("glass.apdu", lang).format(each.command, each.sent_bytes, answer, each.received_bytes)


def _posting(each: Posted, lang: Lang) -> dict[str, Any]:
    return {
        "id": each.number,
        "title": rule_words(each.kind, lang),
        "legs": [[_book(account, lang), yen(amount_jpy)] for account, amount_jpy in each.legs],
    }


def _book(account: str, lang: Lang) -> str:
    """`customer:0010000001` in words; a book without a word of its own keeps its name."""
    kind, _, number = account.partition(":")
    return f"{say(f'book.{kind}', lang)} {number}".strip() if f"book.{kind}" in TEXTS else account
