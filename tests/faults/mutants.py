"""Banks with one fault each, built by handing in a disturbed part, and the invariants that have to notice.

A fault that the store's own guards would stop comes with a store that has lost that guard: two nets hang below each
other, and here the lower one is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from bank_host.host import Bank
from bank_host.iso8583 import build
from bank_host.iso8583.identity import identity
from bank_host.iso8583.message import Message
from bank_host.policy import Figures
from bank_host.rules import RULES, Claim, Rules
from bank_host.rules.changes import (
    Audit,
    Change,
    ChargePin,
    ConsumeStep,
    CountUse,
    Decision,
    Notify,
    Outcome,
    Post,
    RaiseException,
    SetCard,
)
from bank_host.rules.facts import (
    Account,
    ActFacts,
    At,
    Authorisation,
    CardFacts,
    CardRequest,
    Exchange,
    OtpVerdict,
    Token,
)
from bank_host.rules.limits import effective
from bank_host.store.contract import JournalRow
from bank_host.store.memory import MemoryStore
from bank_host.store.memory_unit import MemoryUnit
from tests.faults.workload import Parts


@dataclass(frozen=True)
class Mutant:
    """One fault: what is wrong, who must notice, and within how many runs."""

    name: str
    caught_by: tuple[str, ...]
    within: int
    parts: Parts = field(default_factory=Parts)


# ---------------------------------------------------------------- disturbed stores


def store_with(unit: type[MemoryUnit]) -> Callable[[], MemoryStore]:
    """A memory store whose units of work are of another kind."""

    class Disturbed(MemoryStore):
        def begin(self) -> MemoryUnit:
            return unit(self._tables)

    return Disturbed


class WithoutPostingChecks(MemoryUnit):
    """Books whatever it is given, balanced and covered or not."""

    __slots__ = ()

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        for change in changes:
            if isinstance(change, Post):
                self._book_unchecked(change, now_us)
            else:
                super().apply((change,), now_us)

    def _book_unchecked(self, post: Post, now_us: int) -> None:
        tables = self._tables
        self._put_new(tables.posted_keys, post.key, len(tables.journal) + 1, "a posting with this key")
        for book, amount_jpy in post.legs:
            kind, _, account_id = book.partition(":")
            if kind == "customer":
                self._move_customer(account_id, amount_jpy, True)
            else:
                self._put(tables.books, book, tables.books.get(book, 0) + amount_jpy)
        row = JournalRow(
            len(tables.journal) + 1,
            post.key,
            post.kind,
            post.day,
            now_us,
            post.refers,
            post.forced,
            post.legs,
        )
        tables.journal.append(row)


class WithoutBalance(MemoryUnit):
    """Writes the journal and forgets the cached balance of the customer."""

    __slots__ = ()

    def _move_customer(self, account_id: str, amount_jpy: int, forced: bool) -> None:
        if amount_jpy > 0:
            super()._move_customer(account_id, amount_jpy, forced)


class WithoutMemory(MemoryUnit):
    """Knows no message that it has answered before."""

    __slots__ = ()

    def exchange(self, key: str) -> Exchange | None:
        return None

    def remember(self, exchange: Exchange) -> None:
        self._put(self._tables.exchanges, exchange.key, exchange)


class WithoutCounterGuard(MemoryUnit):
    """Lets a limit counter fall below 0."""

    __slots__ = ()

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        for change in changes:
            if isinstance(change, CountUse):
                key = change.account_id, change.day
                by_medium = dict(self._tables.used.get(key, {}))
                by_medium[change.medium] = by_medium.get(change.medium, 0) + change.amount_jpy
                self._put(self._tables.used, key, by_medium)
            else:
                super().apply((change,), now_us)


class WithoutStepGuard(MemoryUnit):
    """Writes a token step without asking again whether it is a later one."""

    __slots__ = ()

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        for change in changes:
            if isinstance(change, ConsumeStep):
                tokens = self._tables.tokens
                self._put(tokens, change.serial, tokens[change.serial]._replace(last_step=change.step))
            else:
                super().apply((change,), now_us)


class LosesChanges(MemoryUnit):
    """Drops what it is told to write of one kind."""

    __slots__ = ()
    lost: type

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        super().apply(tuple(change for change in changes if not isinstance(change, self.lost)), now_us)


class LosesNotices(LosesChanges):
    __slots__ = ()
    lost = Notify


class LosesLimitUse(LosesChanges):
    __slots__ = ()
    lost = CountUse


class ReleasesCards(MemoryUnit):
    """Stores every lock as open."""

    __slots__ = ()

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        for change in changes:
            if isinstance(change, SetCard) and change.field == "locked":
                change = change._replace(value=False)
            super().apply((change,), now_us)


# ---------------------------------------------------------------- disturbed rules


def without(kind: type, decision: Any) -> Any:
    """The same decision without its changes of one kind."""
    return decision._replace(changes=tuple(c for c in decision.changes if not isinstance(c, kind)))


def with_legs(decision: Decision, change_legs: Callable[[Post], Post]) -> Decision:
    changes = tuple(change_legs(c) if isinstance(c, Post) else c for c in decision.changes)
    return decision._replace(changes=changes)


def decide_one_legged(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    return with_legs(
        RULES.decide(request, facts, figures, at), lambda post: post._replace(legs=post.legs[:1])
    )


def decide_without_funds_check(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    rich = facts.account._replace(posted_jpy=facts.account.posted_jpy + 100_000_000)
    return RULES.decide(request, facts._replace(account=rich), figures, at)


def decide_with_abs(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    """Room taken as abs(limit - used)."""
    limit_jpy = effective(facts.account, facts.raise_today)
    mirrored_jpy = limit_jpy - abs(limit_jpy - facts.used_jpy)
    return RULES.decide(request, facts._replace(used_jpy=mirrored_jpy), figures, at)


def decide_below_limit(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    """What is exactly the room left is refused."""
    return RULES.decide(request, facts._replace(used_jpy=facts.used_jpy + 1), figures, at)


def decide_by_highest(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    """Limit in force = max(standing, raise), although 0 was set after the raise."""
    account = facts.account._replace(zero_seq=0)
    return RULES.decide(request, facts._replace(account=account), figures, at)


def decide_forgetting_use(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    return without(CountUse, RULES.decide(request, facts, figures, at))


def decide_without_notice(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    return without(Notify, RULES.decide(request, facts, figures, at))


def decide_forgiving_wrong_pins(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    decision = RULES.decide(request, facts, figures, at)
    return decision._replace(changes=(*decision.changes, SetCard(facts.card.card_id, "pin_fails", 0)))


def rules_with_early_lock() -> Rules:
    """The lock is read with the first facts and used for the decision after the second."""
    locks: dict[str, bool] = {}

    def precheck(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision | None:
        locks[request.key] = facts.card.locked
        return RULES.precheck(request, facts, figures, at)

    def decide(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
        card = facts.card._replace(locked=locks[request.key])
        return RULES.decide(request, facts._replace(card=card), figures, at)

    return RULES._replace(precheck=precheck, decide=decide)


def reverse_leaving_suspense(
    claim: Claim, original: Authorisation | None, account: Account | None, at: At, figures: Figures
) -> Decision:
    decision = RULES.decide_reversal(claim, original, account, at, figures)

    def elsewhere(post: Post) -> Post:
        legs = tuple((book.replace("suspense:", "atm:"), amount_jpy) for book, amount_jpy in post.legs)
        return post._replace(legs=legs)

    return with_legs(decision, elsewhere)


def reverse_twice(
    claim: Claim, original: Authorisation | None, account: Account | None, at: At, figures: Figures
) -> Decision:
    again = original is not None and original.state in ("reversed", "part_reversed")
    if not again or original is None:
        return RULES.decide_reversal(claim, original, account, at, figures)
    decision = RULES.decide_reversal(claim, original._replace(state="open"), account, at, figures)
    return with_legs(without(CountUse, decision), lambda post: post._replace(key=f"{claim.key}:reversal"))


def reverse_part_as_full(
    claim: Claim, original: Authorisation | None, account: Account | None, at: At, figures: Figures
) -> Decision:
    return RULES.decide_reversal(claim._replace(dispensed_jpy=None), original, account, at, figures)


def reverse_forgetting_early(
    claim: Claim, original: Authorisation | None, account: Account | None, at: At, figures: Figures
) -> Decision:
    if original is None:
        return Decision("00", "ORIGINAL_UNKNOWN", (Audit("atm", claim.partner, claim.account_id, "advice"),))
    return RULES.decide_reversal(claim, original, account, at, figures)


def reverse_into_today(
    claim: Claim, original: Authorisation | None, account: Account | None, at: At, figures: Figures
) -> Decision:
    decision = RULES.decide_reversal(claim, original, account, at, figures)
    changes = tuple(c._replace(day=at.day) if isinstance(c, CountUse) else c for c in decision.changes)
    return decision._replace(changes=changes)


def reverse_in_word_only(
    claim: Claim, original: Authorisation | None, account: Account | None, at: At, figures: Figures
) -> Decision:
    return Decision("00", "REVERSED", (Audit("atm", claim.partner, claim.account_id, "advice"),))


def complete_without_end(claim: Claim, original: Authorisation | None, at: At, figures: Figures) -> Decision:
    decision = RULES.decide_completion(claim, original, at, figures)
    return decision._replace(changes=tuple(c for c in decision.changes if type(c).__name__ != "Resolve"))


def advice_declined(
    request: CardRequest, facts: CardFacts, original: Authorisation | None, at: At, figures: Figures
) -> Decision:
    if request.amount_jpy > facts.account.posted_jpy:
        return Decision("51", "NO_FUNDS")
    return RULES.decide_advice(request, facts, original, at, figures)


def advice_unflagged(
    request: CardRequest, facts: CardFacts, original: Authorisation | None, at: At, figures: Figures
) -> Decision:
    return without(RaiseException, RULES.decide_advice(request, facts, original, at, figures))


def advice_under_its_own_name(
    request: CardRequest, facts: CardFacts, original: Authorisation | None, at: At, figures: Figures
) -> Decision:
    """Not under the request that it quotes, so that no reversal of that request finds it."""
    return RULES.decide_advice(request._replace(original_key=request.key), facts, original, at, figures)


def rules_without_audit_of_acts() -> Rules:
    def decide_act(act: Any, facts: ActFacts, figures: Figures, at: At) -> Outcome:
        return without(Audit, RULES.decide_act(act, facts, figures, at))

    return RULES._replace(decide_act=decide_act)


def rules_with_blank_audit() -> Rules:
    """The audit row of a setting does not say what was there before."""

    def decide_act(act: Any, facts: ActFacts, figures: Figures, at: At) -> Outcome:
        outcome = RULES.decide_act(act, facts, figures, at)
        changes = tuple(c._replace(before="") if isinstance(c, Audit) else c for c in outcome.changes)
        return outcome._replace(changes=changes)

    return RULES._replace(decide_act=decide_act)


def compare_forgetting_steps(code: str, tokens: Iterable[Token], now_us: int, figures: Figures) -> OtpVerdict:
    return RULES.compare_otp(code, [token._replace(last_step=0) for token in tokens], now_us, figures)


def rules_without_codes() -> Rules:
    """No act asks for a one-time password."""

    def lenient(figures: Figures) -> Figures:
        return replace(figures, otp_required=())

    return RULES._replace(
        precheck_act=lambda act, facts, figures, at: RULES.precheck_act(act, facts, lenient(figures), at),
        decide_act=lambda act, facts, figures, at: RULES.decide_act(act, facts, lenient(figures), at),
    )


# ---------------------------------------------------------------- disturbed hosts


class ChargesAfterwards(Bank):
    """Compares the PIN first and counts the try when it was wrong."""

    def answer(self, message: Message, now_us: int) -> Message | None:
        if not message.mti.startswith("020"):
            return super().answer(message, now_us)
        asked = self._asked(message, now_us)
        card = next(card for card in self.store.cards() if card.card_id == asked.card_id)
        pin_ok = self._pin_ok(message, card)
        answer = self._run(lambda unit: self._decide(unit, asked, pin_ok))
        assert isinstance(answer, Message)
        if not pin_ok and card.pin_fails < 3:
            with self.store.begin() as unit:
                unit.apply((ChargePin(card.card_id, 3),), now_us)
        return answer


class AnswersAnew(Bank):
    """Builds the answer to a repeat again from its code, instead of giving the stored one."""

    def answer(self, message: Message, now_us: int) -> Message | None:
        repeated = any(exchange.key == identity(message) for exchange in self.store.exchanges())
        answer = super().answer(message, now_us)
        return build.answer(message, answer[39]) if repeated and answer is not None else answer


# ---------------------------------------------------------------- the list


def rules(**parts: Any) -> Parts:
    return Parts(rules=RULES._replace(**parts))


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "one-legged posting",
        ("I1",),
        2,
        Parts(RULES._replace(decide=decide_one_legged), store_with(WithoutPostingChecks)),
    ),
    Mutant("no duplicate check", ("I2", "I13"), 2, Parts(store=store_with(WithoutMemory))),
    Mutant("cached balance not updated", ("I3", "I5"), 2, Parts(store=store_with(WithoutBalance))),
    Mutant(
        "no funds check",
        ("I4",),
        5,
        Parts(RULES._replace(decide=decide_without_funds_check), store_with(WithoutPostingChecks)),
    ),
    Mutant("suspense not cleared on reversal", ("I8",), 3, rules(decide_reversal=reverse_leaving_suspense)),
    Mutant("completion does not end the approval", ("I8",), 2, rules(decide_completion=complete_without_end)),
    Mutant("reversal applied twice", ("I10",), 10, rules(decide_reversal=reverse_twice)),
    Mutant("part reversal treated as full", ("I10",), 5, rules(decide_reversal=reverse_part_as_full)),
    Mutant("early reversal forgotten", ("I11",), 5, rules(decide_reversal=reverse_forgetting_early)),
    Mutant("reversal accepted and nothing done", ("I12",), 3, rules(decide_reversal=reverse_in_word_only)),
    Mutant(
        "stand-in not found by its reversal", ("I12",), 20, rules(decide_advice=advice_under_its_own_name)
    ),
    Mutant("duplicate answered by re-encoding", ("I13",), 3, Parts(bank=AnswersAnew)),
    Mutant("forced advice declined", ("I14",), 5, rules(decide_advice=advice_declined)),
    Mutant("forced advice not flagged", ("I14",), 3, rules(decide_advice=advice_unflagged)),
    Mutant(
        "reversal credited to today's limit",
        ("I15",),
        10,
        Parts(RULES._replace(decide_reversal=reverse_into_today), store_with(WithoutCounterGuard)),
    ),
    Mutant("limit counter not moved", ("I15",), 2, rules(decide=decide_forgetting_use)),
    Mutant("limit counter lost in the store", ("I15", "I16"), 20, Parts(store=store_with(LosesLimitUse))),
    Mutant("limit room taken as abs(limit - used)", ("I16",), 25, rules(decide=decide_with_abs)),
    Mutant("an amount equal to the room refused", ("I16",), 3, rules(decide=decide_below_limit)),
    Mutant(
        "limit in force = max(base, raise) after a 0", ("I16", "I17"), 25, rules(decide=decide_by_highest)
    ),
    Mutant("lock read before, used after the decision", ("I17",), 15, Parts(rules_with_early_lock())),
    Mutant("lock lost in the store", ("I17", "I21"), 10, Parts(store=store_with(ReleasesCards))),
    Mutant("failure counted after comparing", ("I18",), 2, Parts(bank=ChargesAfterwards)),
    Mutant("wrong PIN sets the count back", ("I18",), 3, rules(decide=decide_forgiving_wrong_pins)),
    Mutant(
        "step checked, then written",
        ("I19",),
        10,
        Parts(RULES._replace(compare_otp=compare_forgetting_steps), store_with(WithoutStepGuard)),
    ),
    Mutant("raise and unlock without a code", ("I19",), 3, Parts(rules_without_codes())),
    Mutant("notice not in the commit", ("I20",), 2, rules(decide=decide_without_notice)),
    Mutant("notice lost in the store", ("I20",), 2, Parts(store=store_with(LosesNotices))),
    Mutant("state change without audit row", ("I21",), 2, Parts(rules_without_audit_of_acts())),
    Mutant("audit row without the state before", ("I21",), 2, Parts(rules_with_blank_audit())),
)
