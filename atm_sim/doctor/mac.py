"""Which bytes a peer's MAC covers: the right ones, or a range that is often taken for them (ISO 9797-1, CMAC)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from atm_sim.doctor.finding import Finding
from bank_host.iso8583.dialect import Dialect
from bank_host.iso8583.framing import Frame


class Algorithm(NamedTuple):
    """A way to make a MAC with the key that both ends should have."""

    name: str
    of: Callable[[bytes], str]  # 16 hexadecimal digits


class Sealed(NamedTuple):
    """A message that could be read as the dialect has it."""

    number: int
    mti: str
    frame: Frame


_STEP: Final = "have the peer compute its MAC over type, bitmap and all elements before DE64 or DE128"


def findings(
    messages: Iterable[Sealed], dialect: Dialect, algorithms: tuple[Algorithm, ...]
) -> Iterator[Finding]:
    """What is wrong with each MAC; the first algorithm is the one that both sides should use."""
    for number, mti, frame in messages:
        found = dialect.mac_input(frame.payload)
        if found is None:
            if dialect.settings.mac.mandatory and mti[1] != "8":
                yield _absent(number, mti, dialect)
            continue
        covered, mac = found
        fault = _fault(covered, mac, frame, dialect, algorithms)
        if fault:
            cause, what, step = fault
            yield Finding(
                cause, f"MAC of {mti}: {what}", step, number, _element(covered, dialect), len(covered)
            )


def _absent(number: int, mti: str, dialect: Dialect) -> Finding:
    return Finding(
        "mac.absent",
        f"{mti} has no MAC; {dialect.name} says that business has one",
        "switch MACs on at the peer, or write mandatory = false under [mac] of the dialect file",
        number,
    )


def _element(covered: bytes, dialect: Dialect) -> int:
    second = covered[dialect.plain.mti_bytes] in (
        b"89ABCDEF" if dialect.plain.wire.bitmap == "hex" else range(128, 256)
    )
    return 128 if second else 64


def _fault(
    covered: bytes, mac: str, frame: Frame, dialect: Dialect, algorithms: tuple[Algorithm, ...]
) -> tuple[str, str, str] | None:
    if algorithms[0].of(covered) == mac:
        return None
    for words, data in _ranges(covered, frame, dialect):
        for algorithm in algorithms:
            if algorithm.of(data) != mac:
                continue
            if words:
                return "mac.range", f"it covers {words}", _STEP
            return (
                "mac.algorithm",
                f"it is a {algorithm.name}; expected is a {algorithms[0].name}",
                "compare algorithm under [mac] of the dialect file, and the padding, with the peer's",
            )
    return (
        "mac.wrong",
        "under this key no range and no algorithm that we know gives it",
        "compare the check values of the MAC key on both sides",
    )


def _ranges(covered: bytes, frame: Frame, dialect: Dialect) -> Iterator[tuple[str, bytes]]:
    """What may be covered; the right range has no words."""
    plain = dialect.plain
    begin = plain.mti_bytes
    second = _element(covered, dialect) == 128
    elements = begin + plain.half_bytes * (2 if second else 1)
    size = len(frame.payload) - len(covered)
    zero = b"0" if plain.wire.binary == "hex" else b"\0"
    length = dialect.framing.wrap(frame.payload)[: dialect.framing.length_bytes]
    yield "", covered
    yield "the MAC's own place too, as zeros", covered + zero * size
    yield "not the message type", covered[begin:]
    yield "neither the message type nor the bitmap", covered[elements:]
    yield "the length before the message too", length + covered
    if frame.tpdu:
        yield "the TPDU too", frame.tpdu + covered
        yield "the length and the TPDU too", length + frame.tpdu + covered
    yield "the hexadecimal digits of the message instead of its bytes", covered.hex().upper().encode("ascii")
