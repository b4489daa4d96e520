"""`atm-sim load --profile`: a host in another process with keys of its own and the cards of a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

from click.testing import CliRunner, Result

from atm_sim.cli import main
from atm_sim.load import settle
from atm_sim.load.journal_file import read_sent
from atm_sim.load.people import enrolled
from atm_sim.load.target import own_host
from atm_sim.scenario import loads
from bank_host.clock import wall_clock
from bank_host.host import Bank
from bank_host.hsm import SEAL, TPK, ZAK, Hsm, Key
from bank_host.hsm.key_file import fresh_keys, make_sealing_key, write_keys
from bank_host.policy import load_policy
from bank_host.secrets import Secret
from bank_host.store.sealing import PURPOSE
from bank_host.store.sql import SqlStore

SCENARIO = """\
scenario: A lab
version: 1
day: 2026-01-15
places: {shop: {operator: seven_bank}}
cast:
  crowd: {name: 山田 花子, count: 40, balance: ¥5_000_000}
load:
  customers: 0
  arrivals: [{rate: 20/s, for: 2 s}]
  do: {withdraw: 75, balance: 25}
  send_lag_at_most: 60 s
  expect:
    - {measure: mac_failures, equals: 0}
"""


def components(key: Key, usage: str) -> str:
    """The key as two components with their check values, in TOML."""
    whole = key.value.reveal()
    first = Random(1).randbytes(len(whole) // 2).hex().upper()
    second = f"{int(whole, 16) ^ int(first, 16):0{len(whole)}X}"
    parts = (
        f'"{part} {Hsm({"x": key._replace(value=Secret(part))}).check_value("x")}"'
        for part in (first, second)
    )
    return f"[keys.{usage}]\ncomponents = [{', '.join(parts)}]\n"


class Lab:
    """A bank under its own keys with the cast's accounts, its profile and its card file."""

    def __init__(self, folder: Path, *, unique: bool = False, zak: Key | None = None) -> None:
        self.out, self.scenario = folder / "out", folder / "lab.yaml"
        self.scenario.write_text(SCENARIO, encoding="utf-8")
        self.key_files = (folder / "bank.keys", folder / "sealing.key")
        self.keys = fresh_keys()
        write_keys(self.key_files[0], self.keys, make_sealing_key(self.key_files[1]))
        self.hsm, self.database = Hsm(self.keys), folder / "bank.sqlite"
        scenario = loads(SCENARIO).scenario
        assert scenario.load is not None
        store = self.store()
        self.people = enrolled(
            scenario, scenario.load, 1, Bank("lab", store, load_policy(), self.hsm), wall_clock()()
        )
        store.close()
        rows = [
            f"{each.pan.reveal()},{each.expires},{each.pin.reveal()},{each.track2.reveal()}"
            for each in self.people
        ]
        (folder / "cards.csv").write_text(
            "\n".join(["pan,expiry,pin,track2", *rows]) + "\n", encoding="utf-8"
        )
        self.profile = folder / "lab.toml"
        policy = "unique" if unique else "sequential"
        self.profile.write_text(
            f'cards = "cards.csv"\ncard_policy = "{policy}"\nallow_bins = ["400000"]\n[link]\nmac = true\n'
            + components(self.keys[TPK], "tpk")
            + components(zak or self.keys[ZAK], "zak"),
            encoding="utf-8",
        )
        self.profile.chmod(0o600)

    def store(self) -> SqlStore:
        key = self.hsm.derived(SEAL, PURPOSE)
        return SqlStore.create(f"sqlite:///{self.database}", store_key=key, durable=False)

    def run(self) -> Result:
        """A load run against its host in another process."""
        keys, sealing = map(str, self.key_files)
        with own_host(self.database, "--mac-mandatory", "--keys", keys, "--sealing-key", sealing) as host:
            command = ["load", str(self.scenario), "--out", str(self.out), "--target", f"{host.address}"]
            return CliRunner().invoke(main, [*command, "--profile", str(self.profile)])

    def loaded(self) -> tuple[Result, dict]:
        """The same, with its figures."""
        result = self.run()
        assert (self.out / "load.json").exists(), result.output
        return result, json.loads((self.out / "load.json").read_text(encoding="utf-8"))

    def secrets(self) -> list[str]:
        """Every card number, track and key, as they must stand nowhere."""
        cards = [text for each in self.people for text in (each.pan.reveal(), each.track2.reveal())]
        return [*cards, *re.findall("[0-9A-F]{32}", self.profile.read_text("utf-8"))] + [
            self.keys[handle].value.reveal() for handle in (TPK, ZAK)
        ]


def test_a_host_with_its_own_keys_and_cards_answers_everything_and_its_books_agree(tmp_path: Path) -> None:
    """And the run folder has the BINs and the policy, but no card number, PIN or key."""
    lab = Lab(tmp_path)
    result, facts = lab.loaded()
    assert 0 == result.exit_code, result.output
    counts = facts["counts"]
    assert 43 == counts["planned"] == counts["sent"] == counts["answered"]
    assert {} == facts["declines"]
    assert 0 == counts["mac_failures"] == counts["unmatched"] == counts["unresolved"]
    assert {"profile": "lab.toml", "dialect": "atm-sim", "allow_bins": ["400000"]}.items() <= facts[
        "lab"
    ].items()
    assert (40, "sequential") == (facts["lab"]["cards"], facts["lab"]["card_policy"])
    store = lab.store()
    found = settle.settle(read_sent(lab.out / "sent.csv"), settle.of_our_host(store.journal()), by="identity")
    store.close()
    assert [] == list(found.differences)
    assert found.completed > 10
    written = "".join(each.read_text(encoding="utf-8") for each in lab.out.iterdir()) + result.output
    assert [] == [secret for secret in lab.secrets() if secret in written]


def test_with_a_mac_key_that_is_not_the_hosts_it_cannot_be_used(tmp_path: Path) -> None:
    """So the keys of the profile are what is used."""
    lab = Lab(tmp_path, zak=fresh_keys()[ZAK])
    result = lab.run()
    assert 3 == result.exit_code
    assert "could not be used" in result.output


def test_unique_cards_come_once_and_arrivals_without_a_card_are_dropped_and_counted(tmp_path: Path) -> None:
    lab = Lab(tmp_path, unique=True)
    file = tmp_path / "cards.csv"
    file.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:11]), encoding="utf-8")
    result, facts = lab.loaded()
    assert (10, 33, 33) == tuple(facts["counts"][name] for name in ("sent", "dropped", "no_card"))
    assert "33 arrivals were dropped because no card was free" in result.output
