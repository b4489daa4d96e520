"""A whole run with unique secrets, then everything it wrote is searched for them (I22)."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.checks.invariants.canary import Canary, contents_of, leaks
from atm_sim.cli import main
from atm_sim.runner.files import open_scenario
from atm_sim.scenario import rows
from atm_sim.world.lab import Keypad, Lab
from bank_host.cli import main as bank_host
from bank_host.hsm import Hsm
from bank_host.jst import HOUR_US, MINUTE_US, midnight_us
from bank_host.policy import load_policy

SCENARIO = """\
scenario: Secrets stay where they are
version: 1
day: 2014-01-15
seed: 7
cast:
  hanako:
    {name: 山田 花子, balance: "¥250,000", atm_limit: "¥100,000", authenticator: token, pin: "7391",
     password: "Sakura-Fubuki-88", emails: [hanako@example.jp]}
  taro: {name: 鈴木 太郎, emails: [taro@example.jp]}
places:
  shibuya-01: {operator: seven_bank, cassettes: {10000: 200, 1000: 500}}
faults:
  - {from: 12:29, to: 12:31, link: switch-issuer, is: down}
steps:
  - {at: 12:00, who: hanako, do: withdraw, amount: "¥30,000", atm: shibuya-01}
  - {at: 12:05, who: hanako, do: withdraw, amount: "¥30,000", atm: shibuya-01, pin: [wrong, right]}
  - {at: 12:10, who: hanako, do: lock_card, via: pc}
  - {at: 12:15, who: hanako, do: unlock_card, via: pc, otp: current}
  - {at: 12:20, who: hanako, do: withdraw, amount: "¥20,000", atm: shibuya-01, device: jam}
  - {at: 12:30, who: hanako, do: withdraw, amount: "¥10,000", atm: shibuya-01}
  - {at: 13:00, who: hanako, do: login, via: pc, password: wrong}
  - {at: 13:05, who: hanako, do: login, via: pc}
  - {at: 13:10, who: hanako, do: transfer, via: pc, to: taro, amount: "¥10,000", otp: current}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], list[Canary]]:
    """What the run wrote, its standard output included, and the secrets it knew."""
    folder = tmp_path_factory.mktemp("canary")
    file = folder / "secrets.yaml"
    file.write_text(SCENARIO, encoding="utf-8")
    result = CliRunner().invoke(main, ["run", str(file), "--out", str(folder / "run")])
    assert "Traceback" not in result.output
    assert result.exit_code in (0, 1), result.output
    bank = str(folder / "run" / "bank-jnb.sqlite")
    mail = CliRunner().invoke(bank_host, ["mail", bank, "--to", str(folder / "run" / "mail")])
    assert mail.exit_code == 0, mail.output
    mistake = CliRunner().invoke(main, ["run", str(_misspelt(file))])
    assert mistake.exit_code == 2
    said = {"standard output": result.output, "mail log": mail.output, "error text": mistake.output}
    return contents_of(folder / "run") | {name: text.encode() for name, text in said.items()}, _secrets(file)


def _misspelt(file: Path) -> Path:
    """The same file with a mistake on the line that holds PIN and password, which the error quotes."""
    wrong = file.with_name("wrong.yaml")
    wrong.write_text(SCENARIO.replace("password:", "pasword:"), encoding="utf-8")
    return wrong


def _secrets(file: Path) -> list[Canary]:
    """The same seed builds the same people, so that a second lab knows the secrets of the first."""
    (case,) = rows(open_scenario(file, load_policy()))
    scenario = case.scenario
    person = Lab(scenario, seed=7, replication=1, run="").people["hanako"]
    pan, noon_us = person.card.pan, midnight_us(scenario.day) + 12 * HOUR_US
    return [
        Canary("PAN", pan),
        Canary("track 2", person.card.track2),
        Canary("PIN", "7391"),
        Canary("PIN block", Keypad(Hsm.simulation()).pin_block("7391", pan)),
        Canary("password", "Sakura-Fubuki-88"),
        Canary("one-time password", person.tokens[0].display(noon_us + 15 * MINUTE_US)),
        Canary("one-time password of a transfer", person.tokens[0].display(noon_us + 70 * MINUTE_US)),
    ]


def test_nothing_that_a_run_writes_holds_a_secret(run: tuple[dict[str, bytes], list[Canary]]) -> None:
    written, secrets = run
    assert [] == leaks(written, secrets)


def test_the_scan_looks_at_records_reports_and_the_bank_itself(
    run: tuple[dict[str, bytes], list[Canary]],
) -> None:
    """What a scan does not open, it cannot find."""
    suffixes = {Path(name).suffix for name in run[0]}
    assert {".parquet", ".html", ".xml", ".csv", ".json", ".sqlite", ".eml"} <= suffixes
    events = [content for name, content in run[0].items() if name.startswith("events/")]
    assert any(b"hanako" in content for content in events)


def test_a_planted_secret_raises_the_alarm(run: tuple[dict[str, bytes], list[Canary]]) -> None:
    """The negative control: one log line with one of the values."""
    written, secrets = run
    for secret in secrets:
        log = {**written, "atm.log": f"debug value={secret.value}\n".encode()}
        assert ("atm.log", secret.kind, "plain") in leaks(log, secrets)
