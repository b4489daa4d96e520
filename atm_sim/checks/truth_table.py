"""The truth table of reversals, rows RS1-RS10 (who sends them) and RI1-RI15 (the issuer), in one place.

Each row says its case, what is required, and how the record of a run shows that the case came up: `reached`. The
documentation is this table, the matrix of requirements takes its rows from here, and the fuzzer counts by it. Whether
what is required was also done is the business of the invariants and of the scenario that shows the row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from atm_sim.records.event import EventRecord
from atm_sim.records.log import MessageRow, fields_of
from bank_host.jst import DAY_US

Side = Literal["sender", "issuer"]

REQUESTS = ("0200", "0201")
REVERSALS = ("0400", "0401", "0420", "0421")
REVERSAL_REPEATS = ("0401", "0421")
REVERSAL_ANSWERS = ("0410", "0430")
GIVEN_BACK = ("reversed", "part_reversed")
STOPS_A_CARD = ("lock_card", "report_card", "close_account")
CUT_OVER_BEGINS = "201"
_PARTLY, _TRACE_NUMBER, _TRANSMITTED = 95, 11, 7


class Story(NamedTuple):
    """One chain of messages, from the request to the last answer about it, and what happened around it."""

    rows: Sequence[EventRecord]  # of the chain
    messages: Sequence[MessageRow]  # of the chain
    around: Around

    def of(self, kind: str, *reasons: str) -> Iterator[EventRecord]:
        """The chain's rows of a kind; with reasons, those for one of them."""
        return (row for row in self.rows if row.kind == kind and (not reasons or row.reason in reasons))

    def advised(self, *reasons: str) -> Iterator[EventRecord]:
        """The issuer's decisions on a reversal of the chain."""
        return (row for row in self.of("advised", *reasons) if row.mti in REVERSALS)

    def sent(self, *mtis: str) -> Iterator[MessageRow]:
        return (row for row in self.messages if row.mti in mtis)

    @property
    def asked_us(self) -> int:
        """When the issuer was first asked."""
        at_us = [row.time_us for row in self.sent(*REQUESTS) if row.receiver.startswith("issuer:")]
        return min(at_us, default=0)


class Around(NamedTuple):
    """What concerns more than one chain."""

    stopped_us: Mapping[
        str, Sequence[int]
    ]  # by person: when the card was locked or reported, the account closed
    cut_over_us: Sequence[int]
    crashed_us: Sequence[int]  # when a host stopped in the middle of its work
    requests: Mapping[
        tuple[str, str], frozenset[str]
    ]  # by terminal and trace number: the times of the requests


class Row(NamedTuple):
    """One row of the table. `times` counts how often a chain shows its case."""

    id: str
    side: Side
    case_en: str
    case_ja: str
    required_en: str
    required_ja: str
    times: Callable[[Story], int]

    @property
    def requirement(self) -> str:
        return f"{self.case_en}: {self.required_en}."


def reached(events: Iterable[EventRecord], messages: Iterable[MessageRow]) -> Counter[str]:
    """How often each row's case came up in one replication."""
    rows_of: dict[str, list[EventRecord]] = defaultdict(list)
    messages_of: dict[str, list[MessageRow]] = defaultdict(list)
    events, messages = list(events), list(messages)
    for row in events:
        if row.request_id:
            rows_of[row.request_id].append(row)
    for message in messages:
        if message.request_id in rows_of:
            messages_of[message.request_id].append(message)
    around = _around(events, messages)
    found: Counter[str] = Counter()
    for chain, rows in rows_of.items():
        story = Story(rows, messages_of[chain], around)
        found.update({row.id: row.times(story) for row in TRUTH_TABLE})
    return +found


def _around(events: Iterable[EventRecord], messages: Iterable[MessageRow]) -> Around:
    stopped: dict[str, list[int]] = defaultdict(list)
    crashed = []
    for row in events:
        if row.kind == "act" and row.service in STOPS_A_CARD and row.code == "done":
            stopped[row.actor].append(row.time_us)
        elif row.kind == "fault" and row.reason == "crashed" and row.step:
            crashed.append(row.time_us)
    requests: dict[tuple[str, str], set[str]] = defaultdict(set)
    cut_over = []
    for message in messages:
        if message.mti == "0200":
            fields = fields_of(message)
            terminal = message.request_id.partition("/")[0]
            requests[terminal, fields.get(_TRACE_NUMBER, "")].add(fields.get(_TRANSMITTED, ""))
        elif message.mti == "0800" and fields_of(message).get(70) == CUT_OVER_BEGINS:
            cut_over.append(message.time_us)
    times = {key: frozenset(at) for key, at in requests.items()}
    return Around(stopped, cut_over, crashed, times)


# ---------------------------------------------------------------- how a case is recognised


def _count(rows: Iterable[object]) -> int:
    return sum(1 for _ in rows)


def _queued(*reasons: str) -> Callable[[Story], int]:
    """A reversal was queued for this reason."""
    return lambda story: _count(story.of("reversal_queued", *reasons))


def _decided(*reasons: str) -> Callable[[Story], int]:
    """The issuer decided so on a reversal."""
    return lambda story: _count(story.advised(*reasons))


def _late_approval(story: Story) -> int:
    return _count(row for row in story.of("late_answer") if row.mti == "0210" and row.code == "00")


def _declined(story: Story) -> int:
    return _count(row for row in story.of("declined") if row.mti) + _queued("no_confirmation")(story)


def _nothing_left(story: Story) -> int:
    return _count(row for row in story.of("unreachable") if row.mti in REQUESTS)


def _repeated(story: Story) -> int:
    return _count(row for row in story.of("repeated") if row.mti in REVERSAL_REPEATS)


def _manual(story: Story) -> int:
    return _count(row for row in story.of("manual") if row.mti in REVERSALS)


def _answered_again(story: Story) -> int:
    """The same answer left the bank more than once."""
    answers = (
        (row.sender, row.fields)
        for row in story.sent(*REVERSAL_ANSWERS)
        if row.sender.startswith("issuer:") and fields_of(row).get(39) != "94"
    )
    return sum(times - 1 for times in Counter(answers).values())


def _repeat_first(story: Story) -> int:
    return _count(row for row in story.advised() if row.mti in REVERSAL_REPEATS)


def _edge_of_part(story: Story) -> int:
    """DE95 said nothing, or all of the amount, stands."""
    nothing_stands = any(fields_of(row).get(_PARTLY, "1")[:12] == "0" * 12 for row in story.sent(*REVERSALS))
    return _count(story.advised("nothing_reversed", *(("reversed",) if nothing_stands else ())))


def _while_decided(story: Story) -> int:
    """The host stopped over the request, and the reversal found nothing decided."""
    crashes = [at_us for at_us in story.around.crashed_us if at_us >= story.asked_us]
    return _count(
        row
        for row in story.advised("original_unknown")
        if story.asked_us and any(at_us <= row.time_us for at_us in crashes)
    )


def _on_a_later_day(story: Story) -> int:
    def later(row: EventRecord) -> bool:
        cut_over = any(story.asked_us < at_us <= row.time_us for at_us in story.around.cut_over_us)
        return cut_over or row.time_us // DAY_US > story.asked_us // DAY_US

    return _count(row for row in story.advised(*GIVEN_BACK) if later(row))


def _trace_number_again(story: Story) -> int:
    """Something was given back although its terminal had used the trace number for another request, too."""
    terminal = story.rows[0].request_id.partition("/")[0]
    numbers = {fields_of(row).get(_TRACE_NUMBER, "") for row in story.sent("0200")}
    again = any(len(story.around.requests.get((terminal, number), ())) > 1 for number in numbers)
    return _count(story.advised(*GIVEN_BACK)) if again else 0


def _card_stopped(story: Story) -> int:
    def stopped(row: EventRecord) -> bool:
        stops = story.around.stopped_us.get(row.actor, ())
        return any(story.asked_us <= at_us <= row.time_us for at_us in stops)

    return _count(row for row in story.advised(*GIVEN_BACK) if stopped(row))


# ---------------------------------------------------------------- the table

TRUTH_TABLE: tuple[Row, ...] = (
    Row(
        "RS1",
        "sender",
        "No answer within the timer, or link lost in flight",
        "時間内に応答なし、または送信後に回線断",
        "no cash; 0420 'timeout' queued before anything else; 0421 until 0430",
        "払出なし。まず0420(timeout)を保存、0430まで0421を再送",
        _queued("timeout"),
    ),
    Row(
        "RS2",
        "sender",
        "0210 (00) after the timer",
        "時間切れ後に0210(00)",
        "counted as late and dropped; the reversal stands",
        "遅延として計上し破棄。取消はそのまま",
        _late_approval,
    ),
    Row(
        "RS3",
        "sender",
        "0210 unreadable, bad MAC, or wrong key fields",
        "0210が判読不能、MAC不一致、または照合項目の相違",
        "as RS1, reason 'invalid answer'",
        "RS1と同じ。理由は応答不正",
        _queued("invalid_answer", "mac_failure"),
    ),
    Row(
        "RS4",
        "sender",
        "0210 (00) in time, nothing dispensed",
        "時間内に0210(00)、払出なし",
        "0420 in full",
        "全額の0420",
        _queued("hardware_error", "customer_cancel", "card_refused"),
    ),
    Row(
        "RS5",
        "sender",
        "Part dispensed",
        "一部払出",
        "0420 with DE95 = amount dispensed",
        "DE95=払出額の0420",
        _queued("part_dispense"),
    ),
    Row(
        "RS6",
        "sender",
        "Outcome unknown: power loss, jam, notes taken back",
        "結果不明(停電、紙幣詰まり、取り忘れの回収)",
        "suspect: nothing credited; counted cash decides, then full, part or no 0420; open until then",
        "不明として保留し自動返金なし。精査の結果で全額・一部の0420、または0420なし",
        lambda story: _count(story.of("suspect")),
    ),
    Row(
        "RS7",
        "sender",
        "0210 declined",
        "0210で拒否",
        "nothing to reverse; after 68, 94 or 96 0420",
        "取消不要。68・94・96は0420",
        _declined,
    ),
    Row(
        "RS8",
        "sender",
        "Provably no byte left",
        "送信していないことが確実",
        "no 0420; if in doubt, RS1",
        "0420なし。疑わしければRS1",
        _nothing_left,
    ),
    Row(
        "RS9",
        "sender",
        "0420 unanswered",
        "0420に応答なし",
        "0421 with the same DE11, 12, 13, 7, 37 and 90 until 0430; survives a restart",
        "DE11・12・13・7・37・90が同じ0421を0430まで再送。再起動後も継続",
        _repeated,
    ),
    Row(
        "RS10",
        "sender",
        "Tries or age of the queue used up",
        "再送回数または保持時間の上限",
        "never dropped: state 'manual', the reconciliation item stays open",
        "破棄せず手作業待ちとし、照合項目は未了のまま",
        _manual,
    ),
    Row(
        "RI1",
        "issuer",
        "Original approved and open",
        "元取引が承認済みで未了",
        "DE4 given back once; limit use returns to the original's day; 00",
        "DE4を一度だけ返金。限度額は元取引の日に戻す。00",
        _decided("reversed"),
    ),
    Row(
        "RI2",
        "issuer",
        "Original was declined",
        "元取引が拒否済み",
        "00, nothing posted",
        "00、記帳なし",
        _decided("original_declined"),
    ),
    Row(
        "RI3",
        "issuer",
        "Original never seen",
        "元取引が未着",
        "00, remembered; the original, if it comes later, is declined 94 and posts nothing",
        "00、記憶する。後から元取引が届けば94で拒否し記帳なし",
        _decided("original_unknown"),
    ),
    Row(
        "RI4",
        "issuer",
        "Repeat of an answered reversal",
        "応答済みの取消の再送",
        "same answer bytes, nothing posted",
        "同じ応答、記帳なし",
        _answered_again,
    ),
    Row(
        "RI5",
        "issuer",
        "0421 whose 0420 was lost",
        "0420が消失した0421",
        "handled as the 0420 would have been",
        "0420と同じ処理",
        _repeat_first,
    ),
    Row(
        "RI6",
        "issuer",
        "New message, original already reversed",
        "別の電文、元取引は取消済み",
        "00, nothing posted, recorded",
        "00、記帳なし、記録",
        _decided("already_reversed"),
    ),
    Row(
        "RI7",
        "issuer",
        "DE95 between 0 and DE4, whole notes",
        "DE95が0とDE4の間、紙幣単位",
        "DE4 - DE95 given back; DE95 stands",
        "DE4-DE95を返金、DE95は成立",
        _decided("part_reversed"),
    ),
    Row(
        "RI8",
        "issuer",
        "DE95 = 0, or = DE4",
        "DE95=0、またはDE95=DE4",
        "all given back, or nothing; 00",
        "全額返金、または返金なし。00",
        _edge_of_part,
    ),
    Row(
        "RI9",
        "issuer",
        "DE95 above DE4, not whole notes, or unlike an earlier part; card, amount or terminal not the original's",
        "DE95がDE4超過・紙幣単位外・先の一部取消と相違、またはカード・金額・端末が元取引と相違",
        "00, nothing posted, exception item and alarm",
        "00、記帳なし、例外項目と警報",
        _decided("reversal_mismatch", "replacement_amount", "reversal_differs"),
    ),
    Row(
        "RI10",
        "issuer",
        "Original completed by advice: the cash was taken",
        "元取引が完了通知済み(現金受取済み)",
        "00, nothing automatic, exception item",
        "00、自動処理なし、例外項目",
        _decided("reversal_after_completion"),
    ),
    Row(
        "RI11",
        "issuer",
        "Original still being decided",
        "元取引が処理中",
        "one after the other; the end is never 'approved only'",
        "順に処理し、承認のみで終わらない",
        _while_decided,
    ),
    Row(
        "RI12",
        "issuer",
        "Original on an earlier business day",
        "元取引が前営業日以前",
        "posted today, with the original's date and limit day",
        "本日付で記帳、元取引の日付と限度額の日を参照",
        _on_a_later_day,
    ),
    Row(
        "RI13",
        "issuer",
        "Older than the retention time",
        "保存期間の超過",
        "00, exception item",
        "00、例外項目",
        _decided("reversal_too_old"),
    ),
    Row(
        "RI14",
        "issuer",
        "A later 0200 uses the trace number again",
        "後の0200が同じ通番を使用",
        "untouched: DE7 in DE90 tells them apart",
        "影響なし。DE90のDE7で区別",
        _trace_number_again,
    ),
    Row(
        "RI15",
        "issuer",
        "Card meanwhile locked, reported or its account closed",
        "その間にカードのロック・届出・口座解約",
        "as RI1: a reversal asks for no permission",
        "RI1と同じ。取消に許可は不要",
        _card_stopped,
    ),
)
