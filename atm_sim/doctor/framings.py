"""How messages are cut out of a stream: the dialect's framing, and every other that we know, nearest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from atm_sim.doctor.capture import Stream
from bank_host.iso8583.framing import FRAMINGS, OWN_TPDU, TPDU_BYTES, Frame, FrameError, Framing

BARE: Final = "bare"
_BARE: Final = Framing(BARE, "binary", 0)
"""Messages without any length before them, as logs have them."""

_HEADS: Final = re.compile(rb"0[1-8][0-9]{2}|[\x01-\x08][\x00-\x79]|\xf0[\xf1-\xf8][\xf0-\xf9]{2}", re.DOTALL)
"""How a message type begins in ASCII, BCD or EBCDIC."""


MOST_BYTES: Final = 1 << 19
"""Of one stream: more than is looked at of the longest messages."""


class Cut(NamedTuple):
    """A stream cut by one framing. `rest` are bytes behind message `last` that belong to none."""

    framing: Framing
    frames: tuple[Frame, ...]
    rest: bytes = b""
    last: int = 0


def framings() -> Iterator[Framing]:
    """Every framing: form of the length, whether it counts itself, whether there is a TPDU and it is counted."""
    seen = set()
    for base in FRAMINGS.values():
        for counts_itself in (False, True):
            for tpdu, counts_tpdu in ((False, True), (True, True), (True, False)):
                framing = base._replace(
                    counts_itself=counts_itself,
                    tpdu=tpdu,
                    counts_tpdu=counts_tpdu,
                    keep_alive=base.form == "ascii",
                )
                key = (framing.form, framing.length_bytes, counts_itself, tpdu, counts_tpdu)
                if key not in seen:
                    seen.add(key)
                    yield framing


ALL: Final = tuple(framings())


def differences(seen: Framing, ours: Framing) -> list[str]:
    """In what two framings differ, as the names of settings."""
    if seen.name == BARE:
        return []
    found = []
    if (seen.form, seen.length_bytes) != (ours.form, ours.length_bytes):
        found.append("length")
    if seen.counts_itself != ours.counts_itself:
        found.append("counts_itself")
    if seen.tpdu != ours.tpdu:
        found.append("tpdu")
    elif seen.tpdu and seen.counts_tpdu != ours.counts_tpdu:
        found.append("counts_tpdu")
    return found


def cuts(stream: Stream, ours: Framing) -> list[Cut]:
    """The ways to cut a stream into messages, nearest to ours first; what leaves nothing over before the others."""
    candidates = sorted(ALL, key=lambda framing: len(differences(framing, ours)))
    if stream.whole:
        bare = Cut(_BARE, tuple(Frame(piece) for piece in stream.pieces))
        tried = [bare] if all(map(_begins, bare.frames)) else []
        tried += [cut for framing in candidates if (cut := _cut_pieces(stream, framing)) is not None]
    else:
        tried = [
            cut for framing in candidates if (cut := _cut(stream.data[:MOST_BYTES], framing)) is not None
        ]
    return sorted(tried, key=lambda cut: len(cut.rest) > 0)


def _cut_pieces(stream: Stream, framing: Framing) -> Cut | None:
    """Each piece by itself."""
    frames: list[Frame] = []
    rest, last = b"", 0
    for piece in stream.pieces:
        cut = _cut(piece, framing)
        if cut is None:
            return None
        frames += cut.frames
        if cut.rest and not rest:
            rest, last = cut.rest, len(frames)
    return Cut(framing, tuple(frames), rest, last)


def _cut(data: bytes, framing: Framing) -> Cut | None:
    reader = framing.reader()
    try:
        frames = reader.feed(data)
        rest = data[len(data) - reader.pending_bytes :]
    except FrameError as error:
        frames = list(error.before)
        rest = data[sum(_size(frame, framing) for frame in frames) :]
    messages = tuple(frame for frame in frames if frame.payload)
    if not messages or not all(map(_begins, messages)):
        return None
    return Cut(framing, messages, rest, len(messages))


def _size(frame: Frame, framing: Framing) -> int:
    return framing.length_bytes + len(frame.tpdu) + len(frame.payload)


def _begins(frame: Frame) -> bool:
    return _HEADS.match(frame.payload) is not None


# ---------------------------------------------------------------- where no length is right


class Header(NamedTuple):
    """A message was found behind so many bytes; what they announce is not its length."""

    data: bytes
    message_bytes: int

    def announced(self, framing: Framing) -> int | None:
        """What the bytes say as a length in this form."""
        prefix = self.data[: framing.length_bytes]
        if len(prefix) < framing.length_bytes:
            return None
        if framing.form == "binary":
            return int.from_bytes(prefix, "big")
        digits = prefix.hex() if framing.form == "bcd" else prefix.decode("latin-1")
        try:
            return int(digits, 16 if framing.form == "hex" else 10)
        except ValueError:
            return None

    @property
    def is_little_endian(self) -> bool:
        size = len(self.data) % TPDU_BYTES or len(self.data)
        return size in (2, 4) and int.from_bytes(self.data[:size], "little") in (
            self.message_bytes,
            self.message_bytes + size,
            self.message_bytes + len(self.data) - size,
        )


MOST_HEADER_BYTES: Final = 12


def heads(piece: bytes) -> Iterator[int]:
    """Where in these bytes a message could begin."""
    for at in range(min(MOST_HEADER_BYTES, len(piece)) + 1):
        if _HEADS.match(piece, at):
            yield at


# ---------------------------------------------------------------- in words

_FORMS: Final = {
    ("binary", 2): "2 bytes, binary",
    ("binary", 4): "4 bytes, binary",
    ("ascii", 4): "4 ASCII digits",
    ("bcd", 2): "2 bytes, BCD",
    ("hex", 4): "4 hexadecimal digits",
}


def form_words(framing: Framing) -> str:
    return _FORMS[framing.form, framing.length_bytes]


def in_words(name: str, seen: Framing, ours: Framing, dialect: str) -> tuple[str, str]:
    """What is seen and the next step."""
    if name == "length":
        near = next(
            f for f in FRAMINGS.values() if (f.form, f.length_bytes) == (seen.form, seen.length_bytes)
        )
        return (
            f"length before a message: {form_words(seen)}; {dialect} has {form_words(ours)}",
            f'write name = "{near.name}" under [framing] of the dialect file, or change the peer\'s channel',
        )
    if name == "counts_itself":
        told, other = ("counts", "does not") if seen.counts_itself else ("does not count", "does")
        what = f"length before a message {told} its own {seen.length_bytes} bytes; in {dialect} it {other}"
        if (seen.form, seen.length_bytes) != ("binary", 2):
            return what, "change the peer's channel; no setting of [framing] makes us count so"
        setting = "len2_incl" if seen.counts_itself else "len2"
        return (
            what,
            f'write name = "{setting}" under [framing] of the dialect file, or change the peer\'s channel',
        )
    if name == "tpdu":
        there, ours_there = ("a TPDU", "none") if seen.tpdu else ("no TPDU", "one")
        return (
            f"{there} of 5 bytes stands between length and message; {dialect} has {ours_there}",
            f"write tpdu = {str(seen.tpdu).lower()} under [framing] of the dialect file, or change the peer's channel",
        )
    told, other = ("counts", "does not") if seen.counts_tpdu else ("does not count", "does")
    return (
        f"length before a message {told} the 5 bytes of TPDU; in {dialect} it {other}",
        f"write counts_tpdu = {str(seen.counts_tpdu).lower()} under [framing] of the dialect file, or change the peer",
    )


def swapped(tpdu: bytes) -> bytes:
    """The TPDU of an answer: the request's with its two addresses exchanged."""
    return tpdu[:1] + tpdu[3:5] + tpdu[1:3]


def telling_tpdu(framing: Framing) -> Framing:
    """The framing with a source address of its own: with equal addresses nobody sees whether they were swapped."""
    own = framing.own_tpdu
    if own != OWN_TPDU and own[1:3] != own[3:5]:
        return framing
    return framing._replace(own_tpdu=own[:3] + bytes([own[3], own[4] ^ 0x01]))
