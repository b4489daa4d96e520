"""The bank of a fleet run: accounts as arrays, decided by the host's rules, posted in double entry.

One row of an account becomes the rules' facts when its card is used, and the changes of the decision go back into the
arrays; nothing is decided here. What a request needs and what follows from its answer are the same for all accounts of
a kind, limit, lock and count of uses: the rules are asked for them once a day, and each session has its own use and
balance weighed. The journal holds one row a posting, its legs in columns that add up to 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from atm_sim.fleet.population import KINDS, Population
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
WIDTH = 9
PROFILE, RAISED_DAY, PIN_FAILS, USED_ON, USED, MONTH, WITHDRAWALS, DEPOSITS, POSTED = range(WIDTH)
"""Where a row of the accounts keeps what: profile (kind, lock and limit in one number), then what moves."""
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


class Effect(NamedTuple):
    """What a decision changes, as numbers; rows of notice, audit and request are not kept, a fleet has its columns."""

    posts: tuple[tuple[int, int, int, int, int], ...]  # kind, and yen on customer, suspense, cash, fees
    used_on: int  # the day whose limit is used up, as an ordinal; 0 = none
    used_jpy: int
    pin_tries: int  # charged, unless the count is set
    pin_fails: int  # what the count becomes; -1 = not set
    counted: int  # the column of a service used this month; -1 = none
    uses: int


class Request:
    """What is asked for at the machines of one partner, and what the bank has found out about it today."""

    __slots__ = ("cases", "cleared", "counted", "words")

    def __init__(self, partner: str, service: str, amount_jpy: int) -> None:
        self.words = CardRequest("", "", service, amount_jpy, YEN, partner, "", MEDIUM)
        self.counted = _COUNTED.get(service)  # the column of its uses this month
        self.cases: dict[tuple[int, bool, int, int, bool], _Case] = {}
        # what its completion posts: on suspense and on the machine's cash, as what kind
        self.cleared: tuple[int, int, int] | None = None


class _Case(NamedTuple):
    """A request of all accounts that the rules treat alike on a day."""

    card: Card
    pin_ok: bool | None  # None = refused before the PIN is looked at, and no try is charged
    terms: Terms
    effects: dict[str, Effect]  # by the reason of the verdict


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
        table[:, PROFILE] = (people.limit_jpy * len(KINDS) + people.kind) * 2 + people.locked
        table[:, RAISED_DAY], table[:, POSTED] = people.raised_day, people.balance_jpy
        self._state = array("q")
        self._state.frombytes(table.tobytes())
        self.trace = array("i", [0]) * len(partners)
        self.suspense = array("q", [0]) * len(partners)
        self._requests: dict[tuple[str, str, int], Request] = {}
        self.journal: list[int] = []
        self._expires = card_expiry(opened)
        self._ends_us = 0
        self._first_day = opened.toordinal()
        self._roll(midnight_us(opened))

    # ------------------------------------------------------------ a request

    def request(self, machine: int, service: str, amount_jpy: int) -> Request:
        """A request as the bank sees it, the same at every machine of a partner."""
        asked = self.partners[machine], service, amount_jpy
        return self._requests.setdefault(asked, Request(*asked))

    def decide(
        self, number: int, machine: int, request: Request, now_us: int, pin_right: bool
    ) -> tuple[Verdict, int]:
        """The bank's answer to a request of an account's card (precheck, one PIN try charged, decision), carried out;
        and the request's number at its machine.

        Rules copy names and keys and never look at them, so none is made up here: the journal's row tells account,
        machine, day and number.
        """
        if now_us >= self._ends_us:
            self._roll(now_us)
        self.trace[machine] = trace = self.trace[machine] + 1
        state, row = self._state, number * WIDTH
        profile, raised_day, fails, used_on, used, month, withdrawals, deposits, posted = state[
            row : row + WIDTH
        ]
        uses = 0
        if month == self._month and request.counted:
            uses = withdrawals if request.counted == WITHDRAWALS else deposits
        cases = request.cases
        who = (profile, raised_day == self._day_index, fails, uses, pin_right)
        case = cases.get(who)
        if case is None:
            if len(cases) >= MOST_CASES:
                cases.clear()
            case = cases[who] = self._case(request.words, *who)
        if used_on != self._day_number:
            used = 0
        verdict = self._weigh(case[2], used, used, posted)
        effect = case[3].get(verdict[1])
        if effect is None:
            effect = case[3][verdict[1]] = self._effect(request.words, case, verdict)
        self._carry_out(effect, number, machine, trace, now_us)
        return verdict, trace

    def _case(
        self,
        request: CardRequest,
        profile: int,
        raised: bool,
        fails: int,
        uses: int,
        pin_right: bool,
    ) -> _Case:
        """The rules' facts without what is used and left, which terms do not look at."""
        kind, standing_jpy, locked = _profile(profile)
        account = Account("", kind, AUTHENTICATOR, self.opened, standing_jpy)
        card = Card("", "", "", self._expires, "", locked=locked, pin_fails=fails)
        raise_today = Raise("", self._day, self.people.raised_jpy, 1) if raised else None
        facts = CardFacts(card, account, raise_today, 0, 0, uses)
        refused = self.rules.precheck(request, facts, self._figures, self._at)
        if refused is not None:
            return _Case(card, None, Terms(Verdict(refused.code, refused.reason)), {})
        card = card._replace(pin_fails=fails + 1)
        facts = facts._replace(card=card, pin_ok=pin_right)
        return _Case(card, pin_right, self.rules.terms(request, facts, self._figures), {})

    def _effect(self, request: CardRequest, case: _Case, verdict: Verdict) -> Effect:
        """What follows from an answer, the charged try included."""
        changes = self.rules.follow(verdict, request, "", "", case.pin_ok, self._figures, self._at)
        effect = effect_of(changes)
        if effect.pin_fails < 0 and case.pin_ok is not None:
            effect = effect._replace(pin_fails=case.card.pin_fails)
        return effect

    def complete(self, number: int, machine: int, trace: int, request: Request, now_us: int) -> None:
        """The advice that the cash was taken, or kept, on an approval that nothing touched since."""
        cleared = request.cleared
        if cleared is None:
            cleared = request.cleared = self._cleared(request.words)
        suspense, cash, kind = cleared
        self.suspense[machine] += suspense
        self.trace[machine] += 1  # the advice has a number of its own
        self.journal += (now_us, kind, number, machine, trace, 0, suspense, cash, 0)

    def _cleared(self, request: CardRequest) -> tuple[int, int, int]:
        """What `decide_completion` posts: on suspense, on the machine's cash, and as what kind."""
        service, amount_jpy = request.service, request.amount_jpy
        row = Authorisation(
            "", "", "", "", "", "", service, amount_jpy, 0, MEDIUM, self._day, 0, APPROVED, "", "open"
        )  # fmt: skip
        claim = Claim("", "", "", "", "", "", service, amount_jpy)
        (post,) = (
            change
            for change in self.rules.decide_completion(claim, row, self._at, self._figures).changes
            if isinstance(change, Post)
        )
        _, suspense, cash, _ = _by_book(post)
        return suspense, cash, _KIND[post.kind]

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
        profile, raised, fails, used_on, used, month, withdrawals, deposits, posted = self._state[
            row : row + WIDTH
        ]
        kind, standing, locked = _profile(profile)
        uses = {"withdraw": withdrawals, "deposit": deposits}
        return AccountFacts(
            account_number(self.people.first + number),
            kind,
            standing,
            posted,
            locked,
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
        if pin_fails >= 0:
            state[row + PIN_FAILS] = pin_fails
        elif pin_tries:
            state[row + PIN_FAILS] += pin_tries
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
        for request in self._requests.values():
            request.cases.clear()
        self.trace = array("i", [0]) * len(self.partners)


def _profile(number: int) -> tuple[str, int, bool]:
    """Kind, standing limit and lock of an account, from the number that stands for the three."""
    rest, locked = divmod(number, 2)
    standing_jpy, kind = divmod(rest, len(KINDS))
    return KINDS[kind], standing_jpy, bool(locked)


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
