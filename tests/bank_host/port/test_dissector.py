"""tshark's ISO 8583 dissector, on a capture of what went over our port, shows what we read, element by element."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from atm_sim.records.pcap import End, Segment, capture, keepable
from bank_host.jst import SECOND_US
from tests.bank_host.online_bank import NOON_US
from tests.bank_host.port.plain_client import NETWORKS, Document, Network, Talk, as_we_read, in_our_terms

pytestmark = pytest.mark.xdist_group("talk")

CLIENT, BANK = End((127, 0, 0, 1), 49_152), End((127, 0, 0, 1), 8583)

KNOWN = [name for name, network in NETWORKS.items() if not network.tpdu]
"""What the dissector has forms for: `packed` is `bcd-tpdu` without the TPDU, which it does not know."""


@pytest.fixture
def tshark() -> str:
    found = shutil.which("tshark")
    if found is None:
        pytest.skip("needs tshark (Debian package tshark)")
    return found


def captured(talk: Talk, kept: list[bytes]) -> bytes:
    """The messages as they went over the line by turns."""
    ends = ((CLIENT, BANK), (BANK, CLIENT))
    return capture(
        Segment(NOON_US + n * SECOND_US, *ends[n % 2], talk.dialect.framing.wrap(data))
        for n, data in enumerate(kept)
    )


def dissected(tshark: str, file: Path, network: Network) -> list[dict[str, Any]]:
    options = {
        "iso8583.len_endian": "Big endian",
        "iso8583.charset": f"Digits represented {'in nibbles' if is_packed(network) else 'as ASCII Characters'}",
        "iso8583.binencode": f"Bin data {'not encoded' if is_raw(network) else 'represented as Hex Ascii characters'}",
        "ip.check_checksum": "TRUE",
        "tcp.check_checksum": "TRUE",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}:{value}")]
    told = subprocess.run(
        [tshark, "-r", str(file), "-d", f"tcp.port=={BANK.port},iso8583", *words, "-T", "json"],
        capture_output=True,
        check=True,
    )
    return [packet["_source"]["layers"] for packet in json.loads(told.stdout)]


def shown(packet: dict[str, Any]) -> Document:
    """The elements that the dissector shows, by number. Behind a MAC that lies as bytes it shows what is not there."""
    layer = packet["iso8583"]
    found = {name.removeprefix("iso8583.bit"): text for name, text in layer.items() if ".bit" in name}
    macs = {key: text[:16] for key, text in found.items() if key in ("64", "128")}
    return found | macs | {"t": layer["iso8583.mti"]}


def is_taken_for_text(data: bytes) -> bool:
    """Whether the dissector refuses a message whose bitmap lies as bytes: 16 bytes from there are, up to the first zero
    and with a replacement character for each that is no ASCII, 16 bytes of text that is not hexadecimal."""
    text = data[4:20].partition(b"\0")[0].decode("ascii", errors="replace")
    return len(text.encode("utf-8")) == 16


def as_it_shows(network: Network, ours: Document) -> Document:
    """Our reading, but for the sign of packed digits: of D (44 in hexadecimal) it shows the second half."""
    packed_fee = {"28": "4" + ours["28"][1:]} if is_packed(network) and "28" in ours else {}
    return ours | packed_fee


def is_packed(network: Network) -> bool:
    return bool(network.spec["t"]["data_enc"] == "b")


def is_raw(network: Network) -> bool:
    return bool(network.spec["p"]["data_enc"] == "b")


@pytest.mark.parametrize("talk", KNOWN, indirect=True)
def test_the_dissector_shows_what_we_read(talk: Talk, tshark: str, tmp_path: Path) -> None:
    kept = [keepable(talk.dialect, data) for data, _ in talk.messages()]
    (tmp_path / "port.pcap").write_bytes(captured(talk, kept))
    packets = dissected(tshark, tmp_path / "port.pcap", talk.network)
    assert len(kept) == len(packets)
    for data, packet in zip(kept, packets, strict=True):
        assert ("1", "1") == (packet["ip"]["ip.checksum.status"], packet["tcp"]["tcp.checksum.status"])
        assert "_ws.malformed" not in packet
        if "iso8583" not in packet:
            assert is_raw(talk.network)
            assert is_taken_for_text(data)
            continue
        assert as_it_shows(talk.network, as_we_read(talk.dialect, data)) == in_our_terms(shown(packet))


@pytest.mark.parametrize("talk", ["atm-sim"], indirect=True)
def test_the_comparison_can_fail(talk: Talk, tshark: str, tmp_path: Path) -> None:
    """The sign-on is a sign-off in the capture: it ends in DE70."""
    kept = [keepable(talk.dialect, data) for data, _ in talk.messages()]
    ours = as_we_read(talk.dialect, kept[0])
    kept[0] = kept[0][:-3] + b"002"
    (tmp_path / "port.pcap").write_bytes(captured(talk, kept))
    packet = dissected(tshark, tmp_path / "port.pcap", talk.network)[0]
    assert ours | {"70": "002"} == in_our_terms(shown(packet)) != ours
