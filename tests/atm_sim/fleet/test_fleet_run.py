"""A fleet from its file to its run folder: what it counts, what it keeps, and that workers do not show."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from atm_sim.checks.measures import Ask
from atm_sim.fleet.play import Job, play_partition, play_replication, together
from atm_sim.fleet.scan import measure_of
from atm_sim.records.folder import EVENT_SCHEMA, read_events
from atm_sim.scenario import loads
from bank_host.jst import DAY_US

FLEET = """\
scenario: A small fleet
version: 1
day: 2014-12-25
seed: 3
fleet:
  operators: {seven_bank: {machines: 12, machines_per_site: {1: 1, 3: 1}}, e_net: 6}
  accounts: {count: 400, kinds: {individual: 9, corporate: 1}, locked: 0.05, raised: {share: 0.2, amount: ¥900_000}}
  demand: {per_atm_day: 300, calendar: none}
  customers: {wrong_pin: 0.1}
  partitions: 3
"""


@pytest.fixture(scope="module")
def scenario():
    return loads(FLEET).scenario


@pytest.fixture(scope="module")
def played(scenario, tmp_path_factory):
    out = tmp_path_factory.mktemp("fleet")
    return out, play_replication(Job(scenario, 3, 1, out, "run"))


def test_every_customer_is_served_somewhere_or_lost_or_still_counted_once(played):
    _, found = played
    total = found.tally.total
    assert (
        found.measures["customers"] + total("postponed") + total("diverted")
        == (total("visits") + total("lost") + total("postponed") + total("diverted"))
        - found.tally.declines["no_cash"]
    )


def test_the_invariants_are_looked_at_and_hold(played):
    _, found = played
    assert {} == found.broken
    assert {"I1", "I3", "I4", "I7", "I8", "I12", "I16", "I17"} == {
        name for name, n in found.checked.items() if n
    }


def test_the_event_file_is_the_flat_record(played):
    out, found = played
    rows = read_events(out)
    assert EVENT_SCHEMA.names == rows.schema.names
    kinds = rows["kind"].to_pylist()
    assert found.tally.total("visits") == kinds.count("session")


def test_partitions_played_elsewhere_and_in_another_order_give_the_same_hashes(scenario, played, tmp_path):
    _, found = played
    job = Job(scenario, 3, 1, tmp_path, "run")
    backwards = [play_partition(job._replace(partition=number)) for number in (3, 2, 1)]
    assert found.events_sha256 == together(scenario, backwards[::-1]).events_sha256
    with ThreadPoolExecutor(1) as pool:
        assert found.ledger_sha256 == play_replication(job, pool.map).ledger_sha256


def test_more_partitions_than_sites_leave_some_with_nothing_to_do(scenario, tmp_path):
    fleet = scenario.fleet.model_copy(update={"partitions": 30})
    found = play_replication(Job(scenario.model_copy(update={"fleet": fleet}), 3, 1, tmp_path, "run"))
    assert found.measures["customers"] > 0
    assert not found.broken


def test_people_lost_in_some_hours_are_people_whatever_messages_a_dead_line_lost(tmp_path):
    dead = "faults: [{from: 12:00, to: 12:20, link: acquirer-switch, is: down}]\n"
    found = play_replication(Job(loads(FLEET + dead).scenario, 3, 1, tmp_path, "run"))
    lost = [row for row in read_events(tmp_path).to_pylist() if row["kind"] == "lost"]
    assert {True, False} == {bool(row["mti"]) for row in lost}
    whole_run = Ask(during_us=(0, 2 * DAY_US))
    assert found.measures["customers.lost"] == measure_of(tmp_path, 1, "customers.lost", whole_run) > 0


def test_another_replication_and_another_seed_are_other_days(scenario, played, tmp_path):
    _, found = played
    other = play_replication(Job(scenario, 3, 2, tmp_path / "a", "run"))
    seeded = play_replication(Job(scenario, 4, 1, tmp_path / "b", "run"))
    assert 3 == len({found.events_sha256, other.events_sha256, seeded.events_sha256})


def test_the_customers_of_a_removed_site_come_and_go_elsewhere(scenario, tmp_path):
    """Common random numbers: the demand of a variant is the same customer by customer."""
    fleet = scenario.fleet.model_copy(update={"removed": ("tokyo-00001",)})
    gone = play_replication(Job(scenario.model_copy(update={"fleet": fleet}), 3, 1, tmp_path, "run"))
    whole = play_replication(Job(scenario, 3, 1, tmp_path / "whole", "run"))
    assert whole.measures["customers"] == gone.measures["customers"]
    closed = sum(count for name, count in gone.tally.away.items() if name.endswith("closed"))
    assert closed > sum(count for name, count in whole.tally.away.items() if name.endswith("closed"))
