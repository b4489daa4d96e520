"""The one driver that touches a network: one connection at a time, a pause between, bounded in bytes and time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from atm_sim.doctor.probes import Probe

MOST_BYTES: Final = 8_192
_QUIET_S: Final = 0.3
"""An answer that no framing of ours ends has ended when the peer is silent for so long."""

Outcome = Literal["answered", "closed", "silent"]


class Unreachable(Exception):
    """Nobody can be connected to; the text says why."""


class Answer(NamedTuple):
    """What became of a probe."""

    probe: Probe
    received: bytes
    outcome: Outcome


def ask(
    host: str, port: int, probes: Sequence[Probe], *, pause_s: float, timeout_s: float
) -> Iterator[Answer]:
    """Each probe on a connection of its own; the caller stops when it has heard enough."""
    for number, probe in enumerate(probes):
        if number:
            time.sleep(pause_s)
        yield _ask(host, port, probe, timeout_s)


def _ask(host: str, port: int, probe: Probe, timeout_s: float) -> Answer:
    try:
        connection = socket.create_connection((host, port), timeout_s)
    except OSError as error:
        raise Unreachable(f"{host}:{port} cannot be connected to: {error.strerror or error}") from None
    received, outcome = b"", "silent"
    with connection:
        try:
            for data in filter(None, (probe.sign_on, probe.data)):
                connection.sendall(data)
                received, outcome = _receive(connection, probe, timeout_s)
                if outcome != "answered":
                    break
        except OSError:  # reset while we were talking
            outcome = "closed"
    return Answer(probe, received, "answered" if received else "closed" if outcome == "closed" else "silent")


def _receive(connection: socket.socket, probe: Probe, timeout_s: float) -> tuple[bytes, Outcome]:
    """What comes until there is an answer, the peer is silent or gone, or it is too much."""
    received, give_up_at = b"", time.monotonic() + timeout_s
    while len(received) < MOST_BYTES and not probe.is_answered_by(received):
        left_s = give_up_at - time.monotonic()
        if left_s <= 0:
            break
        connection.settimeout(min(left_s, _QUIET_S) if received else left_s)
        try:
            piece = connection.recv(MOST_BYTES - len(received))
        except TimeoutError:
            break
        if not piece:
            return received, "closed"
        received += piece
    return received, "answered" if received else "silent"
