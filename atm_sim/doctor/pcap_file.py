"""A pcap or pcapng as a capture: TCP connections put together by their sequence numbers. Reading packets is dpkt's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import dpkt

from atm_sim.doctor.capture import Capture, CaptureError, Stream

FIRST_BYTES: Final = tuple(
    bytes.fromhex(magic) for magic in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a")
)
MOST_CONNECTIONS: Final = 32
_SEQUENCE: Final = 1 << 32
_LINKS: Final = {
    dpkt.pcap.DLT_EN10MB: dpkt.ethernet.Ethernet,
    dpkt.pcap.DLT_NULL: dpkt.loopback.Loopback,
    dpkt.pcap.DLT_LOOP: dpkt.loopback.Loopback,
    dpkt.pcap.DLT_LINUX_SLL: dpkt.sll.SLL,
    dpkt.pcap.DLT_LINUX_SLL2: dpkt.sll2.SLL2,
}
_RAW: Final = (dpkt.pcap.DLT_RAW, 101, 12, 14)


class _End(NamedTuple):
    """One direction of a connection."""

    source: tuple[bytes, int]
    target: tuple[bytes, int]

    @property
    def other(self) -> _End:
        return _End(self.target, self.source)


def capture_of(data: bytes) -> Capture:
    """Every TCP connection with data, the side that opened it as ours; CaptureError if there is none."""
    segments: dict[_End, list[tuple[int, bytes]]] = {}
    opened: set[_End] = set()
    for end, tcp in _segments(data):
        if tcp.flags & dpkt.tcp.TH_SYN and not tcp.flags & dpkt.tcp.TH_ACK:
            opened.add(end)
        if len(tcp.data):
            segments.setdefault(end, []).append((tcp.seq, bytes(tcp.data)))
    if not segments:
        raise CaptureError("no TCP connection with data in it; capture on the port of the ISO 8583 host")
    return _capture(segments, opened)


def _capture(segments: dict[_End, list[tuple[int, bytes]]], opened: set[_End]) -> Capture:
    streams: list[Stream] = []
    notes: list[str] = []
    done: set[_End] = set()
    for end in segments:
        if end in done:
            continue
        ours = end.other if end.other in opened else end
        done |= {ours, ours.other}
        if len(done) > 2 * MOST_CONNECTIONS:
            notes.append(f"more than {MOST_CONNECTIONS} connections; the first {MOST_CONNECTIONS} were read")
            break
        for which, way in ((ours, "sent"), (ours.other, "received")):
            pieces, lost = _in_order(segments.get(which, []))
            if pieces:
                streams.append(Stream("sent" if way == "sent" else "received", tuple(pieces)))
            if lost:
                notes.append("bytes are missing from the capture; what comes behind the gap was left out")
    return Capture(tuple(streams), notes=tuple(notes))


def _segments(data: bytes) -> Iterator[tuple[_End, Any]]:
    try:
        packets = dpkt.pcap.UniversalReader(io.BytesIO(data))
        for _, packet in packets:
            ip = _network_layer(packets.datalink(), packet)
            tcp = getattr(ip, "data", None)
            if isinstance(tcp, dpkt.tcp.TCP):
                yield _End((ip.src, tcp.sport), (ip.dst, tcp.dport)), tcp
    except (dpkt.Error, ValueError, OverflowError) as error:
        raise CaptureError(
            f"not a whole pcap: {type(error).__name__}; save it again with Wireshark"
        ) from None


def _network_layer(link: int, packet: bytes) -> Any:
    try:
        if link in _RAW:
            return (dpkt.ip6.IP6 if packet[0] >> 4 == 6 else dpkt.ip.IP)(packet)
        reader = _LINKS.get(link)
        if reader is None:
            raise CaptureError(f"link type {link} is not known; capture on Ethernet, loopback or `any`")
        return reader(packet).data
    except (dpkt.Error, IndexError):
        return None  # one packet that cannot be read is not a message


def _in_order(segments: list[tuple[int, bytes]]) -> tuple[list[bytes], bool]:
    """The segments by sequence number, what was sent again left out; True where bytes are missing."""
    if not segments:
        return [], False
    first = segments[0][0]
    half = _SEQUENCE // 2
    placed = sorted(((at - first + half) % _SEQUENCE - half, piece) for at, piece in segments)
    pieces: list[bytes] = []
    position = placed[0][0]
    for at, piece in placed:
        if at > position:
            return pieces, True
        fresh = piece[position - at :]
        if fresh:
            pieces.append(fresh)
            position += len(fresh)
    return pieces, False
