"""Scenario files against `bank-host serve` in another process: the verdicts of simulated time, and no others."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from atm_sim.cli import main
from atm_sim.load.target import own_host
from atm_sim.records.log import fields_of
from atm_sim.scenario import Person as CastEntry
from atm_sim.scenario.vocabulary import DEFAULT_BIN
from atm_sim.target.profile import own_profile
from atm_sim.target.suite import CaseDone, cases_of, run_cases
from atm_sim.world.cast import Cast
from bank_host.clock import wall_clock
from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.iso8583.dialect import DEFAULT
from bank_host.iso8583.identity import identity, request_id
from bank_host.iso8583.message import Message
from bank_host.policy import load_policy
from bank_host.store.sql import SqlStore

RULEBOOK = Path(__file__).parents[3] / "scenarios" / "rulebook"
SAMPLE = ("amounts", "card_lock", "dispense_jam", "order_of_checks", "transfer_limit_caps", "claims_net")

HEAD = """scenario: Three withdrawals
version: 1
day: 2014-01-15
cast: {hanako: {name: 山田 花子, balance: ¥250_000}}
places: {shibuya: {operator: seven_bank}}
timers: {atm: 4 s, acquirer: 3 s, switch: 2 s, issuer: 1 s}
steps:
"""


def withdrawal(amount: str, expect: str, more: str = "") -> str:
    return f"  - {{at: 12:00, who: hanako, do: withdraw, amount: {amount}, atm: shibuya{more}, expect: {{{expect}}}}}\n"


def against_our_host(files: list[Path], folder: Path, *options: str) -> list[CaseDone]:
    database = folder / "bank.sqlite"
    SqlStore.create(f"sqlite:///{database}", durable=False).close()
    with own_host(database, *options) as host:
        profile = own_profile(f"{database}", DEFAULT)
        return list(run_cases(cases_of(files, load_policy()), host.address, profile, wall_clock()))


def failed(done: list[CaseDone]) -> list[str]:
    return [
        f"{case.path.name} {case.case.name} {step.number}"
        for case in done
        for step in case.steps
        if step.status == "failed"
    ]


def ran(done: list[CaseDone]) -> int:
    return sum(case.count("passed") for case in done)


def test_a_sample_of_the_rulebook_gives_the_verdicts_of_simulated_time(tmp_path: Path) -> None:
    done = against_our_host([RULEBOOK / f"{name}.yaml" for name in SAMPLE], tmp_path)
    assert [] == failed(done)
    assert ran(done) >= 60
    assert {"not run"} == {case.status for case in done if case.path.stem == "claims_net"}


@pytest.mark.long
def test_the_rulebook_gives_the_verdicts_of_simulated_time(tmp_path: Path) -> None:
    done = against_our_host(sorted(RULEBOOK.glob("*.yaml")), tmp_path)
    assert [] == failed(done)
    assert ran(done) >= 500


def test_exactly_the_cases_that_a_planted_fault_strikes_fail(tmp_path: Path) -> None:
    """A wrong DE39, a DE4 that is not echoed, a 0210 after the timer; the fourth withdrawal is as it should be."""
    script = tmp_path / "faults.yaml"
    script.write_text(
        "rules:\n"
        '  - {when: {mti: "0200", DE4: ¥11_000}, do: {answer: "51"}}\n'
        '  - {when: {mti: "0200", DE4: ¥12_000}, do: garble DE4}\n'
        '  - {when: {mti: "0200", DE4: ¥13_000}, do: late 3 s}\n',
        encoding="utf-8",
    )
    files = []
    for amount in ("¥11_000", "¥12_000", "¥13_000", "¥14_000"):
        file = tmp_path / f"{amount[1:3]}.yaml"
        file.write_text(
            HEAD + withdrawal(amount, 'outcome: approved, DE39: "00", within: 2 s'), encoding="utf-8"
        )
        files.append(file)
    done = against_our_host(files, tmp_path, "--script", str(script))
    assert ["failed", "failed", "failed", "passed"] == [case.status for case in done]


def test_elements_are_sent_and_checked_as_in_simulated_time(tmp_path: Path) -> None:
    file = tmp_path / "elements.yaml"
    more = ', send: {DE22: "901"}'
    file.write_text(
        HEAD
        + withdrawal(
            "¥11_000", 'outcome: approved, mti: "0210", DE39: "00", DE4: "000000011000", DE55: absent', more
        )
        + withdrawal("¥12_000", 'outcome: declined, DE39: "30", DE38: absent', ", send: {DE52: absent}")
        + '  - {at: 12:10, do: send, from: switch, to: jnb, mti: "0420", about: 1,\n'
        '     expect: {mti: "0430", DE39: "00"}}\n',
        encoding="utf-8",
    )
    simulated = CliRunner().invoke(main, ["test", str(file)])
    assert 0 == simulated.exit_code, simulated.output
    done = against_our_host([file], tmp_path)
    assert ["passed"] * 3 == [step.status for step in done[0].steps], done[0].steps


def test_messages_are_told_with_the_stamps_by_which_the_target_knows_them(tmp_path: Path) -> None:
    """Whoever looks a failed step up in the host's own log finds it there; the host here is ours, so in its journal."""
    steps = withdrawal("¥11_000", 'DE39: "51"') + withdrawal("¥12_000", 'DE39: "51"')
    for name in ("first.yaml", "second.yaml"):
        (tmp_path / name).write_text(HEAD + steps, encoding="utf-8")
    done = against_our_host([tmp_path / "first.yaml", tmp_path / "second.yaml"], tmp_path)
    told = [
        Message(row.mti, fields_of(row))
        for case in done
        for row in (case.log.messages if case.log is not None else ())
        if row.sender.startswith("issuer:") or row.receiver.startswith("issuer:")
    ]
    store = SqlStore.create(f"sqlite:///{tmp_path / 'bank.sqlite'}", durable=False)
    posted = {row.key for row in store.journal() if row.kind == "withdrawal"}
    store.close()
    assert 4 == len(posted)
    assert posted == {identity(message) for message in told if message.mti == "0200"}
    asked = {message[37]: message[7] for message in told if message.mti == "0200"}
    assert asked == {message[37]: message[7] for message in told if message.mti == "0210"}
    checked = {check.request_id for case in done for step in case.steps for check in step.checks}
    assert checked == {request_id(message) for message in told if 37 in message}


def test_a_wrong_expectation_of_an_element_fails_in_simulated_time_too(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(HEAD + withdrawal("¥11_000", 'DE39: "51"'), encoding="utf-8")
    result = CliRunner().invoke(main, ["test", str(file)])
    assert 1 == result.exit_code
    assert "DE39  expected 51, got 00" in result.output


# ---------------------------------------------------------------- the command


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["test", *arguments])


def test_a_target_that_nobody_is_at_ends_with_3(tmp_path: Path) -> None:
    result = command(str(RULEBOOK / "amounts.yaml"), "--target", "127.0.0.1:9")
    assert 3 == result.exit_code
    assert "127.0.0.1:9 could not be used" in result.output


def test_where_no_step_can_run_the_command_ends_with_3_and_the_reasons(tmp_path: Path) -> None:
    """A foreign host without a desk and without a card file."""
    database = tmp_path / "bank.sqlite"
    SqlStore.create(f"sqlite:///{database}", durable=False).close()
    with own_host(database) as host:
        result = command(str(RULEBOOK / "limit_zero.yaml"), "--target", str(host.address), "--json")
    assert 3 == result.exit_code
    told = json.loads(result.output)
    assert {"not run": 11} == told["steps"]
    reasons = {step["reason"] for step in told["cases"][0]["steps"]}
    assert any("names the target's test cards under cards =" in reason for reason in reasons)


def test_a_profile_without_a_target_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text("")
    result = command(str(RULEBOOK), "--profile", str(tmp_path / "lab.toml"))
    assert 2 == result.exit_code


# ---------------------------------------------------------------- a host whose books are closed


def test_a_foreign_host_is_tested_with_the_cards_of_the_card_file(tmp_path: Path) -> None:
    """What the wire shows is judged; a lock at the bank's desk, and the withdrawal that needs it, are not run."""
    file = tmp_path / "foreign.yaml"
    file.write_text(
        HEAD
        + withdrawal("¥11_000", 'outcome: approved, DE39: "00", balance: ¥999')
        + "  - {at: 12:05, who: hanako, do: lock_card, via: pc, expect: {outcome: done}}\n"
        + withdrawal("¥12_000", 'outcome: declined, code: "62"').replace("12:00", "12:10"),
        encoding="utf-8",
    )
    database, pin = tmp_path / "bank.sqlite", "4821"
    store = SqlStore.create(f"sqlite:///{database}", durable=False)
    bank = Bank("host", store, load_policy(), Hsm.simulation())
    entry = CastEntry.model_construct(name="Hanako", balance_jpy=100_000, pin=pin)
    person = Cast(bank.hsm).join("hanako", entry, bank, DEFAULT_BIN, Random(1), wall_clock()(), online=False)
    store.close()
    card = person.card
    (tmp_path / "cards.csv").write_text(
        f"who,pan,expiry,pin,service_code,track2\nhanako,{card.pan},{card.expires},{pin},201,{card.track2}\n"
    )
    (tmp_path / "lab.toml").write_text('cards = "cards.csv"\nallow_bins = ["400000"]\n')
    out = tmp_path / "out"
    with own_host(database) as host:
        options = ("--target", str(host.address), "--profile", str(tmp_path / "lab.toml"))
        told = command(str(file), *options, "--out", str(out))
        data = json.loads(command(str(file), *options, "--json").output)
    assert 0 == told.exit_code, told.output
    steps = data["cases"][0]["steps"]
    assert ["passed", "not run", "not run"] == [step["status"] for step in steps]
    assert ["balance"] == steps[0]["not_shown"]
    assert "depends on step 2" in steps[2]["reason"]
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (["400000"], str(host.address), "lab.toml") == (
        manifest["allow_bins"],
        manifest["target"],
        manifest["profile"],
    )
    assert sha256((tmp_path / "lab.toml").read_bytes()).hexdigest() == manifest["profile_sha256"]
    assert data["steps"] == json.loads((out / "results.json").read_text(encoding="utf-8"))["steps"]
    assert ["3", "2"] == [
        ElementTree.parse(out / "junit.xml").find("testsuite").get(key) for key in ("tests", "skipped")
    ]  # type: ignore[union-attr]
    assert {"manifest.json", "results.json", "junit.xml"} == {each.name for each in out.iterdir()}
    written = "".join(each.read_text(encoding="utf-8") for each in out.iterdir())
    secrets = (card.pan, card.track2)
    assert not any(secret in told.output + json.dumps(data) + written for secret in secrets)
    # four digits may stand in a digest by chance, so the PIN is looked for as a word
    assert re.search(rf"(?<![0-9a-f]){pin}(?![0-9a-f])", told.output + json.dumps(data) + written) is None


def test_an_expectation_that_quotes_a_card_number_does_not_bring_it_into_the_run_folder(
    tmp_path: Path,
) -> None:
    """The planted leak: what an element was expected to be is a text of the scenario's author."""
    file, out = tmp_path / "leak.yaml", tmp_path / "out"
    file.write_text(HEAD + withdrawal("¥11_000", 'DE42: "400000123456789"'), encoding="utf-8")
    assert 1 == command(str(file), "--own-host", "--out", str(out)).exit_code
    for each in out.iterdir():
        assert "400000123456789" not in each.read_text(encoding="utf-8")
    assert "400000•••••6789" in (out / "results.json").read_text(encoding="utf-8")


def test_a_folder_with_other_files_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    result = command(str(RULEBOOK / "amounts.yaml"), "--own-host", "--out", str(tmp_path))
    assert 2 == result.exit_code
    assert "holds other files" in result.output
