"""Any order of events: the terminal never raises, never pays without an approval in time, never pays twice,
loses no note, and ends every approval exactly once (security I9, I10, I12; RS1-RS7).
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

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
    Received,
    Record,
    Send,
    ServiceChosen,
    SetTimer,
    TimerFired,
)
from atm_sim.terminal.cassettes import Cassette
from atm_sim.terminal.machine import Terminal
from atm_sim.terminal.state import Stage
from bank_host.iso8583.build import answer
from bank_host.iso8583.composite import amount_jpy, parse_replacement
from bank_host.iso8583.identity import request_id
from bank_host.iso8583.message import Message
from tests.atm_sim.terminal.bench import CONFIG, HANAKO, NOON_US, SECOND_US, FakeKeypad

CODES = ("00", "00", "00", "00", "00", "51", "55", "41", "68", "30")
CHOICES = (
    ServiceChosen("withdraw", 6_000),
    ServiceChosen("withdraw", 23_000),
    ServiceChosen("deposit", notes=((10_000, 2), (5_000, 1))),
    ServiceChosen("withdraw", 990_000),
    ServiceChosen("balance"),
    ServiceChosen("change_pin", new_pin="4321"),
)
PEOPLE = (
    CardInserted(HANAKO),
    PinEntered("1234"),
    *CHOICES,
    CancelPressed(),
    CardTaken(),
    CashTaken(),
    PowerLost(),
    PowerRestored(),
)
ENDINGS = {"declined", "abandoned", "completed", "reversal_queued", "suspect"}

numbers = st.integers(0, 99)
strange = st.one_of(
    st.tuples(st.just("person"), st.integers(0, len(PEOPLE) - 1)),
    st.tuples(st.just("answer"), numbers),
    st.tuples(st.just("wait"), st.sampled_from((1, 31, 46, 90))),
    st.tuples(st.just("stray_timer"), numbers),
    st.tuples(st.just("dispenser"), st.integers(0, 4)),
    st.tuples(st.just("power"), st.just(0)),
    st.tuples(st.just("late_approval"), st.just(0)),
)
# A session takes six moves: stretches in which all goes well carry the machine to where a strange move matters.
stretches = st.lists(st.tuples(st.just("natural"), numbers), min_size=1, max_size=6)
scripts = st.lists(st.tuples(stretches, st.lists(strange, max_size=2)), min_size=1, max_size=8).map(
    lambda visits: [move for natural, odd in visits for move in (*natural, *odd)]
)


class Street:
    """Plays everybody around one terminal, fires its timers when due, and checks after every event."""

    def __init__(self) -> None:
        cassettes = (Cassette(10_000, 12), Cassette(5_000, 4), Cassette(2_000, 6), Cassette(1_000, 2))
        self.terminal = Terminal(CONFIG, FakeKeypad(), cassettes)
        self.now_us = NOON_US
        self.timers: dict[str, int] = {}
        self.keys: list[str] = []
        self.sent: list[Message] = []
        self.counting: Dispense | None = None
        self.paid: set[str] = set()
        self.reversed: set[str] = set()
        self.endings: Counter[str] = Counter()
        self.suspect: set[str] = set()
        self.approved: dict[str, Message] = {}
        self.taken_jpy: Counter[str] = Counter()

    def feed(self, event: Event) -> None:
        before = self.terminal.cash.every_note()
        leaving = self.terminal.cash.stacker + self.terminal.cash.escrow
        stage = self.terminal.stage
        effects = self.terminal.handle(event, self.now_us)
        moved = self.terminal.cash.every_note()
        moved.subtract(before)
        arriving = Counter(dict(event.notes)) if isinstance(event, ServiceChosen) else Counter()
        expected = ({}, dict(arriving)) if stage is Stage.MENU else ({}, {d: -n for d, n in leaving.items()})
        assert {d: n for d, n in moved.items() if n} in expected, f"{event} moved notes through the shutter"
        if moved.total() < 0:
            assert (Stage.CASH_OUT, CashTaken()) == (stage, event)
        for effect in effects:
            self.look_at(effect, event)

    def look_at(self, effect: Effect, event: Event) -> None:
        match effect:
            case SetTimer(key, after_us):
                self.timers[key] = self.now_us + after_us
                self.keys.append(key)
            case CancelTimer(key):
                del self.timers[key]
            case Send(_, message):
                self.sent.append(message)
            case Dispense():
                assert isinstance(event, Received)
                chain = request_id(event.message)
                assert ("0210", "00") == (event.message.mti, event.message[39])
                assert chain not in self.paid, "an approval pays once"
                assert chain not in self.reversed, "a late approval pays nothing"
                self.paid.add(chain)
                self.counting = effect
            case Record("answered", code="00"):
                assert isinstance(event, Received)
                self.approved[effect.request_id] = event.message
            case Record("cash_taken", reason=""):
                self.taken_jpy[effect.request_id] += effect.amount_jpy
            case Record(kind) if kind in ENDINGS and effect.request_id:
                if kind != "declined" or effect.code:  # without a code the terminal itself refused
                    self.endings[effect.request_id] += 1
                    self.reversed |= {effect.request_id} if kind == "reversal_queued" else set()
                    self.suspect |= {effect.request_id} if kind == "suspect" else set()

    def wait(self, seconds: int) -> None:
        until_us = self.now_us + seconds * SECOND_US
        while due := sorted((at, key) for key, at in self.timers.items() if at <= until_us):
            self.now_us, key = due[0]
            del self.timers[key]
            self.feed(TimerFired(key))
        self.now_us = until_us

    def natural(self, choice: int) -> None:
        """What happens at a machine where nothing goes wrong; `choice` picks the service and the answer."""
        self.wait(1)
        match self.terminal.stage:
            case Stage.IDLE:
                self.feed(CardInserted(HANAKO))
            case Stage.PIN:
                self.feed(PinEntered("1234"))
            case Stage.MENU:
                self.feed(CHOICES[choice % len(CHOICES)])
            case Stage.AUTHORISING:
                request = next(message for message in reversed(self.sent) if message.mti == "0200")
                self.feed(Received("acquirer", answer(request, CODES[choice % len(CODES)])))
            case Stage.COUNTING:
                self.dispense((0, 0, 0, 1, 2, 3)[choice % 6])
            case Stage.CARD_OUT:
                self.feed(CardTaken())
            case Stage.CASH_OUT:
                self.feed(CashTaken())
            case Stage.OFF:
                self.feed(PowerRestored())

    def dispense(self, how: int) -> None:
        notes = self.counting.notes if self.counting else ((1_000, 1),)
        partly = notes[:-1] if len(notes) > 1 else ((notes[0][0], notes[0][1] - 1),)
        outcomes = (
            Dispensed(notes),
            Dispensed(partly, "partial"),
            Dispensed((), "jam"),
            Dispensed((), "unknown"),
            Dispensed(((10_000, 99),)),
        )
        self.feed(outcomes[how])

    def play(self, move: str, number: int) -> None:
        match move:
            case "natural":
                self.natural(number)
            case "person":
                self.feed(PEOPLE[number])
            case "answer" if self.sent:
                message = self.sent[-1 - number % min(4, len(self.sent))]  # mostly a recent one
                self.feed(Received("acquirer", answer(message, CODES[number // 4 % len(CODES)])))
            case "wait":
                self.wait(number)
            case "stray_timer" if self.keys:
                self.feed(TimerFired(self.keys[number % len(self.keys)]))
            case "dispenser":
                self.dispense(number)
            case "late_approval" if self.sent:
                self.wait(46)
                request = next(message for message in reversed(self.sent) if message.mti == "0200")
                self.feed(Received("acquirer", answer(request, "00")))
            case "power":
                self.feed(PowerLost())
                self.wait(40)
                self.feed(PowerRestored())

    def stands_jpy(self, approval: Message) -> int:
        """What its reversal, sent or still waiting in the queue, leaves of an approved withdrawal."""
        queued = [entry.message for entry in self.terminal.settlement.saf.waiting]
        for message in (*self.sent, *queued):
            if message.mti == "0420" and request_id(message) == request_id(approval):
                return parse_replacement(message[95]).amount_jpy if 95 in message else 0
        return amount_jpy(approval[4])

    def close(self) -> None:
        """Let the last session come to its end."""
        for _ in range(10):
            if self.terminal.idle:
                return
            if self.terminal.stage is Stage.AUTHORISING:
                self.wait(45)
            elif self.terminal.stage in (Stage.PIN, Stage.MENU):
                self.feed(CancelPressed())
            else:
                self.natural(0)
        raise AssertionError(f"the terminal hangs in {self.terminal.stage}")


@settings(max_examples=300)
@given(scripts)
def test_any_sequence_of_events_keeps_the_money_right(script):
    street = Street()
    for move, number in script:
        street.play(move, number)
        assert all(count == 1 for count in street.endings.values()), "a transaction ends once"
    street.close()
    requests = {request_id(message) for message in street.sent if message.mti == "0200"}
    assert dict.fromkeys(requests, 1) == dict(street.endings), "every request ends, and ends once"
    for chain, approval in street.approved.items():
        if approval[3].startswith("01") and chain not in street.suspect:
            assert street.stands_jpy(approval) == street.taken_jpy[chain], "what stands is what was taken"
    for chain in street.taken_jpy:
        assert chain in street.paid
