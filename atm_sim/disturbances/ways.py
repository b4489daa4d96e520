"""How a requirement is broken on purpose: a lab with one policy figure, or one branch of a rule, set wrong.

The rules themselves are never edited. They are wrapped, and the wrapped set is handed to the lab. The first part holds
the ways to set a rule wrong, the second the branches that the table in `atm_sim.disturbances.table` sets wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from atm_sim.sansio.effects import Effect, Event, Machine, Send
from atm_sim.scenario.vocabulary import SWITCH
from atm_sim.world.at_home import OFFICES, Offices
from atm_sim.world.lab import Parts
from bank_host.host import Bank
from bank_host.jst import HOUR_US, jst_date
from bank_host.policy import Figures, load_policy
from bank_host.rules import RULES, Claim, Compare, Rules
from bank_host.rules.changes import (
    Change,
    CountUse,
    Decision,
    Notify,
    Outcome,
    PutRaise,
    SetAccount,
    SetCard,
)
from bank_host.rules.facts import Account, Act, ActFacts, At, Authorisation, CardFacts, CardRequest
from bank_host.rules.reasons import APPROVED

Rewire = Callable[[Rules], Rules]
Wrap = Callable[[str, Machine], Machine]


def as_they_are(rules: Rules) -> Rules:
    return rules


def as_it_is(name: str, machine: Machine) -> Machine:
    return machine


def unchanged(bank: Bank) -> Bank:
    return bank


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One requirement broken: `why` says what no longer holds."""

    requirement: str
    why: str
    policy: Mapping[str, Any] = field(default_factory=dict)
    rules: Rewire = as_they_are
    node: Wrap = as_it_is
    bank: Callable[[Bank], Bank] = unchanged
    offices: Offices = OFFICES

    def parts(self, replication: int) -> Parts:
        """A lab's wiring with this one thing wrong."""
        return Parts(
            rules=self.rules(RULES),
            policy=load_policy().with_overrides(self.policy),
            node=self.node,
            bank=self.bank,
            offices=self.offices,
        )


# ---------------------------------------------------------------- the ways to set a rule wrong


def sees(change: Callable[[CardFacts], CardFacts]) -> Rewire:
    """Card rules see other facts than those in the store."""

    def rewired(rules: Rules) -> Rules:
        def precheck(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision | None:
            return rules.precheck(request, change(facts), figures, at)

        def decide(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
            return rules.decide(request, change(facts), figures, at)

        return rules._replace(precheck=precheck, decide=decide)

    return rewired


def asked(change: Callable[[CardRequest, At], tuple[CardRequest, At]]) -> Rewire:
    """Card rules decide another request, or at another time, than they are asked to."""

    def rewired(rules: Rules) -> Rules:
        def decide(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
            other, then = change(request, at)
            return rules.decide(other, facts, figures, then)

        return rules._replace(decide=decide)

    return rewired


def answers(change: Callable[[CardRequest, Decision], Decision]) -> Rewire:
    """What was decided on a card transaction is changed before it is written."""

    def rewired(rules: Rules) -> Rules:
        def decide(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
            return change(request, rules.decide(request, facts, figures, at))

        return rules._replace(decide=decide)

    return rewired


def refuses(when: Callable[[Act, ActFacts], bool]) -> Rewire:
    """Acts that should be possible are refused."""

    def rewired(rules: Rules) -> Rules:
        def precheck(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome | Compare | None:
            if when(act, facts):
                return Outcome("refused", "DISTURBED")
            return rules.precheck_act(act, facts, figures, at)

        return rules._replace(precheck_act=precheck)

    return rewired


def writes(change: Callable[[Change], Iterator[Change]]) -> Rewire:
    """An act is done, but something else is written for each of its changes."""

    def rewired(rules: Rules) -> Rules:
        def decide(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
            outcome = rules.decide_act(act, facts, figures, at)
            return outcome._replace(changes=tuple(new for old in outcome.changes for new in change(old)))

        return rules._replace(decide_act=decide)

    return rewired


# ---------------------------------------------------------------- the branches that are set wrong


def no_lock(facts: CardFacts) -> CardFacts:
    return facts._replace(card=facts.card._replace(locked=False))


def zero_is_no_limit(facts: CardFacts) -> CardFacts:
    account = facts.account
    return facts._replace(account=account._replace(standing_jpy=account.standing_jpy or 1_000_000))


def one_yen_less(facts: CardFacts) -> CardFacts:
    return facts._replace(account=facts.account._replace(posted_jpy=facts.account.posted_jpy - 1))


def lock_after_pin(rules: Rules) -> Rules:
    return rules._replace(precheck=sees(no_lock)(rules).precheck)


def rounded_down(request: CardRequest, at: At) -> tuple[CardRequest, At]:
    return request._replace(amount_jpy=request.amount_jpy // 1_000 * 1_000), at


def on_greenwich_day(request: CardRequest, at: At) -> tuple[CardRequest, At]:
    return request, at._replace(day=jst_date(at.now_us - 9 * HOUR_US))


def no_pin_change(request: CardRequest, decision: Decision) -> Decision:
    approved = request.service == "change_pin" and decision.code == APPROVED
    return Decision("58", "NOT_OFFERED") if approved else decision


def fee_counts(request: CardRequest, decision: Decision) -> Decision:
    return decision._replace(
        changes=tuple(
            change._replace(amount_jpy=change.amount_jpy + decision.fee_jpy)
            if isinstance(change, CountUse)
            else change
            for change in decision.changes
        )
    )


def without_reset(request: CardRequest, decision: Decision) -> Decision:
    return decision._replace(changes=tuple(c for c in decision.changes if not isinstance(c, SetCard)))


def silent(kind: str) -> Callable[[CardRequest, Decision], Decision]:
    def without_notice(request: CardRequest, decision: Decision) -> Decision:
        kept = (c for c in decision.changes if not (isinstance(c, Notify) and c.kind == kind))
        return decision._replace(changes=tuple(kept))

    return without_notice


def raise_also_on(days: int) -> Callable[[Change], Iterator[Change]]:
    def also(change: Change) -> Iterator[Change]:
        yield change
        if isinstance(change, PutRaise):
            yield change._replace(day=change.day + timedelta(days=days))

    return also


def raise_stays(change: Change) -> Iterator[Change]:
    yield change
    if isinstance(change, PutRaise):
        yield SetAccount(change.account_id, "standing_jpy", change.amount_jpy)


def without(kind: type, name: str = "") -> Callable[[Change], Iterator[Change]]:
    """Changes of a kind are forgotten; `name` narrows it to one field of an account or card."""

    def kept(change: Change) -> Iterator[Change]:
        if not isinstance(change, kind) or (name and getattr(change, "field", "") != name):
            yield change

    return kept


def otp_lock_unseen(rules: Rules) -> Rules:
    def precheck(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome | Compare | None:
        open_account: Account = facts.account._replace(otp_locked=False, otp_fails=0)
        answer = rules.precheck_act(act, facts._replace(account=open_account), figures, at)
        return None if isinstance(answer, Compare) and facts.account.otp_locked else answer

    def decide(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
        if facts.account.otp_locked:
            return Outcome("done", "")
        return rules.decide_act(act, facts, figures, at)

    return rules._replace(precheck_act=precheck, decide_act=decide)


def reversals_post_nothing(rules: Rules) -> Rules:
    return rules._replace(
        decide_reversal=lambda claim, original, account, at, figures: (
            Decision(APPROVED, "REVERSED")
            if original
            else rules.decide_reversal(claim, original, account, at, figures)
        )
    )


def nothing_back_after_midnight(rules: Rules) -> Rules:
    def decide(
        claim: Claim, original: Authorisation | None, account: Account | None, at: At, figures: Figures
    ) -> Decision:
        decision = rules.decide_reversal(claim, original, account, at, figures)
        kept = (c for c in decision.changes if not (isinstance(c, CountUse) and c.day != at.day))
        return decision._replace(changes=tuple(kept))

    return rules._replace(decide_reversal=decide)


def partial_dispenses_are_given_back_in_full(rules: Rules) -> Rules:
    return rules._replace(
        decide_reversal=lambda claim, original, account, at, figures: rules.decide_reversal(
            claim._replace(dispensed_jpy=None), original, account, at, figures
        )
    )


def early_reversals_are_forgotten(rules: Rules) -> Rules:
    return rules._replace(
        decide_reversal=lambda claim, original, account, at, figures: (
            rules.decide_reversal(claim, original, account, at, figures)
            if original
            else Decision(APPROVED, "ORIGINAL_UNKNOWN")
        )
    )


class _PaysInStandIn:
    """A switch that says yes in place of a bank it cannot reach."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        return [
            Send(effect.to, effect.message.but({39: "00"}))
            if isinstance(effect, Send) and effect.message.get(39) == "91"
            else effect
            for effect in self._machine.handle(event, now_us)
        ]


def stand_in(name: str, machine: Machine) -> Machine:
    return _PaysInStandIn(machine) if name == SWITCH else machine


def raise_with_code_via(channel: str) -> Callable[[Act, ActFacts], bool]:
    return lambda act, facts: act.kind == "raise_limit" and act.channel == channel and bool(act.otp)


def act_is(kind: str) -> Callable[[Act, ActFacts], bool]:
    return lambda act, facts: act.kind == kind


def lowers_while_otp_locked(act: Act, facts: ActFacts) -> bool:
    return act.kind == "set_limit" and not act.otp and facts.account.otp_locked
