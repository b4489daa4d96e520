"""A bank that is made with a key file is sealed under its keys, and every command on its database asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bank_host.cli import main
from bank_host.hsm import SEAL
from bank_host.hsm.key_file import fresh_keys, make_sealing_key, write_keys
from bank_host.hsm.keys import SIMULATION_KEYS
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore

ACT = ("--operator", "sato", "--reason", "the holder called", "--yes")
FREE = ("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--no-web")


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two banks: `own.sqlite`, made with a key file, and `published.sqlite`, made without one."""
    folder = tmp_path_factory.mktemp("banks")
    assert 0 == call("keys", "init", str(folder / "bank.keys"), *sealed_by(folder)).exit_code
    for name, keys in (("own", keys_of(folder)), ("published", ())):
        words = (str(folder / f"{name}.sqlite"), "--hand-over", str(folder / name), "--seed", "1", *keys)
        made = call("init", *words)
        assert 0 == made.exit_code, made.output
    return folder


def sealed_by(folder: Path) -> tuple[str, ...]:
    return ("--sealing-key", str(folder / "sealing.key"))


def keys_of(folder: Path) -> tuple[str, ...]:
    return ("--keys", str(folder / "bank.keys"), *sealed_by(folder))


COMMANDS = {
    "verify": (),
    "customers": (),
    "accounts": ("list",),
    "cards": ("unlock", "hanako", *ACT),
    "audit": (),
    "exceptions": (),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_keys_of_the_bank_open_it(folder: Path, command: str) -> None:
    done = call(command, *keys_of(folder), str(folder / "own.sqlite"), *COMMANDS[command])
    assert "sealed under another key" not in done.output
    assert done.exit_code in (0, 1), done.output  # 1: the bank's rules have refused to release what is free


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("bank", ["own", "published"])
def test_other_keys_do_not_and_nothing_is_written(folder: Path, bank: str, command: str) -> None:
    """A bank's own keys asked for without naming them, and a published bank under a key file."""
    database = folder / f"{bank}.sqlite"
    before = database.read_bytes()
    keys = keys_of(folder) if bank == "published" else ()
    done = call(command, *keys, str(database), *COMMANDS[command])
    assert (2, True) == (done.exit_code, "sealed under another key" in done.output)
    assert "--keys" in done.output
    assert before == database.read_bytes()


def test_the_environment_names_the_key_file_once_for_all(folder: Path) -> None:
    named = {"BANK_HOST_KEYS": str(folder / "bank.keys")}
    words = ["verify", *sealed_by(folder), str(folder / "own.sqlite")]
    assert 0 == CliRunner().invoke(main, words, env=named).exit_code


@pytest.mark.parametrize("bank", ["own", "published"])
def test_no_host_serves_a_bank_under_other_keys(folder: Path, bank: str) -> None:
    keys = keys_of(folder) if bank == "published" else ()
    done = call("serve", "--database", str(folder / f"{bank}.sqlite"), *FREE, *keys)
    assert (2, True) == (done.exit_code, "sealed under another key" in done.output)


def test_who_knows_the_published_keys_reads_no_card_number_of_a_bank_with_its_own(folder: Path) -> None:
    look = SqlStore(open_engine(f"sqlite:///{folder / 'own.sqlite'}")).look
    with pytest.raises(ValueError, match="does not open"):
        look.cards()
    shown = call("cards", *keys_of(folder), str(folder / "own.sqlite"), "list", "--find", "hanako")
    assert "499900••••••0013" in shown.output


def test_a_published_seal_key_is_named_and_not_taken_beyond_loopback(tmp_path: Path) -> None:
    """All other keys are the bank's own."""
    keys = fresh_keys() | {SEAL: SIMULATION_KEYS[SEAL]}
    write_keys(tmp_path / "bank.keys", keys, make_sealing_key(tmp_path / "sealing.key"))
    done = call("serve", "--listen", "192.0.2.1:8583", "--plain", *keys_of(tmp_path))
    assert (2, True) == (done.exit_code, "published test keys (seal) are not taken" in done.output)


def test_a_key_file_without_a_seal_key_is_told(folder: Path, tmp_path: Path) -> None:
    keys = fresh_keys()
    del keys[SEAL]
    write_keys(tmp_path / "bank.keys", keys, make_sealing_key(tmp_path / "sealing.key"))
    done = call("verify", str(folder / "own.sqlite"), *keys_of(tmp_path))
    assert (2, True) == (done.exit_code, "there is no key 'seal'" in done.output)
