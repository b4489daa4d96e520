"""TLS: both sides show a certificate of our authority, and a peer speaks only in the name of its own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bank_host.port import tls
from bank_host.port.server import PortSettings
from tests.bank_host.online_bank import OnlineBank, open_bank
from tests.bank_host.port.authority import Authority, as_peer
from tests.bank_host.port.wire import PATIENCE_S, PATIENT, Peer, Served, served, withdrawal

pytestmark = pytest.mark.usefixtures("loop")
SETTINGS = PortSettings(link=PATIENT, handshake_us=int(PATIENCE_S * 1_000_000))
ATM_7, ATM_8 = tls.TERMINAL + "ATM00007", tls.TERMINAL + "ATM00008"
SWITCH = (tls.ACQUIRER + "00000000034", tls.ACQUIRER + "101")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


@pytest.fixture
def port(loop: None, authority: Authority, online: OnlineBank) -> Iterator[Served]:
    with served(online.bank, settings=SETTINGS, tls=tls.listening(authority.issue("localhost"))) as port:
        yield port


def connected(port: Served, authority: Authority, *names: str) -> Peer:
    return port.connect(as_peer(authority.issue(*names), authority.file))


def test_a_terminal_is_served_in_its_own_name(port: Served, authority: Authority, online: OnlineBank) -> None:
    assert "00" == connected(port, authority, ATM_7).sign_on().ask(withdrawal(online, 2))[39]


def test_a_terminal_cannot_speak_for_another(port: Served, authority: Authority, online: OnlineBank) -> None:
    """ATM 8 sends a withdrawal of ATM 7."""
    peer = connected(port, authority, ATM_8).sign_on()
    assert "63" == peer.ask(withdrawal(online, 2))[39]
    assert 1 == port.events("other_speaker")
    assert 250_000 == online.account().posted_jpy
    peer.close()
    port.stop()  # which waits for the writer
    audited = [(row.what, row.after, row.reason) for row in online.bank.store.audit()]
    assert ("other_speaker", "0200 ATM00007", "127.0.0.1") == audited[-1]


@pytest.mark.parametrize(("names", "code"), [(SWITCH, "00"), (SWITCH[1:], "63")])
def test_a_switch_speaks_for_its_acquirers_only(
    port: Served, authority: Authority, online: OnlineBank, names: tuple[str, ...], code: str
) -> None:
    assert code == connected(port, authority, *names).sign_on().ask(withdrawal(online, 2))[39]


def test_a_certificate_that_names_nobody_is_cut(port: Served, authority: Authority) -> None:
    assert connected(port, authority, "somebody.example").is_cut()
    assert port.has_closed("certificate_names_nobody")


def test_a_peer_without_certificate_is_cut(port: Served, authority: Authority) -> None:
    with suppress(ssl.SSLError, ConnectionError):  # which end notices first depends on the TLS version
        assert port.connect(as_peer(None, authority.file)).is_cut()
    assert port.has_closed("tls_failed")


def test_a_certificate_of_another_authority_is_cut(
    port: Served, authority: Authority, tmp_path: Path
) -> None:
    files = Authority(tmp_path).issue(ATM_7)
    with suppress(ssl.SSLError, ConnectionError):
        assert port.connect(as_peer(files, authority.file)).is_cut()
    assert port.has_closed("tls_failed")


def test_plain_text_is_no_handshake(port: Served) -> None:
    peer = Peer(socket.create_connection(port.address))
    port.peers.append(peer)
    peer.send(b"GET / HTTP/1.1\r\n\r\n" * 4)
    while data := peer.socket.recv(4096):  # the alert that TLS answers with
        assert b"HTTP" not in data
    assert port.has_closed("tls_failed")


def test_a_handshake_that_does_not_end_is_cut_and_counts_as_a_connection_until_then(
    authority: Authority, online: OnlineBank
) -> None:
    settings = SETTINGS._replace(most_connections=1, handshake_us=300_000)
    with served(online.bank, settings=settings, tls=tls.listening(authority.issue("localhost"))) as port:
        silent, second = port.connect(), port.connect()
        assert second.is_cut()
        assert port.has_closed("too_many_connections")
        assert silent.is_cut()
        assert port.has_closed("tls_failed")


def test_an_old_tls_is_not_spoken(port: Served, authority: Authority) -> None:
    context = as_peer(authority.issue(ATM_7), authority.file)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        port.connect(context)
