"""The sealed key file: its keys come back, others cannot read it, and no key is in it or in what is said about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bank_host import cli
from bank_host.hsm import Hsm, Key
from bank_host.hsm.key_file import (
    KeyFileError,
    fresh_keys,
    make_sealing_key,
    open_key_file,
    read_keys,
    sealing_key,
    write_keys,
)
from bank_host.secrets import Secret
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore

SEALING_KEY = bytes(range(32))
K = "0123456789ABCDEFFEDCBA9876543210"


def call(*words: str, text: str = "") -> Result:
    """Runs `bank-host keys`; a traceback would be an exception that is no SystemExit."""
    result = CliRunner().invoke(cli.main, ["keys", *words], input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A key file with fresh keys; its sealing key is beside it."""
    result = call("init", str(tmp_path / "bank.keys"), "--sealing-key", str(tmp_path / "sealing.key"))
    assert 0 == result.exit_code, result.output
    return tmp_path / "bank.keys"


def sealed_by(file: Path) -> list[str]:
    return ["--sealing-key", str(file.with_name("sealing.key"))]


def test_what_is_sealed_comes_back(tmp_path: Path) -> None:
    keys = fresh_keys()
    write_keys(tmp_path / "keys", keys, SEALING_KEY)
    assert keys == read_keys(tmp_path / "keys", SEALING_KEY)
    assert Hsm(keys).inventory() == open_key_file(tmp_path / "keys", SEALING_KEY).inventory()


def test_no_two_fresh_keys_are_one_and_none_is_published() -> None:
    hsm = Hsm(fresh_keys())
    assert len(hsm.inventory()) == len({info.check_value for info in hsm.inventory()})
    assert () == hsm.published_keys()


def test_published_keys_are_named_also_with_other_parity_bits() -> None:
    published = {"a": Key("terminal_pin", Secret(K)), "b": Key("zone_mac", Secret("01" + K[2:]))}
    hsm = Hsm(published | {"own": Key("zone_pin", Secret("9F" + K[2:]))})
    assert ("a", "b") == hsm.published_keys()
    for simulated in (Hsm.simulation(), Hsm.simulation("AES")):
        assert len(simulated.inventory()) == len(simulated.published_keys())


def test_files_are_their_owners_only_and_hold_no_key(made: Path) -> None:
    sealing = made.with_name("sealing.key")
    assert [0o600, 0o600] == [file.stat().st_mode & 0o777 for file in (made, sealing)]
    keys = read_keys(made, sealing_key(sealing))
    for key in keys.values():
        assert key.value.reveal().encode() not in made.read_bytes()
        assert bytes.fromhex(key.value.reveal()) not in made.read_bytes()


@pytest.mark.parametrize("name", ["bank.keys", "sealing.key"])
def test_a_file_that_others_can_read_is_refused(made: Path, name: str) -> None:
    made.with_name(name).chmod(0o640)
    result = call("list", str(made), *sealed_by(made))
    assert 2 == result.exit_code
    assert f"{name} can be read by others than its owner: chmod 600" in result.stderr


def test_another_sealing_key_or_one_changed_bit_opens_nothing(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    write_keys(file, fresh_keys(), SEALING_KEY)
    with pytest.raises(KeyFileError, match="does not open"):
        read_keys(file, bytes(32))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(KeyFileError, match="does not open"):
        read_keys(file, SEALING_KEY)


@pytest.mark.parametrize("content", [b"", b"bank-host keys 1\n", b"something else"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeyFileError):
        read_keys(file, SEALING_KEY)


def test_nothing_is_written_over_an_existing_file(made: Path) -> None:
    before = made.read_bytes()
    assert 2 == call("init", str(made), *sealed_by(made)).exit_code
    with pytest.raises(KeyFileError, match="exists already"):
        write_keys(made, {}, SEALING_KEY)
    with pytest.raises(KeyFileError, match="exists already"):
        make_sealing_key(made)
    assert before == made.read_bytes()
    assert ["bank.keys", "sealing.key"] == sorted(file.name for file in made.parent.iterdir())


def test_the_sealing_key_may_come_from_the_environment(tmp_path: Path) -> None:
    environ = {"BANK_HOST_SEALING_KEY": SEALING_KEY.hex()}
    assert SEALING_KEY == sealing_key(None, environ)
    with pytest.raises(KeyFileError, match="--sealing-key FILE, or set BANK_HOST_SEALING_KEY"):
        sealing_key(None, {})
    with pytest.raises(KeyFileError, match="does not hold 64 hexadecimal digits") as caught:
        sealing_key(None, {"BANK_HOST_SEALING_KEY": "secret words"})
    assert "secret words" not in str(caught.value)


def test_a_missing_file_is_told_without_a_traceback(tmp_path: Path) -> None:
    result = call("list", str(tmp_path / "none"), "--sealing-key", str(tmp_path / "none.key"))
    assert (2, True) == (result.exit_code, "cannot be read: No such file" in result.stderr)


def test_the_list_shows_check_values_and_no_key(made: Path) -> None:
    keys = read_keys(made, sealing_key(made.with_name("sealing.key")))
    result = call("list", str(made), *sealed_by(made))
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [[i.handle, i.usage, i.algorithm, i.check_value] for i in Hsm(keys).inventory()] == rows
    json_text = call("list", str(made), *sealed_by(made), "--json").stdout
    assert not [key for key in keys.values() if key.value.reveal() in result.output + json_text]


# ---------------------------------------------------------------- import


def component(folder: Path, name: str, value: str, check_value: str) -> list[str]:
    (folder / name).write_text(f"{value} {check_value}\n")
    return ["--component", str(folder / name)]


def test_components_make_a_key_whose_check_value_is_shown(made: Path) -> None:
    """K is the xor of the two; its check value is published."""
    other = f"{int(K, 16) ^ int('5A' * 16, 16):032X}"
    check_value = Hsm({"x": Key("zone_master", Secret(other))}).check_value("x")
    mask = Hsm({"x": Key("zone_master", Secret("5A" * 16))}).check_value("x")
    parts = component(made.parent, "a", other, check_value) + component(made.parent, "b", "5A" * 16, mask)
    result = call("import", str(made), "zmk/next", "zone_master", *parts, *sealed_by(made))
    assert "zmk/next\tzone_master\tTDES-2\t08D7B4\tpublished test key\n" == result.stdout
    again = call("import", str(made), "zmk/next", "zone_master", *parts, *sealed_by(made))
    assert (2, True) == (again.exit_code, "--replace" in again.stderr)


def test_typed_components_are_not_shown(made: Path) -> None:
    other = f"{int(K, 16) ^ int('5A' * 16, 16):032X}"
    values = [Hsm({"x": Key("zone_pin", Secret(each))}).check_value("x") for each in (other, "5A" * 16)]
    typed = f"2\n{other}\n{values[0]}\n{'5A' * 16}\n{values[1]}\n"
    result = call("import", str(made), "zpk/next", "zone_pin", *sealed_by(made), text=typed)
    assert "zpk/next\tzone_pin\tTDES-2\t08D7B4\tpublished test key" in result.stdout
    assert other not in result.output


def test_a_component_with_another_check_value_is_refused_without_being_shown(made: Path) -> None:
    parts = component(made.parent, "a", K, "08D7B4") + component(made.parent, "b", "5A" * 16, "000000")
    result = call("import", str(made), "zmk/next", "zone_master", *parts, *sealed_by(made))
    assert "bank-host: component 2 does not fit its check value; was a digit mistyped?\n" == result.stderr
    assert 2 == result.exit_code


def test_components_that_cancel_each_other_make_no_key(made: Path) -> None:
    parts = component(made.parent, "a", K, "08D7B4") * 2
    result = call("import", str(made), "zmk/next", "zone_master", *parts, *sealed_by(made))
    assert (2, True) == (result.exit_code, "cancel each other" in result.stderr)


@pytest.mark.parametrize("bound", [False, True])
def test_a_key_block_is_imported_under_a_zone_key_of_the_file(made: Path, bound: bool) -> None:
    key = sealing_key(made.with_name("sealing.key"))
    zone = read_keys(made, key)["zmk"]
    sender = Hsm({"zmk": zone})
    block = sender.make_key("zmk", "zpk/next", "zone_pin", bound=bound)
    words = [str(made), "zpk/next", "zone_pin", "--block", block, "--under", "zmk", *sealed_by(made)]
    assert 0 == call("import", *words).exit_code
    assert sender.check_value("zpk/next") == open_key_file(made, key).check_value("zpk/next")
    words[4] = block[:-1] + ("0" if block[-1] != "0" else "1")
    refused = call("import", *words, "--replace")
    assert (2, True) == (refused.exit_code, "does not fit its check value" in refused.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ["Zmk", "zone_master"],
        ["zmk/next", "zone_master", "--block", "00"],
        ["zmk/next", "zone_pin", "--block", "00" * 19, "--under", "tpk"],
    ],
)
def test_a_command_that_cannot_be_meant_so_is_refused(made: Path, words: list[str]) -> None:
    assert 2 == call("import", str(made), *words, *sealed_by(made)).exit_code


# ---------------------------------------------------------------- a bank with keys of its own


def test_an_example_bank_is_made_with_the_keys_of_a_file(made: Path) -> None:
    """Its cards have the names that these keys give, so another module does not find them."""
    database, letters = made.with_name("bank.sqlite"), made.with_name("letters")
    words = ["init", str(database), "--hand-over", str(letters), "--seed", "1", "--keys", str(made)]
    result = CliRunner().invoke(cli.main, [*words, *sealed_by(made)])
    assert 0 == result.exit_code, result.output
    pan = next(re.findall(r"\b4999[0-9 ]{12,15}\b", file.read_text())[0] for file in letters.glob("*.txt"))
    card_ids = {card.card_id for card in SqlStore(open_engine(f"sqlite:///{database}")).cards()}
    own = open_key_file(made, sealing_key(made.with_name("sealing.key")))
    found = [hsm.card_id(pan.replace(" ", "")) in card_ids for hsm in (own, Hsm.simulation())]
    assert [True, False] == found


def test_a_key_file_that_cannot_be_opened_makes_no_bank(made: Path) -> None:
    database = made.with_name("bank.sqlite")
    made.chmod(0o644)
    words = ["init", str(database), "--hand-over", str(made.parent / "letters"), "--keys", str(made)]
    result = CliRunner().invoke(cli.main, [*words, *sealed_by(made)])
    assert (2, False) == (result.exit_code, database.exists())
