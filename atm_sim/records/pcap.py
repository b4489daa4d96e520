"""Messages as a capture file that Wireshark and tshark read: TCP over IPv4, in the classic pcap format.

A capture shows what an observer of the line would see, less what nobody may keep (PCI DSS 3.3.1): track, PIN block and
DE48, which may hold a new PIN's block or a key, are taken out, and a card number outside the test range is refused. A
MAC is kept as it was sent, over the message as it was sent.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from bank_host.iso8583.dialect import Dialect
from bank_host.written.card_numbers import TEST_BIN_PREFIX

NEVER_KEPT: Final = (35, 48, 52)

_LINKTYPE_RAW: Final = 101  # a packet begins with its IP header
_MOST_BYTES: Final = 65_535
_PSH_ACK: Final = 0x18
_TCP: Final = 6
_SECOND_US: Final = 1_000_000


class End(NamedTuple):
    """One end of a connection; the host is an IPv4 address in four numbers."""

    host: tuple[int, int, int, int]
    port: int


class Segment(NamedTuple):
    """Bytes that one end sent to the other at a time."""

    at_us: int
    source: End
    target: End
    data: bytes


def keepable(dialect: Dialect, payload: bytes) -> bytes:
    """The message without what is never kept; the same bytes where it has none of it. ValueError for another card."""
    message = dialect.decode(payload)
    if 2 in message and not message[2].startswith(TEST_BIN_PREFIX):
        raise ValueError(f"a capture holds card numbers of the test range ({TEST_BIN_PREFIX}…) only")
    if not any(de in message for de in NEVER_KEPT):
        return payload
    return dialect.encode(message.but(dict.fromkeys(NEVER_KEPT)))


def capture(segments: Iterable[Segment]) -> bytes:
    """The file."""
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _MOST_BYTES, _LINKTYPE_RAW)
    return header + b"".join(_records(segments))


def _records(segments: Iterable[Segment]) -> Iterator[bytes]:
    sent: dict[tuple[End, End], int] = {}
    for segment in segments:
        there, back = (segment.source, segment.target), (segment.target, segment.source)
        packet = _packet(segment, 1 + sent.get(there, 0), 1 + sent.get(back, 0))
        sent[there] = sent.get(there, 0) + len(segment.data)
        yield struct.pack("<IIII", *divmod(segment.at_us, _SECOND_US), len(packet), len(packet)) + packet


def _packet(segment: Segment, sequence: int, acknowledged: int) -> bytes:
    source, target = bytes(segment.source.host), bytes(segment.target.host)
    ports = struct.pack(">HH", segment.source.port, segment.target.port)
    rest = struct.pack(">IIBBH", sequence % 2**32, acknowledged % 2**32, 5 << 4, _PSH_ACK, _MOST_BYTES)
    size = 20 + len(segment.data)
    pseudo = source + target + struct.pack(">BBH", 0, _TCP, size)
    checksum = _checksum(pseudo + ports + rest + bytes(4) + segment.data)
    tcp = ports + rest + struct.pack(">HH", checksum, 0)
    begin = struct.pack(">BBHHHBB", 0x45, 0, 20 + size, 0, 0x4000, 64, _TCP)
    ip = begin + struct.pack(">H", _checksum(begin + bytes(2) + source + target)) + source + target
    return ip + tcp + segment.data


def _checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
