"""The effective ATM limit: the acceptance sequence of section 15, Q5 and Q9, and an independent reference."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bank_host.policy import Figures
from bank_host.rules.acts import Compare, decide_act, precheck_act
from bank_host.rules.card import precheck
from bank_host.rules.changes import CancelRaise, PutRaise, SetAccount, SetCard
from bank_host.rules.facts import Account, Act, ActFacts, Card, CardFacts, OtpVerdict, Raise
from bank_host.rules.limits import effective, raise_of, raise_state, room
from tests.bank_host.rules.builders import ACCOUNT_ID, DAY, account, act, at, card, figures, request, token


class Customer:
    """An account kept by applying what the rules say, as a store would; codes are always right."""

    def __init__(self, **changes: Any) -> None:
        self.account: Account = account(**changes)
        self.card: Card = card()
        self.raises: tuple[Raise, ...] = ()
        self.figures: Figures = figures()
        self.seq = 100

    def facts(self) -> ActFacts:
        return ActFacts(self.account, (self.card,), self.raises, (token(),))

    def does(self, asked: Act) -> tuple[str, bool]:
        """(outcome or reason, was a code asked for)."""
        self.seq += 1
        now, with_code = at(seq=self.seq), asked._replace(otp="123456")
        gate = precheck_act(with_code, self.facts(), self.figures, now)
        case = self.facts()
        if isinstance(gate, Compare):
            case = case._replace(otp=OtpVerdict("matched", "T-1", self.seq))
        outcome = decide_act(with_code, case, self.figures, now)
        for change in outcome.changes:
            self._apply(change)
        return outcome.reason or outcome.outcome, isinstance(gate, Compare)

    def _apply(self, change: Any) -> None:
        if isinstance(change, SetAccount):
            self.account = self.account._replace(**{change.field: change.value})
        elif isinstance(change, SetCard):
            self.card = self.card._replace(**{change.field: change.value})
        elif isinstance(change, PutRaise | CancelRaise):
            others = tuple(entry for entry in self.raises if entry.day != change.day)
            kept = raise_of(self.raises, change.day)
            if isinstance(change, PutRaise):
                kept = Raise(change.account_id, change.day, change.amount_jpy, change.seq)
            elif kept is not None:
                kept = kept._replace(cancelled=True)
            self.raises = others if kept is None else (*others, kept)

    def limit(self, day: date) -> int:
        return effective(self.account, raise_of(self.raises, day))


def raise_to(day: date, amount: int) -> Act:
    return act("raise_limit", day=day, amount_jpy=amount)


def standing(amount: int) -> Act:
    return act("set_limit", amount_jpy=amount)


def test_the_acceptance_sequence_of_the_effective_limit() -> None:
    """Section 15, steps 1 to 7 as they stand: (act, code asked, limit on D, on E, on other days)."""
    d, e, other = DAY + timedelta(days=10), DAY + timedelta(days=20), DAY + timedelta(days=30)
    hanako = Customer(standing_jpy=500_000)
    steps = [
        (raise_to(d, 1_000_000), True, 1_000_000, 500_000, 500_000),
        (standing(0), False, 0, 0, 0),
        (raise_to(e, 300_000), True, 0, 300_000, 0),
        (standing(200_000), True, 1_000_000, 300_000, 200_000),
        (standing(0), False, 0, 0, 0),
        (raise_to(d, 400_000), True, 400_000, 0, 0),
    ]
    for asked, code_asked, on_d, on_e, elsewhere in steps:
        assert ("done", code_asked) == hanako.does(asked)
        assert (on_d, on_e, elsewhere) == (hanako.limit(d), hanako.limit(e), hanako.limit(other))

    assert ("done", False) == hanako.does(act("lock_card", card_id="card-1"))
    for day in (d, e, other):
        case = CardFacts(hanako.card, hanako.account, raise_of(hanako.raises, day), 0, 0, 0)
        answer = precheck(request(), case, figures(day), at(day))
        assert answer is not None
        assert ("62", "CARD_LOCKED") == (answer.code, answer.reason)


def test_a_raise_holds_on_its_date_only() -> None:
    """R91, R95, R96: the day before and the day after know nothing of it."""
    hanako = Customer()
    hanako.does(raise_to(DAY + timedelta(days=3), 900_000))
    limits = [hanako.limit(DAY + timedelta(days=ahead)) for ahead in (2, 3, 4)]
    assert limits == [500_000, 900_000, 500_000]


def test_a_second_raise_for_a_date_replaces_the_first() -> None:
    """Q9: amounts are never added up."""
    hanako = Customer()
    hanako.does(raise_to(DAY, 1_000_000))
    hanako.does(raise_to(DAY, 600_000))
    assert hanako.limit(DAY) == 600_000
    assert len(hanako.raises) == 1


def test_a_cancelled_raise_is_gone() -> None:
    hanako = Customer()
    hanako.does(raise_to(DAY, 1_000_000))
    assert ("done", False) == hanako.does(act("cancel_raise", day=DAY))
    assert hanako.limit(DAY) == 500_000
    assert ("NOTHING_TO_CANCEL", False) == hanako.does(act("cancel_raise", day=DAY))


def test_lowering_the_standing_limit_leaves_a_raise() -> None:
    """Q9."""
    hanako = Customer()
    hanako.does(raise_to(DAY, 1_000_000))
    hanako.does(standing(10_000))
    assert hanako.limit(DAY) == 1_000_000


def test_setting_zero_again_suspends_what_was_recorded_in_between() -> None:
    """Q5: the last explicit act wins, by sequence number."""
    hanako = Customer()
    hanako.does(standing(0))
    hanako.does(raise_to(DAY, 300_000))
    assert hanako.limit(DAY) == 300_000
    hanako.does(standing(0))
    assert hanako.limit(DAY) == 0


def test_the_limit_report_shows_the_state_of_each_raise() -> None:
    """Q9: active, suspended, ended, cancelled."""
    entry = Raise(ACCOUNT_ID, DAY, 900_000, 50)
    zero = account(standing_jpy=0, zero_seq=60)
    assert raise_state(account(), entry, DAY) == "active"
    assert raise_state(zero, entry, DAY) == "suspended"
    assert raise_state(zero, entry._replace(seq=61), DAY) == "active"
    assert raise_state(account(), entry, DAY + timedelta(days=1)) == "ended"
    assert raise_state(account(), entry._replace(cancelled=True), DAY) == "cancelled"


@given(st.integers(0, 10_000_000), st.integers(0, 10_000_000))
def test_room_is_never_negative_and_never_more_than_the_limit(limit: int, used: int) -> None:
    assert 0 <= room(limit, used) <= limit
    assert room(limit, used) + used == max(limit, used)


# ---------------------------------------------------------------- an independent reference

DAYS = [DAY + timedelta(days=ahead) for ahead in range(4)]


class Reference:
    """Q5 and Q9 told as a story: every act is kept in order, and a limit is read off the list of acts."""

    def __init__(self) -> None:
        self.log: list[tuple[str, date | None, int]] = [("standing", None, 500_000)]

    def limit(self, day: date) -> int:
        standing_now = next(amount for what, _, amount in reversed(self.log) if what == "standing")
        about_day = [
            (when, what, amount)
            for when, (what, on, amount) in enumerate(self.log)
            if on == day and what in ("raise", "cancel")
        ]
        if not about_day or about_day[-1][1] == "cancel":
            return standing_now
        recorded, _, amount = about_day[-1]
        if standing_now > 0:
            return max(standing_now, amount)
        zeroed = max(when for when, (what, _, yen) in enumerate(self.log) if what == "standing" and yen == 0)
        return amount if recorded > zeroed else 0


ACTS = st.one_of(
    st.integers(0, 5).map(lambda n: standing(n * 100_000)),
    st.tuples(st.sampled_from(DAYS), st.integers(1, 20)).map(lambda t: raise_to(t[0], t[1] * 100_000)),
    st.sampled_from(DAYS).map(lambda day: act("cancel_raise", day=day)),
)


@settings(max_examples=300)
@given(st.lists(ACTS, max_size=12))
def test_the_last_explicit_act_wins_and_a_code_is_asked_exactly_when_a_limit_rises(acts: list[Act]) -> None:
    """Q5 and Q7 against the reference, over every date that acts can touch and one they cannot."""
    hanako, told = Customer(), Reference()
    days = [*DAYS, DAY + timedelta(days=50)]
    for asked in acts:
        before = [told.limit(day) for day in days]
        answer, code_asked = hanako.does(asked)
        if answer == "done":
            what = {"set_limit": "standing", "raise_limit": "raise", "cancel_raise": "cancel"}[asked.kind]
            told.log.append((what, asked.day, asked.amount_jpy))
        after = [told.limit(day) for day in days]
        assert after == [hanako.limit(day) for day in days]
        assert code_asked is any(new > old for new, old in zip(after, before, strict=True))
