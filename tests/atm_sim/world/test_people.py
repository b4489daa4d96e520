"""A person at an ATM: each screen gets the act it asks for, and the visit ends when the machine is done."""

from __future__ import annotations

from collections.abc import Generator

import pytest

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
from atm_sim.world.people import Act, Wish, visit, wrong_pin

CARD = CardData("hanako", "4999000000000015", "1901", "4999000000000015=19012011234567")
TAKES_US = {"insert": 1, "pin": 2, "choose": 3, "take_card": 4, "take_cash": 5}
PIN = "1234"
WITHDRAWAL = Wish("withdraw", 30_000)


def start(wish: Wish) -> tuple[Generator[Act | None, Show, None], Act]:
    person = visit(CARD, PIN, wish, TAKES_US.__getitem__)
    first = next(person)
    assert first is not None
    return person, first


def answers(wish: Wish, *screens: str) -> list[Event | None]:
    """What the person does at each screen in turn, None for waiting."""
    person, _ = start(wish)
    acts = [person.send(Show(screen)) for screen in screens]
    return [act and act.event for act in acts]


def test_a_visit_begins_with_the_card():
    assert Act(1, CardInserted(CARD)) == start(WITHDRAWAL)[1]


def test_a_withdrawal_from_the_card_to_the_cash():
    assert [
        PinEntered("1234"),
        ServiceChosen("withdraw", 30_000),
        None,
        CardTaken(),
        CashTaken(),
    ] == answers(WITHDRAWAL, "enter_pin", "choose_service", "please_wait", "take_card", "take_cash")


def test_every_act_takes_as_long_as_its_habit():
    person, _ = start(WITHDRAWAL)
    took = [person.send(Show(screen)) for screen in ("enter_pin", "choose_service", "take_card", "take_cash")]
    assert [2, 3, 4, 5] == [act.after_us for act in took if act]


def test_pins_are_tried_in_turn_and_then_the_person_gives_up():
    keyed = answers(WITHDRAWAL._replace(pins=("wrong", "right")), "enter_pin", "wrong_pin", "wrong_pin")
    assert [PinEntered("1235"), PinEntered("1234"), CancelPressed()] == keyed


@pytest.mark.parametrize(("pin", "other"), [("1234", "1235"), ("9999", "0000"), ("0000", "0001")])
def test_a_wrong_pin_is_four_digits_and_never_the_right_one(pin: str, other: str):
    assert other == wrong_pin(pin)


def test_a_person_chooses_once_and_then_cancels():
    chosen, again = answers(WITHDRAWAL, "choose_service", "choose_service")
    assert ServiceChosen("withdraw", 30_000) == chosen
    assert CancelPressed() == again


def test_notes_of_a_deposit_and_a_new_pin_go_in_with_the_choice():
    deposit = Wish("deposit", notes=((10_000, 3),))
    change = Wish("change_pin", new_pin="9999")
    assert [ServiceChosen("deposit", 0, ((10_000, 3),))] == answers(deposit, "choose_service")
    assert [ServiceChosen("change_pin", new_pin="9999")] == answers(change, "choose_service")


@pytest.mark.parametrize(("leaves", "screen"), [("card", "take_card"), ("cash", "take_cash")])
def test_what_is_forgotten_is_not_taken(leaves: str, screen: str):
    assert [None] == answers(WITHDRAWAL._replace(leaves=leaves), screen)


@pytest.mark.parametrize("ending", ["thank_you", "card_retained", "no_service"])
def test_at_an_ending_the_person_walks_away(ending: str):
    person, _ = start(WITHDRAWAL)
    with pytest.raises(StopIteration):
        person.send(Show(ending))
