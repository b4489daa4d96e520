"""summary.csv: plain numbers, means and intervals, for the run and for each place."""

from __future__ import annotations

from atm_sim.checks.measures import Setting
from atm_sim.checks.rows import ReplicationRows
from atm_sim.checks.summary import summarise
from atm_sim.records.event import EventRecord
from atm_sim.records.folder import SummaryRow


def served(*waits_us: int, site: str = "north") -> ReplicationRows:
    return ReplicationRows(
        EventRecord("r", 1, 9, "started", site=site, phase="measured", wait_us=wait_us)
        for wait_us in waits_us
    )


def test_one_replication_has_values_and_no_interval() -> None:
    rows = summarise({1: served(1, 2)}, Setting({"north": 1}))
    assert SummaryRow("wait.mean", "", "us", 1, "1.5", "", "") in rows


def test_several_replications_have_a_mean_and_the_ends_of_its_interval() -> None:
    rows = summarise({1: served(10), 2: served(12), 3: served(14)}, Setting({"north": 1}))
    assert SummaryRow("wait.mean", "", "us", 3, "12", "7.031725", "16.968275") in rows


def test_a_measure_that_nobody_could_take_has_no_row() -> None:
    rows = summarise({1: ReplicationRows([])}, Setting({"north": 1}))
    assert {"wait.mean", "approval_rate"}.isdisjoint(row.measure for row in rows)
    assert SummaryRow("customers", "", "count", 1, "0", "", "") in rows


def test_several_places_have_rows_of_their_own() -> None:
    rows = summarise({1: served(5, site="south")}, Setting({"north": 1, "south": 1}))
    found = {(row.filters, row.mean) for row in rows if row.measure == "machines_used"}
    assert found == {("", "1"), ("at north", "0"), ("at south", "1")}
