"""From a jPOS GenericPackager file to a dialect file: the wire forms of the elements, and what cannot be said.

The XML is a stranger's: bounded, without entities, and no DTD is loaded. A packager tells how elements lie on the wire
and nothing else; framing, codes, layouts and MAC have to be added by hand. Class names as jPOS's public
documentation explains them: IF, then A, B or E (ASCII, binary, EBCDIC), then length, H (binary length) and type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeVar
from xml.etree.ElementTree import Element as Node
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bank_host.iso8583.fields import BY_DE, FIXED
from bank_host.iso8583.settings import DATA_OF_KIND, NEEDED
from bank_host.iso8583.wire import Data, Lengths, Side, Wire, form_of

MOST_BYTES: Final = 1_048_576
_CLASS: Final = re.compile(
    r"(?:.*\.)?IF(?P<coding>[ABE]?)_(?P<letters>L{0,3})(?P<binary>H?)"
    r"(?P<kind>NUMERIC|NUM|CHAR|A?BINARY|AMOUNT|BITMAP)"
)
_LENGTHS: Final[dict[str, Lengths]] = {"A": "ascii", "B": "bcd"}
_KINDS: Final = {"NUMERIC": "n", "NUM": "n", "CHAR": "ans", "BINARY": "b", "ABINARY": "b", "AMOUNT": "x+n"}


T = TypeVar("T")


class PackagerError(ValueError):
    """Not a packager file; the text says why, and what is expected."""


class Imported(NamedTuple):
    """A dialect file, and in words what of the packager it does not say."""

    toml: str
    lost: list[str]


class _Told(NamedTuple):
    """What a packager says about one element."""

    de: int
    kind: str
    prefix: int  # digits of the length before it
    length: int  # as in our table: characters, or hexadecimal digits
    data: Data
    lengths: Lengths
    odd: Side


def import_packager(data: bytes, name: str) -> Imported:
    """The dialect file for the packager in these bytes; `name` is told in its first line."""
    nodes = _nodes(data)
    lost: list[str] = []
    told: dict[int, _Told] = {}
    for de, node in nodes.items():
        if de not in (0, 1) and not node.get("class", "").endswith("IF_NOP"):
            row = _element(de, node, lost)
            if row is not None:
                told[de] = row
    wire = _wire(nodes, told, lost)
    lines = [
        f'summary = "imported from {_plain(name)}"',
        "# A packager says nothing of framing, service codes, layouts and MAC: `bank-host dialects show atm-sim`.",
        "",
        "[wire]",
        *(f'{key} = "{value}"' for key, value in wire._asdict().items()),
    ]
    for de in sorted(told.keys() | BY_DE.keys()):
        lines += _section(de, told.get(de), wire, lost)
    return Imported("\n".join(lines) + "\n", lost)


def _nodes(data: bytes) -> dict[int, Node]:
    """The elements' nodes by number."""
    if len(data) > MOST_BYTES:
        raise PackagerError(f"longer than {MOST_BYTES:,} bytes; is it a GenericPackager file?")
    fault = ""
    try:
        root = fromstring(data)
    except ParseError as error:
        fault = "not XML: " + str(error)
    except DefusedXmlException:
        fault = "it defines entities or refers to other files; take them out, they are not read"
    except (ValueError, LookupError):
        fault = "not in an encoding that can be read; save it as UTF-8"
    if fault:
        raise PackagerError(fault)
    if root.tag != "isopackager":
        raise PackagerError(
            f"expected <isopackager>, found <{_plain(root.tag)}>; is it a GenericPackager file?"
        )
    nodes: dict[int, Node] = {}
    for node in root:
        number = node.get("id", "")
        if node.tag not in ("isofield", "isofieldpackager") or not re.fullmatch("[0-9]{1,3}", number):
            continue
        if int(number) <= 128:
            nodes[int(number)] = node
    return nodes


def _plain(text: str) -> str:
    """Text from the file as it may stand in ours."""
    return re.sub(r"[^A-Za-z0-9 ._/-]", "?", text)[:60]


def _element(de: int, node: Node, lost: list[str]) -> _Told | None:
    name = node.get("class", "")
    found, length = _CLASS.fullmatch(name), node.get("length", "")
    if node.tag == "isofieldpackager":
        lost.append(f"DE{de}: its parts; it is read as one element")
    coding = found["coding"] if found else ""
    text_of_any_kind = found is not None and found["kind"] == "CHAR" and not found["letters"]
    if found is None or found["kind"] == "BITMAP" or coding == "E" or (not coding and not text_of_any_kind):
        why = "EBCDIC" if coding == "E" or "E" in name.rpartition("_")[2][:4] else "a form we do not have"
        lost.append(f"DE{de}: {_plain(name.rpartition('.')[2])} ({why})")
        return None
    if not re.fullmatch("[0-9]{1,3}", length) or int(length) == 0:
        lost.append(f"DE{de}: length {_plain(length) or 'missing'}")
        return None
    kind = _KINDS[found["kind"]]
    hexadecimal = kind == "b" and (found["kind"] == "ABINARY" or (coding == "A" and not found["letters"]))
    return _Told(
        de,
        kind,
        len(found["letters"]),
        int(length) * (2 if kind == "b" else 1),
        _data(kind, coding, hexadecimal),
        "binary" if found["binary"] else _LENGTHS.get(coding, "ascii"),
        "left" if node.get("pad", "false") == "true" else "right",
    )


def _data(kind: str, coding: str, hexadecimal: bool) -> Data:
    if kind == "b":
        return "text" if hexadecimal else "raw"
    if coding == "B" and kind == "n":
        return "bcd"
    return "signed_bcd" if coding == "B" and kind == "x+n" else "text"


def _wire(nodes: dict[int, Node], told: dict[int, _Told], lost: list[str]) -> Wire:
    """The settings that most elements share; the others get a section of their own."""
    mti = _CLASS.fullmatch(nodes[0].get("class", "")) if 0 in nodes else None
    bitmap = _CLASS.fullmatch(nodes[1].get("class", "")) if 1 in nodes else None
    if mti is None or mti["kind"] != "NUMERIC" or mti["coding"] not in "AB":
        lost.append("the message type: taken to be 4 ASCII digits")
    if bitmap is None or bitmap["kind"] != "BITMAP" or bitmap["coding"] not in "AB":
        lost.append("the bitmap: taken to be hexadecimal digits")
    packed = [row for row in told.values() if row.data == "bcd" and row.length % 2 + row.prefix]
    binary = [row.data for row in told.values() if row.kind == "b" and not row.prefix]
    return Wire(
        digits="bcd" if mti is not None and mti["coding"] == "B" else "ascii",
        lengths=_most([row.lengths for row in told.values() if row.prefix], "ascii"),
        bitmap="raw" if bitmap is not None and bitmap["coding"] == "B" else "hex",
        binary="raw" if _most(binary, "text") == "raw" else "hex",
        chip="raw" if 55 in told and told[55].data == "raw" else "hex",
        odd_fixed=_most([row.odd for row in packed if not row.prefix], "left"),
        odd_variable=_most([row.odd for row in packed if row.prefix], "left"),
    )


def _most(values: Iterable[T], default: T) -> T:
    common = Counter(values).most_common(1)
    return common[0][0] if common else default


def _section(de: int, told: _Told | None, wire: Wire, lost: list[str]) -> list[str]:
    """The element's section, or nothing where [wire] and our table say it all."""
    ours = BY_DE.get(de)
    if told is None:
        if de in NEEDED:
            lost.append(
                f"DE{de}: missing, but no message is decided or found without it; it is taken as ours"
            )
            return []
        return ["", f"[elements.{de}]", "absent = true"] if ours else []
    if ours is None:
        return _foreign(told)
    form = form_of(ours, wire)
    settings: dict[str, str] = {}
    if told.data not in DATA_OF_KIND[ours.kind]:
        settings["kind"] = f'"{told.kind}"'
    if told.prefix != ours.prefix:
        settings["prefix"] = f'"{"L" * told.prefix}"'
    if (
        told.prefix != ours.prefix
        or told.length < ours.length
        or (told.prefix == FIXED and told.length != ours.length)
    ):
        settings["length"] = str(told.length)
    if told.data != form.data:
        settings["data"] = f'"{told.data}"'
    if told.prefix and told.lengths != wire.lengths:
        settings["lengths"] = f'"{told.lengths}"'
    if told.data == "bcd" and told.odd != form.odd and (told.prefix or told.length % 2):
        settings["odd"] = f'"{told.odd}"'
    if settings and de in (64, 128):
        lost.append(f"DE{de}: it differs from the other binary elements; the MAC is taken to be as they are")
        return []
    lines = [f"{key} = {value}" for key, value in settings.items()]
    return ["", f"[elements.{de}]", *lines] if lines else []


def _foreign(told: _Told) -> list[str]:
    """An element that is not ours: read by its form and left out."""
    lines = [
        "",
        f"[elements.{told.de}]",
        "ignored = true",
        f'kind = "{told.kind}"',
        f"length = {min(told.length, 999)}",
        f'data = "{told.data}"',
    ]
    if told.prefix:
        lines += [f'prefix = "{"L" * told.prefix}"', f'lengths = "{told.lengths}"']
    if told.data == "bcd":
        lines.append(f'odd = "{told.odd}"')
    return lines
