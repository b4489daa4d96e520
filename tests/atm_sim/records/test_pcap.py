"""A capture keeps what may be kept of a message, in a file that others read (by tshark: tests/bank_host/port)."""

from __future__ import annotations

import struct

import pytest

from atm_sim.records.pcap import End, Segment, capture, keepable
from bank_host.iso8583 import build
from bank_host.iso8583.dialect import DEFAULT, load_dialect
from bank_host.iso8583.message import Message
from tests.bank_host.online_bank import HANAKO, NOON_US, PANS

AT = build.Acceptor("ATM00007", "SHIBUYA", "34")
SECRET = {
    "track2": f"{PANS[HANAKO]}=18011011234567",
    "pin_block": "0123456789ABCDEF",
    "new_pin_block": "F" * 16,
}
HERE, THERE = End((127, 0, 0, 1), 49_152), End((127, 0, 0, 1), 8583)


def request(pan: str = PANS[HANAKO], **more: str) -> Message:
    return build.financial_request(
        "change_pin", pan=pan, amount_jpy=0, stan=2, now_us=NOON_US, acceptor=AT, **more
    )


@pytest.mark.parametrize("name", ["atm-sim", "bcd-tpdu", "cmf-like"])
def test_track_pin_block_and_new_pin_block_are_taken_out(name: str) -> None:
    dialect = load_dialect(name)
    kept = dialect.decode(keepable(dialect, dialect.encode(request(**SECRET))))
    assert request().but({26: "04"}) == kept


def test_a_message_without_secrets_is_kept_byte_by_byte() -> None:
    data = DEFAULT.encode(build.answer(request(), "00"))
    assert data == keepable(DEFAULT, data)


def test_a_card_number_outside_the_test_range_is_refused_and_not_told() -> None:
    other = "4111111111111111"
    with pytest.raises(ValueError, match="of the test range") as refused:
        keepable(DEFAULT, DEFAULT.encode(request(other)))
    assert other not in str(refused.value)


def test_sequence_numbers_count_the_bytes_of_each_direction() -> None:
    file = capture(
        [
            Segment(1_500_000, HERE, THERE, b"abc"),
            Segment(2_000_000, THERE, HERE, b"de"),
            Segment(2_000_001, HERE, THERE, b"f"),
        ]
    )
    packets, at = [], 24
    while at < len(file):
        second, microsecond, size, _ = struct.unpack_from("<IIII", file, at)
        sequence, acknowledged = struct.unpack_from(">II", file, at + 16 + 20 + 4)
        packets.append((second, microsecond, sequence, acknowledged, file[at + 16 + 40 : at + 16 + size]))
        at += 16 + size
    assert [(1, 500_000, 1, 1, b"abc"), (2, 0, 1, 4, b"de"), (2, 1, 4, 3, b"f")] == packets
