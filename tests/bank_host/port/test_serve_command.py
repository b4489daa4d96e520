"""`bank-host serve`: a user's mistake is told in one line with the next step, and exits 2 or 3."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import URL

from bank_host.address import is_loopback
from bank_host.cli import main
from bank_host.cli.serve import problem_of
from bank_host.hsm import ZAK, ZMK, Hsm, Key
from bank_host.hsm.keys import SIMULATION_KEYS
from bank_host.port.security import unfit_mac_key
from bank_host.secrets import Secret
from bank_host.store.engine import open_engine
from tests.bank_host.port.authority import Authority


def serve(*words: str) -> Result:
    return CliRunner().invoke(main, ["serve", *words])


@pytest.fixture
def database(sqlite_databases: Callable[[], URL]) -> str:
    return str(sqlite_databases().database)


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    done = serve("--database", str(tmp_path / "none.sqlite"))
    assert 2 == done.exit_code
    assert "bank-host init" in done.output


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("no database " * 100, encoding="utf-8")
    done = serve("--database", str(file))
    assert (3, True) == (done.exit_code, "cannot be used: file is not a database" in done.output)


def test_a_database_without_the_tables(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    done = serve("--database", str(tmp_path / "empty.sqlite"))
    assert (3, True) == (done.exit_code, "bank-host migrate" in done.output)


@pytest.mark.parametrize("option", ["--listen", "--admin", "--web"])
def test_an_address_that_is_taken(database: str, taken: str, option: str) -> None:
    free = dict.fromkeys(("--listen", "--admin", "--web"), "127.0.0.1:0") | {option: taken}
    done = serve("--database", database, *(word for pair in free.items() for word in pair))
    assert 3 == done.exit_code
    assert f"{taken} cannot be listened on" in done.output
    assert option in done.output


@pytest.mark.parametrize("text", ["8583", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:8583x", ":8583"])
def test_what_is_no_address(text: str) -> None:
    done = serve("--listen", text)
    assert (2, True) == (done.exit_code, "expected HOST:PORT" in done.output)


def test_an_unknown_dialect(database: str) -> None:
    done = serve("--database", database, "--dialect", "klingon")
    assert (2, True) == (done.exit_code, "klingon" in done.output)


def test_a_mac_key_that_is_not_for_the_dialect_s_algorithm(database: str, tmp_path: Path) -> None:
    """A 'zak' of `keys init` is a TDES key: right for retail MACs, wrong for AES-CMACs. The published one is either."""
    (tmp_path / "theirs.toml").write_text('[mac]\nalgorithm = "aes-cmac"\n', encoding="utf-8")
    words = ("--sealing-key", str(tmp_path / "sealing.key"))
    made = CliRunner().invoke(main, ["keys", "init", str(tmp_path / "bank.keys"), *words])
    assert 0 == made.exit_code, made.output
    words = ("--keys", str(tmp_path / "bank.keys"), *words)
    done = serve("--database", database, "--dialect", str(tmp_path / "theirs.toml"), *words)
    assert 2 == done.exit_code
    assert "needs a key 'zak' of AES, and it is TDES-2" in done.output
    assert "bank-host keys import FILE zak zone_mac --cipher AES --replace" in done.output


ZONE_MAC, ZONE_MASTER = SIMULATION_KEYS[ZAK], SIMULATION_KEYS[ZMK]
AES_MAC = Key("zone_mac", Secret("00112233445566778899AABBCCDDEEFF"), "AES")


@pytest.mark.parametrize(
    ("keys", "algorithm", "mandatory", "expected"),
    [
        ({ZAK: ZONE_MAC}, "retail", True, ""),
        ({ZAK: AES_MAC}, "aes-cmac", True, ""),
        ({ZAK: AES_MAC}, "retail", False, "a key 'zak' of TDES, and it is AES-128"),
        ({ZAK: AES_MAC}, "by_key", True, ""),
        ({ZMK: ZONE_MASTER}, "aes-cmac", True, ""),
        ({}, "retail", False, ""),
        ({}, "by_key", True, "neither a key 'zak' nor a 'zmk'"),
    ],
)
def test_which_mac_keys_do(keys: dict[str, Key], algorithm: str, mandatory: bool, expected: str) -> None:
    told = unfit_mac_key(Hsm(keys), algorithm, mandatory)
    assert (bool(expected), True) == (bool(told), expected in told)


@pytest.mark.parametrize("option", ["--listen", "--connect"])
def test_plain_tcp_beyond_loopback_has_to_be_asked_for(database: str, option: str) -> None:
    done = serve("--database", database, option, "192.0.2.1:8583")
    assert (2, True) == (done.exit_code, "--plain" in done.output)


def test_published_test_keys_are_not_taken_beyond_loopback(database: str) -> None:
    done = serve("--database", database, "--listen", "192.0.2.1:8583", "--plain")
    assert (2, True) == (done.exit_code, "published test keys" in done.output)


def test_keys_of_one_s_own_are_not_refused_there_and_a_file_that_does_not_open_is_told(
    database: str, tmp_path: Path
) -> None:
    words = ("--sealing-key", str(tmp_path / "sealing.key"))
    made = CliRunner().invoke(main, ["keys", "init", str(tmp_path / "bank.keys"), *words])
    assert 0 == made.exit_code, made.output
    asked = ("--database", database, "--keys", str(tmp_path / "bank.keys"))
    beyond = ("--listen", "192.0.2.1:8583", "--admin", "127.0.0.1:0", "--no-web", "--plain")
    done = serve(*asked, *words, *beyond)
    assert (3, True) == (done.exit_code, "192.0.2.1:8583 cannot be listened on" in done.output)
    done = serve(*asked, *beyond)
    assert (2, True) == (done.exit_code, "--sealing-key" in done.output)


def test_a_database_that_does_not_answer_is_why_the_host_is_not_ready(database: str) -> None:
    assert "" == problem_of(open_engine(f"sqlite:///{database}"))
    nobody = open_engine("postgresql://nobody@127.0.0.1:1/bank?connect_timeout=2")
    assert "the database does not work" in problem_of(nobody)


def test_metrics_are_shown_on_loopback_only(database: str) -> None:
    done = serve("--database", database, "--admin", "192.0.2.1:8584")
    assert (2, True) == (done.exit_code, "loopback only" in done.output)


def test_internet_banking_is_served_beyond_loopback_over_tls_only(database: str, tmp_path: Path) -> None:
    """ASVS v5.0.0-12.3.1. With a certificate it is; here the address is nobody's, which is what is told then."""
    beyond = ("--database", database, "--admin", "127.0.0.1:0", "--web", "192.0.2.1:8443")
    plain = serve(*beyond, "--plain")
    assert (2, True) == (plain.exit_code, "over TLS only" in plain.output)
    files = Authority(tmp_path).issue("localhost")
    done = serve(*beyond, "--web-certificate", str(files.certificate), "--web-key", str(files.key))
    assert (3, True) == (done.exit_code, "192.0.2.1:8443 cannot be listened on" in done.output)


def test_what_browsers_are_shown_needs_its_own_key(database: str, tmp_path: Path) -> None:
    ours, other = (Authority(tmp_path / name).issue("localhost") for name in ("a", "b"))
    alone = serve("--database", database, "--web-certificate", str(ours.certificate))
    assert (2, True) == (alone.exit_code, "go together" in alone.output)
    words = ("--web-certificate", str(ours.certificate), "--web-key", str(other.key))
    done = serve("--database", database, *words)
    assert (2, True) == (done.exit_code, "do not fit together" in done.output)


def test_tls_files_go_together(database: str, tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("localhost")
    done = serve("--database", database, "--tls-certificate", str(files.certificate))
    assert (2, True) == (done.exit_code, "go together" in done.output)


def test_a_key_of_another_certificate(database: str, tmp_path: Path) -> None:
    ours, other = (Authority(tmp_path / name).issue("localhost") for name in ("a", "b"))
    words = ("--tls-certificate", str(ours.certificate), "--tls-key", str(other.key))
    done = serve("--database", database, *words, "--tls-ca", str(ours.authority))
    assert (2, True) == (done.exit_code, "do not fit together" in done.output)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("bank.example", False)],
)
def test_what_counts_as_loopback(host: str, expected: bool) -> None:
    assert expected == is_loopback(host)
