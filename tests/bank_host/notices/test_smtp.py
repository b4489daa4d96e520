"""Notices to a real mail server: nothing is lost, each keeps its Message-ID and its place, refusals end (R103-R108)."""

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from click.testing import CliRunner

from bank_host import cli
from bank_host.address import Address
from bank_host.jst import HOUR_US, MINUTE_US, midnight_us
from bank_host.notices.message import message_id
from bank_host.notices.plan import Pace
from bank_host.notices.relay import Counts, NotDelivered, Relay
from bank_host.notices.smtp import Login, SmtpServer
from bank_host.policy import load_policy
from bank_host.rules.changes import Notify
from bank_host.rules.facts import Account, Customer
from bank_host.secrets import Secret
from bank_host.store.sql import SqlStore

DAY = date(2014, 1, 15)
NOON_US = midnight_us(DAY) + 12 * HOUR_US
AOKI, BABA = "0010000001", "0010000002"
HOMES = {AOKI: ("aoki@example.jp",), BABA: ("b1@example.jp", "b2@example.jp")}


class PowerCut(Exception):
    """The relay's process dies; nothing catches it."""


class PostOffice:
    """What the server took, in order; `says(n)` is its word on the n-th message, '' to take it."""

    def __init__(self, says: Callable[[int], str] = lambda n: "", unknown: tuple[str, ...] = ()) -> None:
        self.says = says
        self.unknown = unknown
        self.asked = 0
        self.got: list[tuple[str, bytes]] = []

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address in self.unknown:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        self.asked += 1
        refusal = self.says(self.asked)
        if refusal:
            return refusal
        self.got += [(to, envelope.content) for to in envelope.rcpt_tos]
        return "250 OK"

    def ids(self, address: str = "") -> list[str]:
        """Message-IDs in the order of first arrival."""
        return list(dict.fromkeys(_read(raw)["Message-ID"] for to, raw in self.got if address in ("", to)))


def _read(raw: bytes):
    return message_from_bytes(raw, policy=default)


@contextmanager
def running(office: PostOffice, **how) -> Iterator[Address]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(office, hostname="127.0.0.1", port=port, **how)
    controller.start()
    try:
        yield Address("127.0.0.1", port)
    finally:
        controller.stop()


class Clock:
    now_us = NOON_US

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def bank(store):
    _fill(store)
    return store


def _fill(store) -> None:
    with store.begin() as unit:
        for account_id, emails in HOMES.items():
            account = Account(account_id, "individual", "token", DAY, 500_000)
            unit.add_account(account, Customer(account_id, emails=emails))
        each = [(n, account_id) for n in range(6) for account_id in HOMES]
        unit.apply([Notify(f"{who}:{n}", who, "atm_withdrawal", 1_000 + n) for n, who in each], NOON_US)


def run_to_the_end(store, sink, clock: Clock) -> None:
    for _ in range(400):
        try:
            if Relay(store, sink, clock, load_policy()).run().left == 0:
                return
        except PowerCut:
            pass
        clock.now_us += MINUTE_US
    raise AssertionError("mail still waits")


def test_every_4th_delivery_refused_and_crashes_between_250_and_mark_lose_nothing(bank) -> None:
    office = PostOffice(lambda n: "451 4.3.0 try again" if n % 4 == 0 else "")
    with running(office) as address, SmtpServer(address) as server:
        calls = 0

        def dies_now_and_then(message) -> None:
            nonlocal calls
            server(message)
            calls += 1
            if calls % 5 == 0:  # the server has said 250, and nobody has marked it
                raise PowerCut

        run_to_the_end(bank, dies_now_and_then, Clock())
    sent = list(bank.delivery.mail("sent"))
    assert 18 == len(sent)
    assert sorted(message_id(row) for row in sent) == sorted(office.ids())
    assert len(office.got) > 18  # at least once
    for address in ("aoki@example.jp", "b1@example.jp", "b2@example.jp"):
        assert [message_id(row) for row in sent if row.address == address] == office.ids(address)


def test_an_address_that_the_server_refuses_for_good_is_a_dead_letter_and_holds_nobody_up(bank) -> None:
    office = PostOffice(unknown=("b1@example.jp",))
    with running(office) as address, SmtpServer(address) as server:
        counts = Relay(bank, server, Clock(), load_policy()).run()
    assert Counts(sent=12, dead=6) == counts
    (problem,) = {row.problem for row in bank.delivery.mail("dead")}
    assert "the mail server refuses the address for good (550)" == problem


def test_a_message_refused_for_good_is_not_sent_again(bank) -> None:
    office = PostOffice(lambda n: "554 5.7.1 not here" if n == 1 else "")
    with running(office) as address, SmtpServer(address) as server:
        assert Counts(sent=17, dead=1) == Relay(bank, server, Clock(), load_policy()).run()


def test_without_a_server_each_address_waits_with_a_growing_delay(bank) -> None:
    with running(PostOffice()) as address:
        pass  # gone
    clock = Clock()
    with SmtpServer(address) as server:
        assert 3 == Relay(bank, server, clock, load_policy()).run().delayed
        first = {row.next_at_us - clock.now_us for row in bank.delivery.mail("waiting") if row.attempts}
        clock.now_us += MINUTE_US
        assert 3 == Relay(bank, server, clock, load_policy()).run().delayed
        second = {row.next_at_us - clock.now_us for row in bank.delivery.mail("waiting") if row.attempts}
    assert ({Pace().first_delay_us}, {2 * Pace().first_delay_us}) == (first, second)


def test_the_text_arrives_as_it_was_written_in_seven_bits(bank) -> None:
    office = PostOffice()
    with running(office) as address, SmtpServer(address) as server:
        Relay(bank, server, Clock(), load_policy()).run()
    raw = office.got[0][1]
    assert raw.isascii()
    assert "出金" in _read(raw).get_content()
    assert "auto-generated" == _read(raw)["Auto-Submitted"]


# ---------------------------------------------------------------- TLS and login


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(words, check=True, capture_output=True)
    return key, cert


def _server_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


def test_over_tls_a_login_is_sent_and_the_servers_name_is_checked(bank, certificate) -> None:
    seen: list[tuple[bytes, bytes]] = []

    def authenticator(server, session, envelope, mechanism, data) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    how = {"tls_context": _server_side(certificate), "require_starttls": True, "auth_required": True}
    office = PostOffice()
    trusting = ssl.create_default_context(cafile=str(certificate[1]))
    with running(office, authenticator=authenticator, **how) as address:
        with SmtpServer(address, tls=trusting, login=Login("bank", Secret("s3cret"))) as server:
            assert 18 == Relay(bank, server, Clock(), load_policy()).run().sent
        assert [(b"bank", b"s3cret")] == seen
        with (
            SmtpServer(address, tls=ssl.create_default_context()) as stranger,
            pytest.raises((OSError, NotDelivered)),
        ):
            stranger(_read(office.got[0][1]))


def test_a_password_is_never_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="TLS"):
        SmtpServer(Address("127.0.0.1", 25), login=Login("bank", Secret("s3cret")))


# ---------------------------------------------------------------- the command


def test_the_command_delivers_to_a_server(tmp_path: Path) -> None:
    file = tmp_path / "bank.sqlite"
    store = SqlStore.create(f"sqlite:///{file}", durable=False)
    _fill(store)
    store.close()
    office = PostOffice()
    with running(office) as address:
        result = CliRunner().invoke(
            cli.main, ["mail", str(file), "--smtp", str(address), "--at", "2014-01-15 12:00"]
        )
    assert (0, "18 delivered, 0 waiting, 0 dead letters\n") == (result.exit_code, result.output)
    assert 18 == len(office.got)


@pytest.mark.parametrize("words", [[], ["--to", "mail", "--smtp", "127.0.0.1:25"]])
def test_the_command_wants_one_place_to_deliver_to(tmp_path: Path, words: list[str]) -> None:
    file = tmp_path / "bank.sqlite"
    SqlStore.create(f"sqlite:///{file}", durable=False).close()
    result = CliRunner().invoke(cli.main, ["mail", str(file), *words])
    assert 2 == result.exit_code
    assert "either --to FOLDER or --smtp HOST:PORT" in result.output
