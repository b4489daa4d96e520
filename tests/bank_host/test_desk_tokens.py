"""Tokens and the ID card from order to lock, through the whole host (R4, R36-R44, R66-R70, R110-R118, R121, R122)."""

from __future__ import annotations

from datetime import date

import pytest

from bank_host.jst import midnight_us
from bank_host.rules.facts import Payee, Token
from tests.bank_host.online_bank import (
    HANAKO,
    SECOND_SECRET,
    SECRET,
    TARO,
    OnlineBank,
    open_bank,
)

DONE = ("done", "")
NEW = Token("T2", HANAKO, SECOND_SECRET, date(2018, 1, 1))


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


def register_second(online: OnlineBank) -> None:
    assert DONE == online.act("order_token")
    assert DONE == online.act("issue_token", channel="operator", token=NEW)
    fields = {"serial": "T2", "pin_block": online.pin_block(), "otp": online.code(SECOND_SECRET)}
    assert DONE == online.act("register_token", **fields)


# ---------------------------------------------------------------- order, exchange, fees


@pytest.mark.parametrize(
    ("day", "fee_jpy"),
    [(date(2014, 3, 31), 1_050), (date(2014, 4, 1), 1_080), (date(2019, 10, 1), 1_100)],
)
def test_the_second_token_costs_the_fee_of_its_date_at_the_order(day: date, fee_jpy: int) -> None:
    """R43, R44, Q14."""
    online = open_bank()
    online.now_us = midnight_us(day)
    assert DONE == online.act("order_token")
    assert 250_000 - fee_jpy == online.account().posted_jpy
    assert fee_jpy == dict(online.bank.store.balances())["fees"]


def test_a_first_token_is_free(online: OnlineBank) -> None:
    """R36, R37: Taro has an ID card and no token yet."""
    assert DONE == online.act("order_token", TARO)
    assert 250_000 == online.account(TARO).posted_jpy


@pytest.mark.parametrize(("left_jpy", "answer"), [(1_050, DONE), (1_049, ("refused", "NO_FUNDS"))])
def test_an_order_that_the_balance_does_not_cover_is_refused(
    online: OnlineBank, left_jpy: int, answer: tuple[str, str]
) -> None:
    """R43: exactly enough is enough."""
    online.act("enter_transfer", key="t", payee=Payee("", TARO), amount_jpy=250_000 - left_jpy)
    assert ("done", "EXECUTED") == online.act("confirm_transfer", transfer="t", otp=online.code())
    assert answer == online.act("order_token")


def test_a_third_token_is_refused(online: OnlineBank) -> None:
    """R39, R40: what is ordered or on its way counts."""
    assert DONE == online.act("order_token")
    assert ("refused", "TOO_MANY_TOKENS") == online.act("order_token")
    online.act("issue_token", channel="operator", token=NEW)
    assert ("refused", "TOO_MANY_TOKENS") == online.act("order_token")


@pytest.mark.parametrize(("why", "fee_jpy"), [("failed", 0), ("lost", 1_050)])
def test_an_exchange_is_free_for_a_failed_token_and_ends_the_old_one(why: str, fee_jpy: int) -> None:
    """R38."""
    online = open_bank()
    assert DONE == online.act("exchange_token", serial="T1", detail=why)
    assert 250_000 - fee_jpy == online.account().posted_jpy
    online.act("lock_card", card_id=next(iter(online.bank.store.cards())).card_id)
    assert ("refused", "NO_TOKEN") == online.act(
        "set_transfer_limit", amount_jpy=4_000_000, otp=online.code()
    )
    assert DONE == online.act("issue_token", channel="operator", token=NEW)


def test_an_expired_token_is_exchanged_once_it_has_expired(online: OnlineBank) -> None:
    """R38."""
    exchange = {"serial": "T1", "detail": "expired"}
    assert ("refused", "NOT_EXPIRED") == online.act("exchange_token", **exchange)
    online.now_us = midnight_us(date(2018, 1, 2))
    assert DONE == online.act("exchange_token", **exchange)
    assert 250_000 == online.account().posted_jpy


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"serial": "T9", "detail": "lost"}, "UNKNOWN_TOKEN"),
        ({"serial": "T1", "detail": "dull"}, "BAD_REASON"),
        ({"serial": "ID1", "detail": "lost"}, "UNKNOWN_TOKEN"),
    ],
)
def test_an_exchange_names_a_token_and_why(online: OnlineBank, fields: dict[str, str], reason: str) -> None:
    assert ("refused", reason) == online.act("exchange_token", **fields)


def test_staff_issue_what_was_ordered_and_under_a_serial_of_its_own(online: OnlineBank) -> None:
    issue = {"channel": "operator", "token": NEW}
    assert ("refused", "NOTHING_ORDERED") == online.act("issue_token", **issue)
    online.act("order_token")
    assert ("refused", "SERIAL_TAKEN") == online.act(
        "issue_token", channel="operator", token=NEW._replace(serial="T1")
    )
    assert ("refused", "UNKNOWN_TOKEN") == online.act("issue_token", TARO, **issue)
    assert DONE == online.act("issue_token", **issue)
    assert ("refused", "NOTHING_ORDERED") == online.act(
        "issue_token", channel="operator", token=NEW._replace(serial="T9")
    )


# ---------------------------------------------------------------- registration


def test_codes_of_both_registered_tokens_are_taken_at_any_time(online: OnlineBank) -> None:
    """R39, R41: consumption is per token; the code of the registration is consumed."""
    register_second(online)
    higher = {"amount_jpy": 4_000_000}
    assert ("refused", "OTP_USED") == online.act(
        "set_transfer_limit", otp=online.code(SECOND_SECRET), **higher
    )
    assert DONE == online.act("set_transfer_limit", otp=online.code(), **higher)
    online.later(minutes=1)
    assert DONE == online.act("set_transfer_limit", otp=online.code(SECOND_SECRET), amount_jpy=5_000_000)


def test_a_token_on_its_way_gives_no_code(online: OnlineBank) -> None:
    online.act("order_token")
    online.act("issue_token", channel="operator", token=NEW)
    assert ("refused", "OTP_WRONG") == online.act(
        "set_transfer_limit", amount_jpy=4_000_000, otp=online.code(SECOND_SECRET)
    )


def test_registration_asks_serial_pin_and_a_code_of_the_new_token(online: OnlineBank) -> None:
    """R39: a wrong PIN counts as at an ATM, and then no code was looked at."""
    online.act("order_token")
    online.act("issue_token", channel="operator", token=NEW)
    code = online.code(SECOND_SECRET)
    right = {"serial": "T2", "pin_block": online.pin_block(), "otp": code}
    for wrong, reason in (
        ({"serial": "T9"}, "UNKNOWN_TOKEN"),
        ({"pin_block": ""}, "PIN_REQUIRED"),
        ({"otp": ""}, "OTP_REQUIRED"),
        ({"otp": "12345"}, "OTP_FORMAT"),
        ({"pin_block": online.pin_block(pin="0000")}, "PIN_WRONG"),
        ({"otp": online.code()}, "OTP_WRONG"),  # of the other token
    ):
        assert ("refused", reason) == online.act("register_token", **(right | wrong)), wrong
    assert (1, 0) == (online.account().otp_fails, online.bank.store.cards().__next__().pin_fails)
    assert DONE == online.act("register_token", **right)
    assert 0 == online.account().otp_fails
    assert ["token_registered"] == online.notices()


def test_three_wrong_pins_at_home_block_the_card_as_at_an_atm(online: OnlineBank) -> None:
    """X1."""
    online.act("order_token")
    online.act("issue_token", channel="operator", token=NEW)
    fields = {"serial": "T2", "otp": online.code(SECOND_SECRET)}
    wrong = online.pin_block(pin="0000")
    reasons = [online.act("register_token", pin_block=wrong, **fields)[1] for _ in range(3)]
    assert ["PIN_WRONG", "PIN_WRONG", "PIN_BLOCKED"] == reasons
    assert ("refused", "PIN_BLOCKED") == online.act("register_token", pin_block=online.pin_block(), **fields)


# ---------------------------------------------------------------- locks of tokens


@pytest.mark.parametrize("channel", ["pc", "smartphone", "mobile"])
def test_each_token_is_locked_by_itself(online: OnlineBank, channel: str) -> None:
    """R42, R110, R112-R114: without a code; the other one still works."""
    register_second(online)
    online.later(minutes=1)
    assert DONE == online.act("lock_token", serial="T1", channel=channel)
    higher = {"amount_jpy": 4_000_000}
    assert ("refused", "TOKEN_LOCKED") == online.act("set_transfer_limit", otp=online.code(), **higher)
    assert 0 == online.account().otp_fails  # R121
    assert DONE == online.act("set_transfer_limit", otp=online.code(SECOND_SECRET), **higher)


def test_a_token_lock_is_released_with_a_code_of_another_unlocked_token(online: OnlineBank) -> None:
    """R117, Q7: the PIN is not enough while there is one."""
    register_second(online)
    online.later(minutes=1)
    online.act("lock_token", serial="T1")
    unlock = {"serial": "T1", "pin_block": online.pin_block()}
    assert ("refused", "OTP_REQUIRED") == online.act("unlock_token", **unlock)
    assert ("refused", "TOKEN_LOCKED") == online.act("unlock_token", otp=online.code(), **unlock)
    assert DONE == online.act("unlock_token", serial="T1", otp=online.code(SECOND_SECRET))
    assert not online.token().locked
    assert ["token_registered", "token_locked", "token_unlocked"] == online.notices()


def test_where_every_token_is_locked_the_pin_releases_one(online: OnlineBank) -> None:
    """R117, Q7: a wrong PIN counts under X1."""
    online.act("lock_token", serial="T1")
    assert ("refused", "PIN_REQUIRED") == online.act("unlock_token", serial="T1", otp=online.code())
    wrong, right = online.pin_block(pin="0000"), online.pin_block()
    assert ("refused", "PIN_WRONG") == online.act("unlock_token", serial="T1", pin_block=wrong)
    assert {1, 0} == {card.pin_fails for card in online.bank.store.cards()}
    assert DONE == online.act("unlock_token", serial="T1", pin_block=right)
    assert {0} == {card.pin_fails for card in online.bank.store.cards()}


def test_locking_what_is_locked_changes_nothing_and_sends_no_notice(online: OnlineBank) -> None:
    """R119."""
    for kind in ("lock_token", "lock_token"):
        assert DONE == online.act(kind, serial="T1")
    assert ["token_locked"] == online.notices()


# ---------------------------------------------------------------- drift


@pytest.mark.parametrize("drift", [-45, -2, 3, 60])
def test_two_codes_in_a_row_bring_a_drifted_token_back(online: OnlineBank, drift: int) -> None:
    """Security: within an hour either way; both codes are spent."""
    first, second = online.code(steps_ago=1, drift=drift), online.code(drift=drift)
    higher = {"amount_jpy": 4_000_000}
    assert ("refused", "OTP_WRONG") == online.act("set_transfer_limit", otp=second, **higher)
    assert DONE == online.act("resync_token", serial="T1", otp=first, second_otp=second)
    assert drift == online.token().drift_steps
    assert ("refused", "OTP_USED") == online.act("set_transfer_limit", otp=second, **higher)
    online.later(minutes=1)
    assert DONE == online.act("set_transfer_limit", otp=online.code(drift=drift), **higher)


@pytest.mark.parametrize(
    ("ago", "second"), [((2, 0), "OTP_WRONG"), ((0, 1), "OTP_WRONG"), ((62, 61), "OTP_WRONG")]
)
def test_codes_that_do_not_follow_each_other_count_as_a_wrong_entry(
    online: OnlineBank, ago: tuple[int, int], second: str
) -> None:
    codes = [online.code(steps_ago=steps) for steps in ago]
    assert ("refused", second) == online.act("resync_token", serial="T1", otp=codes[0], second_otp=codes[1])
    assert 1 == online.account().otp_fails


def test_resynchronisation_needs_both_codes(online: OnlineBank) -> None:
    assert ("refused", "OTP_REQUIRED") == online.act("resync_token", serial="T1", otp=online.code())
    assert 0 == online.account().otp_fails


# ---------------------------------------------------------------- ID card


def test_an_id_card_answers_what_others_need_a_code_for(online: OnlineBank) -> None:
    """R4, X13: positions are named, answered once, and asked again until they are answered rightly."""
    asked = online.bank.id_card_challenge(TARO, online.now_us)
    raised = {"account_id": TARO, "channel": "mobile", "amount_jpy": 4_000_000}
    assert ("refused", "OTP_WRONG") == online.act("set_transfer_limit", otp=online.wrong_code(), **raised)
    assert asked == online.bank.id_card_challenge(TARO, online.now_us)
    answer = online.id_card_code()
    assert DONE == online.act("set_transfer_limit", otp=answer, **raised)
    assert asked != online.bank.id_card_challenge(TARO, online.now_us)
    assert ("refused", "OTP_USED") == online.act(
        "set_transfer_limit", **(raised | {"otp": answer, "amount_jpy": 5_000_000})
    )


@pytest.mark.parametrize("channel", ["pc", "smartphone", "mobile"])
def test_a_locked_id_card_answers_nothing(online: OnlineBank, channel: str) -> None:
    """R111-R114, R122."""
    answer = online.id_card_code()
    assert DONE == online.act("lock_id_card", TARO, channel)
    raised = {"channel": "mobile", "amount_jpy": 4_000_000, "otp": answer}
    assert ("refused", "ID_CARD_LOCKED") == online.act("set_transfer_limit", TARO, **raised)
    assert ["id_card_locked"] == online.notices()


def test_an_id_card_lock_is_released_on_paper_seven_business_days_later(online: OnlineBank) -> None:
    """R118: Wednesday 15 January 2014 + 7 business days = Friday the 24th."""
    online.act("lock_id_card", TARO)
    assert ("refused", "PAPER_ONLY") == online.act("release_id_card", TARO, "pc")
    assert DONE == online.act("release_id_card", TARO, "operator")
    assert date(2014, 1, 24) == online.token("ID1").release_on
    for day, released in ((date(2014, 1, 23), 0), (date(2014, 1, 24), 1), (date(2014, 1, 25), 0)):
        online.now_us = midnight_us(day)
        assert released == online.bank.run_due(online.now_us)
    assert not online.token("ID1").locked
    assert ["id_card_locked", "id_card_unlocked"] == online.notices()


def test_locking_again_while_a_release_is_under_way_needs_new_paper(online: OnlineBank) -> None:
    online.act("lock_id_card", TARO)
    online.act("release_id_card", TARO, "operator")
    online.act("lock_id_card", TARO)
    online.later(days=30)
    assert 0 == online.bank.run_due(online.now_us)
    assert online.token("ID1").locked


def test_from_token_to_id_card_the_transfer_limit_comes_down_to_the_cap(online: OnlineBank) -> None:
    """R66, R70."""
    online.act("set_transfer_limit", amount_jpy=50_000_000, otp=online.code())
    change = {"channel": "operator", "detail": "id_card"}
    assert ("refused", "BAD_AUTHENTICATOR") == online.act(
        "change_authenticator", channel="operator", detail="thumb"
    )
    assert DONE == online.act("change_authenticator", **change)
    assert 10_000_000 == online.customer().transfer_limit_jpy
    card_id = next(card.card_id for card in online.bank.store.cards() if card.account_id == HANAKO)
    online.act("lock_card", card_id=card_id)
    assert ("refused", "NO_ID_CARD") == online.act("unlock_card", card_id=card_id, otp=online.code())


def test_a_card_number_is_never_told_with_a_challenge(online: OnlineBank) -> None:
    assert () == online.bank.id_card_challenge(HANAKO, online.now_us)
    assert SECRET not in " ".join(online.texts())
