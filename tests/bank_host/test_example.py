"""The example bank: people of every kind, whose letters and tokens are those the bank knows."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.cli import main as atm_sim
from atm_sim.world.token_file import token_in
from bank_host.cli import main as bank_host
from bank_host.host import Bank
from bank_host.hsm import TPK, Hsm
from bank_host.jst import moment_us
from bank_host.policy import load_policy
from bank_host.rules.facts import Act
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore

AT = "2014-01-15 10:30"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An example bank and what its customers carry."""
    folder = tmp_path_factory.mktemp("example")
    done = CliRunner().invoke(bank_host, _init(folder, "--seed", "3"))
    assert done.exit_code == 0, done.output
    return folder


def _init(folder: Path, *more: str) -> list[str]:
    return ["init", str(folder / "bank.sqlite"), "--hand-over", str(folder / "post"), "--at", AT, *more]


@pytest.fixture(scope="module")
def bank(folder: Path) -> Bank:
    store = SqlStore(open_engine(f"sqlite:///{folder / 'bank.sqlite'}"))
    return Bank("example", store, load_policy(), Hsm.simulation())


def test_there_is_somebody_of_every_kind_and_authenticator(bank: Bank) -> None:
    """Requirement X13."""
    kinds = {(account.kind, account.authenticator) for account in bank.store.accounts()}
    assert {
        (k, a) for k in ("individual", "sole_proprietor", "corporate") for a in ("token", "id_card")
    } == kinds


def test_the_books_of_a_new_example_are_in_order(folder: Path) -> None:
    assert CliRunner().invoke(bank_host, ["verify", str(folder / "bank.sqlite")]).exit_code == 0


def test_the_pin_of_a_letter_is_the_cards(folder: Path, bank: Bank) -> None:
    lines = (folder / "post" / "hanako.letter.txt").read_text(encoding="utf-8").splitlines()
    pan = next(line for line in lines if line.startswith("cash card")).split()[2].rstrip(",")
    pin = next(line for line in lines if line.startswith("PIN")).split()[1]
    card = next(card for card in bank.store.cards() if card.card_id == bank.hsm.card_id(pan))
    block = bank.hsm.encrypt_pin_block(TPK, pin, pan)
    assert bank.hsm.verify_pin(TPK, block, pan, "pvk", card.pvv)


def test_a_token_file_shows_the_code_that_the_bank_accepts(folder: Path, bank: Bank) -> None:
    """Requirement R33: seed and clock are all they share."""
    file = folder / "post" / "hanako-2.token"
    shown = CliRunner().invoke(atm_sim, ["token", str(file), "--at", "2014-01-15 11:00:05"])
    code, bar, left, _ = shown.output.split()
    assert ("■■■■■■", "55") == (bar, left)
    assert token_in(file).display(moment_us("2014-01-15 11:00:05")) == code
    account = next(account for account in bank.store.accounts() if account.account_id.endswith("0001"))
    act = Act("raise", "raise_limit", account.account_id, "pc")._replace(
        amount_jpy=1_000_000, day=load_policy().on(account.opened).day, otp=code
    )
    assert bank.act(act, moment_us("2014-01-15 11:00:09")).outcome == "done"


def test_only_the_owner_may_read_what_the_post_brings(folder: Path) -> None:
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (folder / "post").iterdir()}
    assert {0o600} == modes


def test_the_same_seed_gives_the_same_tokens(folder: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(bank_host, _init(tmp_path, "--seed", "3")).exit_code == 0
    names = sorted(file.name for file in (folder / "post").iterdir())
    assert [(folder / "post" / n).read_bytes() for n in names] == [
        (tmp_path / "post" / n).read_bytes() for n in names
    ]


def test_a_database_that_holds_a_bank_is_left_alone(folder: Path) -> None:
    again = CliRunner().invoke(bank_host, _init(folder))
    assert again.exit_code == 2
    assert "holds a bank already" in again.output


@pytest.mark.parametrize("text", ["", "{}", "[]", json.dumps({"serial": "T", "secret": "not base32!"})])
def test_a_file_that_is_no_token_is_told_without_showing_what_is_in_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.token"
    file.write_text(text, encoding="utf-8")
    shown = CliRunner().invoke(atm_sim, ["token", str(file)])
    assert (2, f"atm-sim: {file}: not a token file\n") == (shown.exit_code, shown.output)
