"""TLS with both sides known: contexts from files, and in whose name a certificate may speak.

A certificate names its holder in its alternative names: `urn:atm-sim:terminal:ATM00007` (DE41) or
`urn:atm-sim:acquirer:2345` (DE32); a switch's names every acquirer it speaks for. One that names neither is refused.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bank_host.port.link import Speaker, plain_number

TERMINAL, ACQUIRER = "urn:atm-sim:terminal:", "urn:atm-sim:acquirer:"


class TlsFiles(NamedTuple):
    """Our certificate and key, and the authority whose certificates we accept (PEM)."""

    certificate: Path
    key: Path
    authority: Path


def pages(certificate: Path, key: Path) -> ssl.SSLContext:
    """For browsers, which show no certificate of theirs: TLS 1.2 or newer; PEM, the certificate with its chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def listening(files: TlsFiles) -> ssl.SSLContext:
    """For those who call us: TLS 1.2 or newer, and a certificate of our authority."""
    return _loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), files)


def calling(files: TlsFiles) -> ssl.SSLContext:
    """For a switch that we call: its certificate has to be of our authority and bear its name."""
    return _loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), files)


def _loaded(context: ssl.SSLContext, files: TlsFiles) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(files.authority)
    return context


def speaker(certificate: Mapping[str, Any]) -> Speaker | None:
    """In whose name the holder of a certificate may speak; None when it names nobody."""
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
    terminals = frozenset(name.removeprefix(TERMINAL) for name in names if name.startswith(TERMINAL))
    acquirers = frozenset(
        plain_number(name.removeprefix(ACQUIRER)) for name in names if name.startswith(ACQUIRER)
    )
    return Speaker(terminals, acquirers) if terminals or acquirers else None
