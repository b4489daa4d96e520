"""The run folder: what is written comes back, and identical input gives identical bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from atm_sim.records.check import Check
from atm_sim.records.event import EventRecord
from atm_sim.records.folder import RunFolder, RunFolderError, SummaryRow, read_events, read_messages
from atm_sim.records.log import EventLog, MessageRow, fields_json, fields_of
from atm_sim.records.manifest import Manifest, Override, PersonEntry, PlaceEntry, manifest_from_json, run_id

MANIFEST = Manifest(
    run=run_id("ab" * 32, 42, "0.1.0"),
    title="A locked card pays no cash",
    scenario_file="locked.yaml",
    scenario_sha256="ab" * 32,
    seed=42,
    day="2014-01-15",
    replications=2,
    versions={"python": "3.11", "atm-sim": "0.1.0"},
    covers=("R81", "R82"),
    places={"shibuya-01": PlaceEntry("seven_bank", "Shibuya", 2)},
    cast={"hanako": PersonEntry("山田 花子", "individual", "jnb")},
    policy={"pin.max_wrong": Override("5", "another bank")},
    cases=("row 1",),
    sources=("a newspaper",),
    assumptions={"cards": "10"},
)
EVENTS = [
    EventRecord("r", 1, 10, "arrived", site="shibuya-01", actor="hanako", service="withdraw"),
    EventRecord("r", 1, 20, "answered", request_id="A1", amount_jpy=30_000, code="62", reason="card_locked"),
]
MESSAGES = [
    MessageRow(
        "r", 1, 20, "A1", "atm", "acquirer", "1", "0200", fields_json({4: "30000", 2: "499900••••••0001"})
    )
]
CHECKS = [
    Check("step", "code", '"62"', '"00"', False, step="1", line=7, column=5, detail="a, b", request_id="A1"),
    Check("invariant", "I1", "holds", "holds", True),
]
SUMMARY = [SummaryRow("customers", "", "count", 2, "10", "9", "11")]


def write(path: Path) -> RunFolder:
    folder = RunFolder.create(path)
    folder.write_manifest(MANIFEST)
    folder.write_events(1, EVENTS)
    folder.write_events(2, [row._replace(replication=2) for row in EVENTS])
    folder.write_messages(1, MESSAGES)
    folder.write_checks(CHECKS)
    folder.write_summary(SUMMARY)
    return folder


def hashes(path: Path) -> dict[str, str]:
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {str(f.relative_to(path)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    folder = write(tmp_path)
    assert folder.read_manifest() == MANIFEST
    assert folder.read_event_rows() == EVENTS + [row._replace(replication=2) for row in EVENTS]
    assert folder.read_message_rows() == MESSAGES
    assert folder.read_checks() == CHECKS
    assert folder.read_summary() == SUMMARY


def test_the_same_run_written_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two")
    assert len(hashes(tmp_path / "one")) == 6
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_a_run_id_is_twelve_hex_digits_and_changes_with_each_of_its_three_sources() -> None:
    ids = {run_id("a", 1, "0.1"), run_id("b", 1, "0.1"), run_id("a", 2, "0.1"), run_id("a", 1, "0.2")}
    assert len(ids) == 4
    assert all(len(one) == 12 and int(one, 16) >= 0 for one in ids)
    assert run_id("a", 1, "0.1") in ids


def test_events_open_as_a_data_frame(tmp_path: Path) -> None:
    write(tmp_path)
    frame = read_events(tmp_path).to_pandas()
    assert list(frame.columns) == list(EventRecord._fields)
    assert list(frame["kind"]) == ["arrived", "answered", "arrived", "answered"]


def test_a_replication_without_messages_or_events_is_an_empty_table(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path)
    folder.write_events(1, [])
    assert folder.read_event_rows() == []
    assert read_messages(tmp_path).num_rows == 0


def test_replications_come_back_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path)
    for replication in (1000, 2):
        folder.write_events(replication, [EventRecord("r", replication, 0, "arrived")])
    assert [row.replication for row in folder.read_event_rows()] == [2, 1000]


def test_a_shorter_run_leaves_no_replication_of_the_longer_run_before_it(tmp_path: Path) -> None:
    write(tmp_path)
    RunFolder.create(tmp_path).write_events(1, EVENTS)
    assert read_events(tmp_path).num_rows == len(EVENTS)


def test_a_folder_that_is_no_run_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"no manifest\.json here; name the folder"):
        RunFolder.open(tmp_path)


def test_a_card_number_or_pin_that_slipped_into_a_text_is_masked_on_the_way_to_disk(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path)
    text = 'hanako: {pin: "4711", card: {pan: "4999001234567890"}}'
    folder.write_manifest(MANIFEST.__class__(**{**_fields(MANIFEST), "scenario_text": text}))
    folder.write_checks([CHECKS[0]._replace(detail="card 4999 0012 3456 7890 was used")])
    written = (tmp_path / "manifest.json").read_text() + (tmp_path / "checks.csv").read_text()
    assert "499900••••••7890" in written
    assert not any(secret in written for secret in ("4711", "1234567890", "3456 7890"))
    assert manifest_from_json((tmp_path / "manifest.json").read_text()).scenario_sha256 == "ab" * 32


def test_message_fields_come_back_in_the_order_of_their_elements() -> None:
    assert list(fields_of(MESSAGES[0]).items()) == [(2, "499900••••••0001"), (4, "30000")]


def test_a_log_keeps_the_order_of_what_happened() -> None:
    log = EventLog()
    for row in EVENTS:
        log.append(row)
    assert list(log) == EVENTS
    assert len(log) == 2


def _fields(manifest: Manifest) -> dict[str, object]:
    return {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}
