"""Customer data, PIN, reports and what the bank does when it is due (R1, R20, R21, R72-R74, R77, R101, R102, Q9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bank_host.hsm import TPK
from bank_host.iso8583 import build
from bank_host.jst import DAY_US, HOUR_US
from bank_host.rules.facts import Payee
from bank_host.store.verify import verify
from tests.bank_host.online_bank import DAY, HANAKO, NOON_US, PANS, PINS, TARO, OnlineBank, open_bank

DONE = ("done", "")


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


def withdraw(online: OnlineBank, amount_jpy: int = 10_000, pin: str = PINS[HANAKO]) -> str:
    online.asked += 1
    message = build.financial_request(
        "withdraw",
        pan=PANS[HANAKO],
        amount_jpy=amount_jpy,
        stan=online.asked,
        now_us=online.now_us,
        acceptor=build.Acceptor("T0000001", "SHIBUYA", "00000000034"),
        expiry_yymm="1801",
        pin_block=online.bank.hsm.encrypt_pin_block(TPK, pin, PANS[HANAKO]),
    )
    return online.bank.answer(message, online.now_us)[39]


# ---------------------------------------------------------------- customer data


@pytest.mark.parametrize(
    ("name", "value"), [("name", "佐藤華子"), ("address", "大阪市北区梅田1-1"), ("phone", "06-1111-2222")]
)
def test_customer_data_are_changed_with_a_code(online: OnlineBank, name: str, value: str) -> None:
    """R20."""
    change = {"data": ((name, value),)}
    assert ("refused", "OTP_REQUIRED") == online.act("change_customer_data", **change)
    assert DONE == online.act("change_customer_data", otp=online.code(), **change)
    assert value == getattr(online.customer(), name)
    assert [] == online.notices()


def test_a_changed_address_is_told_to_the_new_one_and_to_the_one_given_up(online: OnlineBank) -> None:
    """R20, R108."""
    change = {"data": (("emails", ("new@mail.example", "second@mail.example")),), "otp": online.code()}
    assert DONE == online.act("change_customer_data", **change)
    told = [(row.kind, row.address) for row in online.bank.store.outbox()]
    assert [("email_changed", ""), ("email_changed", "hanako@mail.example")] == told


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ((("kind", "corporate"),), "UNKNOWN_FIELD"),
        ((("emails", ("no address",)),), "BAD_EMAIL"),
        ((("emails", ()),), "BAD_EMAIL"),
        ((("emails", ("a@b.example\r\nBcc: x@y.example",)),), "BAD_EMAIL"),
        ((("name", ""),), "BAD_VALUE"),
        ((("name", "A\nB"),), "BAD_VALUE"),
        ((("name", "佐藤花子"),), "NOTHING_CHANGED"),
        ((), "NOTHING_CHANGED"),
    ],
)
def test_data_that_cannot_be_right_are_refused_before_a_code_is_spent(
    online: OnlineBank, data: tuple[tuple[str, object], ...], reason: str
) -> None:
    assert ("refused", reason) == online.act("change_customer_data", data=data, otp=online.code())
    assert 0 == online.token().last_step


# ---------------------------------------------------------------- PIN


@pytest.mark.parametrize("channel", ["pc", "smartphone", "mobile"])
def test_the_pin_is_changed_in_every_channel_with_a_code(online: OnlineBank, channel: str) -> None:
    """R21, R72-R74, R77."""
    new = {"channel": channel, "new_pin_block": online.pin_block(pin="9173")}
    assert ("refused", "OTP_REQUIRED") == online.act("change_pin_online", **new)
    assert DONE == online.act("change_pin_online", otp=online.code(), **new)
    assert ["55", "00"] == [withdraw(online, pin=pin) for pin in (PINS[HANAKO], "9173")]


@pytest.mark.parametrize("pin", ["0731", "3107", "1980", "3463", "1211", "0019"])
def test_a_pin_that_others_would_guess_is_taken_with_a_recorded_warning(online: OnlineBank, pin: str) -> None:
    """R77: born on 31 July 1980, phone 03-3463-1211, address 1-19-11; the PIN itself is not recorded."""
    answer = online.act("change_pin_online", otp=online.code(), new_pin_block=online.pin_block(pin=pin))
    assert ("done", "GUESSABLE_PIN") == answer
    assert 1 == online.customer().pin_warnings
    online.later(minutes=1)
    assert DONE == online.act(
        "change_pin_online", otp=online.code(), new_pin_block=online.pin_block(pin="9173")
    )
    assert 0 == online.customer().pin_warnings


@pytest.mark.parametrize(("pin", "warnings"), [("0731", 1), ("9173", 0)])
def test_a_guessable_pin_chosen_at_an_atm_is_counted_too(online: OnlineBank, pin: str, warnings: int) -> None:
    """R75, R77."""
    message = build.financial_request(
        "change_pin",
        pan=PANS[HANAKO],
        amount_jpy=0,
        stan=1,
        now_us=online.now_us,
        acceptor=build.Acceptor("T0000001", "SHIBUYA", "00000000009"),
        expiry_yymm="1801",
        pin_block=online.pin_block(),
        new_pin_block=online.pin_block(pin=pin),
    )
    assert "00" == online.bank.answer(message, online.now_us)[39]
    assert warnings == online.customer().pin_warnings


def test_what_is_no_pin_is_refused_before_a_code_is_spent(online: OnlineBank) -> None:
    for block in ("", "0123456789ABCDEF", "nonsense"):
        answer = online.act("change_pin_online", otp=online.code(), new_pin_block=block)
        assert ("refused", "BAD_PIN") == answer
    assert ("refused", "NO_CARD") == online.act(
        "change_pin_online", otp=online.code(), card_id="another", new_pin_block=online.pin_block()
    )
    assert 0 == online.token().last_step


# ---------------------------------------------------------------- reports


def test_the_security_report_has_a_line_for_each_safeguard_with_its_state_and_date(
    online: OnlineBank,
) -> None:
    """R1."""
    before = {line.name: line for line in online.bank.security_report(HANAKO, online.now_us)}
    assert {DAY} == {line.as_of for line in before.values()}
    assert (True, False) == (before["one_time_password"].active, before["id_card"].active)
    online.act("set_login_id", login_id="Hanako80")
    online.act("set_transfer_limit", amount_jpy=0)
    online.act("lock_token", serial="T1")
    (card,) = [card for card in online.bank.store.cards() if card.account_id == HANAKO]
    online.act("lock_card", card_id=card.card_id)
    after = {line.name: line for line in online.bank.security_report(HANAKO, online.now_us)}
    changed = {name for name in before if before[name].active != after[name].active}
    assert {"login_id", "transfer_lock", "token_lock", "card_lock"} == changed


def test_the_statement_shows_date_hour_minute_and_second_in_posting_order(online: OnlineBank) -> None:
    """R101, R102: the balance after each line; the day range is that of the posting."""
    online.later(hours=1, minutes=2, seconds=3)
    withdraw(online)
    online.later(days=1)
    online.act("enter_transfer", key="t", payee=Payee("", TARO), amount_jpy=40_000)
    online.act("confirm_transfer", transfer="t", otp=online.code())
    lines = online.bank.statement(HANAKO, DAY, DAY + timedelta(1))
    assert [
        ("2014-01-15T12:00:00+09:00", "opening", 250_000, 250_000),
        ("2014-01-15T13:02:03+09:00", "withdrawal", -10_000, 240_000),
        ("2014-01-16T13:02:03+09:00", "transfer", -40_000, 200_000),
    ] == [(line.at.isoformat(), line.kind, line.amount_jpy, line.balance_jpy) for line in lines]
    assert lines[2:] == online.bank.statement(HANAKO, DAY + timedelta(1), DAY + timedelta(1))
    assert sorted(line.seq for line in lines) == [line.seq for line in lines]


def test_the_limit_report_shows_each_raise_with_its_state(online: OnlineBank) -> None:
    """Q9: active, suspended, ended, cancelled."""
    for ahead in (0, 3, 5):
        day = DAY + timedelta(ahead)
        online.act("raise_limit", amount_jpy=900_000, day=day, otp=online.code())
        online.later(minutes=1)
    online.act("cancel_raise", day=DAY + timedelta(5))
    report = online.bank.limit_report(HANAKO, online.now_us)
    assert ["active", "active", "cancelled"] == [line.state for line in report.raises]
    assert (100_000, 900_000, 3_000_000) == (
        report.atm_standing_jpy,
        report.atm_today_jpy,
        report.transfer_limit_jpy,
    )
    online.act("set_limit", amount_jpy=0)
    online.later(days=1)
    report = online.bank.limit_report(HANAKO, online.now_us)
    assert ["ended", "suspended", "cancelled"] == [line.state for line in report.raises]


# ---------------------------------------------------------------- what is due


def test_an_approval_that_nobody_ends_is_settled_after_the_settlement_time(online: OnlineBank) -> None:
    assert "00" == withdraw(online)
    age_us = online.bank.policy.on(DAY).settlement_after_h * HOUR_US
    assert 0 == online.bank.run_due(NOON_US + age_us - 1)
    assert 1 == online.bank.run_due(NOON_US + age_us)
    assert ["settled"] == [row.state for row in online.bank.store.authorisations()]
    assert 0 == online.bank.run_due(NOON_US + age_us + DAY_US)
    assert [] == verify(online.bank.store)


def test_a_customer_without_a_card_on_file_has_no_pin_to_prove(online: OnlineBank) -> None:
    assert "" == online.pin_block("0019999999", "1234")
    assert "" == online.pin_block(HANAKO, "12")
    with pytest.raises(LookupError):
        online.bank.welcome("0019999999")
