"""`atm-sim doctor FILE`: what a recorded conversation tells, in hexadecimal, as a pcap or as a jPOS log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.cli import main
from atm_sim.doctor.capture import CaptureError
from atm_sim.doctor.diagnose import diagnose
from atm_sim.doctor.files import capture_of
from atm_sim.records.pcap import End, Segment, capture
from bank_host.hsm import Hsm, Key
from bank_host.iso8583.dialect import Dialect, load_dialect, make_dialect
from bank_host.iso8583.dialect_file import shipped
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_response
from bank_host.iso8583.plain import PlainCodec
from bank_host.secrets import Secret
from tests.atm_sim.doctor.samples import PAN, conversation, withdrawal

MAC_KEY = "0123456789ABCDEFFEDCBA9876543210"
DIALECTS = [load_dialect(name) for name in shipped()]


def told(file: Path, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["doctor", str(file), "--json", *words])
    assert done.exit_code in (0, 1), done.output
    data: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (1 if data["findings"] else 0)
    return data


def causes(file: Path, *words: str) -> list[str]:
    return [finding["cause"] for finding in told(file, *words)["findings"]]


def hexadecimal(file: Path, frames: list[bytes], answers: list[bool]) -> Path:
    lines = [f"{'<' if answer else '>'} {frame.hex()}" for frame, answer in zip(frames, answers, strict=True)]
    file.write_text("# what we sent, what came\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return file


def pcap(file: Path, frames: list[bytes], answers: list[bool]) -> Path:
    ours, theirs = End((10, 0, 0, 1), 40_000), End((10, 0, 0, 2), 8583)
    segments = [
        Segment(at, theirs if answer else ours, ours if answer else theirs, frame)
        for at, (frame, answer) in enumerate(zip(frames, answers, strict=True))
    ]
    file.write_bytes(capture(segments))
    return file


def jpos(file: Path, messages: list[Message]) -> Path:
    logs = []
    for message in messages:
        way = "receive" if is_response(message.mti) else "send"
        fields = "".join(f'<field id="{de}" value="{value}"/>' for de, value in message.fields.items())
        logs.append(
            f'<log><{way}><isomsg><field id="0" value="{message.mti}"/>{fields}</isomsg></{way}></log>'
        )
    file.write_text("\n".join(logs), encoding="utf-8")
    return file


def written(dialect: Dialect, message: Message) -> bytes:
    """The message as the dialect writes it, whether or not its type may look so."""
    types = {*dialect.plain.message_types, "0431"}
    codec = PlainCodec(dialect.plain.forms.values(), dialect.plain.wire, types)
    packed = dialect.plain.forms[35].data == "bcd" and 35 in message
    return codec.write(
        message.mti, message.but({35: message[35].replace("=", "D")} if packed else {}).fields
    ).encode("latin-1")


# ---------------------------------------------------------------- a correct peer

Recorder = Callable[[Path, list[bytes], list[bool]], Path]


@pytest.mark.parametrize("recorder", [hexadecimal, pcap])
@pytest.mark.parametrize("name", shipped())
def test_a_correct_conversation_has_no_finding(tmp_path: Path, name: str, recorder: Recorder) -> None:
    dialect, messages = load_dialect(name), conversation()
    frames = [dialect.framing.wrap(dialect.encode(message)) for message in messages]
    data = told(recorder(tmp_path / "file", frames, [is_response(message.mti) for message in messages]))
    assert ([name], [], len(messages)) == (data["fits"], data["findings"], data["read"])


def test_bare_messages_are_read_and_their_framing_is_not_judged(tmp_path: Path) -> None:
    frames = [DIALECTS[0].encode(message) for message in conversation()]
    data = told(hexadecimal(tmp_path / "file", frames, [False] * len(frames)))
    assert [] == data["findings"]
    assert "framing cannot be judged" in data["notes"][0]


def test_a_correct_jpos_log_has_no_finding(tmp_path: Path) -> None:
    assert [] == causes(jpos(tmp_path / "log", conversation()))


# ---------------------------------------------------------------- misconfigured ones


class Fault(NamedTuple):
    """What is wrong in a conversation of a dialect, and the cause to be named."""

    dialect: str
    cause: str
    wire: Mapping[str, str] = {}
    message: Callable[[Message], Message] = lambda message: message


def _only(mti: str, change: Callable[[Message], Message]) -> Callable[[Message], Message]:
    return lambda message: change(message) if message.mti == mti else message


FAULTS: dict[str, Fault] = {
    "0421 answered 0431": Fault(
        "atm-sim", "answer.mti.0431", message=_only("0430", lambda answer: answer.but(mti="0431"))
    ),
    "odd PAN filled on the left": Fault("bcd-tpdu", "wire.odd_variable", {"odd_variable": "left"}),
    "DE22 filled on the right": Fault("bcd-length", "wire.odd_fixed", {"odd_fixed": "right"}),
    "PIN block in hexadecimal": Fault("ascii-raw-bitmap", "wire.binary", {"binary": "hex"}),
    "PIN block raw": Fault("atm-sim", "wire.binary", {"binary": "raw"}),
    "chip data in hexadecimal": Fault("bcd-tpdu", "wire.chip", {"chip": "hex"}),
    "lengths in binary": Fault("ascii-raw-bitmap", "wire.lengths", {"lengths": "binary"}),
    "odd digits filled with F": Fault("bcd-tpdu", "wire.pad", {"pad": "F"}),
    "a PIN block in a reversal": Fault(
        "atm-sim",
        "presence.forbidden.0420.52",
        message=_only("0420", lambda reversal: reversal.but({52: "0" * 16})),
    ),
    "a reversal without DE90": Fault(
        "bcd-length", "presence.missing.0420.90", message=_only("0420", lambda it: it.but({90: None}))
    ),
    "DE37 not echoed": Fault(
        "atm-sim", "echo.absent.37", message=_only("0210", lambda answer: answer.but({37: None}))
    ),
    "DE4 altered": Fault(
        "atm-sim", "echo.altered.4", message=_only("0210", lambda answer: answer.but({4: "0" * 12}))
    ),
}


@pytest.mark.parametrize("recorder", [hexadecimal, pcap])
@pytest.mark.parametrize("name", FAULTS)
def test_a_misconfigured_conversation_is_told_its_cause(
    tmp_path: Path, name: str, recorder: Recorder
) -> None:
    fault = FAULTS[name]
    settings = load_dialect(fault.dialect).settings
    wire = settings.wire.model_copy(update=dict(fault.wire))
    spoken = make_dialect("spoken", settings.model_copy(update={"wire": wire}))
    messages = [fault.message(message) for message in conversation()]
    frames = [spoken.framing.wrap(written(spoken, message)) for message in messages]
    file = recorder(tmp_path / "file", frames, [is_response(message.mti) for message in messages])
    assert [fault.cause] == causes(file, "--dialect", fault.dialect)


def test_an_element_that_lies_otherwise_is_named_with_its_place(tmp_path: Path) -> None:
    settings = load_dialect("bcd-tpdu").settings
    spoken = make_dialect("spoken", settings.model_copy(update={"elements": {}}))  # DE49 in BCD
    frame = spoken.framing.wrap(written(spoken, withdrawal()))
    found = told(hexadecimal(tmp_path / "file", [frame], [False]), "--dialect", "bcd-tpdu")["findings"]
    assert ["elements.49.data"] == [each["cause"] for each in found]
    assert found[0]["offset"] > 0


def test_messages_with_different_faults_give_one_finding_for_each_cause(tmp_path: Path) -> None:
    """Both 0420s have the raw bitmap, one answer lacks DE41."""
    raw = make_dialect(
        "raw",
        DIALECTS[0].settings.model_copy(
            update={"wire": DIALECTS[0].settings.wire.model_copy(update={"bitmap": "raw"})}
        ),
    )
    frames = []
    for message in conversation():
        changed = message.but({41: None}) if message.mti == "0210" else message
        dialect = raw if message.mti in ("0420", "0421") else DIALECTS[0]
        frames.append(dialect.framing.wrap(written(dialect, changed)))
    answers = [is_response(message.mti) for message in conversation()]
    found = told(hexadecimal(tmp_path / "file", frames, answers), "--dialect", "atm-sim")["findings"]
    assert [("wire.bitmap", 3, 2), ("echo.absent.41", 2, 1)] == [
        (each["cause"], each["message"], each["messages"]) for each in found
    ]


@pytest.mark.parametrize(
    "name", ["0421 answered 0431", "a PIN block in a reversal", "DE37 not echoed", "DE4 altered"]
)
def test_a_jpos_log_tells_what_values_can_tell(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    file = jpos(tmp_path / "log", [fault.message(message) for message in conversation()])
    assert [fault.cause] == causes(file, "--dialect", fault.dialect)


# ---------------------------------------------------------------- MACs


def sealed(file: Path, covers: Callable[[bytes], bytes], padding: int = 1) -> Path:
    dialect, hsm = load_dialect("cmf-like"), Hsm({"mac": Key("zone_mac", Secret(MAC_KEY))})
    frames = [
        dialect.framing.wrap(
            dialect.encode(message, mac=lambda data: hsm.mac("mac", covers(data), padding))  # type: ignore[arg-type]
        )
        for message in conversation()
    ]
    return hexadecimal(file, frames, [is_response(message.mti) for message in conversation()])


MACS: dict[str, tuple[Callable[[bytes], bytes], int, list[str]]] = {
    "right": (lambda data: data, 1, []),
    "without the message type": (lambda data: data[4:], 1, ["mac.range"]),
    "with its own place": (lambda data: data + b"0" * 16, 1, ["mac.range"]),
    "of the dump's digits": (lambda data: data.hex().upper().encode(), 1, ["mac.range"]),
    "with the other padding": (lambda data: data, 2, ["mac.algorithm"]),
    "of other bytes": (lambda data: data[::-1], 1, ["mac.wrong"]),
}


@pytest.mark.parametrize("name", MACS)
def test_what_a_mac_covers_is_told(tmp_path: Path, name: str) -> None:
    covers, padding, expected = MACS[name]
    (tmp_path / "key").write_text(MAC_KEY + "\n", encoding="utf-8")
    file = sealed(tmp_path / "file", covers, padding)
    assert expected == causes(file, "--dialect", "cmf-like", "--mac-key", str(tmp_path / "key"))


def test_a_key_file_without_a_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["doctor", str(tmp_path / "key"), "--mac-key", str(tmp_path / "key")])
    assert (2, True) == (done.exit_code, "32 hexadecimal digits" in done.stderr)


# ---------------------------------------------------------------- files of all kinds


@pytest.mark.parametrize(
    "dump",
    [
        lambda frame: "\n".join(
            f"{at:08x}: {frame[at : at + 16].hex(' ', 2)}  ................"
            for at in range(0, len(frame), 16)
        ),
        lambda frame: "\n".join(
            f"{at:08x}  {frame[at : at + 8].hex(' ')}  {frame[at + 8 : at + 16].hex(' ')}  |................|"
            for at in range(0, len(frame), 16)
        ),
        lambda frame: "\n".join(
            f"{at:04x}  {frame[at : at + 16].hex(' ')}   ................" for at in range(0, len(frame), 16)
        ),
        lambda frame: frame.hex(" "),
        lambda frame: frame.hex(":").upper(),
    ],
    ids=["xxd", "hexdump -C", "Wireshark", "blanks", "colons"],
)
def test_dumps_of_the_usual_programs_are_read(dump: Callable[[bytes], str]) -> None:
    frame = DIALECTS[0].framing.wrap(DIALECTS[0].encode(withdrawal()))
    (stream,) = capture_of(dump(frame).encode()).streams
    assert (frame,) == stream.pieces


def test_a_pcap_is_put_together_by_its_sequence_numbers() -> None:
    """Segments out of order, one of them twice, a message over two of them."""
    frame = DIALECTS[0].framing.wrap(DIALECTS[0].encode(withdrawal()))
    ours, theirs = End((10, 0, 0, 1), 40_000), End((10, 0, 0, 2), 8583)
    data = capture(
        Segment(0, ours, theirs, piece) for piece in (frame[:50], frame[50:], frame[:50], frame[50:])
    )
    packets, at = [], 24
    while at < len(data):
        size = 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        packets.append(data[at : at + size])
        at += size
    mixed = data[:24] + b"".join(packets[number] for number in (0, 3, 1, 2, 1))
    (stream,) = capture_of(mixed).streams
    assert frame + frame == stream.data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no message in it"),
        (b"3038\nno hexadecimal\n", "line 2 is not hexadecimal"),
        (b"\xff\xfe\x00binary", "neither a pcap nor text"),
        (bytes.fromhex("a1b2c3d4") + b"cut short", "not a whole pcap"),
        (b"<log>\n</log>", "no <isomsg>"),
    ],
)
def test_a_file_without_messages_is_refused_with_a_next_step(
    tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    done = CliRunner().invoke(main, ["doctor", str(file)])
    assert (2, True) == (done.exit_code, words in done.stderr), done.output


def test_no_card_data_is_told(tmp_path: Path) -> None:
    """Whatever is wrong: neither the PAN nor track, PIN block or chip data stand in what is printed."""
    message = withdrawal()
    for change in (
        lambda data: data + b"12345",
        lambda data: data[:-3],
        lambda data: data.replace(b"0200", b"0299"),
    ):
        frame = DIALECTS[0].framing.wrap(change(DIALECTS[0].encode(message)))
        file = hexadecimal(tmp_path / "file", [frame], [False])
        said = CliRunner().invoke(main, ["doctor", str(file)]).output
        assert [] == [value for value in (PAN, message[35], message[52], message[55]) if value in said]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_capture_or_refused(data: bytes) -> None:
    for content in (data, bytes.fromhex("a1b2c3d4") + data, b"<isomsg>" + data):
        try:
            capture_of(content)
        except CaptureError:
            continue


@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=3))
def test_any_bytes_get_findings_and_no_error(lines: list[bytes]) -> None:
    text = "\n".join(line.hex() for line in lines)
    (diagnosis,) = diagnose(capture_of(text.encode()), DIALECTS[:1])
    assert diagnosis.findings or diagnosis.read
