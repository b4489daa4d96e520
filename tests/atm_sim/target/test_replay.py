"""A run folder's messages against `bank-host serve` in another process: the recorded answers, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atm_sim.cli import main
from atm_sim.load.target import own_host
from atm_sim.records.folder import RunFolder
from atm_sim.records.log import fields_of
from atm_sim.scenario import loads
from atm_sim.target.profile import own_profile
from atm_sim.target.recording import CannotRemake, Exchange, Remaker
from atm_sim.target.replay import read_recording, replay
from atm_sim.world.lab import Lab
from bank_host.clock import wall_clock
from bank_host.iso8583.describe import HIDDEN
from bank_host.iso8583.dialect import DEFAULT
from bank_host.iso8583.message import Message
from bank_host.policy import load_policy
from bank_host.store.sql import SqlStore

# ¥30_000 and more is free of a fee on every day; other fees have changed since then
SCENARIO = """scenario: Approved, declined, reversed, a wrong PIN, a new PIN
version: 1
day: 2014-01-15
cast: {hanako: {name: 山田 花子, balance: ¥100_000, pin: "4711"}}
places: {shibuya: {operator: seven_bank}, marunouchi: {operator: smbc}}
steps:
  - {at: 12:00, who: hanako, do: withdraw, amount: ¥30_000, atm: shibuya, expect: {outcome: approved}}
  - {at: 12:05, who: hanako, do: withdraw, amount: ¥90_000, atm: shibuya, expect: {outcome: declined}}
  - {at: 12:10, who: hanako, do: withdraw, amount: ¥40_000, atm: shibuya, device: jam}
  - {at: 12:20, who: hanako, do: withdraw, amount: ¥30_000, atm: shibuya, pin: [wrong, right]}
  - {at: 12:30, who: hanako, do: change_pin, new_pin: "5963", atm: marunouchi, expect: {outcome: approved}}
  - {at: 12:40, who: hanako, do: balance, atm: shibuya, expect: {outcome: approved}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, its scenario beside it."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "four.yaml").write_text(SCENARIO, encoding="utf-8")
    done = atm_sim("run", f"{folder / 'four.yaml'}", "--out", f"{folder / 'run'}")
    assert 0 == done.exit_code, done.output
    return folder / "run"


def atm_sim(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def replayed(run: Path, *more: str) -> Result:
    return atm_sim("replay", f"{run}", "--scenario", f"{run.parent / 'four.yaml'}", *more)


def test_our_own_host_answers_as_in_simulated_time(run: Path) -> None:
    done = replayed(run, "--own-host", "--json")
    assert 0 == done.exit_code, done.output
    told = json.loads(done.output)
    assert {"0200", "0220", "0420"} == {each["mti"] for each in told}
    assert [] == [each for each in told if each["not_sent"] or each["differences"]]


def test_the_recorded_run_has_approvals_declines_and_a_wrong_pin(run: Path) -> None:
    recording = read_recording(run, run.parent / "four.yaml", load_policy())
    assert {"00", "51", "55"} == {each.answer[39] for each in recording.exchanges if each.answer is not None}


def test_a_new_pin_is_made_again_and_typed_from_then_on(run: Path) -> None:
    """The bank of the replay took it: the balance enquiry after it has no other PIN."""
    recording = read_recording(run, run.parent / "four.yaml", load_policy())
    changed, enquired = recording.exchanges[-2:]
    assert (True, False) == (48 in changed.message, 48 in enquired.message)
    assert ["00", "00"] == [each.answer[39] for each in (changed, enquired) if each.answer is not None]


def test_what_cannot_be_made_again_is_told_and_not_sent() -> None:
    """Chip data are a cryptogram over the message that was."""
    lab = Lab(loads(SCENARIO).scenario, seed=1, replication=1, run="replay")
    message = Message("0200", {2: HIDDEN, 11: "000001", 55: HIDDEN})
    with pytest.raises(CannotRemake, match=r"^DE55 cannot be made again from the cast$"):
        Remaker(lab).remade(Exchange("1", "T1/1", "hanako", message, None))


def test_one_wrong_response_code_is_found(run: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(
        'rules:\n  - {when: {mti: "0200", DE4: "000000090000"}, do: answer 61}\n', encoding="utf-8"
    )
    recording = read_recording(run, run.parent / "four.yaml", load_policy())
    database = tmp_path / "bank.sqlite"
    SqlStore.create(f"sqlite:///{database}", durable=False).close()
    with own_host(database, "--script", f"{script}") as host:
        done = list(replay(recording, host.address, own_profile(f"{database}", DEFAULT), wall_clock()))
    found = [difference for each in done for difference in each.differences]
    assert [("2", "DE39", "51", "61")] == [(d.step, d.element, d.recorded, d.answered) for d in found]


def test_another_scenario_than_the_one_that_was_run_is_refused(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "four.yaml"
    other.write_text(SCENARIO.replace("¥90_000", "¥80_000"), encoding="utf-8")
    done = atm_sim("replay", f"{run}", "--scenario", f"{other}", "--own-host")
    assert 2 == done.exit_code
    assert "not the file that was run" in done.output


def test_a_host_that_is_not_there_ends_with_3(run: Path) -> None:
    done = replayed(run, "--target", "127.0.0.1:1")
    assert 3 == done.exit_code
    assert "127.0.0.1:1" in done.output


def test_the_folder_holds_no_card_number_pin_or_track(run: Path) -> None:
    messages = RunFolder(run).read_message_rows()
    secret = [fields_of(row) for row in messages if row.mti == "0200"]
    assert {"•"} == {fields[de] for fields in secret for de in (35, 52)}
    assert all("••••••" in fields[2] for fields in secret)
    texts = [
        file.read_text(encoding="utf-8")
        for file in run.rglob("*")
        if file.suffix in (".json", ".csv", ".xml")
    ]
    assert not any("4711" in text for text in texts)
