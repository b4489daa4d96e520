"""MACs and keys over real sockets: with the bank's key module at one end and the peer's at the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from bank_host.hsm import ZAK, ZMK, Hsm, Key
from bank_host.hsm.keys import SIMULATION_KEYS
from bank_host.iso8583 import build
from bank_host.iso8583.dialect import load_dialect
from bank_host.iso8583.message import Message
from bank_host.port.security import HsmSecurity
from bank_host.port.server import PortSettings
from bank_host.secrets import Secret
from tests.bank_host.online_bank import HANAKO, PANS, PINS, OnlineBank, open_bank
from tests.bank_host.port.wire import PATIENT, Peer, Served, bits, frame, managing, served, withdrawal

SETTINGS = PortSettings(link=PATIENT)
DIALECT = load_dialect("atm-sim")


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


@pytest.fixture
def port(online: OnlineBank) -> Iterator[Served]:
    settings = bits(SETTINGS, mac_mandatory=True)
    new_security = partial(HsmSecurity, online.bank.hsm)
    with served(online.bank, settings=settings, new_security=new_security) as port:
        yield port


class Zone:
    """The peer's end: its own module, which shares the published zone keys with the bank."""

    def __init__(self, peer: Peer, hsm: Hsm | None = None) -> None:
        self.peer = peer
        self.keys = HsmSecurity(hsm or Hsm.simulation(), 0)

    def exchange(self, code: str = "") -> str:
        """A new working key for the bank; the code of its answer."""
        answer = self.peer.ask(managing("161", key_block=self.keys.make(code)))
        if answer[39] == "00":
            self.keys.taken_over()
        return answer[39]

    def ask(self, message: Message) -> Message:
        """Send with a MAC, and check that of the answer over the bytes that came."""
        self.peer.send(frame(DIALECT.encode(message, mac=self.keys.mac_of)))
        data = self.peer.hear_bytes()
        covered = DIALECT.mac_input(data)
        assert covered is not None
        assert self.keys.verify(*covered)
        return DIALECT.decode(data)


def aes_zone() -> Hsm:
    """One end of a zone whose master key is an AES key, under which keys of both ciphers travel."""
    zmk = {ZMK: Key("zone_master", Secret("00112233445566778899AABBCCDDEEFF"), "AES")}
    return Hsm({**SIMULATION_KEYS, **zmk})


@pytest.fixture
def zone(port: Served) -> Zone:
    return Zone(port.connect().sign_on())


def test_before_an_exchange_the_standing_zone_key_is_in_force(zone: Zone, online: OnlineBank) -> None:
    assert "00" == zone.ask(withdrawal(online, 2))[39]


def test_after_an_exchange_its_key_is_in_force_and_the_standing_one_no_more(
    zone: Zone, online: OnlineBank, port: Served
) -> None:
    assert "00" == zone.exchange()
    assert "00" == zone.peer.ask(managing("162", key_block=zone.keys.check_value()))[39]
    assert "00" == zone.ask(withdrawal(online, 2))[39]
    standing = Hsm.simulation()
    old = DIALECT.encode(withdrawal(online, 3), mac=partial(standing.mac, ZAK))
    zone.peer.send(frame(old))
    assert "63" == zone.peer.hear()[39]
    assert (1, 2) == (port.events("mac_failure"), port.events("key_exchanged"))
    assert 240_000 == online.account().posted_jpy


def test_under_an_aes_zone_key_an_aes_key_does_as_well(online: OnlineBank) -> None:
    with served(online.bank, settings=SETTINGS, new_security=partial(HsmSecurity, aes_zone())) as port:
        zone = Zone(port.connect().sign_on(), aes_zone())
        assert "00" == zone.exchange("M6A")
        assert "00" == zone.ask(withdrawal(online, 2))[39]


@pytest.mark.parametrize(
    ("algorithm", "code", "expected"),
    [
        ("aes-cmac", "M6A", "00"),
        ("aes-cmac", "M3T", "63"),
        ("retail", "M6A", "63"),
        ("retail", "M3T", "00"),
        ("by_key", "M6A", "00"),
        ("retail", "P0A", "00"),
    ],
)
def test_a_mac_key_for_another_algorithm_than_the_dialect_s_is_not_taken(
    online: OnlineBank, algorithm: str, code: str, expected: str
) -> None:
    """A PIN key of either cipher is: the setting is about MACs."""
    new_security = partial(HsmSecurity, aes_zone(), algorithm=algorithm)
    with served(online.bank, settings=SETTINGS, new_security=new_security) as port:
        assert expected == Zone(port.connect().sign_on(), aes_zone()).exchange(code)


def test_a_plain_block_that_says_nothing_is_for_the_dialect_s_algorithm(online: OnlineBank) -> None:
    new_security = partial(HsmSecurity, aes_zone(), algorithm="aes-cmac")
    with served(online.bank, settings=SETTINGS, new_security=new_security) as port:
        zone = Zone(port.connect().sign_on())
        zone.keys = HsmSecurity(aes_zone(), 0, "aes-cmac")
        assert "00" == zone.exchange()
        assert "00" == zone.ask(withdrawal(online, 2))[39]


@pytest.mark.parametrize("block", ["0", "M6A" + "0" * 38, "P0A" + "0" * 38, "M3T", "0" * 38, "X" * 999])
def test_what_is_no_key_block_is_answered_63(zone: Zone, block: str) -> None:
    assert "63" == zone.peer.ask(managing("161", key_block=block))[39]
    assert "00" == zone.peer.ask(managing("301", 9))[39]


def test_a_damaged_key_block_changes_nothing(zone: Zone, online: OnlineBank) -> None:
    block = HsmSecurity(Hsm.simulation(), 1).make()
    damaged = ("0" if block[0] != "0" else "1") + block[1:]
    assert "63" == zone.peer.ask(managing("161", key_block=damaged))[39]
    assert "00" == zone.ask(withdrawal(online, 2))[39]


def test_a_repeat_has_the_bytes_of_the_first_answer_but_for_its_mac(zone: Zone, online: OnlineBank) -> None:
    message = withdrawal(online, 2)
    first = zone.ask(message)
    zone.exchange()
    again = zone.ask(build.as_repeat(message))
    assert first[64] != again[64]
    assert first.but({64: None}) == again.but({64: None})
    assert 240_000 == online.account().posted_jpy


def test_without_a_mac_there_is_no_way_to_the_bank(zone: Zone, online: OnlineBank, port: Served) -> None:
    zone.peer.say(withdrawal(online, 2))
    assert "63" == DIALECT.decode(zone.peer.hear_bytes())[39]
    assert 1 == port.events("mac_missing")


def test_a_peer_that_goes_on_with_wrong_macs_is_cut(zone: Zone, online: OnlineBank, port: Served) -> None:
    for stan in range(3):
        zone.peer.send(frame(DIALECT.encode(withdrawal(online, stan + 2), mac=lambda covered: "0" * 16)))
    assert ["63"] * 3 == [zone.peer.hear()[39] for _ in range(3)]
    assert zone.peer.is_cut()
    assert port.has_closed("violations")


def test_the_keys_of_a_link_end_with_it(zone: Zone, online: OnlineBank, port: Served) -> None:
    """The next connection takes its place and begins with the standing key."""
    zone.exchange()
    zone.peer.close()
    assert port.has_closed("peer_closed")
    assert port.until(lambda: port.figure("bank_host_connections") == 0)
    assert "00" == Zone(port.connect().sign_on()).ask(withdrawal(online, 2))[39]


@pytest.mark.parametrize(("pin", "code"), [(PINS[HANAKO], "00"), ("0000", "55")])
def test_a_pin_under_the_link_s_own_key_is_compared(
    zone: Zone, online: OnlineBank, pin: str, code: str
) -> None:
    assert "00" == zone.exchange("P0T")
    block = zone.keys._hsm.encrypt_pin_block(zone.keys.pin, pin, PANS[HANAKO])
    assert code == zone.ask(withdrawal(online, 2).but({52: block}))[39]


def test_a_block_that_holds_no_pin_is_a_wrong_pin(zone: Zone, online: OnlineBank) -> None:
    assert "00" == zone.exchange("P0T")
    assert "55" == zone.ask(withdrawal(online, 2).but({52: "0" * 16}))[39]
