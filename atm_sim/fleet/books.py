"""The bank of a fleet run: accounts as arrays, decided by the host's rules, posted in double entry.

One row of an account becomes the rules' facts when its card is used, and the changes of the decision go back into the
arrays; nothing is decided here. The journal holds one row a posting, its legs in columns that add up to 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from atm_sim.fleet.population import KINDS, Population
from bank_host.issuing import account_number, card_expiry
from bank_host.jst import DAY_US, jst_date, midnight_us
from bank_host.ledger.posting import Post
from bank_host.policy import Policy
from bank_host.rules import RULES, Rules
from bank_host.rules.card import YEN
from bank_host.rules.changes import (
    Change,
    CountMonth,
    CountUse,
    Decision,
    Open,
    RaiseException,
    Resolve,
    SetCard,
)
from bank_host.rules.facts import Account, At, Authorisation, Card, CardFacts, CardRequest, Raise
from bank_host.rules.reversal import Claim

new = tuple.__new__

JOURNAL = (
    "time_us",
    "kind",
    "account",
    "machine",
    "number",
    "customer_jpy",
    "suspense_jpy",
    "atm_jpy",
    "fees_jpy",
)
"""The columns of a journal row, all whole numbers; `number` is the request's at its machine and day."""

POSTING_KINDS = ("opening", "withdrawal", "deposit", "completion", "reversal", "settlement")
_KIND = {kind: number for number, kind in enumerate(POSTING_KINDS)}
_BOOKS = {"customer": 0, "suspense": 1, "atm": 2, "fees": 3}
_COUNTED = {"withdraw": 0, "deposit": 1}

MEDIUM = "chip"
AUTHENTICATOR = "token"


class Terminal(NamedTuple):
    """A machine as the bank knows it."""

    terminal_id: str
    partner: str


class Books:
    """The accounts of one partition and everything posted on them."""

    def __init__(
        self,
        people: Population,
        terminals: list[Terminal],
        policy: Policy,
        opened: date,
        rules: Rules = RULES,
    ) -> None:
        self.rules, self.policy = rules, policy
        self.people, self.terminals = people, terminals
        self.opened = opened
        count = len(people)
        self.kind = people.kind.tolist()
        self.posted = _whole(people.balance_jpy)
        self.standing = _whole(people.limit_jpy)
        self.locked = bytearray(people.locked.tobytes())
        self.raised_day = _whole(people.raised_day)
        self.pin_fails = bytearray(count)
        self.used_on = array("i", [0]) * count  # day number that `used` counts on
        self.used = array("q", [0]) * count
        self.month_of = array("i", [0]) * count
        self.month_uses = (array("h", [0]) * count, array("h", [0]) * count)
        self.trace_day = 0
        self.trace = array("i", [0]) * len(terminals)
        self.suspense = array("q", [0]) * len(terminals)
        self.atm_cash = array("q", [0]) * len(terminals)
        self.fees = 0
        self.opening_jpy = sum(self.posted)
        self.exceptions: list[RaiseException] = []
        self.journal = array("q")
        self._expires = card_expiry(opened)
        self._seq = 0
        self._ends_us = 0
        self._first_day = opened.toordinal()
        self._roll(midnight_us(opened))

    # ------------------------------------------------------------ a request

    def decide(
        self, number: int, machine: int, service: str, amount_jpy: int, now_us: int, pin_right: bool
    ) -> tuple[Decision, Authorisation | None, int]:
        """The bank's answer to a request of an account's card: precheck, one PIN try charged, decision; with the row
        that an advice would find, and the request's number at its machine."""
        if now_us >= self._ends_us:
            self._roll(now_us)
        terminal_id, partner = self.terminals[machine]
        trace = self.trace[machine] + 1
        self.trace[machine] = trace
        key = f"{terminal_id}/{self._day_text}/{trace}"
        request = new(CardRequest, (key, key, service, amount_jpy, YEN, partner, terminal_id, MEDIUM, True))
        facts = self._facts(number, service)
        self._seq += 1
        at = new(At, (now_us, self._day, self._seq))
        figures = self._figures
        decision = self.rules.precheck(request, facts, figures, at)
        if decision is None:
            charged = self.pin_fails[number] + 1
            self.pin_fails[number] = charged
            card = facts[0]
            card = new(Card, (*card[:7], charged))
            facts = new(CardFacts, (card, facts[1], facts[2], facts[3], facts[4], facts[5], pin_right))
            decision = self.rules.decide(request, facts, figures, at)
        return decision, self._apply(decision[2], number, machine, trace, now_us), trace

    def complete(self, row: Authorisation, number: int, machine: int, trace: int, now_us: int) -> Decision:
        """The advice that the cash was taken, or kept."""
        key = row.key
        claim = new(
            Claim,
            (f"{key}/0220", key, row[2], row[3], row[4], row[5], row[6], row[7], None),
        )
        day = self._day if now_us < self._ends_us else jst_date(now_us)
        self._seq += 1
        decision = self.rules.decide_completion(claim, row, new(At, (now_us, day, self._seq)), self._figures)
        self.trace[machine] += 1  # the advice has a number of its own
        self._apply(decision[2], number, machine, trace, now_us)
        return decision

    def _facts(self, number: int, service: str) -> CardFacts:
        account_id = account_number(self.people.first + number)
        raise_today = None
        if self.raised_day[number] == self._day_index:
            raise_today = Raise(account_id, self._day, self.people.raised_jpy, 1)
        card = new(
            Card,
            (
                account_id,
                "",
                account_id,
                self._expires,
                "",
                "",
                bool(self.locked[number]),
                self.pin_fails[number],
            ),
        )
        account = new(
            Account,
            (
                account_id, KINDS[self.kind[number]], AUTHENTICATOR, self.opened, self.standing[number],
                self.posted[number], 0, False, 0, 0, False,
            ),
        )  # fmt: skip
        used = self.used[number] if self.used_on[number] == self._day_number else 0
        uses = 0
        counted = _COUNTED.get(service)
        if counted is not None and self.month_of[number] == self._month:
            uses = self.month_uses[counted][number]
        return new(CardFacts, (card, account, raise_today, used, used, uses, None))

    # ------------------------------------------------------------ what follows

    def _apply(
        self, changes: Iterable[Change], number: int, machine: int, trace: int, now_us: int
    ) -> Authorisation | None:
        """Carry out what a decision changes. Notices and audit rows are the bank's own affair: a fleet keeps none."""
        opened = None
        for change in changes:
            kind = type(change)
            if kind is Post:
                self.post(change, number, machine, trace, now_us)  # type: ignore[arg-type]
            elif kind is CountUse:
                day = change.day.toordinal()  # type: ignore[union-attr]
                if self.used_on[number] != day:
                    self.used_on[number], self.used[number] = day, 0
                self.used[number] += change.amount_jpy  # type: ignore[union-attr]
            elif kind is CountMonth:
                if self.month_of[number] != self._month:
                    self.month_of[number] = self._month
                    for uses in self.month_uses:
                        uses[number] = 0
                self.month_uses[_COUNTED[change.service]][number] += change.uses  # type: ignore[union-attr]
            elif kind is SetCard:
                if change.field == "pin_fails":  # type: ignore[union-attr]
                    self.pin_fails[number] = change.value  # type: ignore[union-attr]
            elif kind is Open:
                opened = change.authorisation  # type: ignore[union-attr]
            elif kind is RaiseException:
                self.exceptions.append(change)  # type: ignore[arg-type]
            elif kind is Resolve:
                pass  # nobody asks for this row again
        return opened

    def post(self, post: Post, number: int, machine: int, trace: int, now_us: int) -> None:
        """Each leg to its book, and the row to the journal."""
        sums = [0, 0, 0, 0]
        for book, amount_jpy in post.legs:
            sums[_BOOKS[book.partition(":")[0]]] += amount_jpy
        customer, suspense, cash, fees = sums
        self.posted[number] += customer
        self.suspense[machine] += suspense
        if cash:
            self.atm_cash[machine] += cash
        if fees:
            self.fees += fees
        self.journal.extend(
            (now_us, _KIND[post.kind], number, machine, trace, customer, suspense, cash, fees)
        )

    def take_journal(self) -> array[int]:
        """What was posted since the last call, a flat row of `JOURNAL` after the other."""
        taken, self.journal = self.journal, array("q")
        return taken

    # ------------------------------------------------------------ the day

    def _roll(self, now_us: int) -> None:
        """A new JST day: its figures, its trace numbers."""
        self._day = jst_date(now_us)
        self._ends_us = midnight_us(self._day) + DAY_US
        self._day_number = self._day.toordinal()
        self._day_index = self._day_number - self._first_day
        self._month = self._day.year * 12 + self._day.month
        self._day_text = self._day.isoformat()
        self._figures = self.policy.on(self._day)
        self.trace = array("i", [0]) * len(self.terminals)


def _whole(values: object) -> array[int]:
    found = array("q")
    found.frombytes(values.astype("int64").tobytes())  # type: ignore[attr-defined]
    return found
