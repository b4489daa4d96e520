"""The bank of a fleet run: accounts as arrays, decided by the host's rules, posted in double entry.

One row of an account becomes the rules' facts when its card is used, and the changes of the decision go back into the
arrays; nothing is decided here. What a request needs and what follows from its answer are the same for all accounts of
one standing and count of uses, as long as the same figures are in force: the rules are asked for them once, and each
session has its own use and balance weighed. The journal holds one row a posting, whose legs add up to 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from atm_sim.fleet.population import KINDS, Population
from atm_sim.fleet.rows import Numbered, Rows
from bank_host.issuing import account_number, card_expiry
from bank_host.jst import DAY_US, jst_date, midnight_us
from bank_host.ledger.posting import Post
from bank_host.policy import Policy
from bank_host.rules import RULES, Rules
from bank_host.rules.card import YEN, Terms, Verdict
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

JOURNAL = ("time_us", "posting", "account", "machine", "number")
"""The columns of a journal row, all whole numbers; `number` is the request's at its machine and day."""

POSTING = ("kind", "customer_jpy", "suspense_jpy", "atm_jpy", "fees_jpy")
"""What a posting of the journal says, the same for all requests alike: its kind and its legs."""

POSTING_KINDS = ("opening", "withdrawal", "deposit", "completion", "reversal", "settlement")
_KIND = {kind: number for number, kind in enumerate(POSTING_KINDS)}

WIDTH = 5
STANDING, USED, WITHDRAWALS, DEPOSITS, POSTED = range(WIDTH)
"""Where a row of the accounts keeps what: the number of its standing, yen used today, uses this month, balance."""
_COUNTED = {"withdraw": WITHDRAWALS, "deposit": DEPOSITS}

MOST_CASES = 10_000
"""Of a request, that are kept; there are a few dozens where all accounts begin with one limit."""

MEDIUM = "chip"
AUTHENTICATOR = "token"


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


class Standing(NamedTuple):
    """What the rules look at of an account and its card, beside uses and money."""

    kind: str
    limit_jpy: int
    locked: bool
    raised_day: int  # of the run; -1 = none
    pin_fails: int


class Told(NamedTuple):
    """What a machine hears of a decision."""

    code: str
    reason: str
    fee_jpy: int


Posting = tuple[int, int, int, int, int]
"""As `POSTING` names them."""


class Effect(NamedTuple):
    """What a decision changes, as numbers; rows of notice, audit and request are not kept, a fleet has its columns."""

    posts: tuple[tuple[int, Posting], ...]  # with its number
    used_jpy: int  # of today's limit
    pin_tries: int  # charged, unless the count is set
    pin_fails: int  # what the count becomes; -1 = not set
    counted: int  # the column of a service used this month
    uses: int


@dataclass(slots=True, frozen=True)
class Answer:
    """An effect on accounts of one standing, and what the machine hears."""

    told: int  # number in `Books.told`
    standing: int  # from now on
    posts: tuple[tuple[int, Posting], ...]
    used_jpy: int
    counted: int
    uses: int


class Request:
    """What is asked for at the machines of one partner, and what the bank has found out about it."""

    __slots__ = ("cases", "cleared", "counted", "words")

    def __init__(self, partner: str, service: str, amount_jpy: int) -> None:
        self.words = CardRequest("", "", service, amount_jpy, YEN, partner, "", MEDIUM)
        self.counted = _COUNTED.get(service, 0)  # the column of its uses this month; 0 = none
        self.cases: dict[tuple[int, int, bool], _Case] = {}  # by standing, uses this month, right PIN
        self.cleared: tuple[int, Posting] | None = None  # what its completion posts


@dataclass(slots=True, frozen=True)
class _Case:
    """A request of all accounts that the rules treat alike."""

    card: Card
    pin_ok: bool | None  # None = refused before the PIN is looked at, and no try is charged
    terms: Terms
    answers: dict[str, Answer]  # by the reason of the verdict


class Books:
    """The accounts of one partition and everything posted on them."""

    def __init__(
        self,
        people: Population,
        partners: Sequence[str],  # of each machine, by its policy code
        policy: Policy,
        opened: date,
        rules: Rules = RULES,
    ) -> None:
        self.rules, self._weigh, self.policy = rules, rules.weigh, policy
        self.people, self.partners = people, partners
        self.opened = opened
        count = len(people)
        # an account's state lies together, so that a session touches one place of memory
        table = np.zeros((count, WIDTH), dtype=np.int64)
        self._standings, table[:, STANDING] = _standings(people)
        self._standing_numbers = {standing: number for number, standing in enumerate(self._standings)}
        table[:, POSTED] = people.balance_jpy
        self._state = array("q")
        self._state.frombytes(table.tobytes())
        self.trace = array("i", [0]) * len(partners)
        self.suspense = array("q", [0]) * len(partners)
        self.told = Numbered[Told]()
        self.postings = Numbered[Posting]()
        self.journal = Rows(JOURNAL)
        self._requests: dict[tuple[str, str, int], Request] = {}
        self._expires = card_expiry(opened)
        self._first_day = opened.toordinal()
        self._figures = policy.on(opened)
        self._roll(midnight_us(opened))

    # ------------------------------------------------------------ a request

    def request(self, machine: int, service: str, amount_jpy: int) -> Request:
        """A request as the bank sees it, the same at every machine of a partner."""
        asked = self.partners[machine], service, amount_jpy
        return self._requests.setdefault(asked, Request(*asked))

    def decide(
        self, number: int, machine: int, request: Request, now_us: int, pin_right: bool
    ) -> tuple[int, int]:
        """The bank's answer to a request of an account's card (precheck, one PIN try charged, decision), carried out:
        its number in `told`, and the request's number at its machine.

        Rules copy names, keys and days and never look at them, so none is made up here: the journal's row tells
        account, machine, day and number.
        """
        if now_us >= self._ends_us:
            self._roll(now_us)
        self.trace[machine] = trace = self.trace[machine] + 1
        state, row, counted = self._state, number * WIDTH, request.counted
        who = state[row], state[row + counted] if counted else 0, pin_right
        case = request.cases.get(who) or self._case(request, who)
        used_jpy = state[row + USED]
        verdict = self._weigh(case.terms, used_jpy, used_jpy, state[row + POSTED])
        answer = case.answers.get(verdict.reason) or self._answer(request, who, verdict)
        self._carry_out(answer, number, machine, trace, now_us)
        return answer.told, trace

    def _case(self, request: Request, who: tuple[int, int, bool]) -> _Case:
        """The rules' facts without what is used and left, which terms do not look at."""
        if len(request.cases) >= MOST_CASES:
            request.cases.clear()
        number, uses, pin_right = who
        standing = self._standings[number]
        account = Account("", standing.kind, AUTHENTICATOR, self.opened, standing.limit_jpy)
        card = Card("", "", "", self._expires, "", locked=standing.locked, pin_fails=standing.pin_fails)
        raised = standing.raised_day == self._day.toordinal() - self._first_day
        raise_today = Raise("", self._day, self.people.raised_jpy, 1) if raised else None
        facts = CardFacts(card, account, raise_today, 0, 0, uses)
        refused = self.rules.precheck(request.words, facts, self._figures, self._at)
        if refused is not None:
            case = _Case(card, None, Terms(Verdict(refused.code, refused.reason)), {})
        else:
            card = card._replace(pin_fails=card.pin_fails + 1)
            facts = facts._replace(card=card, pin_ok=pin_right)
            case = _Case(card, pin_right, self.rules.terms(request.words, facts, self._figures), {})
        request.cases[who] = case
        return case

    def _answer(self, request: Request, who: tuple[int, int, bool], verdict: Verdict) -> Answer:
        """What follows from a verdict, the charged try included."""
        case = request.cases[who]
        changes = self.rules.follow(verdict, request.words, "", "", case.pin_ok, self._figures, self._at)
        effect = self._effect(changes)
        if effect.pin_fails < 0 and case.pin_ok is not None:
            effect = effect._replace(pin_fails=case.card.pin_fails)
        answer = self._on(who[0], effect, self.told[Told(verdict.code, verdict.reason, verdict.fee_jpy)])
        case.answers[verdict.reason] = answer
        return answer

    def _on(self, number: int, effect: Effect, told: int) -> Answer:
        """An effect on an account of this standing."""
        standing = self._standings[number]
        fails = effect.pin_fails if effect.pin_fails >= 0 else standing.pin_fails + effect.pin_tries
        standing = standing._replace(pin_fails=fails)
        if standing not in self._standing_numbers:
            self._standing_numbers[standing] = len(self._standings)
            self._standings.append(standing)
        after = self._standing_numbers[standing]
        return Answer(told, after, effect.posts, effect.used_jpy, effect.counted, effect.uses)

    def complete(self, number: int, machine: int, trace: int, request: Request, now_us: int) -> None:
        """The advice that the cash was taken, or kept, on an approval that nothing touched since."""
        posting, (_, _, suspense_jpy, _, _) = request.cleared or self._cleared(request)
        self.suspense[machine] += suspense_jpy
        self.trace[machine] += 1  # the advice has a number of its own
        self.journal.flat += (now_us, posting, number, machine, trace)

    def _cleared(self, request: Request) -> tuple[int, Posting]:
        """What `decide_completion` posts."""
        service, amount_jpy = request.words.service, request.words.amount_jpy
        row = Authorisation(
            "", "", "", "", "", "", service, amount_jpy, 0, MEDIUM, self._day, 0, APPROVED, "", "open"
        )  # fmt: skip
        claim = Claim("", "", "", "", "", "", service, amount_jpy)
        changes = self.rules.decide_completion(claim, row, self._at, self._figures).changes
        (cleared,) = self._effect(changes).posts
        request.cleared = cleared
        return cleared

    # ------------------------------------------------------------ what follows

    def take_up(self, changes: Iterable[Any], number: int, machine: int, now_us: int) -> None:
        """What the bank's host decided about a message."""
        if now_us >= self._ends_us:
            self._roll(now_us)
        answer = self._on(self._state[number * WIDTH], self._effect(changes), 0)
        self._carry_out(answer, number, machine, 0, now_us)

    def facts_of(self, number: int, now_us: int) -> AccountFacts:
        """An account as the host's store keeps it; on a new day nothing of it is used yet."""
        if now_us >= self._ends_us:
            self._roll(now_us)
        row = number * WIDTH
        standing, used_jpy, withdrawals, deposits, posted_jpy = self._state[row : row + WIDTH]
        kind, limit_jpy, locked, raised_day, fails = self._standings[standing]
        uses = {"withdraw": withdrawals, "deposit": deposits}
        name = account_number(self.people.first + number)
        return AccountFacts(name, kind, limit_jpy, posted_jpy, locked, fails, used_jpy, uses, raised_day)

    @property
    def posted(self) -> array[int]:
        """The balance of every account."""
        return self._state[POSTED::WIDTH]

    def _carry_out(self, answer: Answer, number: int, machine: int, trace: int, now_us: int) -> None:
        state, row = self._state, number * WIDTH
        for posting, (_, customer_jpy, suspense_jpy, _, _) in answer.posts:
            state[row + POSTED] += customer_jpy
            self.suspense[machine] += suspense_jpy
            self.journal.flat += (now_us, posting, number, machine, trace)
        state[row] = answer.standing
        if answer.used_jpy:
            state[row + USED] += answer.used_jpy
        if answer.uses:
            state[row + answer.counted] += answer.uses

    def _effect(self, changes: Iterable[Any]) -> Effect:
        """The changes of one decision; nobody looks again at what they count for another day or month than this one."""
        posts = []
        used_jpy = pin_tries = counted = uses = 0
        pin_fails = -1
        for change in changes:
            match change:
                case Post():
                    posting = _KIND[change.kind], *_by_book(change)
                    posts.append((self.postings[posting], posting))
                case CountUse():
                    used_jpy += change.amount_jpy if change.day == self._day else 0
                case ChargePin():
                    pin_tries += 1
                case SetCard():
                    assert change.field == "pin_fails", "a withdrawal changes nothing else of a card"
                    pin_fails = change.value
                case CountMonth():
                    if change.month == self._figures.month:
                        counted, uses = _COUNTED[change.service], change.uses
                case Audit() | Notify() | Open() | RaiseException() | Resolve():
                    pass
                case _:
                    raise TypeError(f"a fleet's books have no place for {type(change).__name__}")
        return Effect(tuple(posts), used_jpy, pin_tries, pin_fails, counted, uses)

    # ------------------------------------------------------------ the day

    def _roll(self, now_us: int) -> None:
        """A new JST day: its figures, its trace numbers, nothing used of its limits."""
        self._day = jst_date(now_us)
        self._ends_us = midnight_us(self._day) + DAY_US
        self._at = At(0, self._day, 0)  # rules copy day and time and never look at them
        self.trace = array("i", [0]) * len(self.partners)
        before, self._figures = self._figures, self.policy.on(self._day)
        table = np.frombuffer(self._state, dtype=np.int64).reshape(-1, WIDTH)
        table[:, USED] = 0
        if self._figures.month != before.month:
            table[:, WITHDRAWALS] = table[:, DEPOSITS] = 0
        same = replace(self._figures, day=before.day) == before
        for request in self._requests.values():
            # what was found out yesterday holds, but of a raise for one of the two days
            request.cases = {
                who: case
                for who, case in request.cases.items()
                if same and self._standings[who[0]].raised_day < 0
            }


def _standings(people: Population) -> tuple[list[Standing], NDArray[np.int64]]:
    """Every standing that accounts begin with, and the place of each account's among them."""
    parts = people.kind, people.limit_jpy, people.locked.astype(np.int64), people.raised_day + 1
    keys, strides = np.zeros(len(people), dtype=np.int64), []
    for part in parts:
        strides.append(int(part.max(initial=0)) + 1)
        keys = keys * strides[-1] + part
    found, places = np.unique(keys, return_inverse=True)
    standings = []
    for key in found.tolist():
        values = []
        for stride in reversed(strides):
            key, value = divmod(key, stride)
            values.append(value)
        raised, locked, limit_jpy, kind = values
        standings.append(Standing(KINDS[kind], limit_jpy, bool(locked), raised - 1, 0))
    return standings, places


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
