"""`bank-host dialects` lists, shows and imports dialects; a mistake is told with exit code 2."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from bank_host.cli import main
from bank_host.iso8583.dialect import load_dialect
from bank_host.iso8583.dialect_file import parse_settings, read_settings, shipped
from tests.bank_host.iso8583.test_jpos_packager import node, packager


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["dialects", *words])


def test_the_list_has_a_line_for_each_shipped_dialect() -> None:
    lines = run().stdout.splitlines()
    assert shipped() == [line.split()[0] for line in lines]
    assert lines[0].endswith(read_settings("atm-sim").summary)


def test_what_is_shown_is_the_whole_dialect_as_a_file_that_can_be_read() -> None:
    for name in shipped():
        shown = run("show", name).stdout
        assert read_settings(name).model_copy(update={"like": ""}) == parse_settings(shown, "shown.toml")
        assert "# 16 hexadecimal digits or 8 bytes for each half" in shown


def test_an_unknown_dialect_and_a_faulty_file_are_told(tmp_path: Path) -> None:
    assert (2, True) == (
        (result := run("show", "atmsim")).exit_code,
        "did you mean 'atm-sim'?" in result.stderr,
    )
    (file := tmp_path / "mine.toml").write_text('[wire]\nbitmpa = "raw"\n', encoding="utf-8")
    result = run("show", str(file))
    assert 2 == result.exit_code
    assert f"{file}:2:1: unknown setting 'bitmpa'; did you mean 'bitmap'?" in result.stderr


def test_a_packager_becomes_a_file_that_can_be_loaded_and_what_is_lost_is_listed(tmp_path: Path) -> None:
    (source := tmp_path / "some.xml").write_bytes(packager(3, changes=node(37, "IFE_CHAR", 12)))
    out = tmp_path / "some.toml"
    result = run("import", str(source), "--out", str(out))
    assert (0, f"{out}: written\n") == (result.exit_code, result.stdout)
    assert "not expressed: DE37: IFE_CHAR (EBCDIC)\n" == result.stderr
    assert "bcd" == load_dialect(str(out)).settings.wire.digits
    assert out.read_text(encoding="utf-8") == run("import", str(source)).stdout


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (source := tmp_path / "some.xml").write_bytes(packager(2))
    result = run("import", str(source), "--out", str(source))
    assert (2, True) == (result.exit_code, "is there already" in result.stderr)
    assert packager(2) == source.read_bytes()


def test_what_is_no_packager_is_told(tmp_path: Path) -> None:
    (source := tmp_path / "some.xml").write_bytes(b"<html/>")
    result = run("import", str(source))
    assert (2, True) == (result.exit_code, "expected <isopackager>, found <html>" in result.stderr)
