"""Listens on the lines of a simulated run, for a capture that Wireshark reads: nodes are hosts, lines connections.

A message stands there as its sender sent it, also if the line then lost or changed it. The capture holds what may be
kept (`records/pcap.py`); nodes get addresses 10.0.0.1 and so on as they first send.
"""

from __future__ import annotations

from typing import Final

from atm_sim.records.pcap import End, Segment, capture, keepable
from bank_host.iso8583.dialect import DEFAULT
from bank_host.iso8583.message import Message

PORT: Final = 8583
MOST_MESSAGES: Final = 1_000_000
_FIRST_CALLER: Final = 49_152
_NODES_OF_A_NET: Final = 250


class PcapTap:
    """Collects the messages of one replication. Whoever speaks first on a line has called the other."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self._segments: list[Segment] = []
        self._callers: dict[tuple[str, str], End] = {}

    @property
    def messages(self) -> int:
        return len(self._segments)

    def __call__(self, now_us: int, sender: str, receiver: str, message: Message) -> None:
        if len(self._segments) >= MOST_MESSAGES:
            return
        data = DEFAULT.framing.wrap(keepable(DEFAULT, DEFAULT.encode(message)))
        self._segments.append(Segment(now_us, *self._ends(sender, receiver), data))

    def pcap(self) -> bytes:
        """The capture file."""
        return capture(self._segments)

    def _ends(self, sender: str, receiver: str) -> tuple[End, End]:
        if (receiver, sender) in self._callers:
            caller, called = self._callers[receiver, sender], End(self._host(sender), PORT)
            return called, caller
        if (sender, receiver) not in self._callers:
            port = _FIRST_CALLER + len(self._callers) % (65_536 - _FIRST_CALLER)
            self._callers[sender, receiver] = End(self._host(sender), port)
        return self._callers[sender, receiver], End(self._host(receiver), PORT)

    def _host(self, node: str) -> tuple[int, int, int, int]:
        if node not in self.addresses:
            net, host = divmod(len(self.addresses), _NODES_OF_A_NET)
            self.addresses[node] = f"10.{net // 256}.{net % 256}.{host + 1}"
        first, second, third, fourth = map(int, self.addresses[node].split("."))
        return first, second, third, fourth
