"""Which message is which: identity of repeats, key that joins answer and request, DE90 (ISO 8583:1987).

Identity = class with the repeat digit masked, acquirer, terminal, trace number, local date and time. The
trace number alone names nothing, because it wraps. A reversal finds its original by what DE90 quotes, not by
its own trace number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import request_mti
from bank_host.named import of_parts


def identity(message: Message) -> str:
    """The text under which a request is known for ever; the same for a message and its repeats."""
    m = message._fields.get
    return f"{message.mti[:3]}x/{m(32, '')}/{m(41, '').rstrip()}/{m(11, '')}/{m(13, '')}{m(12, '')}"


def fingerprint(message: Message, card_id: str) -> str:
    """What must be equal in a repeat: the card, the service, the amount, and what a reversal refers to."""
    m = message._fields.get
    return f"{card_id}/{m(3, '')}/{m(4, '')}/{m(49, '')}/{m(90, '')}/{m(95, '')}"


def request_id(message: Message) -> str:
    """The id that links request, answer, advice and reversal: terminal and retrieval reference."""
    return f"{message.get(41).rstrip()}/{message.get(37)}"


# ---------------- answers


class MatchKey(NamedTuple):
    """What an answer must have in common with the request that waits for it."""

    mti: str  # the request's type, without repeat digit
    acquirer: str  # DE32
    terminal: str  # DE41
    stan: str  # DE11
    transmitted: str  # DE7

    def __str__(self) -> str:
        return text_of_key(self)


_KEY_NAMES = ("MTI", "DE32", "DE41", "DE11", "DE7")


key_of_parts: Callable[[tuple[str, str, str, str, str]], MatchKey] = of_parts(MatchKey)


text_of_key: Callable[[MatchKey], str] = "/".join
"""What `str` of a key is, without the detour."""


def match_key(message: Message) -> MatchKey:
    """The key of a request, or the key of the request that an answer looks for."""
    m = message
    return key_of_parts((request_mti(m.mti), m.get(32), m.get(41).rstrip(), m.get(11), m.get(7)))


def explain_mismatch(wanted: MatchKey, waiting: Iterable[MatchKey]) -> str:
    """Why no waiting request fits: the key looked for, the nearest waiting key, each part that differs."""
    nearest = min(waiting, key=lambda key: (len(_differences(wanted, key)), key), default=None)
    if nearest is None:
        return f"looked for {wanted}; nothing is waiting"
    parts = [
        f"{name} {got or 'absent'} instead of {expected or 'absent'}"
        for name, got, expected in _differences(wanted, nearest)
    ]
    return f"looked for {wanted}; nearest waiting {nearest}: {', '.join(parts)}"


def _differences(wanted: MatchKey, waiting: MatchKey) -> list[tuple[str, str, str]]:
    named = zip(_KEY_NAMES, wanted, waiting, strict=True)
    return [(name, got, expected) for name, got, expected in named if got != expected]


# ---------------- the original that an advice or reversal speaks of


class Original(NamedTuple):
    """DE90 taken apart. `standard` is False where the peer writes something else; parts are then as found."""

    mti: str
    stan: str
    transmitted: str  # DE7 of the original
    acquirer: str
    forwarder: str
    standard: bool


def original_data(original: Message) -> str:
    """DE90 for an advice about `original`: type, DE11, DE7, DE32 and DE33, zero-filled on the left."""
    mti = request_mti(original.mti)
    acquirer, forwarder = original.get(32).rjust(11, "0"), original.get(33).rjust(11, "0")
    return f"{mti}{original[11]}{original[7]}{acquirer}{forwarder}"


def parse_original(text: str) -> Original:
    """DE90 read leniently: a known dialect puts the RRN there; `standard` tells when to report it."""
    return Original(
        mti=text[:4],
        stan=text[4:10],
        transmitted=text[10:20],
        acquirer=text[20:31].lstrip("0"),
        forwarder=text[31:42].lstrip("0"),
        standard=len(text) == 42 and text.isascii() and text.isdecimal(),
    )


def original_key(request: Message) -> str:
    """The text under which a request is found by the advices and reversals that quote it."""
    return _original_key(request, request_mti(request.mti), request.get(11), request.get(7))


def quoted_original_key(advice: Message) -> str:
    """The `original_key` of the request that this advice or reversal quotes in DE90; '' if it quotes none."""
    if 90 not in advice:
        return ""
    quoted = parse_original(advice[90])
    return _original_key(advice, quoted.mti[:3] + "0", quoted.stan, quoted.transmitted)


def _original_key(message: Message, mti: str, stan: str, transmitted: str) -> str:
    return f"{mti}/{message.get(32)}/{message.get(41).rstrip()}/{stan}/{transmitted}"
