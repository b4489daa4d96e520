"""A jPOS GenericPackager file becomes a dialect, with a list of what it cannot say; the XML is a stranger's.

The XML here is made for these tests; of jPOS it has the public class names only.
"""

from __future__ import annotations

import pytest

from bank_host.iso8583.dialect import Dialect, load_dialect, make_dialect
from bank_host.iso8583.dialect_file import parse_settings
from bank_host.iso8583.jpos_packager import MOST_BYTES, PackagerError, import_packager
from tests.bank_host.iso8583.test_dialect import MESSAGES

ROWS = [
    # id, length, ASCII class, binary class
    (0, 4, "IFA_NUMERIC", "IFB_NUMERIC"),
    (2, 19, "IFA_LLNUM", "IFB_LLNUM"),
    *[
        (de, n, "IFA_NUMERIC", "IFB_NUMERIC")
        for de, n in ((3, 6), (4, 12), (7, 10), (11, 6), (12, 6), (13, 4))
    ],
    *[
        (de, n, "IFA_NUMERIC", "IFB_NUMERIC")
        for de, n in ((14, 4), (15, 4), (17, 4), (18, 4), (22, 3), (23, 3))
    ],
    *[
        (de, n, "IFA_NUMERIC", "IFB_NUMERIC")
        for de, n in ((25, 2), (26, 2), (53, 16), (70, 3), (73, 6), (90, 42))
    ],
    (5, 12, "IFA_NUMERIC", "IFB_NUMERIC"),
    (28, 9, "IFA_AMOUNT", "IFB_AMOUNT"),
    (32, 11, "IFA_LLNUM", "IFB_LLNUM"),
    (33, 11, "IFA_LLNUM", "IFB_LLNUM"),
    (35, 37, "IFA_LLNUM", "IFB_LLNUM"),
    *[
        (de, n, "IF_CHAR", "IF_CHAR")
        for de, n in ((37, 12), (38, 6), (39, 2), (41, 8), (42, 15), (43, 40), (95, 42))
    ],
    *[(de, 999, "IFA_LLLCHAR", "IFB_LLLCHAR") for de in (48, 60, 62, 63)],
    (49, 3, "IFA_NUMERIC", "IFA_NUMERIC"),
    (52, 8, "IFA_BINARY", "IFB_BINARY"),
    (54, 120, "IFA_LLLCHAR", "IFB_LLLCHAR"),
    (55, 255, "IFA_LLLBINARY", "IFB_LLLBINARY"),
    (64, 8, "IFA_BINARY", "IFB_BINARY"),
    (102, 28, "IFA_LLCHAR", "IFB_LLCHAR"),
    (103, 28, "IFA_LLCHAR", "IFB_LLCHAR"),
    (128, 8, "IFA_BINARY", "IFB_BINARY"),
]


def packager(column: int, *, changes: dict[int, str] | None = None, head: str = "") -> bytes:
    """The XML; `changes` replaces the node of an element."""
    bitmap = ("16", "IFA_BITMAP") if column == 2 else ("8", "IFB_BITMAP")
    nodes = {1: f'<isofield id="1" length="{bitmap[0]}" name="" class="org.jpos.iso.{bitmap[1]}"/>'}
    for row in ROWS:
        pad = "false" if row[0] in (2, 32, 33, 35) else "true"
        kind = f"org.jpos.iso.{row[column]}"
        nodes[row[0]] = f'<isofield id="{row[0]}" length="{row[1]}" name="" pad="{pad}" class="{kind}"/>'
    nodes |= changes or {}
    return f'<?xml version="1.0"?>{head}<isopackager>{"".join(nodes.values())}</isopackager>'.encode()


def node(de: int, kind: str, length: int = 4) -> dict[int, str]:
    return {de: f'<isofield id="{de}" length="{length}" name="" class="org.jpos.iso.{kind}"/>'}


def imported(data: bytes) -> tuple[Dialect, list[str]]:
    toml, lost = import_packager(data, "some.xml")
    return make_dialect("imported", parse_settings(toml, "imported.toml")), lost


@pytest.mark.parametrize(("same_as", "column"), [("atm-sim", 2), ("bcd-tpdu", 3)])
def test_a_packager_of_either_wire_reads_what_the_shipped_dialect_writes(same_as: str, column: int) -> None:
    spoken, lost = imported(packager(column))
    assert [] == lost
    for message in MESSAGES:
        if 55 in message and column == 2:  # hexadecimal digits in ours, bytes behind three digits in this one
            assert message == spoken.decode(spoken.encode(message))
            continue
        data = load_dialect(same_as).encode(message)
        assert message == spoken.decode(data)
        assert data == spoken.encode(message)


def test_an_element_of_the_packager_only_is_read_and_left_out() -> None:
    spoken, _ = imported(packager(2))
    told = spoken.settings.elements
    assert told["5"].ignored
    assert told["62"].ignored
    assert ("LLL", 999) == (told["62"].prefix, told["62"].length)


COMPOSITE = (
    '<isofieldpackager id="60" length="99" name="" class="org.jpos.iso.IFA_LLLCHAR">'
    '<isofield id="0" length="4" name="" class="org.jpos.iso.IFA_NUMERIC"/>'
    "</isofieldpackager>"
)


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("DE37: IFE_CHAR (EBCDIC)", node(37, "IFE_CHAR", 12)),
        ("DE48: IFA_LLLLCHAR (a form we do not have)", node(48, "IFA_LLLLCHAR", 9999)),
        ("DE60: its parts; it is read as one element", {60: COMPOSITE}),
        ("DE63: length missing", {63: '<isofield id="63" class="org.jpos.iso.IFA_LLLCHAR"/>'}),
        ("DE70: missing, but no message is decided or found without it; it is taken as ours", {70: ""}),
        ("the message type: taken to be 4 ASCII digits", node(0, "IFE_NUMERIC")),
        ("the bitmap: taken to be hexadecimal digits", node(1, "IFE_BITMAP", 16)),
        ("DE64: it differs from the other binary elements", node(64, "IFB_BINARY", 8)),
    ],
)
def test_what_cannot_be_said_is_listed(expected: str, change: dict[int, str]) -> None:
    _, lost = imported(packager(2, changes=change))
    assert [line for line in lost if line.startswith(expected)], lost


def test_an_element_that_differs_gets_a_section_of_its_own() -> None:
    changes = node(41, "IF_CHAR", 16) | node(32, "IFB_LLHNUM", 11) | node(48, "IFA_LLLBINARY", 100)
    spoken, lost = imported(packager(2, changes=changes))
    told = spoken.settings.elements
    assert [] == lost
    assert 16 == told["41"].length
    assert ("bcd", "binary", "right") == (told["32"].data, told["32"].lengths, told["32"].odd or "right")
    assert ("b", "raw", 200) == (told["48"].kind, told["48"].data, told["48"].length)


def test_a_doctype_is_passed_over_and_nothing_is_loaded() -> None:
    head = '<!DOCTYPE isopackager SYSTEM "http://127.0.0.1:1/genericpackager.dtd">'
    assert imported(packager(2, head=head))[1] == []


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("defines entities", packager(2, head='<!DOCTYPE x [<!ENTITY a "aaaa">]>')),
        ("defines entities", packager(2, head='<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>')),
        ("not XML", b"<isopackager>"),
        ("not XML", b""),
        ("not XML|encoding", b'<?xml version="1.0" encoding="none"?><isopackager/>'),
        ("expected <isopackager>, found <html>", b"<html/>"),
        ("longer than 1,048,576 bytes", b" " * (MOST_BYTES + 1)),
    ],
)
def test_what_is_no_packager_is_refused(expected: str, data: bytes) -> None:
    with pytest.raises(PackagerError, match=expected):
        import_packager(data, "x.xml")


def test_names_from_the_file_cannot_write_settings() -> None:
    toml, _ = import_packager(packager(2), 'x"\n[mac]\nalgorithm = "retail"')
    assert "by_key" == parse_settings(toml, "x.toml").mac.algorithm
