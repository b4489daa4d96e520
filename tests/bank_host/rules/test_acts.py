"""Settings in internet banking and the staff's acts: refusals, codes, changes (R78-R97, R109-R120, Q1-Q7)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bank_host.rules.acts import Compare, decide_act, precheck_act
from bank_host.rules.changes import (
    AddCard,
    Audit,
    CancelRaise,
    ConsumeStep,
    Notify,
    Outcome,
    PutRaise,
    SetAccount,
    SetCard,
)
from bank_host.rules.facts import Act, ActFacts, Card, OtpVerdict, Raise
from bank_host.secrets import Pan
from tests.bank_host.rules.builders import (
    ACCOUNT_ID,
    DAY,
    account,
    act,
    act_facts,
    at,
    card,
    figures,
    kinds,
    only,
    token,
)

CODE = "123456"
MATCHED = OtpVerdict("matched", "T-1", 777)


def gate(asked: Act, case: ActFacts | None = None) -> Any:
    return precheck_act(asked, case or act_facts(), figures(), at())


def reason(asked: Act, case: ActFacts | None = None) -> str:
    outcome = gate(asked, case)
    assert isinstance(outcome, Outcome)
    assert outcome.outcome == "refused"
    return outcome.reason


def done(asked: Act, case: ActFacts | None = None) -> Outcome:
    outcome = decide_act(asked, case or act_facts(), figures(), at())
    assert ("done", "") == (outcome.outcome, outcome.reason)
    return outcome


# ---------------------------------------------------------------- standing limit


@pytest.mark.parametrize("channel", ["pc", "smartphone", "mobile"])
@pytest.mark.parametrize("amount", [0, 1_000, 499_000])
def test_the_limit_is_lowered_from_every_channel_without_a_code(channel: str, amount: int) -> None:
    """R78-R80."""
    asked = act("set_limit", channel=channel, amount_jpy=amount)
    assert gate(asked) is None
    assert SetAccount(ACCOUNT_ID, "standing_jpy", amount) in done(asked).changes


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (1_500, "BAD_STEP"),  # R82: refused, not rounded
        (500_500, "BAD_STEP"),
        (-1_000, "OUT_OF_RANGE"),  # R83
        (501_000, "OUT_OF_RANGE"),
    ],
)
def test_a_standing_limit_outside_range_or_step_is_refused(amount: int, expected: str) -> None:
    assert reason(act("set_limit", amount_jpy=amount, otp=CODE)) == expected


def test_setting_zero_remembers_its_place_in_the_sequence() -> None:
    """Q5."""
    changes = done(act("set_limit", amount_jpy=0)).changes
    assert SetAccount(ACCOUNT_ID, "zero_seq", 100) in changes


@pytest.mark.parametrize("before", [0, 100_000])
def test_a_higher_standing_limit_needs_a_code(before: int) -> None:
    """Q7."""
    case = act_facts(account={"standing_jpy": before})
    asked = act("set_limit", amount_jpy=200_000)
    assert reason(asked, case) == "OTP_REQUIRED"
    assert gate(asked._replace(otp=CODE), case) == Compare(CODE, serials=("T-1",))


# ---------------------------------------------------------------- dated raise


def raise_to(amount: int, days_ahead: int = 3, **changes: Any) -> Act:
    return act("raise_limit", amount_jpy=amount, day=DAY + timedelta(days=days_ahead), otp=CODE, **changes)


@pytest.mark.parametrize("channel", ["pc", "smartphone", "mobile"])
def test_a_raise_from_every_channel_asks_a_code_and_is_recorded(channel: str) -> None:
    """R87-R91."""
    asked = raise_to(1_000_000, channel=channel)
    assert isinstance(gate(asked), Compare)
    changes = done(asked, act_facts(otp=MATCHED)).changes
    assert only(changes, PutRaise) == PutRaise(ACCOUNT_ID, DAY + timedelta(days=3), 1_000_000, 100)
    assert only(changes, ConsumeStep) == ConsumeStep("T-1", 777)
    assert SetAccount(ACCOUNT_ID, "otp_fails", 0) in changes
    assert only(changes, Notify).kind == "limit_raised"


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("individual", 2_000_000, None),  # R92
        ("individual", 2_001_000, "OUT_OF_RANGE"),  # R97
        ("sole_proprietor", 2_000_000, None),  # R93
        ("sole_proprietor", 2_001_000, "OUT_OF_RANGE"),
        ("corporate", 5_000_000, None),  # R94
        ("corporate", 5_001_000, "OUT_OF_RANGE"),
        ("individual", 500_000, "NOT_ABOVE_STANDING"),
        ("individual", 600_500, "BAD_STEP"),
        ("individual", -1_000, "NOT_ABOVE_STANDING"),
    ],
)
def test_caps_and_step_of_a_raise(kind: str, amount: int, expected: str | None) -> None:
    case = act_facts(account={"kind": kind})
    if expected is None:
        assert isinstance(gate(raise_to(amount), case), Compare)
    else:
        assert reason(raise_to(amount), case) == expected


@pytest.mark.parametrize(("days_ahead", "allowed"), [(-1, False), (0, True), (60, True), (61, False)])
def test_a_raise_names_a_date_from_today_to_sixty_days_ahead(days_ahead: int, allowed: bool) -> None:
    """R90."""
    answer = gate(raise_to(1_000_000, days_ahead))
    if allowed:
        assert isinstance(answer, Compare)
    else:
        assert answer.reason == "DATE_OUT_OF_RANGE"


def test_a_raise_without_a_date_is_refused() -> None:
    assert reason(act("raise_limit", amount_jpy=900_000, otp=CODE)) == "DATE_OUT_OF_RANGE"


def test_replacing_a_raise_by_a_lower_one_lowers_a_limit_and_needs_no_code() -> None:
    """Q7."""
    recorded = Raise(ACCOUNT_ID, DAY + timedelta(days=3), 1_500_000, 50)
    case = act_facts(raises=(recorded,))
    assert gate(raise_to(1_000_000), case) is None
    assert "Notify" not in kinds(done(raise_to(1_000_000), case).changes)
    assert isinstance(gate(raise_to(1_600_000), case), Compare)


def test_cancelling_needs_no_code_and_only_what_stands_can_be_cancelled() -> None:
    recorded = Raise(ACCOUNT_ID, DAY, 1_500_000, 50)
    asked = act("cancel_raise", day=DAY)
    assert gate(asked, act_facts(raises=(recorded,))) is None
    changes = done(asked, act_facts(raises=(recorded,))).changes
    assert only(changes, CancelRaise) == CancelRaise(ACCOUNT_ID, DAY)
    for raises in ((), (recorded._replace(cancelled=True),)):
        assert reason(asked, act_facts(raises=raises)) == "NOTHING_TO_CANCEL"
    yesterday = date(2014, 1, 14)
    ended = act_facts(raises=(recorded._replace(day=yesterday),))
    assert reason(act("cancel_raise", day=yesterday), ended) == "NOTHING_TO_CANCEL"


# ---------------------------------------------------------------- card lock


@pytest.mark.parametrize("channel", ["pc", "smartphone", "mobile"])
def test_locking_needs_no_code_and_releasing_does(channel: str) -> None:
    """R109, R112-R114, R116."""
    lock = act("lock_card", channel=channel, card_id="card-1")
    assert gate(lock) is None
    changes = done(lock).changes
    assert only(changes, SetCard) == SetCard("card-1", "locked", True)
    assert only(changes, Notify).kind == "card_locked"

    locked = act_facts(cards=(card(locked=True),))
    unlock = act("unlock_card", channel=channel, card_id="card-1")
    assert reason(unlock, locked) == "OTP_REQUIRED"
    changes = done(unlock, locked._replace(otp=MATCHED)).changes
    assert only(changes, SetCard) == SetCard("card-1", "locked", False)
    assert only(changes, Notify).kind == "card_unlocked"
    assert (only(changes, Audit).before, only(changes, Audit).after) == ("locked", "open")


def test_asking_for_the_lock_that_holds_changes_nothing() -> None:
    """R119: lock and unlock as often as one likes; nothing is released, so no code is asked."""
    locked = act_facts(cards=(card(locked=True),))
    assert kinds(done(act("lock_card", card_id="card-1"), locked).changes) == {"Audit"}
    assert gate(act("unlock_card", card_id="card-1")) is None
    assert kinds(done(act("unlock_card", card_id="card-1")).changes) == {"Audit"}


def test_only_a_card_of_the_account_can_be_locked() -> None:
    assert reason(act("lock_card", card_id="someone-elses")) == "UNKNOWN_CARD"


# ---------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("case", "entry", "expected"),
    [
        ({}, "", "OTP_REQUIRED"),
        ({}, "12345", "OTP_FORMAT"),  # R9: not counted, because nothing is charged for a refusal here
        ({"tokens": ()}, CODE, "NO_TOKEN"),
        ({"tokens": (token(expires=date(2014, 1, 14)),)}, CODE, "NO_TOKEN"),
        ({"tokens": (token(locked=True),)}, CODE, "TOKEN_LOCKED"),
        ({"account": {"otp_locked": True}}, CODE, "OTP_LOCKED"),  # R17: also with a right code
        ({"account": {"otp_fails": 5}}, CODE, "OTP_LOCKED"),
    ],
)
def test_an_act_that_needs_a_code_is_refused_before_a_try_is_charged(
    case: dict[str, Any], entry: str, expected: str
) -> None:
    assert reason(raise_to(1_000_000)._replace(otp=entry), act_facts(**case)) == expected


def test_one_unlocked_token_is_enough() -> None:
    tokens = (token(locked=True), token(serial="T-2"))
    assert isinstance(gate(raise_to(1_000_000), act_facts(tokens=tokens)), Compare)


def test_what_needs_no_code_works_while_codes_are_locked() -> None:
    """R18."""
    case = act_facts(account={"otp_locked": True})
    assert gate(act("set_limit", amount_jpy=0), case) is None
    assert gate(act("lock_card", card_id="card-1"), case) is None


@pytest.mark.parametrize(("result", "expected"), [("wrong", "OTP_WRONG"), ("used", "OTP_USED")])
@pytest.mark.parametrize(("fails", "locks"), [(1, False), (4, False), (5, True)])
def test_the_fifth_wrong_code_in_a_row_locks(result: str, expected: str, fails: int, locks: bool) -> None:
    """R15, Q1: a used code counts as wrong; `fails` has the charged try in it."""
    case = act_facts(account={"otp_fails": fails}, otp=OtpVerdict(result))
    outcome = decide_act(raise_to(1_000_000), case, figures(), at())
    assert ("refused", expected) == (outcome.outcome, outcome.reason)
    assert (SetAccount(ACCOUNT_ID, "otp_locked", True) in outcome.changes) is locks
    assert ("Notify" in kinds(outcome.changes)) is locks
    assert "PutRaise" not in kinds(outcome.changes)


def test_the_number_of_wrong_codes_is_policy() -> None:
    case = act_facts(account={"otp_fails": 3}, otp=OtpVerdict("wrong"))
    outcome = decide_act(raise_to(1_000_000), case, figures(otp__max_wrong=3), at())
    assert SetAccount(ACCOUNT_ID, "otp_locked", True) in outcome.changes


def test_a_code_of_a_locked_token_gives_the_charge_back() -> None:
    """R121, Q1: not counted, and the audit log says so."""
    case = act_facts(account={"otp_fails": 5}, otp=OtpVerdict("locked_token", "T-1"))
    outcome = decide_act(raise_to(1_000_000), case, figures(), at())
    assert outcome.reason == "TOKEN_LOCKED"
    assert only(outcome.changes, SetAccount) == SetAccount(ACCOUNT_ID, "otp_fails", 4)
    assert (only(outcome.changes, Audit).before, only(outcome.changes, Audit).after) == ("tries 5", "tries 4")


def test_a_right_code_stays_spent_when_the_act_is_refused_after_it() -> None:
    """Q3: between the charge and the decision the standing limit rose above the wanted raise."""
    case = act_facts(account={"standing_jpy": 500_000}, otp=MATCHED)
    outcome = decide_act(raise_to(400_000), case, figures(), at())
    assert ("refused", "NOT_ABOVE_STANDING") == (outcome.outcome, outcome.reason)
    assert {"ConsumeStep", "SetAccount", "Audit"} == kinds(outcome.changes)


def test_no_act_that_needs_a_code_is_done_without_its_comparison() -> None:
    outcome = decide_act(raise_to(1_000_000), act_facts(), figures(), at())
    assert ("refused", "OTP_REQUIRED") == (outcome.outcome, outcome.reason)


def test_what_asks_for_a_code_is_policy() -> None:
    """R23."""
    open_bank = figures(otp_required=["transfer"])
    assert precheck_act(raise_to(1_000_000), act_facts(), open_bank, at()) is None


def test_a_code_is_not_shown_by_the_record_that_carries_it() -> None:
    assert CODE not in repr(gate(raise_to(1_000_000)))
    assert CODE not in repr(raise_to(1_000_000))
    assert "raise_limit" in repr(raise_to(1_000_000))


def test_a_tokens_secret_is_not_shown() -> None:
    assert token().secret not in repr(act_facts())
    assert "T-1" in repr(token())


def test_no_change_of_any_outcome_carries_the_code() -> None:
    """R14."""
    for verdict in ("matched", "used", "wrong", "locked_token"):
        case = act_facts(otp=OtpVerdict(verdict, "T-1", 777))
        assert CODE not in repr(decide_act(raise_to(1_000_000), case, figures(), at()))


# ---------------------------------------------------------------- staff, and who may do what


def test_a_card_is_reported_by_the_bank_as_lost_or_stolen() -> None:
    for how in ("lost", "stolen"):
        asked = act("report_card", card_id="card-1", detail=how)
        assert only(done(asked).changes, SetCard) == SetCard("card-1", "hot", how)
    assert reason(act("report_card", card_id="card-1", detail="mislaid")) == "BAD_REPORT"


def test_blocked_tries_are_released_by_the_bank() -> None:
    """X1, Q1."""
    pin = done(act("release_pin", card_id="card-1"), act_facts(cards=(card(pin_fails=3),)))
    assert only(pin.changes, SetCard) == SetCard("card-1", "pin_fails", 0)
    locked = act_facts(account={"otp_locked": True, "otp_fails": 5})
    otp = done(act("release_otp"), locked).changes
    assert SetAccount(ACCOUNT_ID, "otp_locked", False) in otp
    assert SetAccount(ACCOUNT_ID, "otp_fails", 0) in otp


def test_an_account_is_closed_once_and_then_refuses_everything() -> None:
    assert only(done(act("close_account")).changes, SetAccount).field == "closed"
    closed = act_facts(account={"closed": True})
    assert reason(act("lock_card", card_id="card-1"), closed) == "ACCOUNT_CLOSED"


@pytest.mark.parametrize(
    ("kind", "channel"),
    [("set_limit", "operator"), ("lock_card", "atm"), ("release_pin", "pc"), ("report_card", "mobile")],
)
def test_customers_and_staff_keep_to_their_own_acts(kind: str, channel: str) -> None:
    assert reason(act(kind, channel=channel, card_id="card-1", detail="lost")) == "WRONG_CHANNEL"


def test_an_unknown_act_is_refused() -> None:
    asked = act("set_limit")._replace(kind="set_free")
    assert reason(asked) == "UNKNOWN_ACT"
    assert decide_act(asked, act_facts(), figures(), at()).reason == "UNKNOWN_ACT"


@pytest.mark.parametrize(
    "asked",
    [
        act("set_limit", amount_jpy=100_000),
        act("cancel_raise", day=DAY),
        act("lock_card", card_id="card-1"),
        act("report_card", card_id="card-1", detail="lost"),
        act("release_pin", card_id="card-1"),
        act("release_otp"),
        act("close_account"),
    ],
    ids=lambda asked: asked.kind,
)
def test_every_setting_change_has_one_audit_row_with_before_and_after(asked: Act) -> None:
    """X12."""
    locked = {"otp_fails": 5, "otp_locked": True}
    case = act_facts(account=locked, raises=(Raise(ACCOUNT_ID, DAY, 1_500_000, 50),))
    row = only(done(asked, case).changes, Audit)
    assert (asked.kind, asked.channel) == (row.what, row.channel)
    assert row.actor == ("operator" if asked.channel == "operator" else "customer")
    assert row.after
    assert row.before != row.after


def test_an_audit_row_of_staff_tells_who_did_it_and_why() -> None:
    """X12."""
    by_sato = act("report_card", card_id="card-1", detail="lost")._replace(
        operator="sato", because="he called"
    )
    row = only(done(by_sato).changes, Audit)
    assert ("operator:sato", "he called") == (row.actor, row.reason)
    refused = only(decide_act(by_sato._replace(card_id="none"), act_facts(), figures(), at()).changes, Audit)
    assert refused.reason == "UNKNOWN_CARD; he called"


NEW_CARD = Card("card-new", "hanako-2", ACCOUNT_ID, "1901", "1234")
NEW_PAN = Pan("4999000000000062")
REISSUE = act("reissue_card", card_id="card-1", detail="lost")._replace(new_card=NEW_CARD, new_pan=NEW_PAN)


def test_a_replaced_card_is_hot_in_the_same_commit_in_which_the_new_one_comes() -> None:
    changes = done(REISSUE).changes
    assert SetCard("card-1", "hot", "lost") == only(changes, SetCard)
    assert AddCard(NEW_CARD, NEW_PAN) == only(changes, AddCard)


def test_a_card_that_was_reported_before_keeps_its_report_when_it_is_replaced() -> None:
    changes = done(REISSUE._replace(detail=""), act_facts(cards=(card(hot="stolen"),))).changes
    assert [] == [change for change in changes if isinstance(change, SetCard)]


@pytest.mark.parametrize(
    ("expected", "asked", "facts"),
    [
        ("UNKNOWN_CARD", {"card_id": "none"}, {}),
        ("BAD_REPORT", {"detail": ""}, {}),
        ("BAD_REPORT", {"detail": "eaten"}, {}),
        ("BAD_CARD", {"new_card": None}, {}),
        ("BAD_CARD", {"new_card": NEW_CARD._replace(account_id="0010000009")}, {}),
        ("NUMBER_TAKEN", {}, {"number_taken": True}),
        ("WRONG_CHANNEL", {"channel": "pc"}, {}),
    ],
)
def test_a_card_that_cannot_be_replaced(expected: str, asked: dict[str, Any], facts: dict[str, Any]) -> None:
    assert expected == reason(REISSUE._replace(**asked), act_facts()._replace(**facts))


def test_a_limit_change_is_audited_in_yen() -> None:
    row = only(done(act("set_limit", amount_jpy=0), act_facts()).changes, Audit)
    assert (row.before, row.after) == (str(account().standing_jpy), "0")
