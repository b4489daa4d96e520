"""Peers that speak something else altogether, known by their first bytes."""

from __future__ import annotations

from typing import Final

from atm_sim.doctor.capture import Stream
from atm_sim.doctor.finding import Finding
from bank_host.iso8583.dialect import Dialect

_FIRST_BYTES: Final = (
    (b"\x15\x03", "tls", "speaks TLS", "put a TLS tunnel (stunnel) before it, or name its plain port"),
    (b"\x16\x03", "tls", "speaks TLS", "put a TLS tunnel (stunnel) before it, or name its plain port"),
    (b"HTTP/", "http", "is a web server", "name the port of the ISO 8583 host"),
    (b"SSH-", "ssh", "is an SSH server", "name the port of the ISO 8583 host"),
    (b"220 ", "mail", "is a mail or file server", "name the port of the ISO 8583 host"),
)


def finding(stream: Stream, dialect: Dialect) -> Finding:
    """What a stream is in which no message was found."""
    data = stream.data
    for first, name, what, step in _FIRST_BYTES:
        if data.startswith(first):
            return Finding(f"stranger.{name}", f"the peer {what}", step)
    return Finding(
        "stranger.unknown",
        f"no message of {dialect.name} was found in {len(data):,} bytes, in any framing or wire form that we know",
        "try --dialect with a file of yours (bank-host dialects show NAME, or import a jPOS packager)",
    )
