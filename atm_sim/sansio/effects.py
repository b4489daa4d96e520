"""The vocabulary between machines and drivers: what happens to a machine, and what it asks to be done.

A machine is an object with `handle(event, now_us) -> list[Effect]`. It performs nothing itself: a driver (SimPy,
asyncio, the kiosk) carries the effects out and hands what happens next back as events. A fault is an effect that the
driver loses, delays, repeats or garbles; a machine never knows. See docs/decisions/0001-effects.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from bank_host.iso8583.message import Message

# ---------------------------------------------------------------- events: what happened to a machine


class Received(NamedTuple):
    """A message arrived from the named neighbour (`atm`, `acquirer`, `switch` or `issuer` node name)."""

    sender: str
    message: Message


class TimerFired(NamedTuple):
    """The timer that the machine set under `key` is due."""

    key: str


class PowerRestored(NamedTuple):
    """The machine starts again after losing power; what was in volatile memory is gone."""


class Connected(NamedTuple):
    """The line to a neighbour is open (again): nothing has been said on it yet."""

    neighbour: str


class Disconnected(NamedTuple):
    """The neighbour closed the line, by a crash or a restart; what is lost in silence is not told so."""

    neighbour: str


class Clocked(NamedTuple):
    """A planned hour of the machine's own has come: `what` names it (`cut_over`, `key_exchange` ...)."""

    what: str


class ListsCame(NamedTuple):
    """A file came from an issuer: its cards, and those of them that must not be approved (`CardFile` of the bank)."""

    issuer: str
    lists: Any


# events only the terminal knows: the person in front of it and its devices


class CardInserted(NamedTuple):
    """A person put a card in. `card` is an `atm_sim.terminal` CardData (alias, PAN, expiry, track 2)."""

    card: Any


class PinEntered(NamedTuple):
    pin: str

    def __repr__(self) -> str:
        return "PinEntered(****)"


class ServiceChosen(NamedTuple):
    """The person chose: `withdraw`, `deposit`, `balance` or `change_pin`; `new_pin` only for the last.

    For a deposit, `notes` are the notes put in: ((denomination_jpy, count), ...).
    """

    service: str
    amount_jpy: int = 0
    notes: tuple[tuple[int, int], ...] = ()
    new_pin: str = ""
    elements: tuple[
        tuple[int, str | None], ...
    ] = ()  # that a tester has the request say otherwise, or not at all

    def __repr__(self) -> str:
        return f"ServiceChosen({self.service}, {self.amount_jpy}, {self.notes})"


class CancelPressed(NamedTuple):
    pass


class Dispensed(NamedTuple):
    """The dispenser finished: the notes that reached the shutter, and why it stopped short ('' = it did not).

    `fault` is '', 'partial', 'jam' (nothing came out) or 'unknown' (the device cannot say: power loss).
    """

    notes: tuple[tuple[int, int], ...]
    fault: str = ""


class CashTaken(NamedTuple):
    pass


class CardTaken(NamedTuple):
    pass


class PowerLost(NamedTuple):
    pass


class TakenUnseen(NamedTuple):
    """Somebody took notes out of the open shutter and no sensor saw it: the ATM is never told.

    Only who stands in front of it knows, a person or an auditor; staff find out when they count.
    """

    notes: tuple[tuple[int, int], ...]


class CashCounted(NamedTuple):
    """Staff counted what lies in the bins for each suspect transaction, oldest first (RS6)."""

    bundles: tuple[tuple[tuple[int, int], ...], ...]


Event = (
    Received
    | TimerFired
    | PowerRestored
    | Connected
    | Disconnected
    | Clocked
    | ListsCame
    | CardInserted
    | PinEntered
    | ServiceChosen
    | CancelPressed
    | Dispensed
    | CashTaken
    | CardTaken
    | PowerLost
    | TakenUnseen
    | CashCounted
)

# ---------------------------------------------------------------- effects: what a machine asks for


class Send(NamedTuple):
    """Give `message` to the neighbour named `to`."""

    to: str
    message: Message


class SetTimer(NamedTuple):
    """Wake this machine with TimerFired(key) after `after_us`; a timer already set under `key` is replaced.

    A `background` timer (an echo) does not keep a run going in which nothing else is left to happen.
    """

    key: str
    after_us: int
    background: bool = False


class CancelTimer(NamedTuple):
    key: str


class Keep(NamedTuple):
    """Write `value`, an immutable record, under `key` on this machine's disk, before the effects after this one.

    A machine that starts again is built from its configuration and from what its disk holds. Whether the disk seals
    what it writes is the disk's business; the value may hold a PAN.
    """

    key: str
    value: Any

    def __repr__(self) -> str:
        return f"Keep({self.key})"


class Forget(NamedTuple):
    """Delete what the disk holds under `key`."""

    key: str


class Dispense(NamedTuple):
    """Count these notes ((denomination_jpy, count), ...) out to the shutter; answered by Dispensed."""

    notes: tuple[tuple[int, int], ...]


class Show(NamedTuple):
    """The screen changed; a person answers with the event the screen asks for.

    `screen` is one of: enter_pin, wrong_pin, choose_service, please_wait, take_card, take_cash, take_receipt, declined,
    card_retained, no_service, thank_you. `code`/`reason` carry what the bank answered, `amount_jpy` what is on offer.
    """

    screen: str
    code: str = ""
    reason: str = ""
    amount_jpy: int = 0
    balance_jpy: int | None = None


class ReturnCard(NamedTuple):
    """Push the card out; answered by CardTaken, or by a timer of the terminal's own if it is left."""


class RetainCard(NamedTuple):
    """Keep the card in the retention bin."""

    reason: str


class Print(NamedTuple):
    """Print the slip; `receipt` is an `atm_sim.terminal` Receipt, without a full card number."""

    receipt: Any


class Record(NamedTuple):
    """Write one row of the flat event record; the driver adds run, replication, time, site and phase."""

    kind: str
    atm: str = ""
    card_alias: str = ""
    request_id: str = ""
    mti: str = ""
    amount_jpy: int = 0
    code: str = ""
    reason: str = ""
    latency_us: int = 0


Effect = (
    Send | SetTimer | CancelTimer | Keep | Forget | Dispense | Show | ReturnCard | RetainCard | Print | Record
)


class Machine(Protocol):
    """A sans-IO state machine: give it an event and the time, do what it asks."""

    def handle(self, event: Event, now_us: int) -> list[Effect]: ...
