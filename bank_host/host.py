"""The issuing host: one door for ISO 8583 messages, one for the acts of customers and staff.

It loads facts, asks the rules, has the store apply what follows, and answers; it decides nothing itself. A request with
a PIN or OTP has two commits: the try is charged before anything is compared, the verdict then becomes a fact
(requirements Q1, X1); under load one commit decides some requests and charges the tries of the next. The sequence
number is taken once the facts are locked, so that it tells the order of commits on one account (Q5). Every answer is
kept under the identity of its message, so a repeat gets the same bytes and changes nothing (X7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, TypeVarTuple

from bank_host import chip, desk
from bank_host.hsm import CVK, PVK, TPK
from bank_host.hsm.errors import MalformedPinBlock
from bank_host.iso8583 import build, composite, identity, mti
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.codes import COMPLETION
from bank_host.iso8583.message import Message
from bank_host.jst import jst_date
from bank_host.ledger.entries import opening
from bank_host.named import replaced
from bank_host.parts import Parts
from bank_host.policy import Figures
from bank_host.rules.acts.customer import guesses
from bank_host.rules.card import declined
from bank_host.rules.changes import Audit, Change, ChargePin, Decision, Outcome, SetCard, SetCustomer
from bank_host.rules.facts import (
    Account,
    Act,
    ActFacts,
    At,
    Card,
    CardFacts,
    CardRequest,
    Customer,
    Enrolment,
    Exchange,
    Transfer,
)
from bank_host.rules.limits import effective, room
from bank_host.rules.reasons import APPROVED, CODES, MALFUNCTION
from bank_host.rules.reversal import Claim
from bank_host.rules.views import ClaimLine, LimitReport, Safeguard, StatementLine, Welcome
from bank_host.secrets import Pin
from bank_host.store.contract import Conflict, OutboxRow, Unavailable, UnitOfWork, Wanted
from bank_host.work import ATTEMPTS, CHARGE, ENROLLED, Commit, run, run_together

T = TypeVar("T")
K = TypeVar("K")
Ts = TypeVarTuple("Ts")

OLDEST_ADVICE_DAYS = 31
"""An approval in stand-in that claims to be older is booked as one of today (assumed)."""

__all__ = ["ATTEMPTS", "CHARGE", "ENROLLED", "Bank", "Commit", "Standing"]


class Asked(NamedTuple):
    """A message as the host reads it, once, however many commits and attempts its answer takes."""

    message: Message
    card_id: str
    now_us: int  # when it was read
    figures: Figures
    request: CardRequest


class OnTheWay(NamedTuple, Generic[K]):
    """A message that is not answered yet: its PIN was compared, or it waits for another one of its card."""

    key: K
    asked: Asked
    pin_ok: bool | None = None


class Step(NamedTuple, Generic[K]):
    """What a commit of the bank brought: answers that may leave now, and messages that need another one."""

    answers: list[tuple[K, Message | None]]
    on_the_way: tuple[OnTheWay[K], ...]


class Standing(NamedTuple):
    """What a customer would see of one card on one day."""

    balance_jpy: int
    limit_jpy: int
    room_jpy: int
    locked: bool


def _stop(error: Exception) -> None:
    raise error


@dataclass(eq=False, repr=False, kw_only=True)
class Bank(Parts):
    """One issuing bank with its doors: ISO 8583 messages, acts of customers and staff, what they may look at.

    `identify` gives the identity of a message as its network means it (`Dialect.identity`).
    """

    identify: Callable[[Message], str] = identity.identity
    fault: Callable[[Exception], None] = _stop

    # ------------------------------------------------------------ the ISO 8583 door

    def answer(self, message: Message, now_us: int) -> Message | None:
        """The answer to a request or advice; it leaves only after everything it tells of is committed.

        While the store does not work a request is answered 96. Whoever sent it reverses it, because such an answer
        leaves open what was committed. An advice then gets no answer: it may not be declined, and is sent again.
        A fault of the program goes to `fault`, which raises it unless a server says otherwise.
        """
        return self.answer_many((message,), now_us)[0]

    def answer_many(self, messages: Sequence[Message], now_us: int) -> list[Message | None]:
        """The answers to messages that came together, each in its message's place: decided one after the other, made
        durable together. Of two messages of one card the second is decided after the first one's answer is."""
        answers: dict[int, Message | None] = {}
        step = self.step(list(enumerate(messages)), (), now_us)
        answers.update(step.answers)
        while step.on_the_way:
            step = self.step((), step.on_the_way, now_us)
            answers.update(step.answers)
        return [answers[place] for place in range(len(messages))]

    def step(
        self, new: Sequence[tuple[K, Message]], on_the_way: Sequence[OnTheWay[K]], now_us: int
    ) -> Step[K]:
        """One commit: requests whose try the last step charged are answered, and with them new messages are, or their
        tries charged. Keys are the caller's; who is on the way goes into the next step, whatever comes with it."""
        answers: list[tuple[K, Message | None]] = []
        fresh = [each for each in on_the_way if each.pin_ok is None]
        for key, message in new:
            match mti.request_mti(message.mti):
                case "0200" | "0220" | "0420":
                    asked = self._unless_fault(self._asked, message, now_us)
                    if asked is None:
                        answers.append((key, not_answered(message)))
                    else:
                        fresh.append(OnTheWay(key, asked))
                case "0800":
                    answers.append((key, build.answer(message, APPROVED)))
                case _:
                    answers.append((key, build.answer(message, CODES["BAD_FORMAT"])))
        now = [each for each in on_the_way if each.pin_ok is not None]
        later: list[OnTheWay[K]] = []
        cards: set[str] = set()
        for each in fresh:
            (later if each.asked.card_id in cards else now).append(each)
            cards.add(each.asked.card_id)
        charged: list[OnTheWay[K]] = []
        for each, result in zip(now, self._run_together(now), strict=True):
            if isinstance(result, Card):
                verdict = self._unless_fault(self._pin_ok, each.asked.message, result)
                if verdict is not None:
                    charged.append(OnTheWay(each.key, each.asked, verdict))
                    continue
                result = not_answered(each.asked.message)
            answers.append((each.key, result))
        return Step(answers, (*charged, *later))

    def _run_together(self, batch: Sequence[OnTheWay[Any]]) -> list[Message | Card | None]:
        """One commit for all. When that does not succeed, each message has its own, so that one that cannot be decided
        takes no other with it. While the store does not work: 96 to a request and silence to an advice."""
        if not batch:
            return []
        works = [partial(self._answered, each) for each in batch]
        wanted = [_wanted(each) for each in batch]
        alone = len(works) == 1
        try:
            return run_together(self.store, self.watch, works, wanted, batch[0].asked.figures)
        except Unavailable:
            return [not_answered(each.asked.message) for each in batch]
        except Conflict:
            pass
        except Exception as error:  # of the program, and whose message it is shows when each is alone
            if alone:
                self.fault(error)
        if alone:
            return [not_answered(batch[0].asked.message)]
        return [self._run_together((each,))[0] for each in batch]

    def _unless_fault(self, work: Callable[[*Ts], T], *of: *Ts) -> T | None:
        try:
            return work(*of)
        except Exception as error:
            self.fault(error)
            return None

    def _answered(self, each: OnTheWay[Any], unit: UnitOfWork) -> tuple[Message | Card, Commit | None]:
        if mti.is_advice(each.asked.message.mti):
            return self._advice(unit, each.asked)
        return self._decide(unit, each.asked, each.pin_ok)

    def _decide(
        self, unit: UnitOfWork, asked: Asked, pin_ok: bool | None
    ) -> tuple[Message | Card, Commit | None]:
        """One commit of a request. Without a verdict: the answer, or the card whose PIN is to be compared now that a
        try is charged. With one: the answer."""
        known = self._known(unit, asked)
        if known is not None:
            return known, None
        message, card_id, now_us, figures, request = asked
        facts = unit.card_facts(card_id, figures.day, figures.month, request.service, request.medium)
        at = At(now_us, figures.day, unit.next_seq())
        decision: Decision | None
        if not _holds_its_pins(message, request.service):
            decision = Decision(CODES["BAD_FORMAT"], "BAD_FORMAT")
        elif facts is None:
            decision = Decision(CODES["CARD_UNKNOWN"], "CARD_UNKNOWN")
        elif unit.authorisation(request.original_key) is not None:
            decision = self.rules.decide_overtaken(request, facts, figures, at)
        elif pin_ok is None:
            decision = self.rules.precheck(request, facts, figures, at)
        else:
            facts = replaced(facts, "pin_ok", pin_ok)
            decision = self.rules.decide(request, facts, figures, at)
            decision = self._with_new_pin(unit, asked, facts, decision, at)
        if decision is None:
            one_try = ChargePin(card_id, figures.pin_max_wrong)
            unit.apply((one_try,), now_us)
            assert facts is not None
            return facts.card, Commit(self.name, at, request, CHARGE, "", (one_try,))
        told = _told(decision, at) | chip.told(self.hsm, message, request.genuine, decision.code)
        answer = build.answer(message, decision.code, told)
        unit.apply(decision.changes, now_us)
        self._remember(unit, asked, answer)
        return answer, Commit(self.name, at, request, decision.code, decision.reason, decision.changes)

    def _advice(self, unit: UnitOfWork, asked: Asked) -> tuple[Message, Commit | None]:
        """0220 or 0420: something already happened, so it is accepted, once."""
        known = self._known(unit, asked)
        if known is not None:
            return known, None
        message, card_id, now_us, figures, request = asked
        facts = unit.card_facts(card_id, figures.day, figures.month, request.service, request.medium)
        at = At(now_us, jst_date(now_us), unit.next_seq())
        claim = _claim(message, request, card_id, facts)
        if claim.original_key:  # what an advice posts is known under the request that it speaks of
            request = request._replace(original_key=claim.original_key)
        original = unit.authorisation(claim.original_key)
        if mti.is_reversal(message.mti):
            then = figures if original is None else self.policy.on(original.limit_day)
            account = None if facts is None else facts.account
            decision = self.rules.decide_reversal(claim, original, account, at, then)
        # any other 0220 tells of an approval in stand-in
        elif message.get(60) == COMPLETION or facts is None:
            decision = self.rules.decide_completion(claim, original, at, figures)
        else:
            decision = self.rules.decide_advice(request, facts, original, at, figures)
        answer = build.answer(message, decision.code)
        unit.apply(decision.changes, now_us)
        self._remember(unit, asked, answer)
        return answer, Commit(self.name, at, message, decision.code, decision.reason, decision.changes)

    def _known(self, unit: UnitOfWork, asked: Asked) -> Message | None:
        """The stored answer of a message seen before; 94 when the same identity now says something else (X7)."""
        exchange = unit.exchange(asked.request.key)
        if exchange is None:
            return None
        if exchange.fingerprint == identity.fingerprint(asked.message, asked.card_id):
            return decode(exchange.answer)
        return build.answer(asked.message, CODES["IDENTITY_REUSED"])

    def _remember(self, unit: UnitOfWork, asked: Asked, answer: Message) -> None:
        fingerprint = identity.fingerprint(asked.message, asked.card_id)
        unit.remember(Exchange(asked.request.key, fingerprint, encode(answer), asked.now_us))

    def _asked(self, message: Message, now_us: int) -> Asked:
        figures = self.policy.on(_authorised_on(message, now_us))
        return Asked(message, self.hsm.card_id(message[2]), now_us, figures, self._request(message, figures))

    def _request(self, message: Message, figures: Figures) -> CardRequest:
        return CardRequest(
            key=self.identify(message),
            original_key=identity.original_key(message),
            service=composite.service_of(message[3]),
            amount_jpy=composite.amount_jpy(message[4]),
            currency=message.get(49),
            partner=figures.acquirers.get(message.get(32).zfill(11), ""),
            atm=message.get(41).rstrip(),
            medium="chip" if message.get(22).startswith("05") else "stripe",
            genuine=self._genuine(message),
        )

    # ------------------------------------------------------------ what only the PIN module can say

    def _pin_ok(self, message: Message, card: Card) -> bool:
        """The verdict on DE52 under the stored PVV."""
        return self.hsm.verify_pin(TPK, message[52], message[2], PVK, card.pvv)

    def _genuine(self, message: Message) -> bool:
        """Whether the chip's cryptogram and the track's verification value are the card's own; a request without either
        is not asked."""
        if not chip.genuine(self.hsm, message):
            return False
        if 35 not in message:
            return True
        number, _, rest = message[35].partition("=")
        expiry_yymm, service_code, value = rest[:4], rest[4:7], rest[-3:]
        if number != message[2] or len(rest) < 10:
            return False
        return self.hsm.verify_cvv(CVK, value, number, expiry_yymm, service_code)

    def _with_new_pin(
        self, unit: UnitOfWork, asked: Asked, facts: CardFacts, decision: Decision, at: At
    ) -> Decision:
        """An approved PIN change stores the verification value of the new PIN, which only the PIN module can make; one
        that others would guess is counted as in internet banking (R77). A block without a PIN in it is an error of
        form, as is none at all."""
        message, account_id = asked.message, facts.account.account_id
        if decision.code != APPROVED or asked.request.service != "change_pin":
            return decision
        known = unit.act_facts(account_id, at.day)
        assert known is not None, "the card's account was loaded before"
        holder = known.customer
        try:
            new = self.hsm.new_pvv(TPK, message[48], message[2], PVK, guesses=guesses(holder))
        except MalformedPinBlock:
            return declined(asked.request, facts, asked.figures, at, "BAD_FORMAT")
        changes: tuple[Change, ...] = (*decision.changes, SetCard(facts.card.card_id, "pvv", new.pvv))
        warnings = holder.pin_warnings + 1 if new.guessable else 0
        if warnings != holder.pin_warnings:
            changes += (SetCustomer(account_id, "pin_warnings", warnings),)
        return decision._replace(changes=changes)

    # ------------------------------------------------------------ the door of customers and staff

    def act(self, act: Act, now_us: int) -> Outcome:
        """Carry out an act; a repeat of the same request id gets the first result, before any code is looked at."""
        return desk.act(self, act, now_us)

    def close_exception(self, asked: Act, now_us: int) -> Outcome:
        """Somebody has dealt with an exception item."""
        return desk.close_exception(self, asked, now_us)

    def run_due(self, now_us: int) -> int:
        """Do what is due: reserved transfers, ended ID-card locks, settlements. How many were done."""
        return desk.run_due(self, now_us)

    def pin_block(self, account_id: str, pin: Pin, card_id: str = "") -> str:
        """What the bank's front end makes of a PIN typed in internet banking; '' without a card to check it by."""
        return desk.pin_block(self, account_id, pin, card_id)

    def id_card_challenge(self, account_id: str, now_us: int) -> tuple[str, ...]:
        """The positions of the ID card that the next code is made of; none without an ID card."""
        return desk.id_card_challenge(self, account_id, now_us)

    def new_customer(self, account: Account) -> Customer:
        """A customer's row as it is when the account is opened: the transfer limit of that date (R62)."""
        limits = self.policy.on(account.opened).transfer_initial
        return Customer(account.account_id, transfer_limit_jpy=limits[account.kind])

    # ------------------------------------------------------------ what customers see

    def facts(self, account_id: str, now_us: int) -> ActFacts:
        """An account with its holder, cards, tokens, raises and transfers, to be shown. LookupError without one."""
        return desk.holding(self, account_id, now_us)

    def security_report(self, account_id: str, now_us: int) -> tuple[Safeguard, ...]:
        return desk.security_report(self, account_id, now_us)

    def welcome(self, account_id: str) -> Welcome:
        return desk.welcome(self, account_id)

    def statement(self, account_id: str, first: date, last: date) -> tuple[StatementLine, ...]:
        return desk.statement(self, account_id, first, last)

    def notices(self, account_id: str) -> tuple[OutboxRow, ...]:
        """What the bank has told the customer, or is about to."""
        return tuple(self.store.notices(account_id))

    def claims(self, account_id: str) -> tuple[ClaimLine, ...]:
        """The losses that the customer has reported, and whether the staff still works on them."""
        return desk.claims(self, account_id)

    def limit_report(self, account_id: str, now_us: int) -> LimitReport:
        return desk.limit_report(self, account_id, now_us)

    def transfer(self, transfer_id: str) -> Transfer | None:
        """A transfer by the request id of its entry."""
        with self.store.begin() as unit:
            return unit.transfer(transfer_id)

    def standing(self, card_id: str, day: date) -> Standing | None:
        """Where a card stands on a JST day: balance, effective ATM limit and the room left; None for no such card."""
        figures = self.policy.on(day)
        with self.store.begin() as unit:
            facts = unit.card_facts(card_id, day, figures.month, "withdraw", "chip")
        if facts is None:
            return None
        account = facts.account
        limit_jpy = effective(account, facts.raise_today)
        return Standing(
            account.posted_jpy - account.held_jpy,
            limit_jpy,
            room(limit_jpy, facts.used_jpy),
            facts.card.locked,
        )

    # ------------------------------------------------------------ opening accounts

    def enrol(self, enrolment: Enrolment, now_us: int) -> None:
        """Open an account with its cards and tokens."""
        self._run(lambda unit: self._enrol(unit, enrolment, now_us))

    def _enrol(self, unit: UnitOfWork, enrolment: Enrolment, now_us: int) -> tuple[None, Commit]:
        account = enrolment.account
        unit.add_account(account, enrolment.customer or self.new_customer(account))
        for card in enrolment.cards:
            unit.add_card(card)
        for pan in enrolment.pans:
            unit.add_pan(self.hsm.card_id(pan.reveal()), pan.reveal())
        for token in enrolment.tokens:
            unit.add_token(token)
        at = At(now_us, jst_date(now_us), unit.next_seq())
        changes: tuple[Change, ...] = (Audit("operator", "operator", account.account_id, "open_account"),)
        if enrolment.balance_jpy:
            changes = (opening(account.account_id, enrolment.balance_jpy, at.day), *changes)
        unit.apply(changes, now_us)
        return None, Commit(self.name, at, enrolment, ENROLLED, "", changes)

    # ------------------------------------------------------------ what befell the bank itself

    def note(self, rows: Sequence[Audit], now_us: int) -> None:
        """Write audit rows that go with no decision, such as a message whose MAC was wrong."""

        def write(unit: UnitOfWork) -> tuple[None, None]:
            unit.apply(tuple(rows), now_us)
            return None, None

        self._run(write)

    # ------------------------------------------------------------ units of work

    def _run(self, work: Callable[[UnitOfWork], tuple[T, Commit | None]]) -> T:
        """Run one unit of work until it commits, then tell the watcher."""
        return run(self.store, self.watch, work)


def _wanted(each: OnTheWay[Any]) -> Wanted:
    """What its next commit asks the store for."""
    asked = each.asked
    decided = each.pin_ok is not None or mti.is_advice(asked.message.mti)
    return Wanted(asked.card_id, asked.request.key, asked.request.original_key, decided)


def not_answered(message: Message) -> Message | None:
    """What a message gets that nothing could be decided about: 96, or silence, so that an advice comes again."""
    return None if mti.is_advice(message.mti) else build.answer(message, CODES[MALFUNCTION])


def _holds_its_pins(message: Message, service: str) -> bool:
    """Whether a request has the PIN block that every service of a card needs, and a PIN change the new one too. Without
    one nothing can be compared, so it is an error of form and no try: else a card could be blocked without a guess."""
    return 52 in message and (service != "change_pin" or 48 in message)


def _authorised_on(message: Message, now_us: int) -> date:
    """The JST day whose limit and figures count: today, or the day on which a switch approved in stand-in (DE17)."""
    today = jst_date(now_us)
    if message.mti[:3] != "022" or message.get(60) == COMPLETION or 17 not in message:
        return today
    day = composite.latest_date(message[17], today)
    return day if day is not None and (today - day).days <= OLDEST_ADVICE_DAYS else today


def _claim(message: Message, request: CardRequest, card_id: str, facts: CardFacts | None) -> Claim:
    """What an advice says about its original, which DE90 quotes."""
    return Claim(
        key=request.key,
        original_key=identity.quoted_original_key(message),
        card_id=card_id,
        account_id="" if facts is None else facts.account.account_id,
        partner=request.partner,
        atm=request.atm,
        service=request.service,
        amount_jpy=request.amount_jpy,
        dispensed_jpy=composite.parse_replacement(message[95]).amount_jpy if 95 in message else None,
    )


def _told(decision: Decision, at: At) -> dict[int, str]:
    """What an approval tells the terminal: approval code, fee and balance."""
    if decision.code != APPROVED:
        return {}
    told = {38: f"{at.seq % 1_000_000:06d}"}
    if decision.fee_jpy:
        told[28] = composite.fee_text(decision.fee_jpy)
    if decision.balance_jpy is not None:
        told[54] = composite.balances_text(composite.Balance("available", decision.balance_jpy))
    return told
