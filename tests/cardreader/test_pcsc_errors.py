"""PC/SC's status codes in words, and a transport that comes back from each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cardreader.pcsc import LEAVE, PLUGGED, RESET, PcscError, PcscTransport
from cardreader.pcsc.machine import system_transport
from cardreader.problems import ADVICE, ReaderError, family, next_step
from cardreader.transport import ReaderState


class Api:
    """A binding whose answers a test sets."""

    name = "test"

    def __init__(self) -> None:
        self.readers: tuple[str, ...] = ("Reader A",)
        self.raw = 0x10022
        self.refuses: dict[str, int] = {}
        self.knows_plugging = True
        self.calls: list[str] = []

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.refuses:
            raise PcscError(self.refuses[name])

    def establish(self) -> int:
        self._called("establish")
        return 1

    def release(self, context: int) -> None:
        self._called("release")

    def list_readers(self, context: int) -> tuple[str, ...]:
        self._called("list_readers")
        if not self.readers:
            raise PcscError(0x8010002E)
        return self.readers

    def status_change(
        self, context: int, wait_ms: int, known: Sequence[tuple[str, int]]
    ) -> list[tuple[str, int, bytes]]:
        self._called("status_change")
        if not self.knows_plugging and any(name == PLUGGED for name, _ in known):
            raise PcscError(0x80100009)
        return [(name, self.raw, b"\x3b\x00") for name, _ in known]

    def connect(self, context: int, reader: str, protocols: int) -> tuple[int, int]:
        self._called("connect")
        return 2, 1

    def atr(self, card: int) -> bytes:
        self._called("atr")
        return b"\x3b\x00"

    def begin(self, card: int) -> None:
        self._called("begin")

    def transmit(self, card: int, protocol: int, command: bytes) -> bytes:
        self._called("transmit")
        return b"\x90\x00"

    def disconnect(self, card: int, disposition: int) -> None:
        self._called("disconnect")
        self.disposition = disposition


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        ("no_service", 0x8010001D),
        ("no_service", 0x8010001D - 0x1_0000_0000),  # as C gives it: a negative number of 32 bits
        ("no_service", 0x8010001E),
        ("no_service", 0x80100013),
        ("denied", 0x8010006A),
        ("reader_in_use", 0x8010000B),
        ("no_card", 0x8010000C),
        ("removed", 0x80100069),
        ("mute", 0x80100066),
        ("other", 0x80100001),
    ],
)
def test_a_status_has_its_words(problem: str, status: int) -> None:
    api = Api()
    api.refuses["establish"] = status
    with pytest.raises(ReaderError) as told:
        PcscTransport(api).states()
    assert problem == told.value.problem
    assert ADVICE[told.value.problem].what in str(told.value)
    assert (f"0x{status:08X}" in str(told.value)) == (problem == "other")


def test_a_lost_service_costs_the_context_and_the_next_call_makes_a_new_one() -> None:
    api = Api()
    transport = PcscTransport(api)
    (known,) = transport.states()
    api.refuses["status_change"] = 0x80100013
    with pytest.raises(ReaderError):
        transport.states([known], 1)
    del api.refuses["status_change"]
    assert (known,) == transport.states()
    assert 2 == api.calls.count("establish")


def test_the_state_words_are_read() -> None:
    api = Api()
    expected = ReaderState("Reader A", present=True, atr=b"\x3b\x00", changes=1, raw=0x10022)
    assert (expected,) == PcscTransport(api).states()
    api.raw = 0x20012
    (empty,) = PcscTransport(api).states()
    assert (False, b"", 2) == (empty.present, empty.atr, empty.changes)
    api.raw = 0x30222
    assert PcscTransport(api).states()[0].mute


def test_no_reader_is_no_error() -> None:
    api = Api()
    api.readers = ()
    assert () == PcscTransport(api).states()


def test_a_system_that_does_not_tell_of_readers_is_asked_without_that_question() -> None:
    api = Api()
    api.knows_plugging = False
    transport = PcscTransport(api)
    known = transport.states()
    assert known == transport.states(known, 1)
    assert known == transport.states(known, 1)
    assert ["list_readers", "status_change"] == api.calls[-2:]


@pytest.mark.parametrize("where", ["connect", "begin", "atr"])
def test_a_card_that_cannot_be_opened_leaves_nothing_open(where: str) -> None:
    api = Api()
    api.refuses[where] = 0x80100069
    with pytest.raises(ReaderError, match="card removed"):
        PcscTransport(api).connect("Reader A")
    assert "release" == api.calls[-1]
    assert (where != "connect") == ("disconnect" in api.calls)


def test_a_mute_card_is_powered_twice() -> None:
    api = Api()
    api.refuses["connect"] = 0x80100066
    with pytest.raises(ReaderError, match="wrong way round"):
        PcscTransport(api).connect("Reader A")
    assert 2 == api.calls.count("connect")


@pytest.mark.parametrize(("problem", "raw"), [("silent", 0x10022), ("removed", 0x20012)])
def test_a_pulled_card_and_a_dead_one_are_told_apart(problem: str, raw: int) -> None:
    """PC/SC gives one status for both; the reader knows."""
    api = Api()
    link = PcscTransport(api).connect("Reader A")
    api.refuses["transmit"], api.raw = 0x80100016, raw
    with pytest.raises(ReaderError) as told:
        link.transmit(b"\x00\xa4\x04\x00")
    assert problem == told.value.problem
    link.close()
    assert LEAVE == api.disposition


def test_a_card_that_was_asked_nothing_is_left_as_it_is() -> None:
    """It may be gone, and pcscd then loses count of its cards by a reset."""
    api = Api()
    PcscTransport(api).connect("Reader A").close()
    assert LEAVE == api.disposition


def test_a_card_that_answers_is_reset_when_it_is_given_back() -> None:
    api = Api()
    link = PcscTransport(api).connect("Reader A")
    link.transmit(b"\x00\xa4\x04\x00")
    link.close()
    assert RESET == api.disposition


@pytest.mark.parametrize("on", ["debian", "fedora", "linux", "macos", "windows"])
@pytest.mark.parametrize("problem", ADVICE)
def test_every_problem_has_a_next_step_on_every_system(problem: str, on: str) -> None:
    assert next_step(problem, on)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expected", "platform", "os_release"),
    [
        ("debian", "linux", 'ID=ubuntu\nID_LIKE="debian"\n'),
        ("debian", "linux", "ID=linuxmint\nID_LIKE=ubuntu\n"),
        ("fedora", "linux", 'ID="rhel"\n'),
        ("linux", "linux", "ID=arch\n"),
        ("macos", "darwin", ""),
        ("windows", "win32", ""),
    ],
)
def test_the_system_is_known(expected: str, platform: str, os_release: str, tmp_path: Path) -> None:
    file = tmp_path / "os-release"
    file.write_text(os_release)
    assert expected == family(platform, file)


def test_without_the_library_it_is_said_before_any_binding_complains(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cardreader.pcsc.machine.sys.platform", "linux")
    monkeypatch.setattr("cardreader.pcsc.machine.libpcsclite.loads", lambda: False)
    with pytest.raises(ReaderError, match="PC/SC library missing"):
        system_transport()
    assert "" == "".join(capfd.readouterr())


def test_linux_needs_no_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyscard, and so without a compiler, libpcsclite itself is spoken to."""
    monkeypatch.setattr("cardreader.pcsc.machine.sys.platform", "linux")
    monkeypatch.setattr("cardreader.pcsc.machine.libpcsclite.loads", lambda: True)
    monkeypatch.setitem(sys.modules, "cardreader.pcsc.pyscard", None)
    assert "libpcsclite" == system_transport().name


def test_without_a_binding_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardreader.pcsc.machine.sys.platform", "darwin")
    monkeypatch.setitem(sys.modules, "cardreader.pcsc.pyscard", None)
    with pytest.raises(ReaderError, match=r"pip install 'atm-sim\[pcsc\]'"):
        system_transport()
