"""The log of a jPOS program as a capture: `<isomsg>` within `<send>` and `<receive>`. Fields come as values, not bytes.

A log is many XML fragments, often cut off, so its tags are read one by one: no document, no entity of its own making.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from atm_sim.doctor.capture import Capture, CaptureError, Said, Way

_LOOKS: Final = re.compile(r"<(?:log|isomsg)[\s>]")
_TAG: Final = re.compile(r"<(/?)(log|send|receive|isomsg|field)\b([^<>]*)>")
_ATTRIBUTE: Final = re.compile(r"""([a-z]+)=(?:"([^"]*)"|'([^']*)')""")
_WAYS: Final[dict[str, Way]] = {"send": "sent", "receive": "received"}
_MTI: Final = re.compile("0[0-9]{3}", re.ASCII)
_MASKED: Final = re.compile(r"[*_]{3,}")
MOST_MESSAGES: Final = 2_000


def looks_like(text: str) -> bool:
    return _LOOKS.search(text[:65_536]) is not None


def capture_of(text: str) -> Capture:
    """Every whole message of a log, in its order; CaptureError if there is none."""
    reader = _Reader()
    for closing, tag, attributes in _TAG.findall(text):
        if closing:
            reader.closes(tag)
        else:
            reader.opens(
                tag, {name: unescape(one or other) for name, one, other in _ATTRIBUTE.findall(attributes)}
            )
    if not reader.said:
        raise CaptureError("no <isomsg> with a field 0 in it; log with jPOS's Logger on the channel")
    notes = ["a jPOS log holds values, not bytes: framing and wire forms cannot be judged"]
    masked = sorted({de for said in reader.said for de in said.hidden})
    if masked:
        notes.append("values that the log masks were left out: " + ", ".join(f"DE{de}" for de in masked))
    return Capture(said=tuple(reader.said), notes=tuple(notes))


class _Reader:
    """Collects messages from tags in their order."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self._way: Way = ""
        self._depth = 0
        self._fields: dict[int, str] = {}
        self._hidden: set[int] = set()

    def opens(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _WAYS:
            self._way = _WAYS[tag]
        elif tag == "log":
            self._way, self._depth = "", 0
        elif tag == "isomsg":
            self._depth += 1
            if self._depth == 1:
                self._fields, self._hidden = {}, set()
        elif tag == "field" and self._depth == 1:  # deeper ones are parts of a composite element
            self._field(attributes)

    def closes(self, tag: str) -> None:
        if tag == "isomsg" and self._depth:
            self._depth -= 1
            if not self._depth:
                self._ended()
        elif tag in _WAYS:
            self._way = ""

    def _field(self, attributes: dict[str, str]) -> None:
        number, value = attributes.get("id", ""), attributes.get("value", "")
        if not (number.isascii() and number.isdecimal() and len(number) <= 3 and int(number) <= 128):
            return
        if _MASKED.search(value):
            self._hidden.add(int(number))
        else:
            self._fields[int(number)] = value.upper() if attributes.get("type") == "binary" else value

    def _ended(self) -> None:
        mti = self._fields.pop(0, "")
        if _MTI.fullmatch(mti) and len(self.said) < MOST_MESSAGES:
            self.said.append(Said(self._way, mti, self._fields, frozenset(self._hidden)))
