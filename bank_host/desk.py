"""The door of customers and staff: acts, what the bank does when it is due, and what customers may look at.

An act that needs a code, a PIN or a password has two commits: each try is charged before anything is compared, the
verdicts then become facts (requirements Q1, Q6, X1). Passwords are compared between the two commits, because that
takes long; codes and PINs within the second one, against rows that are locked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import NamedTuple

from bank_host.hsm import PVK, TPK
from bank_host.hsm.errors import HsmError
from bank_host.jst import HOUR_US, civil, jst_date
from bank_host.parts import Parts
from bank_host.policy import Figures
from bank_host.rules import Compare, items, otp, views
from bank_host.rules.acts import HOST
from bank_host.rules.acts.cards import id_card
from bank_host.rules.acts.claims import LOSS_CLAIM, cause_and_day
from bank_host.rules.acts.customer import guesses
from bank_host.rules.acts.login import FAILED, LOGIN
from bank_host.rules.acts.rule import pin_card
from bank_host.rules.changes import Change, ChargeLogin, ChargeOtp, ChargePin, Outcome
from bank_host.rules.facts import SECRET_FIELDS, Act, ActFacts, At, NewPin
from bank_host.rules.reasons import MALFUNCTION
from bank_host.secrets import Pin
from bank_host.store.contract import ActResult, Conflict, Unavailable, UnitOfWork
from bank_host.work import CHARGE, Commit, run


class _Charged(NamedTuple):
    """What was charged in the first commit, and what the comparison outside of any commit gave."""

    compare: Compare
    password_hash: str = ""
    password_ok: bool = False


def act(bank: Parts, asked: Act, now_us: int) -> Outcome:
    """Carry out an act; a repeat of its request id gets the first result, also of one that seemed to fail.

    Repeats that come together wait for each other: else each would charge a try, and many would lock a right code out.
    """
    try:
        with bank.turns.of(asked.key):
            return _carried_out(bank, asked, now_us)
    except (Conflict, Unavailable):
        return Outcome("refused", MALFUNCTION)


def _carried_out(bank: Parts, asked: Act, now_us: int) -> Outcome:
    new = {"reissue_password": asked.password, "change_password": asked.new_password}.get(asked.kind)
    if new is not None and new.reveal():
        asked = asked._replace(password_hash=bank.passwords.hash(new))
    first = run(bank.store, bank.watch, lambda unit: _act(bank, unit, asked, now_us))
    if isinstance(first, Outcome):
        if asked.kind == LOGIN:  # the refusal takes as long as a comparison
            bank.passwords.verify("", asked.password)
        return first
    if first.compare.login == "password":
        right = bank.passwords.verify(first.password_hash, asked.password)
        first = first._replace(password_ok=right)
        if (
            asked.kind == LOGIN
            and right
            and asked.password is not None
            and bank.passwords.outdated(first.password_hash)
        ):
            asked = asked._replace(password_hash=bank.passwords.hash(asked.password))
    second = run(bank.store, bank.watch, lambda unit: _act(bank, unit, asked, now_us, first))
    assert isinstance(second, Outcome), "once everything is compared, every act is decided"
    return second


def _act(
    bank: Parts, unit: UnitOfWork, asked: Act, now_us: int, charged: _Charged | None = None
) -> tuple[Outcome | _Charged, Commit | None]:
    """One commit of an act: its outcome, or what is to be compared now that the tries are charged."""
    known = None if asked.kind == LOGIN else unit.act_result(asked.key)
    if known is not None:
        return _repeated(asked, known), None
    figures = bank.policy.on(jst_date(now_us))
    facts = unit.act_facts(asked.account_id, figures.day, _payee_id(unit, asked))
    if facts is None:
        return Outcome("refused", FAILED if asked.kind == LOGIN else "ACCOUNT_UNKNOWN"), None
    facts = _with_what_the_bank_knows(bank, unit, asked, facts)
    at = At(now_us, figures.day, unit.next_seq())
    outcome: Outcome | Compare | None = None
    if charged is None:
        outcome = bank.rules.precheck_act(asked, facts, figures, at)
    else:
        facts = _with_verdicts(bank, unit, asked, facts, charged, figures, now_us)
    if isinstance(outcome, Compare):
        charges = _charge_all(unit, asked, outcome, figures, now_us)
        to_compare = _Charged(outcome, facts.customer.password_hash)
        return to_compare, Commit(bank.name, at, asked, CHARGE, "", charges)
    if outcome is None:
        outcome = bank.rules.decide_act(asked, facts, figures, at)
    unit.apply(outcome.changes, now_us)
    if asked.kind != LOGIN:
        unit.remember_act(asked.key, ActResult(_fingerprint(asked), outcome.outcome, outcome.reason))
    return outcome, Commit(bank.name, at, asked, outcome.outcome, outcome.reason, outcome.changes)


def _repeated(asked: Act, known: ActResult) -> Outcome:
    """The first result; the same request id with other content is a mistake of the asker."""
    if known.fingerprint not in ("", _fingerprint(asked)):
        return Outcome("refused", "REQUEST_ID_REUSED")
    return Outcome(known.outcome, known.reason)


def _fingerprint(asked: Act) -> str:
    """Everything that is asked for, without what proves identity: a retry may carry the next code."""
    content = {name: value for name, value in asked._asdict().items() if name not in SECRET_FIELDS}
    content["token"] = None if asked.token is None else asked.token.serial
    return hashlib.sha256(repr(sorted(content.items())).encode("utf-8", "surrogatepass")).hexdigest()


def _payee_id(unit: UnitOfWork, asked: Act) -> str:
    """The account within this bank that a transfer goes to, whose row is locked with the payer's."""
    payee = asked.payee
    if payee is None and asked.transfer:
        entry = unit.transfer(asked.transfer)
        payee = entry.payee if entry is not None and entry.account_id == asked.account_id else None
    return payee.account_id if payee is not None and not payee.bank else ""


def _with_what_the_bank_knows(bank: Parts, unit: UnitOfWork, asked: Act, facts: ActFacts) -> ActFacts:
    """Facts that a few acts ask for: the new PIN as the PIN module sees it, a serial number that is taken."""
    if asked.token is not None:
        facts = facts._replace(serial_taken=unit.serial_taken(asked.token.serial))
    if asked.new_card is not None:
        facts = facts._replace(number_taken=unit.card_taken(asked.new_card.card_id))
    card = pin_card(asked, facts) if asked.new_pin_block else None
    pan = None if card is None else unit.pan(card.card_id)
    if pan is None:
        return facts
    try:
        new = bank.hsm.new_pvv(TPK, asked.new_pin_block, pan, PVK, guesses=guesses(facts.customer))
    except HsmError:
        return facts
    return facts._replace(new_pin=NewPin(new.pvv, new.guessable))


def close_exception(bank: Parts, asked: Act, now_us: int) -> Outcome:
    """Close an exception item (`detail` is its key), also one of a closed account or of none."""
    try:
        return run(bank.store, bank.watch, lambda unit: _close_exception(bank, unit, asked, now_us))
    except (Conflict, Unavailable):
        return Outcome("refused", MALFUNCTION)


def _close_exception(bank: Parts, unit: UnitOfWork, asked: Act, now_us: int) -> tuple[Outcome, Commit | None]:
    item = unit.exception_item(asked.detail)
    if item is None:
        return Outcome("refused", "UNKNOWN_ITEM"), None
    asked = asked._replace(account_id=item.account_id)
    at = At(now_us, jst_date(now_us), unit.next_seq())
    outcome = items.close(asked, item.seq, item.kind, item.state)
    unit.apply(outcome.changes, now_us)
    return outcome, Commit(bank.name, at, asked, outcome.outcome, outcome.reason, outcome.changes)


# ---------------------------------------------------------------- charging and comparing


def _charge_all(
    unit: UnitOfWork, asked: Act, compare: Compare, figures: Figures, now_us: int
) -> tuple[Change, ...]:
    """One try for each thing that will be compared. A PIN in a login counts as a login try and no other (Q6)."""
    charges: list[ChargeLogin | ChargePin | ChargeOtp] = []
    if compare.login:
        charges.append(ChargeLogin(asked.account_id, figures.login_max_wrong))
    elif compare.card_id:
        charges.append(ChargePin(compare.card_id, figures.pin_max_wrong))
    if compare.code:
        charges.append(ChargeOtp(asked.account_id, figures.otp_max_wrong))
    for each in charges:
        unit.apply((each,), now_us)
    return tuple(charges)


def _with_verdicts(
    bank: Parts,
    unit: UnitOfWork,
    asked: Act,
    facts: ActFacts,
    charged: _Charged,
    figures: Figures,
    now_us: int,
) -> ActFacts:
    compare = charged.compare
    if compare.login == "password":
        same = facts.customer.password_hash == charged.password_hash  # not issued again in between
        facts = facts._replace(password_ok=charged.password_ok and same)
    elif compare.login or compare.card_id:
        facts = facts._replace(pin_ok=_pin_ok(bank, unit, asked, facts, compare.card_id))
    if not compare.code or facts.pin_ok is False or facts.password_ok is False:
        return facts
    devices = [each for each in facts.tokens if each.serial in compare.serials]
    if compare.second_code:
        (device,) = devices
        verdict = bank.rules.resync(compare.code, compare.second_code, device, now_us, figures)
    else:
        verdict = bank.rules.compare_otp(compare.code, devices, now_us, figures)
    return facts._replace(otp=verdict)


def _pin_ok(bank: Parts, unit: UnitOfWork, asked: Act, facts: ActFacts, card_id: str) -> bool:
    card = next((each for each in facts.cards if each.card_id == card_id), None)
    pan = unit.pan(card_id)
    if card is None or pan is None or not asked.pin_block:
        return False
    return bank.hsm.verify_pin(TPK, asked.pin_block, pan, PVK, card.pvv)


def pin_block(bank: Parts, account_id: str, pin: Pin, card_id: str) -> str:
    """The front end's part: the PIN under the terminal key, bound to the number that the bank keeps of the card."""
    with bank.store.begin() as unit:
        facts = unit.act_facts(account_id, date.min)
        if facts is None:
            return ""
        card = pin_card(Act("", "", account_id, "", card_id), facts)
        pan = None if card is None else unit.pan(card.card_id)
    try:
        return "" if pan is None else bank.hsm.encrypt_pin_block(TPK, pin.reveal(), pan)
    except HsmError:
        return ""


# ---------------------------------------------------------------- what is due


def run_due(bank: Parts, now_us: int) -> int:
    """Reserved transfers, ID-card locks that end, approvals that nobody has ended; how many were done.

    What a failing store leaves undone is still due the next time.
    """
    done = 0
    try:
        for work in _all_due(bank, now_us):
            done += run(bank.store, bank.watch, work)
    except (Conflict, Unavailable):
        pass
    return done


def _all_due(bank: Parts, now_us: int) -> Iterator[Callable[[UnitOfWork], tuple[bool, Commit | None]]]:
    day = jst_date(now_us)
    figures = bank.policy.on(day)
    due = [
        Act(f"due:{each.transfer_id}", "execute_transfer", each.account_id, HOST, transfer=each.transfer_id)
        for each in bank.store.due_transfers(now_us)
    ]
    due += [
        Act(f"end_lock:{serial}:{day}", "end_id_card_lock", account_id, HOST, serial=serial)
        for account_id, serial in bank.store.due_releases(day)
    ]
    old = list(bank.store.open_authorisations(now_us - figures.settlement_after_h * HOUR_US))
    for each in due:
        yield partial(_due, bank, asked=each, now_us=now_us)
    for key in old:
        yield partial(_settle, bank, original_key=key, now_us=now_us)


def _due(bank: Parts, unit: UnitOfWork, asked: Act, now_us: int) -> tuple[bool, Commit | None]:
    """What cannot be done now leaves no trace and is tried again the next time."""
    figures = bank.policy.on(jst_date(now_us))
    facts = unit.act_facts(asked.account_id, figures.day, _payee_id(unit, asked))
    if facts is None:
        return False, None
    at = At(now_us, figures.day, unit.next_seq())
    if bank.rules.precheck_act(asked, facts, figures, at) is not None:
        return False, None
    outcome = bank.rules.decide_act(asked, facts, figures, at)
    unit.apply(outcome.changes, now_us)
    return True, Commit(bank.name, at, asked, outcome.outcome, outcome.reason, outcome.changes)


def _settle(bank: Parts, unit: UnitOfWork, original_key: str, now_us: int) -> tuple[bool, Commit | None]:
    figures = bank.policy.on(jst_date(now_us))
    original = unit.authorisation(original_key)
    if original is None:
        return False, None
    at = At(now_us, figures.day, unit.next_seq())
    decision = bank.rules.settle(original, at, figures)
    if decision is None:
        return False, None
    unit.apply(decision.changes, now_us)
    asked = Act(f"settle:{original_key}", "settle", original.account_id, HOST)
    return True, Commit(bank.name, at, asked, "done", decision.reason, decision.changes)


# ---------------------------------------------------------------- views


def holding(bank: Parts, account_id: str, now_us: int) -> ActFacts:
    """Everything that acts of an account are decided from, to be looked at. LookupError where there is none."""
    return _facts(bank, account_id, jst_date(now_us))


def _facts(bank: Parts, account_id: str, day: date) -> ActFacts:
    with bank.store.begin() as unit:
        facts = unit.act_facts(account_id, day)
    if facts is None:
        raise LookupError("the bank has no such account")
    return facts


def id_card_challenge(bank: Parts, account_id: str, now_us: int) -> tuple[str, ...]:
    """Asked again and again until it is answered rightly."""
    day = jst_date(now_us)
    held = id_card(_facts(bank, account_id, day))
    return () if held is None else otp.asked(held, held.last_step + 1, bank.policy.on(day))


def security_report(bank: Parts, account_id: str, now_us: int) -> tuple[views.Safeguard, ...]:
    day = jst_date(now_us)
    return views.security_report(_facts(bank, account_id, day), bank.policy.on(day))


def welcome(bank: Parts, account_id: str) -> views.Welcome:
    return views.welcome(_facts(bank, account_id, date.min).customer)


def limit_report(bank: Parts, account_id: str, now_us: int) -> views.LimitReport:
    day = jst_date(now_us)
    ended = _facts(bank, account_id, date.min).raises
    return views.limit_report(_facts(bank, account_id, day)._replace(raises=ended), bank.policy.on(day))


def claims(bank: Parts, account_id: str) -> tuple[views.ClaimLine, ...]:
    rows = (row for row in bank.store.items(account_id) if row.kind == LOSS_CLAIM)
    return tuple(
        views.ClaimLine(
            row.key,
            row.seq,
            civil(row.at_us).replace(microsecond=0),
            *cause_and_day(row.detail),
            row.amount_jpy,
            row.state,
        )
        for row in rows
    )


def statement(bank: Parts, account_id: str, first: date, last: date) -> tuple[views.StatementLine, ...]:
    store = bank.store
    return views.statement(account_id, store.movements(account_id), store.sides(account_id), first, last)
