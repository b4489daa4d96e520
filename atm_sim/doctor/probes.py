"""What is sent on a live link: an echo (0800) as each dialect has it, then as it would be with one setting changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from typing import Final, NamedTuple

from atm_sim.doctor.framings import telling_tpdu
from bank_host.iso8583 import build, network
from bank_host.iso8583.dialect import Dialect, make_dialect
from bank_host.iso8583.framing import FRAMINGS, FrameError, Framing
from bank_host.iso8583.message import Message
from bank_host.iso8583.settings import Settings

MOST: Final = 12
_ANSWERS: Final = (b"081", b"\x08\x10")


class Probe(NamedTuple):
    """One connection's worth: who would say it so, and the bytes. `sign_on` goes first if it is not empty."""

    name: str
    data: bytes
    framing: Framing
    sign_on: bytes = b""

    def is_answered_by(self, received: bytes) -> bool:
        """Whether these bytes are whole frames, by the framing of the probe, and one of them is a 0810."""
        reader = self.framing.reader()
        try:
            frames = reader.feed(received)
        except FrameError:
            return False
        return not reader.pending_bytes and any(frame.payload.startswith(_ANSWERS) for frame in frames)


class Ends(NamedTuple):
    """In whose name we speak."""

    terminal: str = "ATMSIM01"
    acquirer: str = "90001"


def probes(
    dialects: Sequence[Dialect],
    now_us: int,
    ends: Ends,
    *,
    others: Sequence[Dialect] = (),
    sign_on: bool = False,
    most: int = MOST,
) -> list[Probe]:
    """At most so many, no bytes twice: the dialects, other ones, then the neighbours of the dialects by turns."""
    found: dict[bytes, Probe] = {}
    by_turns = zip_longest(*(_neighbours(dialect) for dialect in dialects))
    for name, dialect in chain(
        ((dialect.name, dialect) for dialect in (*dialects, *others)),
        (each for row in by_turns for each in row if each),
    ):
        probe = _probe(name, dialect, now_us, ends, sign_on, len(found) + 1)
        same = _probe(name, dialect, now_us, ends, sign_on, 1).data
        first = found.get(same)
        if first is None:
            found[same] = probe
        elif " with " not in name and name != first.name:
            found[same] = first._replace(name=f"{first.name}, {name}")
    return list(found.values())[:most]


def _probe(name: str, dialect: Dialect, now_us: int, ends: Ends, sign_on: bool, stan: int) -> Probe:
    framing = telling_tpdu(dialect.framing)

    def framed(code: str, stan: int) -> bytes:
        return framing.wrap(dialect.encode(_request(code, stan, now_us, ends)))

    first = framed(network.SIGN_ON, stan + MOST) if sign_on else b""
    return Probe(name, framed(network.ECHO, stan), framing, first)


def _request(code: str, stan: int, now_us: int, ends: Ends) -> Message:
    request = build.network_request(code, stan=stan, now_us=now_us, acquirer_id=ends.acquirer)
    return request.but({41: ends.terminal.ljust(8)})


def _neighbours(dialect: Dialect) -> Iterator[tuple[str, Dialect]]:
    """The dialect with one setting changed, what goes wrong most often first."""
    framing = dialect.framing
    if framing.tpdu:
        yield from _framed(dialect, counts_tpdu=not framing.counts_tpdu)
        yield from _framed(dialect, tpdu=False)
    if (framing.form, framing.length_bytes) == ("binary", 2):
        yield from _framed(dialect, name="len2" if framing.counts_itself else "len2_incl")
    for name in ("bitmap", "digits", "lengths"):
        yield from _wired(dialect, name)
    if not framing.tpdu:
        yield from _framed(dialect, tpdu=True)
    for other in FRAMINGS.values():
        if (other.form, other.length_bytes) != (framing.form, framing.length_bytes):
            yield from _framed(dialect, name=other.name)


def _framed(dialect: Dialect, **change: object) -> Iterator[tuple[str, Dialect]]:
    told = dialect.settings.framing
    if "name" in change:  # the header stays as it is
        change["tpdu"] = dialect.framing.tpdu
    yield _named(dialect, {"framing": told.model_copy(update=change)}, change)


def _wired(dialect: Dialect, key: str) -> Iterator[tuple[str, Dialect]]:
    told = dialect.settings.wire
    other = {"hex": "raw", "raw": "hex", "ascii": "bcd", "bcd": "ascii", "binary": "ascii"}[
        getattr(told, key)
    ]
    yield _named(dialect, {"wire": told.model_copy(update={key: other})}, {key: other})


def _named(dialect: Dialect, sections: dict[str, object], change: dict[str, object]) -> tuple[str, Dialect]:
    settings: Settings = dialect.settings.model_copy(update=sections)
    key, value = next(iter(change.items()))
    return f"{dialect.name} with {key} = {value}".lower(), make_dialect(dialect.name, settings)
