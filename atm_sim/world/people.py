"""A person at an ATM: one visit, read from top to bottom, with no clock and no driver in it.

`visit` is a generator. It yields what the person does and how long that takes; it is sent each screen the ATM shows.
SimPy, a test driver or any other clock can therefore send the same person to the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

from atm_sim.sansio.effects import (
    CancelPressed,
    CardInserted,
    CardTaken,
    CashTaken,
    Event,
    PinEntered,
    ServiceChosen,
    Show,
)
from atm_sim.terminal.card import CardData


class Wish(NamedTuple):
    """What a person came for, and the mishaps that come along."""

    service: str  # withdraw | deposit | balance | change_pin
    amount_jpy: int = 0
    notes: tuple[tuple[int, int], ...] = ()  # deposit: (denomination_jpy, count)
    pins: tuple[str, ...] = ("right",)  # right | wrong, tried in this order; then the person gives up
    new_pin: str = ""
    card: str = "own"  # own | skimmed | forged: what is put in
    leaves: str = ""  # '' | cash | card: what the person forgets to take
    device: str = ""  # '' | jam | partial | part_taken | power_loss: what the machine will do
    partial_jpy: int = 0  # what the person then has of the notes
    elements: tuple[tuple[int, str | None], ...] = ()  # what a tester has the request say otherwise


class Act(NamedTuple):
    """The person does this after so long."""

    after_us: int
    event: Event


Visitor = Callable[[CardData, str, Wish, Callable[[str], int]], Generator[Act | None, Show, None]]
"""Somebody at an ATM: card, PIN, wish and how long each habit takes; `visit`, or a person with a will of their own."""

ENDINGS = frozenset({"thank_you", "card_retained", "no_service"})
"""Screens after which a person walks away."""


def visit(
    card: CardData, pin: str, wish: Wish, takes_us: Callable[[str], int]
) -> Generator[Act | None, Show, None]:
    """One visit. `takes_us(habit)` draws how long a habit takes; yielding None is waiting for the next screen."""
    pins = (pin if entry == "right" else wrong_pin(pin) for entry in wish.pins)
    served = False
    show = yield Act(takes_us("insert"), CardInserted(card))
    while show.screen not in ENDINGS:
        act: Act | None = None
        match show.screen:
            case "enter_pin" | "wrong_pin":
                keyed = next(pins, "")
                act = Act(takes_us("pin"), PinEntered(keyed) if keyed else CancelPressed())
            case "choose_service" if not served:
                served = True
                choice = ServiceChosen(wish.service, wish.amount_jpy, wish.notes, wish.new_pin, wish.elements)
                act = Act(takes_us("choose"), choice)
            case "choose_service":
                act = Act(takes_us("choose"), CancelPressed())
            case "take_card" if wish.leaves != "card":
                act = Act(takes_us("take_card"), CardTaken())
            case "take_cash" if wish.leaves != "cash":
                act = Act(takes_us("take_cash"), CashTaken())
        show = yield act


def wrong_pin(pin: str) -> str:
    """Four digits that are certainly not the PIN."""
    return f"{(int(pin) + 1) % 10_000:04d}"
