"""The figures behind the report, counted by hand from a few rows."""

from __future__ import annotations

from atm_sim.records.event import EventRecord
from atm_sim.records.log import MessageRow, fields_json
from atm_sim.records.manifest import Manifest, PersonEntry
from atm_sim.report import tables, trace
from atm_sim.report.view import RunView, clock

HOUR = 3_600_000_000
MANIFEST = Manifest("r", "t", "f.yaml", "0" * 64, 1, "2014-01-15", cast={"hanako": PersonEntry("山田 花子")})


def row(time_us: int, kind: str, replication: int = 1, **columns: object) -> EventRecord:
    values = {"phase": "measured", "actor": "hanako", **columns}
    return EventRecord("r", replication, time_us, kind, **values)  # type: ignore[arg-type]


def view(*events: EventRecord, messages: tuple[MessageRow, ...] = ()) -> RunView:
    return RunView(MANIFEST, events, messages, (), ())


def test_declines_are_averaged_over_replications_and_ranked() -> None:
    declined = [row(1, "declined", replication, reason="no_cash") for replication in (1, 1, 2)]
    answered = [row(2, "decided", 2, code="51", reason="no_funds"), row(3, "answered", 2, code="51")]
    found = tables.declines_by_reason(view(*declined, *answered))
    assert found == [tables.Count("no_cash", 1.5, ""), tables.Count("no_funds", 0.5, "51")]


def test_hours_between_the_first_and_the_last_customer_are_all_there() -> None:
    found = tables.per_hour(
        view(
            row(8 * HOUR, "arrived"),
            row(8 * HOUR + 9, "dispensed", amount_jpy=1000),
            row(10 * HOUR, "arrived"),
        )
    )
    assert found == [(8, 1.0, 1.0), (9, 0.0, 0.0), (10, 1.0, 0.0)]


def test_a_cash_line_knows_its_start_lowest_and_end_in_the_first_replication() -> None:
    cash = [
        row(at, "cassette", atm="N1", amount_jpy=amount, phase="") for at, amount in ((0, 9), (1, 2), (2, 5))
    ]
    other = row(3, "cassette", 2, atm="N1", amount_jpy=0)
    (line,) = tables.cash_by_atm(view(*cash, other))
    assert (9, 2, 5) == (line.start_jpy, line.lowest_jpy, line.end_jpy)


def test_a_reversal_is_listed_once_and_open_until_accepted() -> None:
    queued = [
        row(at, "reversal_queued", request_id=name, amount_jpy=7)
        for at, name in ((1, "A"), (2, "B"), (3, "A"))
    ]
    found = tables.reversals(view(*queued, row(4, "reversed", request_id="A")))
    assert [("A", True), ("B", False)] == [(entry.request_id, entry.accepted) for entry in found]


def test_stand_in_shows_each_approval_and_the_risk_that_was_taken() -> None:
    found = tables.stand_in(
        view(
            row(1, "stood_in", request_id="A", amount_jpy=30_000, reason="stand_in_timeout", latency_us=5),
            row(2, "stood_in", request_id="B", amount_jpy=20_000, reason="stand_in_planned", latency_us=9),
            row(3, "advice_accepted", request_id="A", reason="stand_in_timeout"),
            row(4, "advice_accepted", request_id="B", reason="completion"),
            row(5, "exception", reason="STAND_IN", amount_jpy=30_000),
            row(6, "exception", reason="STAND_IN_OVER_LIMIT", amount_jpy=4_000),
            row(7, "exception", reason="STAND_IN_OVER_BALANCE", amount_jpy=1_000),
        )
    )
    assert found is not None
    assert [(30_000, True), (20_000, False)] == [(each.amount_jpy, each.told) for each in found.approvals]
    assert (4_000, 1_000) == (found.over_limit_jpy, found.over_balance_jpy)
    assert (9, 1) == (found.oldest_list_us, found.outstanding)


def test_without_stand_in_there_is_nothing_to_show() -> None:
    assert None is tables.stand_in(view(row(1, "arrived")))


def test_fees_are_summed_by_what_they_were_for() -> None:
    rows = [
        row(1, "fee", reason="withdrawal", amount_jpy=108),
        row(2, "fee", reason="reversal", amount_jpy=-108),
    ]
    assert tables.fees(view(*rows)) == [("reversal", 1, "-¥108"), ("withdrawal", 1, "¥108")]


def test_a_message_on_its_way_through_the_network_is_told_once() -> None:
    """The acquirer adds an element of its own, so its copy is not the same text."""
    fields = {11: "000001", 41: "T1"}
    hops = tuple(
        MessageRow("r", 1, at, "A", sender, to, "1", "0200", fields_json(held))
        for at, sender, to, held in (
            (5, "N1", "acquirer", fields),
            (6, "acquirer", "switch", fields | {33: "34"}),
        )
    )
    day = trace.day_of(
        view(row(4, "arrived", site="north"), row(5, "sent", request_id="A"), messages=hops), "hanako"
    )
    assert [line.text.en for line in day.lines] == [
        "comes to north",
        "0200 Financial request · N1 → acquirer",
    ]


def test_only_the_cast_has_a_day_and_groups_come_last() -> None:
    manifest = Manifest(
        "r", "t", "f", "0", 1, "2014-01-15", cast={"crowd": PersonEntry(), "taro": PersonEntry()}
    )
    rows = [row(at, "arrived", actor=actor) for at, actor in enumerate(("crowd/2", "noon/1", "taro"))]
    assert trace.people(RunView(manifest, rows, (), (), ())) == ["taro", "crowd/2"]


def test_times_after_midnight_name_the_day() -> None:
    assert [clock(0), clock(24 * HOUR + 5_000_000), clock(-HOUR)] == [
        "00:00:00",
        "+1d 00:00:05",
        "-1d 23:00:00",
    ]
