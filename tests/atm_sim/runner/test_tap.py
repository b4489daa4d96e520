"""`atm-sim run FILE --pcap CAPTURE`: a simulated run for Wireshark's dissector, without what nobody may keep."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import dpkt
import pytest
from click.testing import CliRunner

from atm_sim.cli import main
from atm_sim.records.folder import RunFolder
from atm_sim.runner.suite import scenario_files
from atm_sim.runner.tap import PORT
from bank_host.iso8583.dialect import DEFAULT
from bank_host.iso8583.message import Message
from bank_host.written.card_numbers import TEST_BIN_PREFIX


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a scenario was run with --pcap."""
    folder = tmp_path_factory.mktemp("tap")
    scenario = Path(__file__).parents[3] / "scenarios/tutorial/first_day.yaml"
    words = ["run", str(scenario), "--out", str(folder / "run"), "--pcap", str(folder / "run.pcap")]
    done = CliRunner().invoke(main, words)
    assert 0 == done.exit_code, done.output
    return folder


def packets(file: Path) -> list[tuple[float, bytes]]:
    return [(at, dpkt.ip.IP(packet).data.data) for at, packet in dpkt.pcap.Reader(file.open("rb"))]


def message(framed: bytes) -> Message:
    (frame,) = DEFAULT.framing.reader().feed(framed)
    return DEFAULT.decode(frame.payload)


def test_the_capture_has_the_messages_of_the_run_in_their_order(run: Path) -> None:
    recorded = [row.mti for row in RunFolder.open(run / "run").read_message_rows()]
    assert recorded == [message(data).mti for _, data in packets(run / "run.pcap")]


def test_neither_track_nor_pin_block_is_in_it_and_cards_are_of_the_test_range(run: Path) -> None:
    messages = [message(data) for _, data in packets(run / "run.pcap")]
    assert [] == [each for each in messages if {35, 48, 52} & each.fields.keys()]
    assert {TEST_BIN_PREFIX} == {each[2][: len(TEST_BIN_PREFIX)] for each in messages if 2 in each}


def test_the_dissector_decodes_every_message(run: Path) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("needs tshark (Debian package tshark)")
    words = ["-d", f"tcp.port=={PORT},iso8583", "-o", "iso8583.len_endian:Big endian", "-T", "json"]
    told = subprocess.run([tshark, "-r", str(run / "run.pcap"), *words], capture_output=True, check=True)
    layers = [packet["_source"]["layers"] for packet in json.loads(told.stdout)]
    assert [] == [layer for layer in layers if "_ws.malformed" in layer]
    shown = [(layer["iso8583"]["iso8583.mti"], layer["iso8583"].get("iso8583.bit11")) for layer in layers]
    assert shown == [
        (each.mti, each.get(11)) for _, data in packets(run / "run.pcap") for each in [message(data)]
    ]


def test_a_file_with_cases_needs_a_row_for_a_capture(tmp_path: Path) -> None:
    """A capture holds one run."""
    file = next(
        path
        for path in scenario_files(Path(__file__).parents[3] / "scenarios")
        if "\ncases:" in path.read_text(encoding="utf-8") and "invalid" not in path.parts
    )
    words = ["run", str(file), "--out", str(tmp_path / "run"), "--pcap", str(tmp_path / "run.pcap")]
    done = CliRunner().invoke(main, words)
    assert (2, True, False) == (
        done.exit_code,
        "--case 1 to" in done.output,
        (tmp_path / "run.pcap").exists(),
    )
