"""The diagnosis: one conversation against each dialect, first cause first.

Framing, then how elements lie, then which elements a message has, then what answers echo: each can only be judged
where those before it are understood. Among the ways to cut and read the bytes, the nearest to the dialect counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from atm_sim.doctor import exchange, framings, mac, strangers, wiring
from atm_sim.doctor.capture import Capture, Said, Stream, Way
from atm_sim.doctor.exchange import Read
from atm_sim.doctor.finding import Diagnosis, Finding, merged
from atm_sim.doctor.framings import Cut
from atm_sim.doctor.wiring import Cause, Variants
from bank_host.iso8583.bounds import MIN_BYTES
from bank_host.iso8583.dialect import Dialect
from bank_host.iso8583.errors import WORDS, FormatError
from bank_host.iso8583.fields import BY_DE
from bank_host.iso8583.framing import Frame
from bank_host.iso8583.mti import is_response
from bank_host.iso8583.plain import Elements
from bank_host.iso8583.settings import NEEDED

MOST_MESSAGES: Final = 200
"""Of one stream; a fault shows in the first ones."""

_FRAMING_COST, _CHANGE_COST, _FAULT_COST, _LOST_COST = 10, 11, 25, 100
_MOST_CUTS: Final = 4
_NO_LENGTHS: Final = "no length stands before the messages: their framing cannot be judged"


Macs = Callable[[Dialect], tuple[mac.Algorithm, ...]]
"""The algorithms to check MACs with, the dialect's own first; none where no key is known."""


def no_macs(dialect: Dialect) -> tuple[mac.Algorithm, ...]:
    return ()


def diagnose(capture: Capture, dialects: Sequence[Dialect], macs: Macs = no_macs) -> list[Diagnosis]:
    """How the conversation looks by each dialect, the nearest first; equals in the order given."""
    quick = [_against(capture, Variants(dialect), macs, deep=False) for dialect in dialects]
    if any(each.fits for each in quick):
        return sorted(quick, key=lambda each: (not each.fits, each.cost))
    thorough = [_against(capture, Variants(dialect), macs, deep=True) for dialect in dialects]
    return sorted(thorough, key=lambda each: each.cost)


class _Heard(NamedTuple):
    """A stream as one dialect understands it."""

    frames: tuple[Frame, ...]
    findings: tuple[Finding, ...]  # of framing and wire; numbers of messages count from 1 within the stream
    causes: tuple[Cause, ...]
    cost: int
    notes: tuple[str, ...] = ()


def _against(capture: Capture, variants: Variants, macs: Macs, *, deep: bool) -> Diagnosis:
    dialect = variants.dialect
    found: list[Finding] = []
    read: list[Read] = []
    notes = list(capture.notes)
    cost = count = 0
    ways: dict[str, set[Way]] = {}
    for stream in capture.streams:
        heard = _heard(stream, variants, deep)
        called = _names(stream, heard, count)
        found += [_renamed(each, called) for each in (*heard.findings, *_presence(heard, variants))]
        for finding in heard.findings:
            ways.setdefault(finding.cause, set()).add(stream.way)
        here = list(_read(heard, stream, variants))
        read += [each._replace(number=called[each.number - 1]) for each in here]
        if algorithms := macs(dialect):
            found += (
                _renamed(each, called) for each in mac.findings(_sealed(heard, here), dialect, algorithms)
            )
        notes += heard.notes
        cost += heard.cost
        count += len(heard.frames)
    for number, said in enumerate(capture.said, start=count + 1):
        read.append(Read(number, said.way, said.mti, said.values, whole=not said.hidden))
        found += _forms(number, said, variants)
    count += len(capture.said)
    found += exchange.findings(read, dialect)
    all_ways = {stream.way for stream in capture.streams}
    findings = [_one_way(each, ways.get(each.cause, all_ways), all_ways, dialect) for each in merged(found)]
    return Diagnosis(
        dialect.name, tuple(findings), cost + len(findings), len(read), count, tuple(dict.fromkeys(notes))
    )


def _names(stream: Stream, heard: _Heard, before: int) -> Sequence[int]:
    """What the stream's messages are called: as their file does, or in the order of the conversation."""
    count = len(heard.frames)
    return stream.numbers if len(stream.numbers) == count else range(before + 1, before + count + 1)


def _one_way(finding: Finding, ways: set[Way], all_ways: set[Way], dialect: Dialect) -> Finding:
    """No setting of a dialect helps against a peer that writes otherwise than it reads."""
    of_settings = (
        finding.cause.startswith(("framing.", "wire.", "elements.")) and finding.cause != "framing.rest"
    )
    if ways == all_ways or not of_settings:
        return finding
    if ways == {"received"}:
        step = f"have the peer write as it reads: what is sent to it lies as {dialect.name} has it"
    else:
        step = f"change our side: what the peer writes lies as {dialect.name} has it"
    return finding._replace(next_step=step)


def _renamed(finding: Finding, called: Sequence[int]) -> Finding:
    return finding._replace(message=called[finding.message - 1]) if finding.message else finding


# ---------------------------------------------------------------- bytes to messages


def _heard(stream: Stream, variants: Variants, deep: bool) -> _Heard:
    ways = framings.cuts(stream, variants.dialect.framing)[:_MOST_CUTS]
    if not ways:
        return _headless(stream, variants) if deep else _stranger(stream, variants.dialect)
    return min((_cut(way, variants, deep) for way in ways), key=lambda heard: heard.cost)


def _cut(cut: Cut, variants: Variants, deep: bool) -> _Heard:
    dialect, frames = variants.dialect, cut.frames[:MOST_MESSAGES]
    causes = wiring.causes(variants, [frame.payload for frame in frames], deep=deep)
    differ = framings.differences(cut.framing, dialect.framing)
    findings = [
        Finding(
            f"framing.{name}",
            *framings.in_words(name, cut.framing, dialect.framing, dialect.name),
            1,
            messages=len(frames),
        )
        for name in differ
    ]
    notes = [_NO_LENGTHS] if cut.framing.name == framings.BARE else []
    if len(frames) < len(cut.frames):
        notes.append(f"of each direction of a connection the first {MOST_MESSAGES} messages were looked at")
    if cut.rest and len(frames) == len(cut.frames):
        if _is_cut_short(cut):
            notes.append(f"the last {len(cut.rest)} bytes are a message that was cut short; left out")
        else:
            findings.append(_rest(cut))
    findings += [finding for cause in causes for finding in _of_cause(cause, frames, dialect)]
    cost = (
        _FRAMING_COST * len(differ)
        + sum(map(_cost_of, causes))
        + (_FAULT_COST if cut.rest and len(frames) == len(cut.frames) else 0)
    )
    return _Heard(frames, tuple(findings), tuple(causes), cost, tuple(notes))


def _cost_of(cause: Cause) -> int:
    return _CHANGE_COST * len(cause.changes) if cause.changes else _FAULT_COST


def _is_cut_short(cut: Cut) -> bool:
    framing, rest = cut.framing, cut.rest
    if cut.last < len(cut.frames):
        return False
    return len(rest) > MIN_BYTES and any(
        at == framing.length_bytes + (5 if framing.tpdu else 0) for at in framings.heads(rest)
    )


def _rest(cut: Cut) -> Finding:
    size = len(cut.rest)
    return Finding(
        "framing.rest",
        f"{size} byte{'s' if size > 1 else ''} behind the message that no length counts{_shown(cut.rest)}",
        "have the peer send nothing behind the bytes that its length counts",
        cut.last,
        offset=len(cut.frames[cut.last - 1].payload),
    )


def _shown(data: bytes) -> str:
    """Bytes that end a record are shown; anything else could be a part of a card number."""
    harmless = len(data) <= 4 and all(byte < 0x20 or byte == 0xFF for byte in data)
    return f": {data.hex(' ')}" if harmless else ""


def _headless(stream: Stream, variants: Variants) -> _Heard:
    """No framing that we know cuts the stream: is there a message behind some bytes that are not its length?"""
    dialect = variants.dialect
    for piece in stream.pieces:
        for at in framings.heads(piece):
            for changes in ((), *((change,) for change in wiring.one_by_one(dialect))):
                if variants.reader(changes).fault(piece[at:]) is None:
                    header = framings.Header(piece[:at], len(piece) - at)
                    finding = _of_header(header, dialect)
                    cost = _FAULT_COST + _CHANGE_COST * len(changes)
                    frame = Frame(piece[at:])
                    causes = wiring.causes(variants, [frame.payload])
                    wire = [each for cause in causes for each in _of_cause(cause, (frame,), dialect)]
                    return _Heard((frame,), (finding, *wire), tuple(causes), cost)
    return _stranger(stream, dialect)


def _stranger(stream: Stream, dialect: Dialect) -> _Heard:
    return _Heard((), (strangers.finding(stream, dialect),), (), _LOST_COST)


def _of_header(header: framings.Header, dialect: Dialect) -> Finding:
    size, announced = len(header.data), header.announced(dialect.framing)
    if not size:
        what = (
            f"no length stands before the message; {dialect.name} has {framings.form_words(dialect.framing)}"
        )
    elif header.is_little_endian:
        what = f"the length before a message has its low byte first; {dialect.name} has the high byte first"
    else:
        said = "no length" if announced is None else f"{announced}"
        what = (
            f"lengths disagree: {size} bytes stand before the message and say {said};"
            f" the message has {header.message_bytes} bytes"
        )
    return Finding(
        "framing.disagrees",
        what,
        "compare the peer's channel (what its length counts, byte order, header) with [framing] of the dialect file",
        1,
    )


def _of_cause(cause: Cause, frames: Sequence[Frame], dialect: Dialect) -> Iterator[Finding]:
    number, count, fault = cause.payloads[0] + 1, len(cause.payloads), cause.fault
    for change in cause.changes:
        what, step = wiring.in_words(change, dialect)
        de = None if change.key in _BEFORE_ELEMENTS else fault.de
        yield Finding(f"{change}", what, step, number, de, fault.offset, count)
    if not cause.changes:
        finding = _of_fault(fault, number, count, dialect)
        if fault.reason == "trailing_data":
            left = frames[number - 1].payload[fault.offset :]
            what = f"{len(left)} byte{'s' if len(left) > 1 else ''} behind the last element{_shown(left)}"
            finding = finding._replace(what=what)
        yield finding


_BEFORE_ELEMENTS: Final = ("bitmap", "digits", wiring.CHARACTERS)
"""What is wrong before the first element: the element at which it shows is none."""

_STEPS: Final = {
    "trailing_data": "have the peer end the message with its last element (padding, ETX, line ends are none of it)",
    "unknown_element": "add [elements.{de}] (kind, prefix, length) to the dialect file, or have it left out",
    "bad_length": "compare length and prefix of DE{de} and of the element before it on both sides",
    "bad_value": "compare the format of DE{de} on both sides",
    "not_canonical": "compare how DE{de} is padded on both sides",
    "bad_bitmap": "compare the form of the bitmap on both sides",
    "unknown_mti": "compare the form of the message type on both sides",
}


def _of_fault(fault: FormatError, number: int, count: int, dialect: Dialect) -> Finding:
    de = fault.de
    name = f"DE{de} {BY_DE[de].name_en}: " if de in BY_DE and de is not None else f"DE{de}: " if de else ""
    step = _STEPS.get(fault.reason, "compare the message with the peer's specification").format(de=de)
    cause = f"message.{fault.reason}" + (f".{de}" if de else "")
    what = f"{name}{WORDS[fault.reason]}, by {dialect.name}"
    return Finding(cause, what, step, number, de, fault.offset, count)


# ---------------------------------------------------------------- messages to elements


def _read(heard: _Heard, stream: Stream, variants: Variants) -> Iterator[Read]:
    """What can be read of each message, as it lies on the wire."""
    changes = {number: cause for cause in heard.causes for number in cause.payloads}
    for number, frame in enumerate(heard.frames):
        cause, payload, whole = changes.get(number), frame.payload, True
        reader = variants.reader(cause.changes if cause else ())
        if cause and not cause.changes:
            whole = cause.fault.reason == "trailing_data"
            payload = payload[: cause.fault.offset] if whole else payload
        try:
            elements = reader.read(payload) if whole else None
            mti, values = (elements.mti, elements.values) if elements else reader.codec.salvage(payload)
        except FormatError:
            continue
        yield Read(number + 1, stream.way, mti, values, frame.tpdu, whole)


def _sealed(heard: _Heard, read: Sequence[Read]) -> Iterator[mac.Sealed]:
    """The messages that lie as the dialect has them: only of these it can be said what a MAC should cover."""
    other = {number for cause in heard.causes for number in cause.payloads}
    for each in read:
        if each.number - 1 not in other:
            yield mac.Sealed(each.number, each.mti, heard.frames[each.number - 1])


def _presence(heard: _Heard, variants: Variants) -> Iterator[Finding]:
    """The strict reading of what could be read: elements that a message type needs, or must not have."""
    changes = {number: cause for cause in heard.causes for number in cause.payloads}
    for number, frame in enumerate(heard.frames):
        cause, payload = changes.get(number), frame.payload
        if cause and not cause.changes:
            if cause.fault.reason != "trailing_data":
                continue
            payload = payload[: cause.fault.offset]
        found = cause.changes if cause else ()
        try:
            elements = variants.reader(found).read(payload)
            there = variants.changed(found)
            there.decode(payload if not _is_ebcdic(found) else _again(there, elements))
        except FormatError as fault:
            if finding := _of_presence(fault, elements.mti, number + 1, variants.dialect):
                yield finding


def _is_ebcdic(changes: tuple[wiring.Change, ...]) -> bool:
    return any(change.key == wiring.CHARACTERS for change in changes)


def _again(dialect: Dialect, elements: Elements) -> bytes:
    """The same elements in ASCII."""
    return dialect.plain.write(elements.mti, elements.values).encode("latin-1")


def _of_presence(fault: FormatError, mti: str, number: int, dialect: Dialect) -> Finding | None:
    de = fault.de
    name = f"DE{de} {BY_DE[de].name_en}" if de in BY_DE and de is not None else f"DE{de}"
    if fault.reason == "missing_element":
        step = f"have the {'peer answer' if is_response(mti) else 'sender send'} with DE{de}"
        if de not in NEEDED:
            step += f", or write absent = true under [elements.{de}] where the network does not have it"
        return Finding(
            f"presence.missing.{mti}.{de}",
            f"{name} is absent in {mti}; {dialect.name} needs it there",
            step,
            number,
            de,
        )
    if fault.reason == "forbidden_element":
        return Finding(
            f"presence.forbidden.{mti}.{de}",
            f"{name} is in {mti}, which must not carry it",
            f"have the sender leave DE{de} out, or write ignored = true under [elements.{de}]",
            number,
            de,
        )
    if fault.reason == "unknown_mti":
        if is_response(mti) and mti[3] != "0":
            return None  # the comparison with its request says it better
        return Finding(
            f"presence.mti.{mti}",
            f"{mti} is no message type of {dialect.name}",
            "compare [services] of the dialect file (message types of reversal, balance, PIN change) with the peer's",
            number,
            offset=0,
        )
    return _of_fault(fault, number, 1, dialect)


def _forms(number: int, said: Said, variants: Variants) -> Iterator[Finding]:
    """A message that came as values: written by the dialect and read strictly, so that the same rules hold."""
    dialect, plain = variants.dialect, variants.reader().codec
    try:
        dialect.decode(plain.write(said.mti, dict(sorted(said.values.items()))).encode("latin-1"))
    except FormatError as fault:
        if fault.reason == "missing_element" and fault.de in said.hidden:
            return
        if finding := _of_presence(fault, said.mti, number, dialect):
            yield finding
