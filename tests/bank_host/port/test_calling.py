"""The bank calls a switch: it signs on, carries business of the other's, and calls again when it is cut off."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from bank_host.iso8583 import build
from bank_host.port import tls
from bank_host.port.server import PortSettings
from tests.bank_host.online_bank import OnlineBank, open_bank
from tests.bank_host.port.authority import Authority
from tests.bank_host.port.wire import PATIENCE_S, PATIENT, Peer, Served, bits, managing, served, withdrawal

pytestmark = pytest.mark.usefixtures("loop")
SETTINGS = PortSettings(link=PATIENT, call_again_us=1_000, call_again_most_us=4_000)


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


@pytest.fixture
def switch() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_S)
        yield listening


def called(port: Served, switch: socket.socket) -> Peer:
    port.peers.append(Peer(switch.accept()[0]))
    return port.peers[-1]


def call(port: Served, host: str, number: int) -> None:
    port.loop.call_soon_threadsafe(port.port.call, host, number)


def test_requests_go_both_ways_on_the_connection_it_made(online: OnlineBank, switch: socket.socket) -> None:
    with served(online.bank, settings=SETTINGS) as port:
        call(port, *switch.getsockname())
        peer = called(port, switch)
        sign_on = peer.hear()
        assert ("0800", "001") == (sign_on.mti, sign_on[70])
        assert "91" == peer.ask(withdrawal(online, 2))[39]
        peer.say(build.answer(sign_on, "00"))
        assert "00" == peer.ask(withdrawal(online, 3))[39]
        assert "00" == peer.ask(managing("301", 4))[39]
    assert 240_000 == online.account().posted_jpy


@pytest.mark.parametrize("answers", [True, False])
def test_a_stop_signs_off_and_goes_in_order_whether_the_switch_answers_or_not(
    online: OnlineBank, switch: socket.socket, answers: bool
) -> None:
    settings = SETTINGS if answers else bits(SETTINGS, sign_off_wait_us=5_000)
    with served(online.bank, settings=settings) as port:
        call(port, *switch.getsockname())
        peer = called(port, switch)
        peer.say(build.answer(peer.hear(), "00"))
        assert port.until(lambda: port.events("signed_on") == 1)
        stopping = port.begin_to_stop()
        sign_off = peer.hear()
        assert ("0800", "002") == (sign_off.mti, sign_off[70])
        if answers:
            peer.say(build.answer(sign_off, "00"))
        assert peer.is_cut()
        assert stopping.result(PATIENCE_S)
        assert (1, answers) == (port.closed("stopping"), port.events("signed_off") == 1)


def test_a_switch_that_cuts_it_off_is_called_again(online: OnlineBank, switch: socket.socket) -> None:
    with served(online.bank, settings=SETTINGS) as port:
        call(port, *switch.getsockname())
        for _ in range(3):
            peer = called(port, switch)
            assert "001" == peer.hear()[70]
            peer.close()


def test_a_switch_that_is_not_there_is_called_until_it_is(online: OnlineBank) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = unused.getsockname()
        with served(online.bank, settings=SETTINGS) as port:
            call(port, *address)
            assert port.until(lambda: port.events("call_failed") >= 2)
            unused.listen()
            unused.settimeout(PATIENCE_S)
            assert "001" == called(port, unused).hear()[70]


def test_a_switch_that_does_not_answer_the_sign_on_is_called_again(
    online: OnlineBank, switch: socket.socket
) -> None:
    settings = SETTINGS._replace(link=PATIENT._replace(echo_wait_us=5_000))
    with served(online.bank, settings=settings) as port:
        call(port, *switch.getsockname())
        silent = called(port, switch)
        assert ["001", "001"] == [silent.hear()[70], silent.hear()[70]]
        assert silent.is_cut()
        assert "001" == called(port, switch).hear()[70]


def test_by_tls_it_calls_only_a_switch_of_the_authority_that_bears_its_name(
    online: OnlineBank, switch: socket.socket, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "ours")
    ours = tls.calling(authority.issue("bank.example"))
    right, wrong_name = authority.issue("localhost"), authority.issue("other.example")
    with served(online.bank, settings=SETTINGS, calling_tls=ours) as port:
        call(port, "localhost", switch.getsockname()[1])
        with pytest.raises((ssl.SSLError, ConnectionError)):
            tls.listening(wrong_name).wrap_socket(switch.accept()[0], server_side=True).recv(1)
        sock = tls.listening(right).wrap_socket(switch.accept()[0], server_side=True)
        port.peers.append(Peer(sock))
        assert "001" == port.peers[-1].hear()[70]
