"""A step's rows become its result, and its `expect:` block one check a key."""

from __future__ import annotations

import pytest

from atm_sim.checks.steps import StepExpectation, StepResult, judge_step, step_result, step_results
from atm_sim.records.event import EventRecord
from atm_sim.records.log import MessageRow


def row(kind: str, **columns: object) -> EventRecord:
    return EventRecord("r", 1, 0, kind, actor="hanako", step="1", **columns)  # type: ignore[arg-type]


def message(mti: str, sender: str, receiver: str) -> MessageRow:
    return MessageRow("r", 1, 0, "A1", sender, receiver, "1", mti, "{}")


ARRIVED = [row("arrived"), row("started"), row("inserted"), row("sent", request_id="A1", mti="0200")]
APPROVED = [
    *ARRIVED,
    row("decided", code="00"),
    row("posted", amount_jpy=30_000, reason="withdrawal"),
    row("fee", amount_jpy=108, reason="withdrawal"),
    row("notice", reason="atm_withdrawal"),
    row("answered", request_id="A1", code="00"),
    row("dispensed", amount_jpy=30_000),
    row("card_returned"),
    row("completed", mti="0200"),
    row("left"),
    row("state", reason="balance", amount_jpy=220_000),
    row("state", reason="limit", amount_jpy=100_000),
    row("state", reason="room", amount_jpy=70_000),
]
DECLINED = [
    *ARRIVED,
    row("decided", code="62", reason="card_locked"),
    row("answered", request_id="A1", code="62"),
    row("declined", code="62", mti="0200"),
    row("left"),
]
FAILED = [
    *ARRIVED,
    row("decided", code="00"),
    row("posted", amount_jpy=30_000, reason="withdrawal"),
    row("fee", amount_jpy=108, reason="withdrawal"),
    row("answered", code="00"),
    row("dispensed", amount_jpy=0, reason="jam"),
    row("reversal_queued", reason="hardware_error"),
    row("posted", amount_jpy=30_108, reason="reversal"),
    row("fee", amount_jpy=-108, reason="reversal"),
    row("reversed"),
    row("left"),
]


def test_an_approved_withdrawal() -> None:
    assert step_result("1", APPROVED) == StepResult(
        "1",
        outcome="approved",
        code="00",
        dispensed=30_000,
        fee=108,
        balance=220_000,
        limit=100_000,
        room=70_000,
        card="returned",
        notices=("atm_withdrawal",),
        request_id="A1",
    )


def test_a_declined_withdrawal_has_the_banks_code_and_reason() -> None:
    result = step_result("1", DECLINED)
    assert ("declined", "62", "card_locked") == (result.outcome, result.code, result.reason)


def test_a_failed_dispense_gives_back_amount_and_fee() -> None:
    result = step_result("1", FAILED)
    assert ("failed", "hardware_error") == (result.outcome, result.reason)
    assert (0, 0, 30_000) == (result.dispensed, result.fee, result.reversed)


@pytest.mark.parametrize(
    ("rows", "outcome", "reason"),
    [
        ([row("act", code="done")], "done", ""),
        ([row("act", code="refused", reason="otp_wrong")], "refused", "otp_wrong"),
        ([row("started"), row("declined", reason="amount_step"), row("left")], "refused", "amount_step"),
        ([row("started"), row("no_service", reason="closed"), row("left")], "no_service", "closed"),
        ([*ARRIVED, row("reversal_queued", reason="timeout"), row("left")], "failed", "timeout"),
        ([*ARRIVED, row("suspect", reason="power_loss")], "failed", "power_loss"),
        ([row("started"), row("cancelled"), row("left")], "left", ""),
        ([*DECLINED[:-1], *APPROVED], "approved", ""),
        (
            [*ARRIVED, row("timed_out"), row("answered", code="91"), row("declined", code="91", mti="0200")],
            "declined",
            "timed_out",
        ),
    ],
)
def test_how_a_step_ended_and_why(rows: list[EventRecord], outcome: str, reason: str) -> None:
    result = step_result("1", rows)
    assert (outcome, reason) == (result.outcome, result.reason)


def test_messages_are_those_on_the_atms_own_line() -> None:
    hops = [("atm", "acquirer"), ("acquirer", "switch"), ("switch", "acquirer"), ("acquirer", "atm")]
    mtis = ["0200", "0200", "0210", "0210"]
    messages = [message(mti, *hop) for mti, hop in zip(mtis, hops, strict=True)]
    assert step_result("1", APPROVED, messages).messages == ("0200", "0210")


def test_steps_are_kept_apart_by_their_label() -> None:
    other = [entry._replace(step="2") for entry in DECLINED]
    results = step_results([*APPROVED, *other, row("cassette")._replace(step="")])
    assert {"1": "approved", "2": "declined"} == {step: found.outcome for step, found in results.items()}


EXPECTED = StepExpectation(
    "1",
    {
        "outcome": "approved",
        "code": "00",
        "dispensed": 30_000,
        "notice": "atm_withdrawal",
        "card": "returned",
    },
    case="row 2",
    line=7,
    column=3,
)


def test_a_met_block_is_one_passed_check_a_key() -> None:
    checks = judge_step(EXPECTED, step_result("1", APPROVED))
    assert [(check.name, check.passed) for check in checks] == [
        ("outcome", True),
        ("code", True),
        ("dispensed", True),
        ("notice", True),
        ("card", True),
    ]


def test_a_broken_block_fails_in_the_keys_that_differ_and_names_line_case_and_message_chain() -> None:
    checks = judge_step(EXPECTED, step_result("1", DECLINED))
    assert [check.passed for check in checks] == [False] * 5
    assert (checks[2].expected, checks[2].actual) == ("¥30,000", "¥0")
    assert (checks[1].expected, checks[1].actual) == ('"00"', '"62"')
    assert ("row 2", "1", 7, 3, "A1") == (
        checks[0].case,
        checks[0].step,
        checks[0].line,
        checks[0].column,
        checks[0].request_id,
    )


@pytest.mark.parametrize(
    ("values", "rows", "passes"),
    [
        ({"notice": "none"}, DECLINED, True),
        ({"notice": "none"}, APPROVED, False),
        ({"messages": ["0200"]}, APPROVED, False),
        ({"messages": []}, APPROVED, True),
        ({"balance": 1}, DECLINED, False),
    ],
)
def test_nothing_is_something_one_can_expect(
    values: dict[str, object], rows: list[EventRecord], passes: bool
) -> None:
    assert judge_step(StepExpectation("1", values), step_result("1", rows))[0].passed is passes


PAGE = [
    row("shown", code="previous_login", reason="none"),
    row("shown", code="statement", reason="first"),
    row("shown", code="statement", reason="second"),
    row("shown", code="active", reason="card_lock"),
    row("shown", code="active", reason="login_id"),
    row("shown", code="share", reason="0.75"),
    row("shown", code="share", reason="0.75"),
    row("shown", code="paid", reason="¥225,000"),
    row("shown", code="failed_logins", reason="0"),
]


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        ({"outcome": "done"}, True),
        ({"previous_login": "none"}, True),
        ({"previous_login": "2014-01-15 09:00:00"}, False),
        ({"failed_logins": 0}, True),
        ({"failed_logins": 1}, False),
        ({"statement": ("first", "second")}, True),
        ({"statement": ("first",)}, False),
        ({"statement": ("second", "first")}, False),
        ({"active": ("login_id",)}, True),
        ({"active": ("login_id", "token_lock")}, False),
        ({"inactive": ("card_lock",)}, False),
        ({"share": 0.75}, True),
        ({"share": 1.0}, False),
        ({"paid": 225_000}, True),
        ({"paid": 225_001}, False),
        ({"contact": "FINMAC"}, False),
    ],
)
def test_what_was_read_is_what_was_expected(values: dict[str, object], passes: bool) -> None:
    """A statement to the last line; of safeguards those named; a share that holds for each loss."""
    assert judge_step(StepExpectation("1", values), step_result("1", PAGE))[0].passed is passes


def test_a_share_that_differs_between_losses_is_none_of_them() -> None:
    rows = [*PAGE, row("shown", code="share", reason="1.0")]
    (check,) = judge_step(StepExpectation("1", {"share": 0.75}), step_result("1", rows))
    assert (False, "0.75; 1.0") == (check.passed, check.actual)


def test_a_step_that_never_happened_fails_every_key() -> None:
    checks = judge_step(EXPECTED, None)
    assert {check.actual for check in checks} == {"the step did not happen"}
    assert not any(check.passed for check in checks)
