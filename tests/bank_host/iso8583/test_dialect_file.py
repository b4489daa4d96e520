"""A dialect file's faults are told with file, line, column, what was probably meant, and what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from bank_host.iso8583.dialect import DEFAULT, load_dialect
from bank_host.iso8583.dialect_file import DialectError, parse_settings, shipped
from bank_host.iso8583.settings import Settings


def fault(text: str) -> str:
    with pytest.raises(DialectError) as caught:
        parse_settings(text, "mine.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("mine.toml:2:1: unknown setting 'bitmpa'; did you mean 'bitmap'?", '[wire]\nbitmpa = "raw"'),
        ("mine.toml:1:2: unknown setting 'wier'; did you mean 'wire'?", '[wier]\nbitmap = "raw"'),
        ("mine.toml:2:10: wire.bitmap: input should be 'hex' or 'raw'", '[wire]\nbitmap = "binary"'),
        (
            "mine.toml:3:12: wire.chip_max: input should be less than or equal to 255",
            "\n[wire]\nchip_max = 300",
        ),
        ("mine.toml:1:11: framing: expected a section [framing]", "framing = 3"),
        ("mine.toml:2:9: layouts.place: the four widths", "[layouts]\nplace = [25, 13, 1, 2]"),
        ("mine.toml:2:1: no act 'ecko'; did you mean 'echo'?", '[codes.network]\necko = "003"'),
        ("mine.toml:2:8: codes.network.echo: string should match pattern", '[codes.network]\necho = "3"'),
        (
            "mine.toml:1:2: no element '200': elements are 2 to 64 and 66 to 128",
            "[elements.200]\nabsent = true",
        ),
        ("mine.toml:2:1: element 11 cannot be absent", "[elements.11]\nabsent = true"),
        ("mine.toml:1:2: element 62 is not one of ours; say `ignored = true`", '[elements.62]\nkind = "ans"'),
        ("mine.toml:1:2: element 62 needs `kind` and `length`", "[elements.62]\nignored = true"),
        ("mine.toml:2:1: unknown setting 'lenght'; did you mean 'length'?", "[elements.41]\nlenght = 16"),
        ("mine.toml:1:2: element 64 is the MAC", '[elements.64]\ndata = "raw"'),
        (
            "mine.toml:2:1: no request type '0210'; they are 0200, 0220, 0420, 0800",
            '[link.match]\n"0210" = [11]',
        ),
        ("mine.toml:1:1: no shipped dialect 'bcd-tpd'; did you mean 'bcd-tpdu'?", 'like = "bcd-tpd"'),
        ("mine.toml:2:1: DE53 is 16 digits, too short for a key block", "[link]\nkey_element = 53"),
        ("mine.toml:1:2: element 48: ans lies as text, not as bcd", '[elements.48]\ndata = "bcd"'),
        ("mine.toml:1:2: element 52: b counts hexadecimal digits", "[elements.52]\nlength = 15"),
        ("mine.toml:2:", "[wire]\nbitmap = raw"),
        ("mine.toml:1:", "[wire"),
    ],
)
def test_a_fault_is_told_with_its_place_and_a_next_step(expected: str, text: str) -> None:
    told = fault(text)
    assert told.startswith(expected), told
    line = int(told.split(":")[1])
    assert f"{line:>8} | {text.splitlines()[line - 1]}" in told.splitlines()
    assert "^" == told.splitlines()[2].rpartition("| ")[2].strip()


def test_all_faults_of_a_file_are_told_at_once() -> None:
    told = fault('[wire]\nbitmap = "x"\nlenghts = "bcd"\n[mac]\nalgorithm = "des"')
    assert 3 == sum(line.startswith("mine.toml:") for line in told.splitlines())


def test_a_misspelt_name_is_told_with_the_names_there_are() -> None:
    with pytest.raises(
        DialectError, match=r"no dialect 'atmsim'; did you mean 'atm-sim'\?; there are atm-sim, "
    ):
        load_dialect("atmsim")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DialectError, match="name a dialect file that can be read"):
        load_dialect(str(tmp_path / "none.toml"))
    (tmp_path / "latin.toml").write_bytes(b'summary = "\xe9"')
    with pytest.raises(DialectError, match="byte 11 is not UTF-8"):
        load_dialect(str(tmp_path / "latin.toml"))
    (tmp_path / "huge.toml").write_bytes(b"#" * 70_000)
    with pytest.raises(DialectError, match="is it a dialect file"):
        load_dialect(str(tmp_path / "huge.toml"))


def test_an_own_file_is_named_by_its_path_and_may_be_like_a_shipped_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('like = "bcd-tpdu"\n[wire]\nodd_variable = "left"\n', encoding="utf-8")
    own, base = load_dialect(str(file)).settings, load_dialect("bcd-tpdu").settings
    assert "mine" == load_dialect(str(file)).name
    assert ("bcd", "left", base.framing) == (own.wire.digits, own.wire.odd_variable, own.framing)
    assert base.elements == own.elements


def test_the_default_sets_nothing_and_stands_first() -> None:
    assert Settings(summary=DEFAULT.settings.summary) == DEFAULT.settings
    assert "atm-sim" == shipped()[0]


def test_every_shipped_dialect_has_a_line_of_its_own() -> None:
    summaries = {load_dialect(name).settings.summary for name in shipped()}
    assert len(shipped()) == len(summaries - {""}) >= 6
