"""The list of application identifiers: the shipped one and what a user adds, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

_LINE: Final = re.compile(r"(!?)\s*([0-9A-Fa-f]+)(?:\s+(.*))?")


class AidError(ValueError):
    """A line of the file is none of this list; the message says which and why."""


class KnownAid(NamedTuple):
    """An identifier, whole or how it begins, and its name in words."""

    aid: bytes
    name: str
    bank: bool = True


def read_aids(text: str, source: str) -> tuple[KnownAid, ...]:
    """The list in a file's text; AidError with the line's number."""
    known = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        found = _LINE.fullmatch(line)
        if not found or len(found[2]) % 2 or not 10 <= len(found[2]) <= 32:
            raise AidError(
                f"{source}:{number}: an AID is 5 to 16 bytes in hexadecimal, then a blank and its name; "
                "for example: A0000000031010 Visa"
            )
        known.append(KnownAid(bytes.fromhex(found[2]), found[3] or "no name", bank=not found[1]))
    return tuple(known)


def known_aids(own: Path | None = None) -> tuple[KnownAid, ...]:
    """The user's own, then the shipped ones; those that are no bank's come last."""
    shipped = read_aids(files("cardreader").joinpath("aids.txt").read_text(encoding="utf-8"), "aids.txt")
    added: Iterable[KnownAid] = ()
    if own is not None:
        try:
            added = read_aids(own.read_text(encoding="utf-8"), str(own))
        except OSError as error:
            raise AidError(f"{own}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise AidError(f"{own}: not a text file in UTF-8") from None
    return tuple(sorted((*added, *shipped), key=lambda known: not known.bank))


def name_of(aid: bytes, known: Iterable[KnownAid]) -> str:
    """The name of an application; the longest entry that it begins with knows it best."""
    fitting = [one for one in known if aid.startswith(one.aid)]
    return max(fitting, key=lambda one: len(one.aid)).name if fitting else "unknown application"
