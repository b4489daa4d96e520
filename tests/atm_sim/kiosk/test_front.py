"""The front of the kiosk's ATM: what keys come to, what the screen says, and what it never shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from atm_sim.kiosk.front import Front, receipt_lines
from atm_sim.kiosk.texts import TEXTS, Lang, person_name, say
from atm_sim.runner.files import open_scenario
from atm_sim.sansio.effects import CancelPressed, Event, PinEntered, ServiceChosen, Show
from atm_sim.shipped import shipped_scenarios
from atm_sim.terminal.journal import Receipt
from bank_host.iso8583.codes import RESPONSE_CODES
from bank_host.policy import load_policy

DECLINES = (
    *(Show("declined", row.code) for row in RESPONSE_CODES if row.action == "decline"),
    *(Show("declined", "", reason) for reason in ("closed", "not_offered", "amount_step", "over_ceiling")),
    *(Show("declined", "", reason) for reason in ("no_cash", "notes_not_accepted", "no_notes")),
    *(Show("declined", "", reason) for reason in ("too_many_notes", "bad_new_pin", "chip_unusable")),
    *(Show("declined", "", reason) for reason in ("invalid_answer", "card_refused", "timeout")),
    *(Show("declined", "00", reason) for reason in ("no_confirmation", "cannot_pay_amount")),
    *(Show("declined", "00", reason) for reason in ("dispense_unknown", "not_dispensed", "jam")),
)
"""By the bank's code, and for each reason that the terminal has of its own."""
SERVICES = ("withdraw", "deposit", "balance", "change_pin")


def front(screen: str) -> Front:
    found = Front(SERVICES, (1_000, 5_000, 10_000))
    found.shown(Show(screen))
    return found


def keyed(found: Front, *keys: str) -> list[Event]:
    """The events that the keys come to."""
    return [event for key in keys if (event := found.pressed(key)) is not None]


def test_four_digits_and_enter_are_a_pin_and_a_fifth_digit_is_not_taken() -> None:
    assert [PinEntered("1234")] == keyed(front("enter_pin"), *"12345", "confirm")


def test_three_digits_are_asked_for_again_and_clear_starts_anew() -> None:
    found = front("enter_pin")
    assert [] == keyed(found, *"123", "confirm")
    assert "four" in str(found.view("en")["hint"]).lower()
    assert [PinEntered("9876")] == keyed(found, "clear", *"9876", "confirm")


@pytest.mark.parametrize("screen", ["enter_pin", "new_pin"])
def test_a_pin_is_shown_as_dots_with_a_warning_and_never_as_digits(screen: str) -> None:
    found = front("choose_service") if screen == "new_pin" else front(screen)
    if screen == "new_pin":
        found.chosen("change_pin")
    keyed(found, *"739")
    view = found.view("en")
    assert ("●●●○", screen) == (view["entry"]["shown"], view["id"])
    assert "Never type the PIN of a real card" in view["warning"]
    assert "739" not in json.dumps(view)


@pytest.mark.parametrize(
    ("keys", "amount_jpy"),
    [("3 man", 30_000), ("1 man 5 sen", 15_000), ("0 7 sen", 7_000), ("9 clear 2 man", 20_000)],
)
def test_an_amount_is_keyed_in_man_and_thousands_and_confirmed_once_more(keys: str, amount_jpy: int) -> None:
    found = front("choose_service")
    found.chosen("withdraw")
    assert [] == keyed(found, *keys.split(), "confirm")
    assert "confirm" == found.screen
    assert [ServiceChosen("withdraw", amount_jpy)] == keyed(found, "confirm")


def test_digits_without_a_unit_are_no_amount() -> None:
    found = front("choose_service")
    found.chosen("withdraw")
    assert [] == keyed(found, "3", "confirm")
    assert ("amount", True) == (found.screen, bool(found.view("ja")["hint"]))


def test_notes_are_fed_one_by_one_and_none_at_all_is_no_deposit() -> None:
    found = front("choose_service")
    found.chosen("deposit")
    assert found.chosen("yes") is None
    for note in (10_000, 1_000, 10_000):
        found.chosen(f"note:{note}")
    deposit = found.chosen("yes")
    assert isinstance(deposit, ServiceChosen)
    assert {10_000: 2, 1_000: 1} == dict(deposit.notes)


def test_two_new_pins_that_differ_are_asked_for_again_from_the_first() -> None:
    found = front("choose_service")
    found.chosen("change_pin")
    assert [] == keyed(found, *"1234", "confirm", *"1235", "confirm")
    assert "new_pin" == found.screen
    expected = [ServiceChosen("change_pin", new_pin="4321")]
    assert expected == keyed(found, *"4321", "confirm", *"4321", "confirm")


def test_cancel_goes_back_to_the_menu_within_a_service_and_ends_the_session_from_it() -> None:
    found = front("choose_service")
    found.chosen("withdraw")
    assert ([], "menu") == (keyed(found, "cancel"), found.screen)
    assert [CancelPressed()] == keyed(found, "cancel")
    assert [] == keyed(front("please_wait"), "cancel"), "the bank is being asked"


def test_a_choice_that_the_screen_does_not_offer_does_nothing() -> None:
    assert front("enter_pin").chosen("withdraw") is None
    assert front("choose_service").chosen("amount:10000") is None


def test_the_reason_of_a_decline_stays_readable_while_the_card_is_taken_and_is_gone_for_the_next() -> None:
    found = front("enter_pin")
    found.shown(Show("declined", code="51"))
    found.shown(Show("take_card"))
    assert "This cannot be done" == found.view("en")["title"]
    assert any("51" in line for line in found.view("en")["lines"])
    found.goes_idle()
    found.shown(Show("enter_pin"))
    found.shown(Show("take_card"))
    assert "Take your card" == found.view("en")["title"]
    assert not any("51" in line for line in found.view("en")["lines"])


@pytest.mark.parametrize(
    ("lang", "title", "why", "again"),
    [
        ("en", "This cannot be done", "Reason: ", ("cannot be done", "Not possible", "Not done")),
        ("ja", "お取り扱いできません", "理由: ", ("できません", "中止しました")),
    ],
)
@pytest.mark.parametrize("decline", DECLINES, ids=lambda show: show.reason or show.code)
def test_a_decline_is_told_once_by_the_title_and_the_lines_below_say_why_and_what_to_do(
    lang: Lang, title: str, why: str, again: tuple[str, ...], decline: Show
) -> None:
    found = front("enter_pin")
    found.shown(decline)
    found.shown(Show("take_card"))
    view = found.view(lang)
    reason, *charged, do, take_card = view["lines"]
    assert (title, say("line.take_card", lang)) == (view["title"], take_card)
    assert reason.startswith(why)
    assert (lang == "en") == reason.removeprefix(why).isascii(), "in the words of the language"
    assert bool(decline.reason) != reason.endswith(f"({decline.code})")
    told = "to_be_counted" if decline.reason == "dispense_unknown" else "not_charged"
    assert ([say(told, lang)] if decline.reason else []) == charged
    assert do in {say(key, lang) for key in TEXTS if key.startswith("offer.")}
    assert not [phrase for phrase in again if any(phrase in line for line in view["lines"])]


@pytest.mark.parametrize(
    ("decline", "do"),
    [
        (Show("declined", "51"), "You can ask for your balance."),
        (Show("declined", "13"), "Please try another amount."),
        (Show("declined", "62"), "The card can be unlocked in internet banking."),
        (Show("declined", "75"), "Please ask your bank."),
        (Show("declined", reason="over_ceiling"), "Please try another amount."),
        (Show("declined", reason="chip_unusable"), "Please ask your bank."),
        (Show("declined", "00", "jam"), "Please try again later."),
        (Show("declined", "00", "dispense_unknown"), "Please ask your bank."),
    ],
)
def test_what_to_do_about_a_decline_fits_its_reason(decline: Show, do: str) -> None:
    found = front("enter_pin")
    found.shown(decline)
    found.shown(Show("take_card"))
    assert do == found.view("en")["lines"][-2]


@pytest.mark.parametrize(
    ("lang", "told"),
    [("en", "Only a part of ¥30,000 came out."), ("ja", "¥30,000のうち一部だけが出ました。")],
)
def test_when_less_comes_out_than_was_asked_for_the_screen_says_so_once(lang: Lang, told: str) -> None:
    found = front("choose_service")
    found.chosen("withdraw")
    keyed(found, "3", "man", "confirm", "confirm")
    found.shown(Show("take_cash", amount_jpy=30_000))
    assert ["¥30,000"] == found.view(lang)["lines"]
    found.shown(Show("take_cash", amount_jpy=10_000))
    why, amount = found.view(lang)["lines"]
    assert ("¥10,000", True) == (amount, why.startswith(told))
    found.goes_idle()
    found.shown(Show("enter_pin"))
    found.shown(Show("take_cash", amount_jpy=10_000))
    assert ["¥10,000"] == found.view(lang)["lines"], "the next card's visit knows nothing of it"


@pytest.mark.parametrize(
    ("lang", "paid_in", "changed"),
    [
        ("en", "¥11,000 is paid in.", "Your PIN is changed."),
        ("ja", "¥11,000をお預かりしました。", "暗証番号を変更しました。"),
    ],
)
def test_a_deposit_and_a_new_pin_are_told_once_the_bank_has_approved_them(
    lang: Lang, paid_in: str, changed: str
) -> None:
    """With the balance that comes with an approval; not when the visit ends without one."""
    for choices, keys, told in (
        (("deposit", "note:10000", "note:1000", "yes"), "", paid_in),
        (("change_pin",), "4321 confirm 4321 confirm", changed),
    ):
        found = front("choose_service")
        for choice in choices:
            found.chosen(choice)
        keyed(found, *(key for each in keys.split() for key in ([each] if each == "confirm" else each)))
        found.shown(Show("take_card"))
        assert told not in found.view(lang)["lines"]
        found.shown(Show("take_card", balance_jpy=33_000))
        assert told == found.view(lang)["lines"][0]


@pytest.mark.parametrize(("lang", "fee"), [("en", "Fee ¥165"), ("ja", "手数料 ¥165")])
def test_a_fee_stands_on_the_receipt_and_none_where_there_is_none(lang: Lang, fee: str) -> None:
    free = Receipt("T1", "2026-11-29 07:00:00", "••••0012", "withdraw", 30_000, "T1/000001", "00")
    paid = replace(free, fee_jpy=165)
    assert [fee] == [line for line in receipt_lines(paid, lang) if line not in receipt_lines(free, lang)]


def test_a_card_that_is_kept_sends_its_holder_to_the_bank_once() -> None:
    found = front("enter_pin")
    found.shown(Show("declined", "43"))
    found.shown(Show("card_retained"))
    assert ["Not possible: stolen card (43)", "Please ask your bank."] == found.view("en")["lines"]


def test_everybody_in_a_shipped_kiosk_scenario_has_a_name_in_both_languages() -> None:
    folder = shipped_scenarios()
    files = [*(folder / "kiosk").glob("*.yaml"), *(folder / "lessons").glob("*.yaml")]
    assert len(files) >= 7
    for file in files:
        for person in open_scenario(file, load_policy()).scenario.cast.values():
            assert person_name(person.name, "en").isascii(), person.name
            assert person.name == person_name(person.name, "ja")
