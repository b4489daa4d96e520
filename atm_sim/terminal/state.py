"""What a terminal has at hand: its parts, its session, and how it reports (requirement X12, security I22).

The stages' functions (`asking`, `paying`, `power`) work on one `State`; `machine` decides which of them an
event calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from atm_sim.sansio.effects import CancelTimer, Effect, Print, Record, ServiceChosen, SetTimer
from atm_sim.sansio.matching import Pending
from atm_sim.terminal.card import CardData, masked_pan
from atm_sim.terminal.cassettes import CashUnit, Cassette
from atm_sim.terminal.config import TerminalConfig
from atm_sim.terminal.journal import Journal, Receipt
from atm_sim.terminal.settlement import Settlement, TraceNumbers, Transaction
from bank_host import jst
from bank_host.iso8583.identity import request_id


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

    def unpredictable(self) -> bytes:
        """Four bytes that no card can foresee (tag 9F37)."""
        ...


class State:
    """Everything one ATM remembers, and the effects it is asking for in the current call."""

    __slots__ = (
        "before_power_loss",
        "card",
        "cash",
        "choice",
        "config",
        "crypto",
        "farewell",
        "journal",
        "now_us",
        "numbers",
        "out",
        "pin",
        "request_key",
        "requests",
        "settlement",
        "stage",
        "timer",
        "timers_set",
        "transaction",
    )

    def __init__(self, config: TerminalConfig, crypto: TerminalCrypto, cassettes: Iterable[Cassette]) -> None:
        self.config = config
        self.crypto = crypto
        self.out: list[Effect] = []
        self.now_us = 0
        # Kept through a loss of power.
        self.cash = CashUnit(cassettes)
        self.journal = Journal()
        self.numbers = TraceNumbers()
        self.settlement = Settlement(config, self.numbers)
        self.requests: Pending[Transaction] = Pending()
        self.transaction: Transaction | None = None
        self.request_key = ""  # of the request that waits for its answer
        self.card: CardData | None = None  # in the reader
        self.stage = Stage.IDLE
        self.before_power_loss = Stage.IDLE
        # Lost with the power, and at the end of each session.
        self.pin = ""
        self.choice: ServiceChosen | None = None
        self.farewell = "thank_you"
        self.timer = ""  # the session's one timer that runs: idle, answer, card or cash
        self.timers_set = 0

    # ---------------------------------------------------------------- asking for effects

    def ask(self, *effects: Effect) -> None:
        """Ask for these effects, after those already asked for."""
        self.out += effects

    def wait(self, what: str, after_us: int) -> None:
        """Start the session's one timer anew. No key is used twice, so one that fires late does nothing."""
        self.stop_waiting()
        if after_us:
            self.timers_set += 1
            self.timer = f"{what}/{self.timers_set}"
            self.ask(SetTimer(self.timer, after_us))

    def stop_waiting(self) -> None:
        if self.timer:
            self.ask(CancelTimer(self.timer))
            self.timer = ""

    # ---------------------------------------------------------------- records, receipt, journal

    def record(self, kind: str, *, amount_jpy: int = 0, reason: str = "", alias: str = "") -> None:
        """A row about the session, in the chain of its latest request if there is one."""
        chain = request_id(self.transaction.request) if self.transaction else ""
        terminal_id = self.config.terminal_id
        self.report(Record(kind, terminal_id, alias, chain, amount_jpy=amount_jpy, reason=reason))

    def report(self, record: Record) -> None:
        """A row about a message of this session: the card's alias is added."""
        alias = record.card_alias or (self.card.alias if self.card else "")
        self.ask(record._replace(card_alias=alias))

    def cash_moved(self) -> None:
        """One row with the machine's cash and stock; more where a cassette runs low or the last note went."""
        stock = "_".join(f"{count}x{denomination}" for denomination, count in self.cash.stock)
        self.record("cassette", amount_jpy=self.cash.total_jpy(), reason=stock)
        for denomination_jpy in self.cash.newly_near_end():
            self.record("near_end", amount_jpy=denomination_jpy)
        if self.cash.newly_empty():
            self.record("out_of_cash")

    def print_receipt(
        self, about: Transaction, code: str, amount_jpy: int, balance_jpy: int | None = None
    ) -> None:
        assert self.card is not None
        receipt = Receipt(
            terminal_id=self.config.terminal_id,
            at=jst.civil(self.now_us).strftime("%Y-%m-%d %H:%M:%S"),
            card=masked_pan(self.card.pan),
            service=about.service,
            amount_jpy=amount_jpy,
            request_id=request_id(about.request),
            code=code,
            approval_code=about.approval_code,
            fee_jpy=about.fee_jpy,
            balance_jpy=balance_jpy,
        )
        self.ask(Print(receipt))

    def write_journal(self) -> None:
        """One journal line for each row asked for in this call."""
        for effect in self.out:
            if isinstance(effect, Record):
                self.journal.write(self.now_us, effect)
