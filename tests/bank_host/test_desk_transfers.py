"""Transfers and their daily limit through the whole host (R16, R22-R30, R53-R71, R106)."""

from __future__ import annotations

from datetime import date

import pytest

from bank_host.jst import HOUR_US, MINUTE_US, midnight_us
from bank_host.policy import Figures
from bank_host.rules.changes import Outcome
from bank_host.rules.facts import Act, ActFacts, At, Payee
from tests.bank_host.online_bank import DAY, HANAKO, SHOP, TARO, OnlineBank, open_bank

DONE = ("done", "")
EXECUTED, RESERVED = ("done", "EXECUTED"), ("done", "RESERVED")
WITHIN = Payee("", TARO, "佐藤太郎")
ELSEWHERE = Payee("smbc", "1234567", "ヤマダ タロウ")


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


def enter(online: OnlineBank, amount_jpy: int = 30_000, payee: Payee = WITHIN, key: str = "t1") -> None:
    assert DONE == online.act("enter_transfer", key=key, payee=payee, amount_jpy=amount_jpy)


def confirm(online: OnlineBank, key: str = "t1", **fields: object) -> tuple[str, str]:
    return online.act("confirm_transfer", transfer=key, **({"otp": online.code()} | fields))


def send(online: OnlineBank, amount_jpy: int, payee: Payee = WITHIN) -> tuple[str, str]:
    """A whole transfer, with a code of its own minute."""
    online.later(minutes=1)
    key = f"t{online.asked}"
    entered = online.act("enter_transfer", key=key, payee=payee, amount_jpy=amount_jpy)
    return confirm(online, key) if entered == DONE else entered


# ---------------------------------------------------------------- the transfer screen


def test_a_transfer_within_the_bank_arrives_at_once_with_a_notice_to_the_payee(online: OnlineBank) -> None:
    """R22, R26, R106."""
    enter(online)
    assert EXECUTED == confirm(online)
    assert (220_000, 280_000) == (online.account().posted_jpy, online.account(TARO).posted_jpy)
    (notice,) = online.bank.store.outbox()
    assert (TARO, "incoming_transfer", 30_000) == (notice.account_id, notice.kind, notice.amount_jpy)
    assert (DAY, "executed") == (online.bank.transfer("t1").day, online.bank.transfer("t1").state)


def test_every_single_transfer_needs_its_own_code(online: OnlineBank) -> None:
    """R8, R22: there is no remembered approval."""
    enter(online)
    assert ("refused", "OTP_REQUIRED") == confirm(online, otp="")
    assert EXECUTED == confirm(online)
    enter(online, key="t2")
    assert ("refused", "OTP_USED") == confirm(online, "t2")


def test_a_repeat_of_the_confirmation_posts_nothing_and_looks_at_no_code(online: OnlineBank) -> None:
    """R26: also hours later, when its code is long past."""
    enter(online)
    asked = {"key": "sent", "transfer": "t1", "otp": online.code()}
    assert EXECUTED == online.act("confirm_transfer", **asked)
    online.later(hours=3)
    assert EXECUTED == online.act("confirm_transfer", **asked)
    assert EXECUTED == online.act("confirm_transfer", **(asked | {"otp": online.code()}))
    assert 220_000 == online.account().posted_jpy
    assert ("refused", "NO_PENDING_TRANSFER") == confirm(online)


@pytest.mark.parametrize("kind", ["correct_transfer", "cancel_transfer"])
def test_correct_and_cancel_execute_nothing_and_spend_no_code(online: OnlineBank, kind: str) -> None:
    """R24, R27, R28."""
    enter(online)
    assert DONE == online.act(kind, transfer="t1")
    assert ("refused", "NO_PENDING_TRANSFER") == confirm(online)
    enter(online, key="t2")
    assert EXECUTED == confirm(online, "t2")
    assert 220_000 == online.account().posted_jpy


def test_an_edited_transfer_is_a_new_entry_and_the_old_one_cannot_be_confirmed(online: OnlineBank) -> None:
    """R24: the code is for what is stored."""
    enter(online)
    enter(online, amount_jpy=40_000, key="t2")
    assert "dropped" == online.bank.transfer("t1").state
    assert ("refused", "NO_PENDING_TRANSFER") == confirm(online)
    assert EXECUTED == confirm(online, "t2")


def test_what_is_left_by_a_link_stays_pending_and_spends_nothing(online: OnlineBank) -> None:
    """R29, R30: no act is asked for, so nothing happens."""
    enter(online)
    online.later(hours=5)
    assert (250_000, 0) == (online.account().posted_jpy, online.token().last_step)


def test_a_code_typed_in_time_but_sent_late_is_refused(online: OnlineBank) -> None:
    """R25: judged at the host's arrival time."""
    enter(online)
    code = online.code()
    online.later(minutes=2)
    assert ("refused", "OTP_WRONG") == confirm(online, otp=code)


def test_nobody_confirms_somebody_elses_transfer(online: OnlineBank) -> None:
    enter(online)
    assert ("refused", "NO_PENDING_TRANSFER") == online.act("confirm_transfer", SHOP, transfer="t1", otp="1")


def test_a_right_code_stays_spent_when_the_transfer_is_refused_afterwards(online: OnlineBank) -> None:
    """Q3: staff close the payee's account after the code was charged and before it is judged."""
    enter(online)
    decide = online.bank.rules.decide_act

    def closed_meanwhile(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
        assert facts.payee is not None
        return decide(act, facts._replace(payee=facts.payee._replace(closed=True)), figures, at)

    online.bank.rules = online.bank.rules._replace(decide_act=closed_meanwhile)
    assert ("refused", "PAYEE_UNKNOWN") == confirm(online)
    online.bank.rules = online.bank.rules._replace(decide_act=decide)
    assert ("refused", "OTP_USED") == confirm(online)


@pytest.mark.parametrize(
    ("payee", "amount_jpy", "reason"),
    [
        (None, 1_000, "PAYEE_UNKNOWN"),
        (Payee("", "0019999999"), 1_000, "PAYEE_UNKNOWN"),
        (Payee("", HANAKO), 1_000, "PAYEE_UNKNOWN"),
        (Payee("smbc", ""), 1_000, "PAYEE_UNKNOWN"),
        (WITHIN, 0, "BAD_AMOUNT"),
        (WITHIN, -1_000, "BAD_AMOUNT"),
        (WITHIN, 250_001, "NO_FUNDS"),
        (WITHIN, 3_000_001, "TRANSFER_LIMIT_EXCEEDED"),
    ],
)
def test_what_cannot_be_done_is_said_at_the_entry(
    online: OnlineBank, payee: Payee | None, amount_jpy: int, reason: str
) -> None:
    assert ("refused", reason) == online.act("enter_transfer", payee=payee, amount_jpy=amount_jpy)


def test_the_last_yen_can_be_sent(online: OnlineBank) -> None:
    enter(online, 250_000)
    assert EXECUTED == confirm(online)
    assert 0 == online.account().posted_jpy


def test_a_closed_payee_is_unknown_by_the_time_of_the_confirmation(online: OnlineBank) -> None:
    enter(online)
    online.act("close_account", TARO, "operator")
    assert ("refused", "PAYEE_UNKNOWN") == confirm(online)
    assert 0 == online.token().last_step  # refused before the code was looked at


def test_while_codes_are_locked_every_transfer_is_refused_and_the_rest_works(online: OnlineBank) -> None:
    """R15-R18."""
    enter(online)
    assert ["OTP_WRONG"] * 5 == [confirm(online, otp=online.wrong_code())[1] for _ in range(5)]
    assert ("refused", "OTP_LOCKED") == confirm(online)
    assert ("refused", "OTP_LOCKED") == online.act("enter_transfer", payee=WITHIN, amount_jpy=1_000)
    assert DONE == online.act("set_transfer_limit", amount_jpy=1_000)
    assert DONE == online.act("lock_token", serial="T1")
    assert DONE == online.login()
    assert 0 == online.token().last_step  # neither consumed nor counted (R17)


# ---------------------------------------------------------------- the daily limit


def test_the_total_of_a_day_may_reach_the_limit_and_not_exceed_it(online: OnlineBank) -> None:
    """R57, R58: over all transfers of the JST day; the next day starts anew."""
    online.act("set_transfer_limit", amount_jpy=100_000)
    assert EXECUTED == send(online, 60_000)
    assert ("refused", "TRANSFER_LIMIT_EXCEEDED") == send(online, 40_001)
    assert EXECUTED == send(online, 40_000)
    assert ("refused", "TRANSFER_LIMIT_EXCEEDED") == send(online, 1)
    online.later(hours=12)
    assert EXECUTED == send(online, 100_000)


def test_a_reservation_counts_on_the_day_it_is_made(online: OnlineBank) -> None:
    """R57."""
    online.act("set_transfer_limit", amount_jpy=100_000)
    online.now_us = midnight_us(DAY) + 20 * HOUR_US
    assert RESERVED == send(online, 60_000, ELSEWHERE)
    assert ("refused", "TRANSFER_LIMIT_EXCEEDED") == send(online, 50_000)
    online.now_us = midnight_us(date(2014, 1, 16)) + 9 * HOUR_US
    assert 1 == online.bank.run_due(online.now_us)
    assert EXECUTED == send(online, 100_000)


@pytest.mark.parametrize("channel", ["pc", "smartphone", "mobile"])
def test_the_limit_is_set_in_every_channel_and_zero_locks_transfers(online: OnlineBank, channel: str) -> None:
    """R53-R56, R59-R61: lowering needs no code, raising one; it holds at once."""
    enter(online)
    assert DONE == online.act("set_transfer_limit", channel=channel, amount_jpy=0)
    assert ("refused", "TRANSFER_LOCKED") == confirm(online)
    assert ("refused", "TRANSFER_LOCKED") == online.act("enter_transfer", payee=WITHIN, amount_jpy=1)
    back = {"channel": channel, "amount_jpy": 100_000}
    assert ("refused", "OTP_REQUIRED") == online.act("set_transfer_limit", **back)
    assert DONE == online.act("set_transfer_limit", otp=online.code(), **back)
    online.later(minutes=1)
    assert EXECUTED == confirm(online)
    assert ["transfer_limit_raised", "incoming_transfer"] == online.notices()


@pytest.mark.parametrize(
    ("kind", "authenticator", "cap_jpy"),
    [
        ("corporate", "token", 100_000_000),  # R63
        ("corporate", "id_card", 100_000_000),
        ("individual", "token", 100_000_000),  # R64
        ("sole_proprietor", "token", 100_000_000),  # R65
        ("individual", "id_card", 10_000_000),  # R66
        ("sole_proprietor", "id_card", 10_000_000),  # R67
    ],
)
def test_the_cap_of_each_kind_and_authenticator(
    online: OnlineBank, kind: str, authenticator: str, cap_jpy: int
) -> None:
    """R63-R67, R71, X13."""
    rows = online.bank.store._tables.accounts  # type: ignore[attr-defined]
    account_id = HANAKO if authenticator == "token" else TARO
    rows[account_id] = rows[account_id]._replace(kind=kind)
    otp = online.code() if authenticator == "token" else online.id_card_code()
    raised = {"account_id": account_id, "channel": "mobile", "otp": otp}
    assert ("refused", "OUT_OF_RANGE") == online.act(
        "set_transfer_limit", amount_jpy=cap_jpy + 1_000, **raised
    )
    assert DONE == online.act("set_transfer_limit", amount_jpy=cap_jpy, **raised)


@pytest.mark.parametrize(("amount_jpy", "reason"), [(1_500, "BAD_STEP"), (-1_000, "OUT_OF_RANGE")])
def test_a_limit_out_of_step_or_below_zero_is_refused(
    online: OnlineBank, amount_jpy: int, reason: str
) -> None:
    """R71."""
    assert ("refused", reason) == online.act("set_transfer_limit", amount_jpy=amount_jpy)


def test_with_an_id_card_the_limit_cannot_be_raised_from_a_pc(online: OnlineBank) -> None:
    """R68-R70: lowered, also to 0; raised from smartphone or mobile phone."""
    assert ("refused", "NOT_FROM_PC") == online.act(
        "set_transfer_limit", TARO, amount_jpy=4_000_000, otp=online.id_card_code()
    )
    assert DONE == online.act("set_transfer_limit", TARO, amount_jpy=0)
    assert DONE == online.act(
        "set_transfer_limit", TARO, "smartphone", amount_jpy=4_000_000, otp=online.id_card_code()
    )


@pytest.mark.parametrize(
    ("opened", "kind", "limit_jpy"),
    [
        (date(2015, 1, 14), "individual", 3_000_000),
        (date(2015, 1, 15), "individual", 300_000),
        (date(2015, 1, 15), "corporate", 3_000_000),
    ],
)
def test_the_first_limit_is_that_of_the_opening_date(
    online: OnlineBank, opened: date, kind: str, limit_jpy: int
) -> None:
    """R62."""
    account = online.account()._replace(opened=opened, kind=kind)
    assert limit_jpy == online.bank.new_customer(account).transfer_limit_jpy


# ---------------------------------------------------------------- other banks


@pytest.mark.parametrize(
    ("day", "hour_us", "due"),
    [
        (date(2014, 1, 15), 12 * HOUR_US, None),
        (date(2014, 1, 15), 15 * HOUR_US + 30 * MINUTE_US, (date(2014, 1, 16), 510)),  # after 15:30
        (date(2014, 1, 15), 8 * HOUR_US, (date(2014, 1, 15), 510)),  # before 8:30
        (date(2014, 1, 17), 20 * HOUR_US, (date(2014, 1, 20), 510)),  # Friday evening
        (date(2014, 1, 11), 12 * HOUR_US, (date(2014, 1, 14), 510)),  # the 13th is Coming of Age Day
        (date(2014, 12, 30), 20 * HOUR_US, (date(2015, 1, 5), 510)),  # year's end
        (date(2014, 1, 30), 16 * HOUR_US, (date(2014, 1, 31), 450)),  # month end opens at 7:30
        (date(2014, 1, 31), 16 * HOUR_US, None),  # and closes at 16:30
        (date(2018, 10, 8), 12 * HOUR_US, (date(2018, 10, 9), 510)),
        (date(2018, 10, 9), 23 * HOUR_US, None),  # round the clock since then
    ],
)
def test_a_transfer_to_another_bank_goes_out_in_zengin_hours_of_the_date(
    online: OnlineBank, day: date, hour_us: int, due: tuple[date, int] | None
) -> None:
    online.now_us = midnight_us(day) + hour_us
    exchange_expired(online)
    enter(online, payee=ELSEWHERE)
    if due is None:
        assert EXECUTED == confirm(online, otp=online.code())
        assert 30_000 == dict(online.bank.store.balances())["clearing:smbc"]
        return
    assert RESERVED == confirm(online)
    due_day, minutes = due
    assert midnight_us(due_day) + minutes * MINUTE_US == online.bank.transfer("t1").due_us
    assert (250_000, 30_000) == (online.account().posted_jpy, online.account().held_jpy)


def exchange_expired(online: OnlineBank) -> None:
    """The tokens of these tests last beyond 2018."""
    rows = online.bank.store._tables.tokens  # type: ignore[attr-defined]
    for serial, row in rows.items():
        rows[serial] = row._replace(expires=date(2030, 1, 1))


def evening(online: OnlineBank, amount_jpy: int = 30_000) -> None:
    online.now_us = midnight_us(DAY) + 20 * HOUR_US
    enter(online, amount_jpy, ELSEWHERE)
    assert RESERVED == confirm(online)


def morning(online: OnlineBank) -> int:
    online.now_us = midnight_us(date(2014, 1, 16)) + 510 * MINUTE_US
    return online.bank.run_due(online.now_us)


def test_a_reservation_is_executed_when_it_is_due_and_not_before(online: OnlineBank) -> None:
    evening(online)
    assert 0 == online.bank.run_due(online.now_us)
    assert ("refused", "NO_FUNDS") == send(online, 220_001)  # what is reserved is not available
    assert 1 == morning(online)
    assert (220_000, 0) == (online.account().posted_jpy, online.account().held_jpy)
    assert "executed" == online.bank.transfer("t1").state
    assert 0 == online.bank.run_due(online.now_us)


def test_a_lock_set_later_does_not_stop_a_reservation_unless_the_policy_says_so() -> None:
    """R60."""
    for holds, executed in ((False, 1), (True, 0)):
        online = open_bank(transfer__lock_holds_reservations=holds)
        evening(online)
        online.act("set_transfer_limit", amount_jpy=0)
        assert executed == morning(online)
    online.act("set_transfer_limit", amount_jpy=100_000, otp=online.code())
    assert 1 == online.bank.run_due(online.now_us)


def test_a_reservation_of_an_account_closed_meanwhile_fails_and_holds_nothing(online: OnlineBank) -> None:
    evening(online)
    online.act("close_account", channel="operator")
    assert 1 == morning(online)
    assert ("failed", 250_000, 0) == (
        online.bank.transfer("t1").state,
        online.account().posted_jpy,
        online.account().held_jpy,
    )
    assert ["transfer_failed"] == online.notices()


def test_money_from_another_bank_gives_one_notice(online: OnlineBank) -> None:
    """R106."""
    sent = {"channel": "host", "payee": Payee("smbc", "1234567", "ヤマダ"), "amount_jpy": 5_000}
    assert DONE == online.act("receive_transfer", **sent)
    assert (255_000, ["incoming_transfer"]) == (online.account().posted_jpy, online.notices())
    assert ("refused", "WRONG_CHANNEL") == online.act("receive_transfer", **(sent | {"channel": "pc"}))


def test_a_statement_names_the_other_side_of_each_transfer(online: OnlineBank) -> None:
    """The payee as it was entered; a sender by bank and name, for the account number is not the payee's to know."""
    enter(online)
    confirm(online)
    sent = {"channel": "host", "payee": Payee("smbc", "1234567", "ヤマダ"), "amount_jpy": 5_000}
    online.act("receive_transfer", **sent)

    def told(account_id: str) -> list[tuple[str, Payee | None]]:
        return [(line.kind, line.other) for line in online.bank.statement(account_id, DAY, DAY)]

    got = ("incoming_transfer", Payee("smbc", "", "ヤマダ"))
    assert [("opening", None), ("transfer", WITHIN), got] == told(HANAKO)
    got = ("incoming_transfer", Payee("", "", online.customer().name))
    assert [("opening", None), got] == told(TARO)


def test_the_same_request_id_with_other_content_is_refused(online: OnlineBank) -> None:
    enter(online)
    assert ("refused", "REQUEST_ID_REUSED") == online.act(
        "enter_transfer", key="t1", payee=WITHIN, amount_jpy=40_000
    )
