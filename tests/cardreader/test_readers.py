"""`cardreader readers` lists what is connected, or says in plain words why nothing is."""

import json
from dataclasses import dataclass, field

import pytest
from click.testing import CliRunner, Result

from cardreader.cli import main
from cardreader.transport import LIBRARY_MISSING, NO_READER, SERVICE_DOWN, connected_readers


class PcscError(Exception):
    """Stands for pyscard's exceptions, which are no SmartcardException but all carry the PC/SC status."""

    def __init__(self, hresult: int) -> None:
        super().__init__("Failed to establish context")
        self.hresult = hresult


@dataclass
class FakeSystem:
    names: list[str] = field(default_factory=list)
    raises: Exception | None = None
    library: bool = True

    def reader_names(self) -> list[str]:
        if self.raises is not None:
            raise self.raises
        return self.names

    def library_loads(self) -> bool:
        return self.library


def invoke(system: FakeSystem, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["readers", *arguments], obj=system)


def test_connected_readers_are_listed_one_a_line() -> None:
    result = invoke(FakeSystem(["Reader A 00 00", "Reader B 01 00"]))
    assert (result.exit_code, result.stdout) == (0, "Reader A 00 00\nReader B 01 00\n")


def test_a_program_reads_the_list_as_json() -> None:
    result = invoke(FakeSystem(["Reader A 00 00"]), "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"readers": ["Reader A 00 00"]})


# pyscard gives the status as it comes from C: positive or as a negative 32-bit number.
NO_SERVICE = 0x8010001D
NO_SERVICE_SIGNED = NO_SERVICE - 0x1_0000_0000

PYSCARD_MISSING = ModuleNotFoundError("No module named 'smartcard'", name="smartcard")


@pytest.mark.parametrize(
    ("system", "words"),
    [
        (FakeSystem(raises=PYSCARD_MISSING), "install the pcsc extra: pip install 'atm-sim[pcsc]'"),
        (FakeSystem(raises=PcscError(NO_SERVICE), library=False), "PC/SC library missing"),
        (FakeSystem(raises=PcscError(NO_SERVICE)), "smart-card service not running"),
        (FakeSystem(raises=PcscError(NO_SERVICE_SIGNED)), "smart-card service not running"),
        (FakeSystem(raises=PcscError(0x8010001E)), "smart-card service not running"),
        (FakeSystem(raises=PcscError(0x8010002F)), "0x8010002F"),
        (FakeSystem([]), "no reader connected"),
    ],
    ids=["no pyscard", "no library", "no service", "signed status", "stopped", "unknown status", "no reader"],
)
def test_without_a_reader_the_reason_is_named_and_the_exit_code_is_3(system: FakeSystem, words: str) -> None:
    plain = invoke(system)
    assert (plain.exit_code, plain.stdout) == (3, "")
    assert words in plain.stderr
    as_json = invoke(system, "--json")
    assert as_json.exit_code == 3
    assert words in json.loads(as_json.stdout)["reason"]


@pytest.mark.parametrize("bug", [ModuleNotFoundError("No module named 'x'", name="x"), ValueError("other")])
def test_an_error_of_another_kind_is_not_dressed_up_as_a_missing_reader(bug: Exception) -> None:
    with pytest.raises(type(bug)):
        connected_readers(FakeSystem(raises=bug))


def test_this_machine_gives_readers_or_one_of_the_stated_reasons() -> None:
    """With the real pyscard, whatever is plugged in or missing here."""
    pytest.importorskip("smartcard", reason="pyscard is not installed: make pcsc")
    result = CliRunner().invoke(main, ["readers"])
    if result.exit_code == 0:
        assert result.stdout.strip()
    else:
        assert (result.exit_code, result.stdout) == (3, "")
        assert any(words in result.stderr for words in (LIBRARY_MISSING, SERVICE_DOWN, NO_READER))
