"""Card, PIN, menu and keypad: what the terminal decides without the bank (X1-X3, X9, X14, R75-R76)."""

from __future__ import annotations

import pytest

from atm_sim.sansio.effects import (
    CancelPressed,
    CardInserted,
    CardTaken,
    Dispense,
    PinEntered,
    Print,
    RetainCard,
    ReturnCard,
    ServiceChosen,
    Show,
)
from atm_sim.terminal.cassettes import Cassette
from atm_sim.terminal.config import TerminalConfig, Timers
from bank_host.iso8583.composite import Balance, balances_text
from tests.atm_sim.terminal.bench import (
    HANAKO,
    NOON_US,
    PAN,
    SECOND_US,
    kinds,
    new_bench,
    of,
    screens,
    sent,
    sent_types,
    the_record,
)

HOUR_US = 3_600 * SECOND_US


def test_a_wrong_pin_is_asked_again_on_the_same_insertion_and_sent_as_a_new_request():
    bench = new_bench()
    first = bench.choose("withdraw", 30_000)
    again = bench.reply(first, "55")
    assert ["wrong_pin"] == screens(again)
    assert [] == of(ReturnCard, again)

    (second,) = sent(bench.feed(PinEntered("4321")))
    assert ("0200", "000000030000", "4321") == (second.mti, second[4], second[52][:4])
    assert first[11] != second[11]
    assert [Dispense(((10_000, 3),))] == of(Dispense, bench.reply(second))


def test_a_person_who_gives_up_after_a_wrong_pin_gets_the_card_back():
    bench = new_bench()
    bench.reply(bench.choose("withdraw", 30_000), "55")
    asked = bench.feed(CancelPressed(), CardTaken())
    assert ["take_card", "thank_you"] == screens(asked)
    assert [] == sent(asked)


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "\uff11\uff12\uff13\uff14"])
def test_the_keypad_takes_four_ascii_digits_and_nothing_else(pin):
    bench = new_bench()
    bench.feed(CardInserted(HANAKO))
    assert ["enter_pin"] == screens(bench.feed(PinEntered(pin)))


def test_38_retains_the_card_only_where_the_policy_says_so():
    returned = new_bench()
    assert [] == of(RetainCard, returned.reply(returned.choose("withdraw", 30_000), "38"))
    retained = new_bench(retains_also=("38",))
    asked = retained.reply(retained.choose("withdraw", 30_000), "38")
    assert [RetainCard("code_38")] == of(RetainCard, asked)
    assert ["please_wait", "declined", "card_retained"] == screens(retained.effects)[-3:]


@pytest.mark.parametrize("code", ["33", "34", "35", "36", "37", "62", "75"])
def test_every_other_pick_up_code_and_a_locked_card_give_the_card_back(code):
    bench = new_bench()
    assert [] == of(RetainCard, bench.reply(bench.choose("withdraw", 30_000), code))


@pytest.mark.parametrize("code", ["30", "63"])
def test_a_format_error_or_security_violation_alarms_the_operator(code):
    bench = new_bench()
    assert code == the_record("alarm", bench.reply(bench.choose("withdraw", 30_000), code)).code


# ---------------------------------------------------------------- refused before anything is sent


@pytest.mark.parametrize(
    ("choice", "settings", "reason"),
    [
        (ServiceChosen("withdraw", 201_000), {"ceiling_jpy": 200_000}, "over_ceiling"),
        (ServiceChosen("withdraw", 1_500), {}, "amount_step"),
        (ServiceChosen("withdraw", 0), {}, "amount_step"),
        (ServiceChosen("withdraw", -10_000), {}, "amount_step"),
        (ServiceChosen("withdraw", 0), {"amount_step_jpy": 1}, "amount_step"),
        (ServiceChosen("withdraw", 101_000), {"max_notes_out": 10}, "no_cash"),
        (ServiceChosen("change_pin", new_pin="4321"), {"services": ("withdraw",)}, "not_offered"),
        (ServiceChosen("transfer", 10_000), {}, "not_offered"),
        (ServiceChosen("change_pin", new_pin="43210"), {}, "bad_new_pin"),
        (ServiceChosen("deposit"), {}, "no_notes"),
        (ServiceChosen("deposit", notes=((500, 1),)), {}, "notes_not_accepted"),
        (ServiceChosen("deposit", notes=((10_000, 0),)), {}, "notes_not_accepted"),
        (ServiceChosen("deposit", notes=((10_000, 50), (1_000, 1))), {}, "too_many_notes"),
    ],
)
def test_the_terminal_refuses_by_itself_and_sends_nothing(choice, settings, reason):
    bench = new_bench(**settings)
    bench.insert()
    asked = bench.feed(choice)
    assert reason == the_record("declined", asked).reason
    assert [] == sent(asked)
    assert ["declined", "take_card"] == screens(asked)


def test_the_ceiling_itself_is_allowed():
    bench = new_bench(ceiling_jpy=200_000)
    assert "000000200000" == bench.choose("withdraw", 200_000)[4]


def test_an_amount_the_cassettes_cannot_make_up_is_refused_before_sending():
    bench = new_bench(cassettes=(Cassette(10_000, 5), Cassette(1_000, 4)))
    bench.insert()
    asked = bench.feed(ServiceChosen("withdraw", 5_000))
    assert "no_cash" == the_record("declined", asked).reason
    assert [] == sent(asked)


def test_a_keypad_that_takes_single_yen_lets_the_bank_refuse_them():
    bench = new_bench(amount_step_jpy=1)
    request = bench.choose("withdraw", 1_500)
    assert "000000001500" == request[4]
    assert [] == of(Dispense, bench.reply(request, "13"))


def test_an_approved_amount_that_no_notes_make_up_is_reversed_in_full():
    bench = new_bench(amount_step_jpy=1)
    asked = bench.reply(bench.choose("withdraw", 1_500))
    assert ["0420"] == sent_types(asked)
    assert [] == of(Dispense, asked)


# ---------------------------------------------------------------- hours (X3)

OFFICE = ((8 * HOUR_US, 21 * HOUR_US),)


@pytest.mark.parametrize(
    ("hour", "settings", "open_"),
    [
        (12, {}, True),
        (8, {"hours": OFFICE}, True),
        (7.99, {"hours": OFFICE}, False),
        (20.99, {"hours": OFFICE}, True),
        (21, {"hours": OFFICE}, False),
        (3, {"maintenance": ((3 * HOUR_US, 3 * HOUR_US + HOUR_US // 4),)}, False),
        (3.25, {"maintenance": ((3 * HOUR_US, 3 * HOUR_US + HOUR_US // 4),)}, True),
        (23, {"hours": ((22 * HOUR_US, 6 * HOUR_US),)}, True),
        (5, {"hours": ((22 * HOUR_US, 6 * HOUR_US),)}, True),
        (12, {"hours": ((22 * HOUR_US, 6 * HOUR_US),)}, False),
    ],
)
def test_outside_its_hours_and_in_maintenance_a_terminal_takes_no_card(hour, settings, open_):
    bench = new_bench(**settings)
    bench.now_us = NOON_US + int((hour - 12) * HOUR_US)
    asked = bench.feed(CardInserted(HANAKO), after_us=0)
    assert ["enter_pin" if open_ else "no_service"] == screens(asked)
    assert [] == sent(asked)
    assert (not open_) == bench.terminal.idle


def test_a_person_who_chooses_after_closing_time_is_refused():
    bench = new_bench(hours=OFFICE)
    bench.now_us = NOON_US + 9 * HOUR_US - 3 * SECOND_US
    bench.insert()
    asked = bench.feed(ServiceChosen("withdraw", 10_000))
    assert "closed" == the_record("no_service", asked).reason
    assert [] == sent(asked)
    assert [ReturnCard()] == of(ReturnCard, asked)


# ---------------------------------------------------------------- the request, balance, PIN change


def test_a_request_carries_the_track_and_the_pin_block_and_the_terminals_names():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    assert (PAN, "1812", HANAKO.track2) == (request[2], request[14], request[35])
    assert ("1234FFFFFFFFFFFF", "TERM0001", "12345") == (request[52], request[41], request[32])
    assert ("0115030003", "120003", "0115") == (request[7], request[12], request[13])
    assert "401512000001" == request[37]


@pytest.mark.parametrize(("medium", "entry_mode"), [("chip", "051"), ("stripe", "021")])
def test_the_entry_mode_tells_chip_from_stripe(medium, entry_mode):
    bench = new_bench()
    bench.insert(card=HANAKO.__class__("hanako", PAN, "1812", HANAKO.track2, medium=medium))
    (request,) = sent(bench.feed(ServiceChosen("balance")))
    assert entry_mode == request[22]


def test_trace_numbers_start_again_each_jst_day():
    bench = new_bench()
    assert "000001" == bench.choose("withdraw", 10_000)[11]
    bench.fire("answer")
    bench.feed(CardTaken())
    assert "000003" == bench.choose("withdraw", 10_000)[11], "the reversal had 000002"
    bench.fire("answer")
    bench.feed(CardTaken())
    bench.now_us += 24 * HOUR_US
    assert "000001" == bench.choose("withdraw", 10_000)[11]


def test_a_balance_enquiry_shows_the_available_balance_and_completes_without_an_advice():
    bench = new_bench()
    request = bench.choose("balance")
    assert ("311000", "000000000000") == (request[3], request[4])
    asked = bench.reply(request, "00", {54: balances_text(Balance("available", 123_456))})
    assert [Show("take_card", balance_jpy=123_456)] == of(Show, asked)
    assert 123_456 == of(Print, asked)[0].receipt.balance_jpy
    assert "completed" in kinds(asked)
    assert [] == sent(asked)


def test_a_balance_in_a_layout_that_is_not_ours_is_not_shown():
    bench = new_bench()
    asked = bench.reply(bench.choose("balance"), "00", {54: "02392C0000123456789"})
    assert [Show("take_card")] == of(Show, asked)


def test_a_pin_change_sends_the_block_of_the_new_pin():
    bench = new_bench()
    bench.insert("1234")
    (request,) = sent(bench.feed(ServiceChosen("change_pin", new_pin="4321")))
    assert ("920000", "1234", "4321") == (request[3], request[52][:4], request[48][:4])
    assert "completed" in kinds(bench.reply(request))


# ---------------------------------------------------------------- screens nobody answers, receipts, journal


def test_an_idle_screen_returns_the_card_where_the_terminal_is_set_to():
    bench = new_bench(timers=Timers(idle_us=60 * SECOND_US))
    bench.insert()
    asked = bench.fire("idle")
    assert "idle" == the_record("cancelled", asked).reason
    assert [ReturnCard()] == of(ReturnCard, asked)


def test_keys_that_are_not_asked_for_change_nothing():
    bench = new_bench()
    assert [] == bench.feed(PinEntered("1234"), ServiceChosen("balance"), CardTaken(), CancelPressed())
    bench.choose("withdraw", 30_000)
    assert [] == bench.feed(CardInserted(HANAKO), PinEntered("1234"), CancelPressed(), CardTaken())


@pytest.mark.parametrize(
    ("de28", "lines"),
    [("D00000165", ["fee ¥165"]), ("D00000000", []), ("165 yen", [])],
)
def test_the_receipt_tells_the_fee_that_the_bank_takes(de28: str, lines: list[str]) -> None:
    bench = new_bench()
    bench.reply(bench.choose("deposit", notes=((10_000, 3),)), "00", {28: de28})
    (slip,) = of(Print, bench.effects)
    assert lines == [line for line in slip.receipt.lines() if line.startswith("fee")]


def test_receipt_and_journal_show_no_card_number():
    bench = new_bench()
    bench.withdraw(30_000)
    bench.take_card_and_cash()
    (slip,) = of(Print, bench.effects)
    assert "card ************0018" in slip.receipt.lines()
    assert "withdraw ¥30,000" in slip.receipt.lines()
    assert not any(line.startswith("fee") for line in slip.receipt.lines())
    text = "\n".join(
        (*bench.terminal.journal.lines, *slip.receipt.lines(), repr(bench.effects), repr(HANAKO))
    )
    assert PAN not in text
    assert "1234FFFF" not in text


def test_the_journal_has_a_line_for_each_row():
    bench = new_bench()
    bench.withdraw(30_000)
    bench.take_card_and_cash()
    assert len(kinds(bench.effects)) == len(bench.terminal.journal.lines)
    assert bench.terminal.journal.lines[0].startswith("2014-01-15 12:00:01.000000 inserted")


def test_near_end_and_the_last_note_are_reported_when_they_happen():
    bench = new_bench(cassettes=(Cassette(10_000, 3, near_end=2),))
    counted = bench.withdraw(30_000)
    assert 10_000 == the_record("near_end", counted).amount_jpy
    assert "out_of_cash" in kinds(counted)
    assert "out_of_cash" not in kinds(bench.take_card_and_cash()), "told once"


def test_the_cassette_row_tells_cash_and_stock_after_each_change():
    bench = new_bench()
    bench.withdraw(30_000)
    row = the_record("cassette", bench.take_card_and_cash())
    assert (2_470_000, "197x10000_500x1000") == (row.amount_jpy, row.reason)


@pytest.mark.parametrize(
    "wrong", [{"terminal_id": "TERM00001"}, {"note_policy": "most_notes"}, {"amount_step_jpy": 0}]
)
def test_settings_that_cannot_be_are_refused(wrong):
    settings = {"terminal_id": "T1", "acquirer_id": "1", "operator": "e_net"}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TerminalConfig(**(settings | wrong))
