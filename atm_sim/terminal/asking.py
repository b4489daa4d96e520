"""From the card to the bank's answer: PIN, menu, request, answer (X1-X3, R75-R76, R120; RS1-RS3, RS7)."""

from __future__ import annotations

from dataclasses import replace

from atm_sim.sansio.effects import (
    CancelPressed,
    CardInserted,
    PinEntered,
    Record,
    Send,
    ServiceChosen,
    Show,
)
from atm_sim.sansio.rows import row
from atm_sim.terminal import paying
from atm_sim.terminal.answers import available_jpy, is_usable, told_fee_jpy
from atm_sim.terminal.chip import concluded, signed
from atm_sim.terminal.note_mix import notes_value
from atm_sim.terminal.refusal import is_pin, refusal
from atm_sim.terminal.settlement import Transaction
from atm_sim.terminal.state import Stage, State
from bank_host.iso8583.build import (
    CHIP_AND_PIN,
    STRIPE_AND_PIN,
    STRIPE_OF_CHIP_CARD,
    financial_request,
)
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.message import Message

# The track and both PIN blocks: gone as soon as the request is (security I22).
_NEVER_STORED: dict[int, str | None] = {35: None, 48: None, 52: None}

_ENTRY_MODES = {"chip": CHIP_AND_PIN, "stripe": STRIPE_AND_PIN, "fallback": STRIPE_OF_CHIP_CARD}
"""DE22 by how the card was read."""

# ---------------------------------------------------------------- card, PIN, menu


def card_inserted(state: State, event: CardInserted) -> None:
    if not state.config.in_service(state.now_us):
        # The slot stays closed: the card never leaves the person's hand (X3).
        state.record("no_service", reason="closed", alias=event.card.alias)
        state.ask(Show("no_service", reason="closed"))
        return
    state.card = event.card
    state.record("inserted")
    _ask_pin(state, "enter_pin")


def _ask_pin(state: State, screen: str) -> None:
    state.stage = Stage.PIN
    state.ask(Show(screen))
    state.wait("idle", state.config.timers.idle_us)


def pin_entered(state: State, event: PinEntered) -> None:
    if not is_pin(event.pin):
        _ask_pin(state, "enter_pin")
        return
    state.pin = event.pin
    state.record("pin_entered")
    if state.choice is not None:  # the PIN was wrong before: the same service again, as a new request
        _authorise(state, state.choice)
        return
    state.stage = Stage.MENU
    state.ask(Show("choose_service"))
    state.wait("idle", state.config.timers.idle_us)


def service_chosen(state: State, event: ServiceChosen) -> None:
    reason = refusal(event, state.config, state.cash, state.now_us)
    if reason:
        kind = "no_service" if reason == "closed" else "declined"
        state.record(kind, amount_jpy=_amount_jpy(event), reason=reason)
        state.ask(Show("declined", reason=reason))
        paying.part_with_card(state)
        return
    if event.service == "deposit":
        state.cash.take_in(event.notes)
    state.choice = event
    _authorise(state, event)


def cancelled(state: State, event: CancelPressed) -> None:
    state.record("cancelled")
    paying.part_with_card(state)


def left_idle(state: State) -> None:
    """Nobody touched the PIN or menu screen for too long."""
    state.record("cancelled", reason="idle")
    paying.part_with_card(state)


# ---------------------------------------------------------------- the request


def _authorise(state: State, choice: ServiceChosen) -> None:
    assert state.card is not None
    now_us, amount_jpy = state.now_us, _amount_jpy(choice)
    card, icc_data = state.card, ""
    if card.chip is not None:
        said = signed(card.chip, state.crypto.unpredictable(), choice.service, amount_jpy, now_us)
        if said is None:
            state.record("declined", amount_jpy=amount_jpy, reason="chip_unusable")
            state.ask(Show("declined", reason="chip_unusable"))
            paying.part_with_card(state)
            return
        icc_data = said.icc_data
        card = replace(card, pan=said.pan, expires=said.expires, track2=said.track2, sequence=said.sequence)
    request = financial_request(
        choice.service,
        pan=card.pan,
        amount_jpy=amount_jpy,
        stan=state.numbers.next(now_us),
        now_us=now_us,
        acceptor=state.config.acceptor,
        expiry_yymm=card.expires,
        track2=card.track2,
        pin_block=state.crypto.pin_block(state.pin, card.pan),
        new_pin_block=state.crypto.pin_block(choice.new_pin, card.pan) if choice.new_pin else "",
        icc_data=icc_data,
        card_sequence=card.sequence,
    ).but({22: _ENTRY_MODES[card.medium]} | dict(choice.elements))
    state.pin = ""
    stored = request.but(_NEVER_STORED)
    notes = paying.mix(state, amount_jpy) if choice.service == "withdraw" else None
    state.transaction = Transaction(choice.service, amount_jpy, stored, now_us, notes)
    answer_us = state.config.timers.answer_us
    state.request_key = state.requests.expect(stored, state.transaction, now_us, answer_us)
    state.stage = Stage.AUTHORISING
    state.report(row("sent", stored))
    state.ask(Send(state.config.acquirer_node, request), Show("please_wait"))
    state.wait("answer", answer_us)


def _amount_jpy(choice: ServiceChosen) -> int:
    """What goes into DE4: the keyed amount, the counted deposit, or nothing."""
    match choice.service:
        case "withdraw":
            return choice.amount_jpy
        case "deposit":
            return notes_value(choice.notes)
    return 0


# ---------------------------------------------------------------- the answer


def received(state: State, sender: str, message: Message) -> None:
    if message.mti in ("0230", "0430"):
        effects = state.settlement.saf.answered(sender, message, state.now_us)
        state.ask(*([row("unmatched_answer", message)] if effects is None else effects))
        return
    verdict = state.requests.answer(message, state.now_us)
    if verdict.kind == "matched" and verdict.context is not None:
        _answered(state, verdict.context, message)
        return
    # A late answer changes nothing: its reversal is on the way, and no note moves (RS2).
    kind = "unsolicited" if verdict.kind == "unsolicited" else f"{verdict.kind}_answer"
    state.ask(row(kind, message))
    if verdict.detail:
        state.journal.write(state.now_us, Record(kind, reason=verdict.detail))


def _answered(state: State, transaction: Transaction, answer: Message) -> None:
    latency_us = state.now_us - transaction.sent_us
    if not is_usable(answer, transaction.request):
        _tell_chip(state, None)
        state.ask(*state.settlement.reverse(transaction, "invalid_answer", state.now_us))
        state.report(row("answered", answer, reason="invalid_answer", latency_us=latency_us))
        paying.break_off(state, "invalid_answer")
        return
    meaning = response_code(answer[39])
    agreed = _tell_chip(state, answer, approved=meaning.action == "pay")
    if meaning.reverse:
        state.ask(*state.settlement.reverse(transaction, "no_confirmation", state.now_us))
        state.report(row("answered", answer, latency_us=latency_us))
        paying.break_off(state, "no_confirmation", meaning.code)
        return
    state.report(row("answered", answer, latency_us=latency_us))
    if meaning.action == "pay":
        transaction.approval_code, transaction.fee_jpy = answer.get(38), told_fee_jpy(answer)
        if not agreed:
            state.ask(*state.settlement.reverse(transaction, "card_refused", state.now_us))
            paying.break_off(state, "card_refused")
            return
        _approved(state, transaction, available_jpy(answer))
        return
    if meaning.alarm:
        state.report(row("alarm", answer))
    state.report(state.settlement.decline(transaction, meaning.code))
    if meaning.action == "ask_pin":
        _ask_pin(state, "wrong_pin")
        return
    _declined(state, transaction, meaning.code, retain=meaning.action == "retain_card")


def _tell_chip(state: State, answer: Message | None, *, approved: bool = False) -> bool:
    """Let the chip end its transaction; whether it agrees with an approval, as a card without one always does."""
    if state.card is None or state.card.chip is None:
        return True
    agreed = concluded(state.card.chip, answer, approved=approved)
    state.record("chip_told", reason="approved" if agreed else "declined")
    return agreed


def _approved(state: State, transaction: Transaction, balance_jpy: int | None) -> None:
    if transaction.service == "withdraw":
        paying.pay_out(state, transaction)
        return
    if transaction.service == "deposit":
        state.cash.keep_deposit()
        state.cash_moved()
    state.ask(*state.settlement.complete(transaction, state.now_us))
    state.print_receipt(transaction, "00", transaction.amount_jpy, balance_jpy)
    paying.part_with_card(state, balance_jpy=balance_jpy)


def _declined(state: State, transaction: Transaction, code: str, *, retain: bool) -> None:
    state.print_receipt(transaction, code, transaction.amount_jpy)
    state.ask(Show("declined", code))
    retain = retain or code in state.config.retains_also
    paying.part_with_card(state, retain=f"code_{code}" if retain else "")


def no_answer(state: State) -> None:
    """The answer timer fired (RS1)."""
    waiting = state.requests.give_up(state.request_key, state.now_us)
    assert waiting is not None
    _tell_chip(state, None)
    state.ask(*state.settlement.reverse(waiting.context, "timeout", state.now_us))
    if waiting.near_miss:
        state.journal.write(state.now_us, Record("near_miss", reason=waiting.near_miss))
    paying.break_off(state, "timeout")
