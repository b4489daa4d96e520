"""The terminal: one ATM as a state machine (requirements X1-X3, X6, X9-X11, R75-R76; sender rows RS1-RS9).

`handle(event, now_us)` returns the effects a driver carries out. What a person or a device does is looked up
in `_TABLE` by stage and event; a pair that is not in it cannot happen at a real machine (the keypad is dead, the
shutter is closed) and changes nothing. Some things outlast a loss of power, as in a real machine: cash, journal,
trace numbers, the stored request, the advices that wait. The PIN lives only until its block is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Protocol

from atm_sim.sansio.effects import (
    CancelPressed,
    CancelTimer,
    CardInserted,
    CardTaken,
    CashTaken,
    Dispense,
    Dispensed,
    Effect,
    Event,
    PinEntered,
    PowerLost,
    PowerRestored,
    Print,
    Received,
    Record,
    RetainCard,
    ReturnCard,
    Send,
    ServiceChosen,
    SetTimer,
    Show,
    TimerFired,
)
from atm_sim.sansio.matching import Pending
from atm_sim.sansio.rows import row
from atm_sim.terminal.answers import available_jpy, is_usable
from atm_sim.terminal.card import CardData, masked_pan
from atm_sim.terminal.cassettes import CashUnit, Cassette
from atm_sim.terminal.config import TerminalConfig
from atm_sim.terminal.journal import Journal, Receipt
from atm_sim.terminal.note_mix import counted, notes_value
from atm_sim.terminal.refusal import is_pin, refusal
from atm_sim.terminal.settlement import Settlement, TraceNumbers, Transaction
from bank_host import jst
from bank_host.iso8583.build import CHIP_AND_PIN, STRIPE_AND_PIN, financial_request
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.identity import request_id
from bank_host.iso8583.message import Message


class Stage(StrEnum):
    """Where the session stands."""

    IDLE = "idle"
    PIN = "pin"
    MENU = "menu"
    AUTHORISING = "authorising"  # a 0200 is out
    COUNTING = "counting"  # the dispenser brings notes to the closed shutter
    CARD_OUT = "card_out"
    CASH_OUT = "cash_out"  # the shutter is open
    OFF = "off"


class TerminalCrypto(Protocol):
    """The keypad's key module: the only thing that sees a PIN together with a key."""

    def pin_block(self, pin: str, pan: str) -> str:
        """The enciphered PIN block as 16 hexadecimal digits (DE52)."""
        ...


class Terminal:
    """One ATM. `stage`, `cash` and `journal` may be read at any time; only `handle` changes anything."""

    def __init__(self, config: TerminalConfig, crypto: TerminalCrypto, cassettes: Iterable[Cassette]) -> None:
        self.config = config
        self.cash = CashUnit(cassettes)
        self.journal = Journal()
        self.stage = Stage.IDLE
        self._crypto = crypto
        self._numbers = TraceNumbers()
        self.settlement = Settlement(config, self._numbers)
        self.requests: Pending[Transaction] = Pending()
        self._out: list[Effect] = []
        self._now_us = 0
        self._card: CardData | None = None
        self._pin = ""
        self._choice: ServiceChosen | None = None
        self._transaction: Transaction | None = None
        self._request_key = ""  # of the request that waits for its answer
        self._timer = ""  # the one wait of the session that runs: answer, card, cash or idle
        self._timers_set = 0
        self._farewell = "thank_you"
        self._before_power_loss = Stage.IDLE

    @property
    def idle(self) -> bool:
        """True when the next person may insert a card."""
        return self.stage is Stage.IDLE

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        self._out, self._now_us = [], now_us
        if (self.stage, type(event)) in _TABLE:
            _TABLE[self.stage, type(event)](self, event)
        elif self.stage is not Stage.OFF:
            match event:
                case Received():
                    self._received(event.sender, event.message)
                case TimerFired():
                    self._timer_fired(event.key)
                case PowerLost():
                    self._power_lost()
                case PowerRestored():
                    self._power_lost()
                    self._power_restored(event)
        for effect in self._out:
            if isinstance(effect, Record):
                self._log(effect)
        return self._out

    # ---------------------------------------------------------------- card, PIN, menu

    def _card_inserted(self, event: CardInserted) -> None:
        if not self.config.in_service(self._now_us):
            # The slot stays closed: the card never leaves the person's hand (X3).
            self._out.append(self._record("no_service", alias=event.card.alias, reason="closed"))
            self._out.append(Show("no_service"))
            return
        self._card = event.card
        self._pin, self._choice, self._transaction, self._farewell = "", None, None, "thank_you"
        self._out.append(self._record("inserted"))
        self._ask_pin("enter_pin")

    def _ask_pin(self, screen: str) -> None:
        self.stage = Stage.PIN
        self._out.append(Show(screen))
        self._wait("idle", self.config.timers.idle_us)

    def _pin_entered(self, event: PinEntered) -> None:
        if not is_pin(event.pin):
            self._ask_pin("enter_pin")
            return
        self._pin = event.pin
        self._out.append(self._record("pin_entered"))
        if self._choice is not None:  # a wrong PIN is corrected: the same service again, as a new request
            self._authorise(self._choice)
            return
        self.stage = Stage.MENU
        self._out.append(Show("choose_service"))
        self._wait("idle", self.config.timers.idle_us)

    def _service_chosen(self, event: ServiceChosen) -> None:
        reason = refusal(event, self.config, self.cash, self._now_us)
        if reason:
            kind = "no_service" if reason == "closed" else "declined"
            self._out.append(self._record(kind, amount_jpy=_amount_jpy(event), reason=reason))
            self._out.append(Show("declined", reason=reason))
            self._end_session()
            return
        if event.service == "deposit":
            self.cash.take_in(event.notes)
        self._choice = event
        self._authorise(event)

    def _cancelled(self, event: CancelPressed) -> None:
        self._out.append(self._record("cancelled"))
        self._end_session()

    # ---------------------------------------------------------------- asking the bank

    def _authorise(self, choice: ServiceChosen) -> None:
        assert self._card is not None
        card, now_us, amount_jpy = self._card, self._now_us, _amount_jpy(choice)
        request = financial_request(
            choice.service,
            pan=card.pan,
            amount_jpy=amount_jpy,
            stan=self._numbers.next(now_us),
            now_us=now_us,
            acceptor=self.config.acceptor,
            expiry_yymm=card.expires,
            track2=card.track2,
            pin_block=self._crypto.pin_block(self._pin, card.pan),
            new_pin_block=self._crypto.pin_block(choice.new_pin, card.pan) if choice.new_pin else "",
        ).but({22: CHIP_AND_PIN if card.medium == "chip" else STRIPE_AND_PIN})
        self._pin = ""
        stored = request.but({35: None, 48: None, 52: None})
        notes = self._mix(amount_jpy) if choice.service == "withdraw" else None
        self._transaction = Transaction(choice.service, amount_jpy, stored, now_us, notes)
        answer_us = self.config.timers.answer_us
        self._request_key = self.requests.expect(stored, self._transaction, now_us, answer_us)
        self.stage = Stage.AUTHORISING
        self._out.append(self._about(row("sent", stored)))
        self._out.append(Send(self.config.acquirer_node, request))
        self._wait("answer", answer_us)
        self._out.append(Show("please_wait"))

    def _mix(self, amount_jpy: int) -> tuple[tuple[int, int], ...] | None:
        return self.cash.mix(amount_jpy, policy=self.config.note_policy, max_notes=self.config.max_notes_out)

    def _received(self, sender: str, message: Message) -> None:
        if message.mti in ("0230", "0430"):
            effects = self.settlement.saf.answered(sender, message, self._now_us)
            self._out += [row("unmatched_answer", message)] if effects is None else effects
            return
        verdict = self.requests.answer(message, self._now_us)
        if verdict.kind == "matched" and verdict.context is not None:
            self._answered(verdict.context, message)
            return
        # A late answer changes nothing: its reversal is on the way, and no note moves (RS2).
        kind = "unsolicited" if verdict.kind == "unsolicited" else f"{verdict.kind}_answer"
        self._out.append(row(kind, message))
        if verdict.detail:
            self.journal.write(self._now_us, kind, detail=verdict.detail)

    def _answered(self, transaction: Transaction, answer: Message) -> None:
        code, now_us = answer.get(39), self._now_us
        latency_us = now_us - transaction.sent_us
        if not is_usable(answer, transaction.request):
            self._out += self.settlement.reverse(transaction, "invalid_answer", now_us)
            answered = row("answered", answer, reason="invalid_answer", latency_us=latency_us)
            self._out.append(self._about(answered))
            self._break_off("invalid_answer")
            return
        meaning = response_code(code)
        if meaning.reverse:
            self._out += self.settlement.reverse(transaction, "no_confirmation", now_us)
        self._out.append(self._about(row("answered", answer, latency_us=latency_us)))
        if meaning.action == "pay":
            transaction.approval_code = answer.get(38)
            self._approved(transaction, answer)
            return
        if meaning.alarm:
            self._out.append(self._about(row("alarm", answer)))
        if meaning.reverse:
            self._break_off("no_confirmation", code)
            return
        self._out.append(self._about(self.settlement.decline(transaction, code)))
        if meaning.action == "ask_pin":
            self._ask_pin("wrong_pin")
            return
        self._out += [self._receipt(transaction, code), Show("declined", code)]
        retained = meaning.action == "retain_card" or code in self.config.retains_also
        self._end_session(retain=f"code_{code}" if retained else "")

    def _approved(self, transaction: Transaction, answer: Message) -> None:
        if transaction.service == "withdraw":
            self._pay_out(transaction)
            return
        if transaction.service == "deposit":
            self.cash.keep_deposit()
            self._cash_moved()
        balance_jpy = available_jpy(answer)
        self._out += self.settlement.complete(transaction, self._now_us)
        self._out.append(self._receipt(transaction, "00", balance_jpy=balance_jpy))
        self._end_session(balance_jpy=balance_jpy)

    def _no_answer(self) -> None:
        waiting = self.requests.give_up(self._request_key, self._now_us)
        assert waiting is not None
        self._out += self.settlement.reverse(waiting.context, "timeout", self._now_us)
        if waiting.near_miss:
            self.journal.write(self._now_us, "near_miss", detail=waiting.near_miss)
        self._break_off("timeout")

    def _break_off(self, reason: str, code: str = "") -> None:
        """The transaction broke off: neither declined nor done. X9 decides what becomes of the card."""
        self._out.append(Show("declined", code, reason))
        self._end_session(retain=reason if self.config.retains_card_on_break else "")

    # ---------------------------------------------------------------- paying out: card first, then cash

    def _pay_out(self, transaction: Transaction) -> None:
        if transaction.notes is None:  # an amount that no notes make up, approved all the same
            self._out += self.settlement.reverse(transaction, "hardware_error", self._now_us)
            self._break_off("cannot_pay_amount", "00")
            return
        self.cash.count_out(transaction.notes)
        self._out.append(Dispense(transaction.notes))
        self._wait("", 0)
        self.stage = Stage.COUNTING

    def _dispensed(self, event: Dispensed) -> None:
        transaction = self._transaction
        assert transaction is not None
        presented = dict(event.notes)
        known = all(0 <= count <= self.cash.stacker[note] for note, count in presented.items())
        if event.fault == "unknown" or not known:
            self.cash.lose_sight()
            self._out.append(self._about(self.settlement.suspect(transaction, "dispense_unknown")))
            self._cash_moved()
            self._break_off("dispense_unknown", "00")
            return
        self.cash.reject_short(counted(presented))
        transaction.presented_jpy = notes_value(event.notes)
        dispensed = row("dispensed", transaction.request, code="00", reason=event.fault)
        self._out.append(self._about(dispensed._replace(amount_jpy=transaction.presented_jpy)))
        self._cash_moved()
        if not transaction.presented_jpy:
            self._out += self.settlement.reverse(transaction, "hardware_error", self._now_us)
            self._break_off(event.fault or "not_dispensed", "00")
            return
        self._out.append(self._receipt(transaction, "00", amount_jpy=transaction.presented_jpy))
        self._end_session()

    # ---------------------------------------------------------------- the end of a session

    def _end_session(self, *, retain: str = "", balance_jpy: int | None = None) -> None:
        """Part with the card, then with notes that wait for the customer."""
        self._choice = None
        if retain:
            self._retain_card(retain)
            self._offer_notes()
            return
        self.stage = Stage.CARD_OUT
        self._out += [ReturnCard(), Show("take_card", balance_jpy=balance_jpy)]
        self._wait("card", self.config.timers.take_card_us)

    def _retain_card(self, reason: str) -> None:
        self._out += [RetainCard(reason), self._record("retained", reason=reason)]
        self._card, self._farewell = None, "card_retained"

    def _card_taken(self, event: CardTaken) -> None:
        self._out.append(self._record("card_returned"))
        self._card = None
        self._offer_notes()

    def _offer_notes(self) -> None:
        waiting_jpy = notes_value(counted(self.cash.stacker + self.cash.escrow))
        if not waiting_jpy:
            self._finish()
            return
        self.stage = Stage.CASH_OUT
        self._out.append(Show("take_cash", amount_jpy=waiting_jpy))
        self._wait("cash", self.config.timers.take_cash_us)

    def _cash_taken(self, event: CashTaken) -> None:
        if self.cash.escrow:
            taken_jpy = notes_value(self.cash.give_back())
            self._out.append(self._record("cash_taken", amount_jpy=taken_jpy, reason="deposit_returned"))
        else:
            transaction = self._transaction
            assert transaction is not None
            taken_jpy = notes_value(self.cash.hand_out())
            self._out.append(self._record("cash_taken", amount_jpy=taken_jpy))
            if taken_jpy == transaction.amount_jpy:
                self._out += self.settlement.complete(transaction, self._now_us)
            else:
                self._out += self.settlement.reverse(
                    transaction, "part_dispense", self._now_us, dispensed_jpy=taken_jpy
                )
            self._cash_moved()
        self._finish()

    def _card_left(self) -> None:
        """Nobody took the card: the shutter never opened, so no note was paid, and that is known (RS4)."""
        if self.cash.stacker:
            assert self._transaction is not None
            self._out += self.settlement.reverse(self._transaction, "customer_cancel", self._now_us)
        self._retain_card("card_not_taken")
        self._pull_back("card_not_taken")
        self._finish()

    def _cash_left(self) -> None:
        """Notes lay in the open shutter: some may have been taken, so only counting tells (RS6)."""
        if self.cash.stacker:
            assert self._transaction is not None
            self._out.append(self._about(self.settlement.suspect(self._transaction, "cash_not_taken")))
        self._pull_back("cash_not_taken")
        self._finish()

    def _pull_back(self, reason: str) -> None:
        """Notes that wait for the customer -> retract bin; a customer's own deposit is kept apart."""
        pulled_jpy = notes_value(self.cash.retract()) + notes_value(self.cash.keep_as_found())
        if pulled_jpy:
            self._out.append(self._record("retracted", amount_jpy=pulled_jpy, reason=reason))
            self._cash_moved()

    def _finish(self) -> None:
        self._out.append(Show(self._farewell))
        self._wait("", 0)
        self._card, self._transaction, self._pin, self._choice = None, None, "", None
        self.stage = Stage.IDLE

    # ---------------------------------------------------------------- timers and power

    def _wait(self, what: str, after_us: int) -> None:
        """Start the session's one timer anew, or with 0 only stop it. No key is used twice."""
        if self._timer:
            self._out.append(CancelTimer(self._timer))
        self._timer = ""
        if after_us:
            self._timers_set += 1
            self._timer = f"{what}/{self._timers_set}"
            self._out.append(SetTimer(self._timer, after_us))

    def _timer_fired(self, key: str) -> None:
        if key != self._timer:
            self._out += self.settlement.saf.timer_fired(key, self._now_us) or []
            return
        self._timer = ""
        match self.stage:
            case Stage.AUTHORISING:
                self._no_answer()
            case Stage.CARD_OUT:
                self._card_left()
            case Stage.CASH_OUT:
                self._cash_left()
            case _:
                self._out.append(self._record("cancelled", reason="idle"))
                self._end_session()

    def _power_lost(self) -> None:
        self._out.append(self._record("power_lost"))
        self._before_power_loss, self.stage = self.stage, Stage.OFF
        self._pin, self._choice, self._timer = "", None, ""

    def _power_restored(self, event: PowerRestored) -> None:
        """A request in flight is reversed, never repeated; a pay-out in progress is suspect (RS1, RS6)."""
        self._out += self.settlement.saf.resume(self._now_us)
        transaction = self._transaction
        if transaction is not None and not transaction.ending:
            if self._before_power_loss is Stage.AUTHORISING:
                self.requests.give_up(self._request_key, self._now_us)
                self._out += self.settlement.reverse(transaction, "timeout", self._now_us)
            else:
                self._out.append(self._about(self.settlement.suspect(transaction, "power_loss")))
        if self._before_power_loss is Stage.COUNTING:
            self.cash.lose_sight()
            self._cash_moved()
        self._pull_back("power_loss")
        self._out.append(self._record("power_restored"))
        if self._card is None:
            self._finish()
        else:
            self._end_session(retain="power_loss" if self.config.retains_card_on_break else "")

    # ---------------------------------------------------------------- records, receipt, journal

    def _record(self, kind: str, *, alias: str = "", amount_jpy: int = 0, reason: str = "") -> Record:
        """A row about the session, in the chain of its latest request if there is one."""
        request = request_id(self._transaction.request) if self._transaction else ""
        terminal_id = self.config.terminal_id
        return self._about(Record(kind, terminal_id, alias, request, "", amount_jpy, reason=reason))

    def _about(self, record: Record) -> Record:
        alias = record.card_alias or (self._card.alias if self._card else "")
        return record._replace(card_alias=alias)

    def _cash_moved(self) -> None:
        """One row with the machine's cash and stock; more where a cassette runs low or the last note went."""
        stock = "_".join(f"{count}x{denomination}" for denomination, count in self.cash.stock)
        self._out.append(self._record("cassette", amount_jpy=self.cash.total_jpy(), reason=stock))
        for denomination_jpy in self.cash.newly_near_end():
            self._out.append(self._record("near_end", amount_jpy=denomination_jpy))
        if not self.cash.can_pay():
            self._out.append(self._record("out_of_cash"))

    def _receipt(
        self,
        transaction: Transaction,
        code: str,
        *,
        amount_jpy: int | None = None,
        balance_jpy: int | None = None,
    ) -> Effect:
        assert self._card is not None
        return Print(
            Receipt(
                terminal_id=self.config.terminal_id,
                at=jst.civil(self._now_us).strftime("%Y-%m-%d %H:%M:%S"),
                card=masked_pan(self._card.pan),
                service=transaction.service,
                amount_jpy=transaction.amount_jpy if amount_jpy is None else amount_jpy,
                request_id=request_id(transaction.request),
                code=code,
                approval_code=transaction.approval_code,
                balance_jpy=balance_jpy,
            )
        )

    def _log(self, record: Record) -> None:
        amount = f"¥{record.amount_jpy:,}" if record.amount_jpy else ""
        parts = (record.mti, record.card_alias, amount, record.code, record.reason)
        self.journal.write(self._now_us, record.kind, record.request_id, " ".join(filter(None, parts)))


def _amount_jpy(choice: ServiceChosen) -> int:
    """What goes into DE4: the keyed amount, the counted deposit, or nothing."""
    match choice.service:
        case "withdraw":
            return choice.amount_jpy
        case "deposit":
            return notes_value(choice.notes)
    return 0


_TABLE: dict[tuple[Stage, type], Callable[[Terminal, Any], None]] = {
    (Stage.IDLE, CardInserted): Terminal._card_inserted,
    (Stage.PIN, PinEntered): Terminal._pin_entered,
    (Stage.PIN, CancelPressed): Terminal._cancelled,
    (Stage.MENU, ServiceChosen): Terminal._service_chosen,
    (Stage.MENU, CancelPressed): Terminal._cancelled,
    (Stage.COUNTING, Dispensed): Terminal._dispensed,
    (Stage.CARD_OUT, CardTaken): Terminal._card_taken,
    (Stage.CASH_OUT, CashTaken): Terminal._cash_taken,
    (Stage.OFF, PowerRestored): Terminal._power_restored,
}
