"""Messages in hexadecimal: one a line, or dumps of xxd, hexdump -C or Wireshark, with or without the frame's length.

`>` before a line is what we sent, `<` what the peer sent; `#` begins a remark.
"""

from __future__ import annotations

import re
from typing import Final

from atm_sim.doctor.capture import Capture, CaptureError, Stream, Way

_WAYS: Final[dict[str, Way]] = {">": "sent", "<": "received"}
_DUMP: Final = re.compile(r"([0-9a-fA-F]{4,8})(:? +)(?=[0-9a-fA-F]{2})")
_BYTES: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{2}(?:[ :,-]?[0-9a-fA-F]{2})*)")
_ROW: Final = 16


def capture_of(text: str) -> Capture:
    """The conversation in a text; CaptureError with the line that is no hexadecimal."""
    pieces: list[tuple[Way, bytes]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        way: Way = ""
        if line[0] in _WAYS:
            way, line = _WAYS[line[0]], line[1:].strip()
        offset, row = _row(line)
        if offset and pieces and len(pieces[-1][1]) == offset:  # the dump goes on
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + _bytes_of(row, number))
        else:
            pieces.append((way, _bytes_of(line if offset else row, number)))
    if not pieces:
        raise CaptureError("no message in it; write messages in hexadecimal, one a line")
    numbered = list(enumerate(pieces, start=1))
    streams = []
    for each in dict.fromkeys(way for way, _ in pieces):
        mine = [(number, piece) for number, (way, piece) in numbered if way == each]
        numbers, said = zip(*mine, strict=True)
        streams.append(Stream(each, said, whole=True, numbers=numbers))
    return Capture(tuple(streams))


def _row(line: str) -> tuple[int, str]:
    """Of a line of a dump: its offset, and the bytes without the characters beside them; otherwise 0 and the line."""
    found = _DUMP.match(line)
    if found is None:
        return 0, line
    rest, gap = line[found.end() :], "  "
    if ":" not in found[2]:
        if len(found[2]) < 2:
            return 0, line
        rest = rest.partition("|")[0]
        gap = "   "
    return int(found[1], 16), rest.partition(gap)[0]


def _bytes_of(line: str, number: int) -> bytes:
    found = _BYTES.fullmatch("".join(line.split()) if " " in line else line)
    if found is None:
        raise CaptureError(
            f"line {number} is not hexadecimal: two digits a byte, with or without blanks; `#` begins a remark"
        )
    return bytes.fromhex(re.sub("[ :,-]", "", found[1]))
