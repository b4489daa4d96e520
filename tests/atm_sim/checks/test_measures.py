"""Each measure over a handful of rows whose right answer can be counted by hand."""

from __future__ import annotations

import pytest

from atm_sim.checks.measures import MEASURES, Ask, Setting, measure, of_a_fleet, quantile, setting_of
from atm_sim.checks.rows import ReplicationRows, by_replication
from atm_sim.records.event import EventRecord
from atm_sim.records.manifest import Manifest, PersonEntry, PlaceEntry
from atm_sim.scenario.vocabulary import MEASURES as UNITS

S = 1_000_000
SETTING = Setting({"north": 1, "south": 2}, {"hanako": "jnb", "taro": "other", "crowd": "other"})


def row(seconds: float, kind: str, actor: str = "hanako", **columns: object) -> EventRecord:
    defaults = {"site": "north", "atm": "N1", "phase": "measured", "service": "withdraw", "card_alias": actor}
    return EventRecord("r", 1, int(seconds * S), kind, actor=actor, **{**defaults, **columns})  # type: ignore[arg-type]


def visit(arrived: float, wait: float, stay: float, actor: str, **columns: object) -> list[EventRecord]:
    started = arrived + wait
    return [
        row(arrived, "arrived", actor, **columns),
        row(started, "started", actor, wait_us=int(wait * S), **columns),
        row(started, "inserted", actor, **columns),
        row(
            started + stay,
            "left",
            actor,
            wait_us=int(wait * S),
            service_us=int(stay * S),
            **columns,
        ),
    ]


def value(name: str, rows: list[EventRecord], **ask: object) -> float | None:
    return measure(name, ReplicationRows(rows), Ask(**ask), SETTING)  # type: ignore[arg-type]


THREE_VISITS = [
    *visit(0, 0, 60, "hanako"),
    *visit(10, 50, 60, "taro"),
    *visit(100, 20, 30, "crowd/2", site="south", atm="S1", service="deposit"),
]


def test_every_measure_of_the_vocabulary_is_computed_and_no_other() -> None:
    assert sorted(UNITS) == sorted(MEASURES)


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_run_in_which_nothing_happened_has_no_shares_and_means_and_counts_nothing(name: str) -> None:
    counted = UNITS[name] in ("count", "yen") and MEASURES[name] is not of_a_fleet
    assert value(name, []) == (0 if counted else None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("customers", 3),
        ("wait.max", 50 * S),
        ("wait.p50", 20 * S),
        ("wait.p95", 50 * S),
        ("service.mean", 50 * S),
        ("machines_used", 2),
        ("cards_used", 3),
    ],
)
def test_visits_are_counted_and_timed(name: str, expected: float) -> None:
    assert value(name, THREE_VISITS) == expected


def test_a_message_that_is_lost_is_no_customer_lost() -> None:
    lost = row(5, "lost", request_id="1", mti="0200", reason="acquirer-switch")
    assert value("customers.lost", [*THREE_VISITS, lost]) is None


def test_the_mean_wait_includes_those_who_did_not_wait() -> None:
    assert value("wait.mean", THREE_VISITS) == pytest.approx(70 / 3 * S)


@pytest.mark.parametrize(("over", "share"), [(0, 2 / 3), (20, 1 / 3), (49.9, 1 / 3), (50, 0)])
def test_the_share_of_waits_counts_waits_longer_than_over(over: float, share: float) -> None:
    assert value("wait.share", THREE_VISITS, over_us=int(over * S)) == share


def test_warm_up_counts_for_nothing() -> None:
    rows = [*visit(0, 40, 10, "hanako", phase="warm_up"), *visit(60, 0, 10, "taro")]
    assert value("customers", rows) == 1
    assert value("wait.max", rows) == 0


@pytest.mark.parametrize(
    ("ask", "customers"),
    [
        ({"at": "south"}, 1),
        ({"of": "withdraw"}, 2),
        ({"bank": "other"}, 2),
        ({"during_us": (10 * S, 100 * S)}, 1),
        ({"at": "south", "of": "withdraw"}, 0),
    ],
)
def test_filters_narrow_what_is_counted(ask: dict[str, object], customers: int) -> None:
    assert value("customers", THREE_VISITS, **ask) == customers


def test_a_wait_belongs_to_the_window_in_which_the_customer_arrived() -> None:
    assert value("wait.max", THREE_VISITS, during_us=(0, 20 * S)) == 50 * S


def test_utilisation_is_busy_time_over_machines_and_time() -> None:
    """North: busy 120 s of the 120 s from the first arrival to the last departure."""
    assert value("utilisation", THREE_VISITS, at="north") == 1.0


def test_utilisation_counts_machines_that_nobody_used() -> None:
    """South has two machines: one was busy for 30 s of 50 s."""
    assert value("utilisation", THREE_VISITS, at="south") == pytest.approx(30 / (2 * 50))


def test_utilisation_in_a_window_counts_only_the_busy_time_inside() -> None:
    assert value("utilisation", THREE_VISITS, at="north", during_us=(100 * S, 200 * S)) == pytest.approx(0.2)


def request(
    seconds: float, request_id: str, code: str | None, reason: str = "", **columns: object
) -> list[EventRecord]:
    rows = [row(seconds, "sent", request_id=request_id, mti="0200", **columns)]
    if code is None:
        return rows
    rows.append(row(seconds + 1, "decided", code=code, reason=reason, **columns))
    rows.append(row(seconds + 2, "answered", request_id=request_id, code=code, **columns))
    if code != "00":
        rows.append(row(seconds + 2, "declined", request_id=request_id, mti="0200", code=code, **columns))
    return rows


REQUESTS = [
    *request(0, "A1", "00"),
    *request(10, "A2", "51", "no_funds"),
    *request(20, "A3", "61", "limit_exceeded"),
    *request(30, "A4", None),
    row(40, "declined", reason="no_cash"),
]


def test_the_approval_rate_counts_silence_and_the_terminals_refusals_as_not_approved() -> None:
    assert value("approval_rate", REQUESTS) == 1 / 5


def test_an_unusable_answer_is_no_approval() -> None:
    rows = [
        row(0, "sent", request_id="A1", mti="0200"),
        row(1, "answered", request_id="A1", code="00", reason="invalid_answer"),
    ]
    assert value("approval_rate", rows) == 0
    assert value("declines", rows) == 0


@pytest.mark.parametrize(("reason", "count"), [("", 3), ("no_funds", 1), ("no_cash", 1), ("card_locked", 0)])
def test_declines_are_counted_once_each_and_by_the_reason_of_who_declined(reason: str, count: int) -> None:
    assert value("declines", REQUESTS, reason=reason) == count


def test_a_switch_that_answers_for_a_silent_bank_gives_the_reason() -> None:
    rows = [
        row(0, "sent", request_id="A1", mti="0200"),
        row(5, "timed_out", request_id="A1"),
        row(6, "answered", request_id="A1", code="91"),
    ]
    assert value("declines", rows, reason="timed_out") == 1


def test_cash_is_counted_where_it_reached_the_shutter() -> None:
    rows = [
        row(0, "dispensed", amount_jpy=30_000),
        row(9, "dispensed", amount_jpy=0, reason="jam"),
        row(20, "completed", service="deposit", amount_jpy=50_000),
        row(30, "completed", amount_jpy=30_000),
    ]
    assert [value(name, rows) for name in ("withdrawals", "dispensed", "deposits", "deposited")] == [
        1,
        30_000,
        1,
        50_000,
    ]


def test_a_reversal_is_unresolved_until_it_was_accepted() -> None:
    rows = [
        row(0, "reversal_queued", request_id="A1"),
        row(1, "reversal_queued", request_id="A2"),
        row(2, "reversed", request_id="A1", phase="cool_down"),
    ]
    assert value("reversals", rows) == 2
    assert value("reversals.unresolved", rows) == 1


def test_two_stages_that_reverse_one_request_are_one_reversal_resolved_when_both_are() -> None:
    rows = [row(0, "reversal_queued", request_id="A1"), row(1, "reversal_queued", request_id="A1")]
    half = [*rows, row(2, "reversed", request_id="A1")]
    assert value("reversals", rows) == 1
    assert value("reversals.unresolved", half) == 1
    assert value("reversals.unresolved", [*half, row(3, "reversed", request_id="A1")]) == 0


def test_a_machine_that_stays_empty_ran_out_once_and_again_only_after_a_refill() -> None:
    rows = [
        row(0, "cassette", amount_jpy=10_000),
        row(1, "cassette", amount_jpy=0),
        row(1, "out_of_cash"),
        row(2, "cassette", amount_jpy=0),
        row(2, "out_of_cash"),
        row(3, "cassette", amount_jpy=90_000),
        row(4, "cassette", amount_jpy=0),
        row(4, "out_of_cash"),
    ]
    assert value("cash_outs", rows) == 2


def test_fees_exceptions_and_retained_cards() -> None:
    rows = [
        row(0, "fee", amount_jpy=108, reason="withdrawal"),
        row(1, "fee", amount_jpy=-108, reason="reversal"),
        row(2, "fee", amount_jpy=216),
        row(3, "exception", reason="over_limit"),
        row(4, "retained", reason="code_41"),
    ]
    assert [value(name, rows) for name in ("fees", "exceptions", "retained_cards")] == [216, 1, 1]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.95, 4), (0.25, 1), (0.26, 2), (1.0, 4)])
def test_a_quantile_is_a_value_that_occurred(share: float, expected: int) -> None:
    assert quantile([4, 1, 3, 2], share) == expected


def test_rows_are_split_by_replication_in_their_order() -> None:
    rows = [row(0, "arrived")._replace(replication=number) for number in (2, 1, 2)]
    assert [(number, len(found.of("arrived"))) for number, found in by_replication(rows).items()] == [
        (1, 1),
        (2, 2),
    ]


def test_the_setting_of_a_run_comes_from_its_manifest() -> None:
    manifest = Manifest(
        "r", "t", "f", "s", 1, "2014-01-15",
        places={"north": PlaceEntry(machines=3)}, cast={"taro": PersonEntry(bank="other")},
    )  # fmt: skip
    setting = setting_of(manifest)
    assert (3, "other", "other", "jnb") == (
        setting.machines["north"],
        setting.bank("taro"),
        setting.bank("taro/7"),
        setting.bank("nobody"),
    )
