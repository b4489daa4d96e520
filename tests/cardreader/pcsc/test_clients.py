"""Programs that know nothing of ours read the virtual card: Debian's opensc-tool and cardpeek, by both protocols."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cardreader import apdu
from cardreader.emv import tlv
from cardreader.guard import PSE
from cardreader.pcsc import PcscTransport
from cardreader.transport import CardProtocol
from tests.cardreader.cards import PAN, application, card
from tests.cardreader.pcsc.daemon import CONTACT, Pcscd
from tests.cardreader.pcsc.test_pcscd import inserted
from tests.cardreader.waiting import PATIENCE_S

pytestmark = pytest.mark.xdist_group("pcscd")


def opensc(*commands: apdu.Command) -> list[bytes]:
    """What the card answers to each command, as opensc-tool prints it: data, then the status word."""
    program = shutil.which("opensc-tool")
    if program is None:
        pytest.skip("opensc-tool is not installed: apt-get install opensc")
    # `-c default`: without it OpenSC tries its own card drivers on the card first.
    arguments = [program, "-c", "default", "-r", CONTACT]
    for command in commands:
        arguments += ["-s", bytes(command).hex()]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    answers = []
    for part in done.stdout.split("Sending: ")[1:]:
        status = "".join(re.findall(r"SW[12]=0x(..)", part))
        lines = part.splitlines()[2:]  # 16 bytes each, then the same as text
        answers.append(bytes.fromhex("".join(line[:48] for line in lines if line.strip()) + status))
    return answers


@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
@pytest.mark.parametrize("transport", ["libpcsclite"], indirect=True)
def test_opensc_reads_directory_and_records(
    pcscd: Pcscd, transport: PcscTransport, protocol: CardProtocol
) -> None:
    inserted(pcscd, transport, card(protocol))
    made = application()
    directory, entry, control, options, *records = opensc(
        apdu.select(PSE),
        apdu.read_record(1, 1),
        apdu.select(made.aid),
        apdu.get_processing_options(bytes.fromhex("039214")),
        *(apdu.read_record(record.sfi, record.number) for record in made.records),
    )
    assert [b"\x90\x00"] * 3 == [answer[-2:] for answer in (directory, control, options)]
    assert made.aid == tlv.first(tlv.read(entry[:-2]), "4F")
    assert [bytes(record) + b"\x90\x00" for record in made.records] == records


_READ_ALL = """
ui.question = function(text, answers) return 1 end
dofile(os.getenv("HOME") .. "/.cardpeek/scripts/emv.lua")
print(nodes.to_xml(nodes.root()))
os.exit(0)
"""


def cardpeek(home: Path) -> str:
    """The tree that cardpeek's own EMV script makes of the card, as XML. It reads every record that could be."""
    program = shutil.which("cardpeek")
    if program is None:
        pytest.skip("cardpeek is not installed: apt-get install cardpeek")

    def run(lua: str, answers: str) -> str:
        arguments = [program, "-c", "-r", f"pcsc://{CONTACT}", "-e", lua]
        environment = os.environ | {"HOME": str(home)}
        done = subprocess.run(
            arguments, input=answers, capture_output=True, text=True, env=environment, timeout=PATIENCE_S
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    run(
        "os.exit(0)", "1\n1\n"
    )  # the first start asks whether it may make its folder, and then for a new start
    script = home / "read_all.lua"
    script.write_text(_READ_ALL)
    return run(f'dofile("{script}")', "")


@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
@pytest.mark.parametrize("transport", ["libpcsclite"], indirect=True)
def test_cardpeek_reads_what_the_profile_holds(
    pcscd: Pcscd, transport: PcscTransport, protocol: CardProtocol, tmp_path: Path
) -> None:
    inserted(pcscd, transport, card(protocol))
    tree = cardpeek(tmp_path)
    values = set(re.findall(r'encoding="bytes">8:([0-9A-F]+)<', tree))
    held = {one.value.hex().upper() for record in application().records for one in record.elements}
    assert set() == held - values
    assert PAN in values
    assert "ATM-SIM TEST" in tree
