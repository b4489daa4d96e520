"""The canary scan: does anything that a run wrote hold one of its secrets, in whatever form (I22)?

The secrets are those a run knows, best with values that occur nowhere else. Card numbers, tracks and PIN blocks are
looked for in every form; a PIN or a one-time password is so short that only a number of its own counts, not the same
digits inside a longer one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pyarrow.parquet as pq

from atm_sim.checks.invariants.findings import Findings

SHORT = 8
"""A secret with fewer characters is looked for as a number of its own."""


class Canary(NamedTuple):
    """One secret and what it is, so that an alarm can name it without quoting it."""

    kind: str  # PAN, track 2, PIN, PIN block, one-time password
    value: str

    def __repr__(self) -> str:
        return f"Canary({self.kind}, ***)"


def _grouped(text: str, by: str) -> str:
    return by.join(text[at : at + 4] for at in range(0, len(text), 4))


def _bcd(text: str) -> bytes:
    digits = text.replace("=", "D")
    return bytes.fromhex(digits + "F" * (len(digits) % 2)) if re.fullmatch("[0-9A-Fa-f]+", digits) else b""


def _base64_cores(raw: bytes) -> Iterable[bytes]:
    """The characters that stand in Base64 text wherever the secret begins in it."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        yield encoded[-(-shift * 8 // 6) : len(encoded) - (4 if (shift + len(raw)) % 3 else 0)]


FORMS: Mapping[str, Callable[[str], Iterable[bytes]]] = {
    "plain": lambda text: [text.encode()],
    "grouped": lambda text: [_grouped(text, " ").encode(), _grouped(text, "-").encode()],
    "hexadecimal of its characters": lambda text: [
        text.encode().hex().encode(),
        text.encode().hex().upper().encode(),
    ],
    "BCD": lambda text: [_bcd(text)],
    "Base64": lambda text: _base64_cores(text.encode()),
    "URL-encoded": lambda text: [
        quote(text, safe="").encode(),
        "".join(f"%{c:02X}" for c in text.encode()).encode(),
    ],
}


def forms(secret: str) -> dict[bytes, str]:
    """Every byte string that would give the secret away, with the name of the form."""
    if len(secret) < SHORT:
        return {
            secret.encode(): "plain",
            "".join(f"%{c:02X}" for c in secret.encode()).encode(): "URL-encoded",
        }
    found: dict[bytes, str] = {}
    for name, make in FORMS.items():
        for form in make(secret):
            if form:
                found.setdefault(form, name)
    return found


def leaks(written: Mapping[str, bytes], canaries: Iterable[Canary]) -> list[tuple[str, str, str]]:
    """(where, kind of secret, form) for each secret found in `written`: contents by name."""
    found = []
    for canary in canaries:
        for form, name in forms(canary.value).items():
            pattern = None
            if len(canary.value) < SHORT:
                pattern = re.compile(rb"(?<![0-9A-Za-z.,:_/])" + re.escape(form) + rb"(?![0-9A-Za-z.,:_/])")
            for where, content in written.items():
                if pattern.search(content) if pattern else form in content:
                    found.append((where, canary.kind, name))
    return found


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, by its path there; Parquet is unpacked, because it compresses what it holds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _content(path) for path in files}


def _content(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return path.read_bytes()
    columns = pq.read_table(path).to_pydict()
    return "\n".join(str(value) for values in columns.values() for value in values).encode()


def scan(written: Mapping[str, bytes], canaries: Iterable[Canary], found: Findings) -> None:
    """I22 over what a run wrote; the breach names file, kind and form, never the value."""
    found.checked["I22"] += len(written)
    for where, kind, form in leaks(written, canaries):
        found.where = where
        found.breach("I22", f"no {kind}", f"a {kind} ({form})")
