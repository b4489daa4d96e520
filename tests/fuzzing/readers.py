"""Coverage-guided fuzzing of what reads the bytes of strangers; for longer hunts than the suite's:

    python tests/fuzzing/readers.py messages CORPUS_FOLDER -max_total_time=600

A reader may refuse with its one error type. What it accepts it must write back to the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["bank_host.iso8583", "cardreader.emv"]):
    from bank_host.iso8583.codec import decode, encode
    from bank_host.iso8583.dialect import load_dialect
    from bank_host.iso8583.errors import FormatError
    from bank_host.iso8583.framing import FRAMINGS, FrameError
    from cardreader.emv import dol, tlv


def messages(data: bytes) -> None:
    try:
        message = decode(data)
    except FormatError:
        return
    assert encode(message) == data, "another encoding of the same message"
    assert decode(encode(message)) == message


PACKED = load_dialect("bcd-tpdu")


def packed(data: bytes) -> None:
    """The same of packed digits and raw bytes."""
    try:
        message = PACKED.decode(data)
    except FormatError:
        return
    assert PACKED.encode(message) == data, "another encoding of the same message"


def frames(data: bytes) -> None:
    """Any stream, in every framing: what was cut out frames to what was fed."""
    for framing in FRAMINGS.values():
        reader = framing.reader()
        try:
            whole = reader.feed(data)
        except FrameError:
            continue
        assert reader.pending_bytes <= 9 + 2_048, "more than a frame is kept"
        written = b"".join(framing.wrap(frame.payload) for frame in whole)
        assert len(written) + reader.pending_bytes == len(data), "bytes were lost"


def elements(data: bytes) -> None:
    try:
        some = tlv.read(data)
    except tlv.TlvError:
        return
    assert tlv.write(some) == data, "another encoding of the same elements"


def lists(data: bytes) -> None:
    try:
        wishes = dol.read_dol(data)
    except dol.DolError:
        return
    written = b"".join(bytes.fromhex(wish.tag) + bytes([wish.length]) for wish in wishes)
    assert written == data, "another encoding of the same list"
    assert len(dol.fill(wishes, {})) <= dol.MOST_FILLED_BYTES


def careless(data: bytes) -> None:
    """A reader that trusts a length: the hunt has to find it."""
    if len(data) > 1:
        data[2 + data[1]]


READERS: dict[str, Callable[[bytes], None]] = {
    "messages": messages,
    "packed": packed,
    "frames": frames,
    "tlv": elements,
    "dol": lists,
    "careless": careless,
}

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], READERS[sys.argv[1]])
    atheris.Fuzz()
