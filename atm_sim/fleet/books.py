"""The bank of a fleet run: accounts as arrays, decided by the host's rules, posted in double entry.

One row of an account becomes the rules' facts when its card is used, and the changes of the decision go back into the
arrays; nothing is decided here. What follows from a verdict on a request is the same for every account, so it is asked
once a day and kept as numbers. The journal holds one row a posting, its legs in columns that add up to 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from atm_sim.fleet.population import KINDS, Population
from bank_host.issuing import account_number, card_expiry
from bank_host.jst import DAY_US, jst_date, midnight_us
from bank_host.ledger.posting import Post
from bank_host.policy import Policy
from bank_host.rules import RULES, Rules
from bank_host.rules.card import YEN, Verdict
from bank_host.rules.changes import (
    Audit,
    ChargePin,
    CountMonth,
    CountUse,
    Notify,
    Open,
    RaiseException,
    Resolve,
    SetCard,
)
from bank_host.rules.facts import Account, At, Authorisation, Card, CardFacts, CardRequest, Raise
from bank_host.rules.reasons import APPROVED
from bank_host.rules.reversal import Claim

new = tuple.__new__

Effects = dict[tuple[str, str, int, bool], "Effect"]
"""What follows from each answer to a request: code, reason, fee, and whether the PIN was right."""

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
WIDTH = 11
(
    KIND, STANDING, POSTED, LOCKED, PIN_FAILS, USED_ON, USED, MONTH, WITHDRAWALS, DEPOSITS, RAISED_DAY,
) = range(WIDTH)  # fmt: skip
_COUNTED = {"withdraw": WITHDRAWALS, "deposit": DEPOSITS}

MEDIUM = "chip"
AUTHENTICATOR = "token"


class Terminal(NamedTuple):
    """A machine as the bank knows it."""

    terminal_id: str
    partner: str


class AccountFacts(NamedTuple):
    """The state of one account and its card."""

    account_id: str
    kind: str
    standing_jpy: int
    posted_jpy: int
    locked: bool
    pin_fails: int
    used_jpy: int  # today
    month_uses: dict[str, int]  # this month, by service
    raised_day: int  # of the run; -1 = none


class Effect(NamedTuple):
    """What a decision changes, as numbers; rows of notice, audit and request are not kept, a fleet has its columns."""

    posts: tuple[tuple[int, int, int, int, int], ...]  # kind, and yen on customer, suspense, cash, fees
    used_on: int  # the day whose limit is used up, as an ordinal; 0 = none
    used_jpy: int
    pin_tries: int  # charged
    pin_fails: int  # what the count becomes; -1 = not set
    counted: int  # the column of a service used this month; -1 = none
    uses: int


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
        self.rules, self._judge, self.policy = rules, rules.judge, policy
        self.people, self.terminals = people, terminals
        self.opened = opened
        count = len(people)
        # an account's state lies together, so that a session touches one place of memory
        table = np.zeros((count, WIDTH), dtype=np.int64)
        table[:, KIND], table[:, STANDING] = people.kind, people.limit_jpy
        table[:, POSTED], table[:, LOCKED] = people.balance_jpy, people.locked
        table[:, RAISED_DAY] = people.raised_day
        self._state = array("q")
        self._state.frombytes(table.tobytes())
        self.trace = array("i", [0]) * len(terminals)
        self.suspense = array("q", [0]) * len(terminals)
        self._cards: dict[tuple[int, int], Card] = {}
        self._clearing: dict[str, tuple[int, int, int]] = {}
        self.journal: list[int] = []
        self._expires = card_expiry(opened)
        self._ends_us = 0
        self._first_day = opened.toordinal()
        self._roll(midnight_us(opened))

    # ------------------------------------------------------------ a request

    def decide(
        self, number: int, machine: int, service: str, amount_jpy: int, now_us: int, pin_right: bool
    ) -> tuple[Verdict, int]:
        """The bank's answer to a request of an account's card (precheck, one PIN try charged, verdict), carried out;
        and the request's number at its machine.

        Rules copy names and keys and never look at them, so none is made up here: the journal's row tells account,
        machine, day and number.
        """
        if now_us >= self._ends_us:
            self._roll(now_us)
        self.trace[machine] = trace = self.trace[machine] + 1
        asked = (self.terminals[machine][1], service, amount_jpy)
        request, effects = self._requests.get(asked) or self._request(asked)
        state, row = self._state, number * WIDTH
        (
            kind, standing, posted, locked, fails, used_on, used, month, withdrawals, deposits, raised_day,
        ) = state[row : row + WIDTH]  # fmt: skip
        raise_today = None
        if raised_day == self._day_index:
            raise_today = Raise("", self._day, self.people.raised_jpy, 1)
        account = new(
            Account,
            ("", KINDS[kind], AUTHENTICATOR, self.opened, standing, posted, 0, False, 0, 0, False),
        )
        if used_on != self._day_number:
            used = 0
        uses = 0
        if month == self._month:
            uses = withdrawals if service == "withdraw" else deposits if service == "deposit" else 0
        if (fails, locked) not in self._unhindered:
            card = self._card(locked, fails)
            facts = new(CardFacts, (card, account, raise_today, used, used, uses, None))
            refused = self.rules.precheck(request, facts, self._figures, self._at)
            if refused is not None:
                self._carry_out(effect_of(refused[2]), number, machine, trace, now_us)
                return Verdict(refused[0], refused[1]), trace
            self._unhindered.add((fails, locked))
        state[row + PIN_FAILS] = fails + 1
        card = self._cards.get((locked, fails + 1)) or self._card(locked, fails + 1)
        facts = new(CardFacts, (card, account, raise_today, used, used, uses, pin_right))
        verdict = self._judge(request, facts, self._figures)
        answer = (verdict[0], verdict[1], verdict[2], pin_right)
        effect = effects.get(answer)
        if effect is None:
            follows = self.rules.follow(verdict, request, "", "", pin_right, self._figures, self._at)
            effect = effects[answer] = effect_of(follows)
        self._carry_out(effect, number, machine, trace, now_us)
        return verdict, trace

    def _request(self, asked: tuple[str, str, int]) -> tuple[CardRequest, Effects]:
        """A request as the rules see it, the same at every machine of a partner; what follows from it is asked once a
        day."""
        partner, service, amount_jpy = asked
        request = CardRequest("", "", service, amount_jpy, YEN, partner, "", MEDIUM, True)
        known = self._requests[asked] = request, {}
        return known

    def complete(
        self, number: int, machine: int, trace: int, service: str, amount_jpy: int, now_us: int
    ) -> None:
        """The advice that the cash was taken, or kept, on an approval that nothing touched since: its posting is the
        rule's for one yen, times the yen."""
        known = self._clearing.get(service)
        if known is None:
            known = self._clearing[service] = self._cleared_yen(service)
        suspense, cash = amount_jpy * known[0], amount_jpy * known[1]
        self.suspense[machine] += suspense
        self.trace[machine] += 1  # the advice has a number of its own
        self.journal += (now_us, known[2], number, machine, trace, 0, suspense, cash, 0)

    def _cleared_yen(self, service: str) -> tuple[int, int, int]:
        """What `decide_completion` posts for one yen: on suspense, on the machine's cash, and as what kind."""
        at = At(0, self._day, 0)
        row = Authorisation(
            "", "", "", "", "", "", service, 1, 0, MEDIUM, self._day, 0, APPROVED, "", "open"
        )  # fmt: skip
        claim = Claim("", "", "", "", "", "", service, 1)
        (post,) = (
            change
            for change in self.rules.decide_completion(claim, row, at, self._figures).changes
            if isinstance(change, Post)
        )
        _, suspense, cash, _ = _by_book(post)
        return suspense, cash, _KIND[post.kind]

    def _card(self, locked: int, fails: int) -> Card:
        """Cards differ in what stands in their way, and in nothing else that a rule looks at."""
        card = self._cards[locked, fails] = Card("", "", "", self._expires, "", "", bool(locked), fails)
        return card

    # ------------------------------------------------------------ what follows

    def take_up(self, changes: Iterable[Any], number: int, machine: int, now_us: int) -> None:
        """What the bank's host decided about a message."""
        if now_us >= self._ends_us:
            self._roll(now_us)
        self._carry_out(effect_of(changes), number, machine, 0, now_us)

    def facts_of(self, number: int, now_us: int) -> AccountFacts:
        """An account as the host's store keeps it; on a new day nothing of it is used yet."""
        if now_us >= self._ends_us:
            self._roll(now_us)
        row = number * WIDTH
        kind, standing, posted, locked, fails, used_on, used, month, withdrawals, deposits, raised = (
            self._state[row : row + WIDTH]
        )
        uses = {"withdraw": withdrawals, "deposit": deposits}
        return AccountFacts(
            account_number(self.people.first + number),
            KINDS[kind],
            standing,
            posted,
            bool(locked),
            fails,
            used if used_on == self._day_number else 0,
            uses if month == self._month else dict.fromkeys(uses, 0),
            raised,
        )

    @property
    def posted(self) -> array[int]:
        """The balance of every account."""
        return self._state[POSTED::WIDTH]

    def _carry_out(self, effect: Effect, number: int, machine: int, trace: int, now_us: int) -> None:
        posts, used_on, used_jpy, pin_tries, pin_fails, counted, uses = effect
        state, row = self._state, number * WIDTH
        for kind, customer, suspense, cash, fees in posts:
            state[row + POSTED] += customer
            self.suspense[machine] += suspense
            self.journal += (now_us, kind, number, machine, trace, customer, suspense, cash, fees)
        if used_on:
            if state[row + USED_ON] != used_on:
                state[row + USED_ON], state[row + USED] = used_on, 0
            state[row + USED] += used_jpy
        if pin_tries:
            state[row + PIN_FAILS] += pin_tries
        if pin_fails >= 0:
            state[row + PIN_FAILS] = pin_fails
        if counted >= 0:
            if state[row + MONTH] != self._month:
                state[row + MONTH] = self._month
                state[row + WITHDRAWALS] = state[row + DEPOSITS] = 0
            state[row + counted] += uses

    def take_journal(self) -> list[int]:
        """What was posted since the last call, a flat row of `JOURNAL` after the other."""
        taken, self.journal = self.journal, []
        return taken

    # ------------------------------------------------------------ the day

    def _roll(self, now_us: int) -> None:
        """A new JST day: its figures, its trace numbers."""
        self._day = jst_date(now_us)
        self._ends_us = midnight_us(self._day) + DAY_US
        self._day_number = self._day.toordinal()
        self._day_index = self._day_number - self._first_day
        self._month = self._day.year * 12 + self._day.month
        self._figures = self.policy.on(self._day)
        self._at = At(0, self._day, 0)  # rules copy the time of day and never look at it
        # cards (failed tries, lock) that a precheck let pass today: it looks at the card and at nothing else
        self._unhindered: set[tuple[int, int]] = set()
        self._requests: dict[tuple[str, str, int], tuple[CardRequest, Effects]] = {}
        self.trace = array("i", [0]) * len(self.terminals)


def _by_book(post: Post) -> tuple[int, int, int, int]:
    """The yen of a posting on the customer, the suspense account, the machine's cash and the fees."""
    customer = suspense = cash = fees = 0
    for book, amount_jpy in post[3]:
        which = book[:4]
        if which == "cust":
            customer += amount_jpy
        elif which == "susp":
            suspense += amount_jpy
        elif which == "atm:":
            cash += amount_jpy
        elif which == "fees":
            fees += amount_jpy
        else:
            raise ValueError(f"a fleet posts nothing on {book}")
    return customer, suspense, cash, fees


def effect_of(changes: Iterable[Any]) -> Effect:
    """The changes of one decision."""
    posts = []
    used_on = used_jpy = pin_tries = uses = 0
    pin_fails = counted = -1
    for change in changes:
        match change:
            case Post():
                posts.append((_KIND[change.kind], *_by_book(change)))
            case CountUse():
                assert not used_on, "a decision uses the limit of one day"
                used_on, used_jpy = change.day.toordinal(), change.amount_jpy
            case ChargePin():
                pin_tries += 1
            case SetCard():
                assert change.field == "pin_fails", "a withdrawal changes nothing else of a card"
                pin_fails = change.value
            case CountMonth():
                counted, uses = _COUNTED[change.service], change.uses
            case Audit() | Notify() | Open() | RaiseException() | Resolve():
                pass
            case _:
                raise TypeError(f"a fleet's books have no place for {type(change).__name__}")
    return Effect(tuple(posts), used_on, used_jpy, pin_tries, pin_fails, counted, uses)
