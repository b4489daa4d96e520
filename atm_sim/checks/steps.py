"""What became of a step, read from its event rows, and its `expect:` block judged against that.

A step's outcome is what the customer saw. At an ATM: approved (served), declined (by the bank or the network),
refused (by the terminal, which asked nobody), failed (broke off; reversed or left open), no_service (closed),
left (gave up). At home and by the bank's staff: done or refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from atm_sim.checks.rows import ReplicationRows
from atm_sim.checks.values import duration, yen
from atm_sim.records.check import Check
from atm_sim.records.event import EventRecord
from atm_sim.records.log import MessageRow, fields_of
from bank_host.iso8583.describe import masked_fields
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_response, request_mti, response_mti

AMOUNTS = ("dispensed", "balance", "fee", "limit", "room", "reversed", "transfer_limit")
"""The keys of an `expect:` block that are yen; None where the step says nothing about it."""

ALL_LINES = ("statement", "telephone")
SHOWN = (
    *("transfer", "previous_login", "failed_logins", "active", "inactive", *ALL_LINES),
    *("decision", "paid", "share", "payer", "rule", "contact", "role"),
)
"""The keys of an `expect:` block that are about something read."""

ON_THE_WIRE = ("mti", "within")
"""The keys about the answer as a message; beside them every data element, such as DE39."""

ELEMENT, ABSENT = "DE", "absent"
_BANK = "issuer:"
_BROKEN_OFF = ("reversal_queued", "suspect")


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step's rows say, in the words of its `expect:` block."""

    step: str
    outcome: str = ""
    code: str = ""
    reason: str = ""
    dispensed: int = 0
    fee: int = 0
    reversed: int = 0
    balance: int | None = None
    limit: int | None = None
    room: int | None = None
    card: str = ""  # returned | retained
    notices: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()  # MTIs on the ATM's own line
    request_id: str = ""  # of the last request
    transfer_limit: int | None = None
    shown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what was read, by what it is
    answer: MessageRow | None = None  # the bank's, or else whoever's answer came
    answer_us: int | None = None  # how long it took


def step_results(
    events: Iterable[EventRecord], messages: Iterable[MessageRow] = ()
) -> Mapping[str, StepResult]:
    """The result of every step of one replication, by the step's label."""
    rows_of: dict[str, list[EventRecord]] = defaultdict(list)
    messages_of: dict[str, list[MessageRow]] = defaultdict(list)
    for row in events:
        if row.step:
            rows_of[row.step].append(row)
    for message in messages:
        if message.step:
            messages_of[message.step].append(message)
    return {step: step_result(step, rows, messages_of[step]) for step, rows in rows_of.items()}


def step_result(step: str, rows: Sequence[EventRecord], messages: Sequence[MessageRow] = ()) -> StepResult:
    """The result of one step from its rows, in the order they happened."""
    found = ReplicationRows(rows)
    last = {row.kind: row for row in rows}
    state = {row.reason: row.amount_jpy for row in found.of("state")}
    outcome = _outcome(last)
    return StepResult(
        step=step,
        outcome=outcome,
        code=next((last[kind].code for kind in ("answered", "replied") if kind in last), ""),
        reason=_reason(outcome, found, last),
        dispensed=sum(row.amount_jpy for row in found.of("dispensed")),
        fee=sum(row.amount_jpy for row in found.of("fee")),
        reversed=_reversed_jpy(found),
        balance=state.get("balance"),
        limit=state.get("limit"),
        room=state.get("room"),
        card="retained" if "retained" in last else "returned" if "card_returned" in last else "",
        notices=tuple(row.reason for row in found.of("notice")),
        messages=_on_the_atms_line(messages),
        request_id=next((row.request_id for row in reversed(rows) if row.kind == "sent"), ""),
        transfer_limit=state.get("transfer_limit"),
        shown=_shown(found),
        answer=(answer := _the_answer(messages)),
        answer_us=_took_us(answer, messages),
    )


def _shown(found: ReplicationRows) -> Mapping[str, tuple[str, ...]]:
    told: dict[str, tuple[str, ...]] = {}
    for row in found.of("shown"):
        told[row.code] = (*told.get(row.code, ()), row.reason)
    return told


def _outcome(last: Mapping[str, EventRecord]) -> str:
    if "act" in last:
        return last["act"].code
    if "shown" in last:
        return "done"
    if "completed" in last:
        return "approved"
    if "declined" in last:
        return "declined" if last["declined"].mti else "refused"
    if "no_service" in last:
        return "no_service"
    if any(kind in last for kind in _BROKEN_OFF):
        return "failed"
    return "left" if "left" in last or "cancelled" in last else ""


def _reason(outcome: str, found: ReplicationRows, last: Mapping[str, EventRecord]) -> str:
    """Why it ended so, in the words of whoever ended it."""
    match outcome:
        case "declined":
            return next((row.reason for row in reversed(found.declined_answers)), "")
        case "no_service":
            return last["no_service"].reason
        case "failed":
            return next(last[kind].reason for kind in _BROKEN_OFF if kind in last)
    why = last.get("act") or last.get("declined")
    return why.reason if why and outcome != "approved" else ""


def _reversed_jpy(found: ReplicationRows) -> int:
    """What the bank gave back, without the fee that came back with it."""
    moved = sum(row.amount_jpy for row in found.of("posted") if row.reason == "reversal")
    return moved + sum(row.amount_jpy for row in found.of("fee") if row.reason == "reversal")


def _on_the_atms_line(messages: Sequence[MessageRow]) -> tuple[str, ...]:
    """The MTIs between the ATM and its acquirer, which is where a step's first message travels."""
    if not messages:
        return ()
    line = {messages[0].sender, messages[0].receiver}
    return tuple(message.mti for message in messages if {message.sender, message.receiver} == line)


def _the_answer(messages: Sequence[MessageRow]) -> MessageRow | None:
    """The last answer to the step's requests: the bank's own, as it left the bank, or what the network said instead."""
    if not messages or is_response(messages[0].mti):
        return None
    answers = [row for row in messages if row.mti == response_mti(messages[0].mti)]
    of_the_bank = [row for row in answers if row.sender.startswith(_BANK)]
    return next(reversed(of_the_bank or answers), None)


def _took_us(answer: MessageRow | None, messages: Sequence[MessageRow]) -> int | None:
    """From the request's last hop before the answer on, which is the one to whoever answered."""
    if answer is None:
        return None
    request = request_mti(answer.mti)
    asked = [
        row.time_us
        for row in messages
        if row.receiver == answer.sender and row.time_us <= answer.time_us and request_mti(row.mti) == request
    ]
    return answer.time_us - asked[-1] if asked else None


# ---------------------------------------------------------------- judging


@dataclass(frozen=True, slots=True)
class StepExpectation:
    """A step's `expect:` block: `values` by key, amounts in yen, texts as text, messages as a list."""

    step: str
    values: Mapping[str, object]
    case: str = ""
    line: int = 0
    column: int = 0


def judge_step(expected: StepExpectation, result: StepResult | None) -> list[Check]:
    """One Check for each key of the block, in the block's order. `result` None: the step never happened."""
    return [_judge_key(expected, key, value, result) for key, value in expected.values.items()]


def _judge_key(expected: StepExpectation, key: str, value: object, result: StepResult | None) -> Check:
    wanted = _text(key, value)
    if result is None:
        passed, actual = False, "the step did not happen"
    elif key == "notice":
        passed = not result.notices if value == "none" else value in result.notices
        actual = ", ".join(result.notices) or "none"
    elif key in ON_THE_WIRE or key.startswith(ELEMENT):
        passed, actual = _judge_answer(key, value, result)
    elif key in SHOWN:
        passed, actual = _judge_shown(key, value, result.shown.get(key, ()))
    else:
        found = getattr(result, key)
        passed = (tuple(found) == tuple(value)) if key == "messages" else found == value  # type: ignore[arg-type]
        actual = _text(key, found)
    return Check(
        kind="step",
        name=key,
        expected=wanted,
        actual=actual,
        passed=passed,
        case=expected.case,
        step=expected.step,
        line=expected.line,
        column=expected.column,
        request_id=result.request_id if result else "",
    )


def _judge_answer(key: str, value: object, result: StepResult) -> tuple[bool, str]:
    """What the answer says, or how long it took."""
    if result.answer is None:
        return False, "no answer"
    if key == "within":
        assert isinstance(value, int), "a time is microseconds"
        took_us = result.answer_us
        return took_us is not None and took_us <= value, duration(
            took_us
        ) if took_us is not None else "no request"
    if key == "mti":
        return result.answer.mti == value, result.answer.mti
    found = fields_of(result.answer).get(int(key.removeprefix(ELEMENT)), "")
    wanted = "" if value is None else _text(key, value)
    return found.rstrip() == wanted.rstrip(), found or ABSENT


def _judge_shown(key: str, value: object, shown: tuple[str, ...]) -> tuple[bool, str]:
    """A statement is all its lines; of safeguards some are named; anything else is the same wherever it is shown."""
    actual = "; ".join(dict.fromkeys(shown)) or "nothing"
    if key in ALL_LINES:
        return shown == value, actual
    if isinstance(value, tuple):
        return all(name in shown for name in value), actual
    return set(shown) == {_text(key, value)}, actual


def _text(key: str, value: object) -> str:
    if key == "within" and isinstance(value, int):
        return f"at most {duration(value)}"
    if key.startswith(ELEMENT):
        return ABSENT if value is None else _as_logged(int(key.removeprefix(ELEMENT)), f"{value}")
    if key == "mti":
        return f"{value}"
    if key in SHOWN:
        if isinstance(value, tuple):
            return "; ".join(value)
        return yen(value) if key == "paid" and isinstance(value, int) else f"{value}"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "no messages"
    if key in AMOUNTS and isinstance(value, int):
        return yen(value)
    if value is None or value == "":
        return "nothing"
    return f'"{value}"' if key == "code" else str(value)


def _as_logged(element: int, value: str) -> str:
    """The value as the record has it: a card number masked."""
    return masked_fields(Message("0210", {element: value}))[element]
