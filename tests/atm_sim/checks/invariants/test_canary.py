"""The canary scan finds a planted secret in every form, and raises no alarm over clean text (I22)."""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from atm_sim.checks.invariants.canary import SHORT, Canary, contents_of, leaks, scan
from atm_sim.checks.invariants.findings import Findings

PAN = "9999990000000018"
TRACK = "9999990000000018=18122010000012345"
CANARIES = (Canary("PAN", PAN), Canary("PIN", "7391"), Canary("PIN block", "0412AC89ABCDEF67"))

LOG = b'2014-01-15 12:00:01 decided code=00 card=hanako amount_jpy=73910 request="T0000001/401512007391"\n'


@pytest.mark.parametrize(
    ("form", "planted"),
    [
        ("plain", PAN),
        ("grouped", "9999 9900 0000 0018"),
        ("grouped", "9999-9900-0000-0018"),
        ("hexadecimal of its characters", PAN.encode().hex()),
        ("hexadecimal of its characters", b"0412AC89ABCDEF67".hex().upper()),
        ("Base64", base64.b64encode(PAN.encode()).decode()),
        ("Base64", base64.b64encode(b"x" + PAN.encode() + b"y").decode()),
        ("Base64", base64.b64encode(b"xy" + PAN.encode() + b"zz").decode()),
        ("URL-encoded", "".join(f"%{byte:02X}" for byte in PAN.encode())),
    ],
)
def test_a_planted_number_is_found_in_every_form(form: str, planted: str) -> None:
    log = LOG + f"oops {planted} oops\n".encode()
    assert form in {found for _, _, found in leaks({"atm.log": log}, CANARIES)}


def test_a_card_number_in_bcd_is_found_in_a_binary_file() -> None:
    found = leaks({"bank.sqlite-wal": b"\x00\x17" + bytes.fromhex(PAN) + b"\xff"}, CANARIES)
    assert [("bank.sqlite-wal", "PAN", "BCD")] == found


def test_a_whole_track_is_found() -> None:
    canaries = (Canary("track 2", TRACK),)
    assert [("q", "track 2", "plain")] == leaks({"q": f"35={TRACK}".encode()}, canaries)
    assert [("q", "track 2", "BCD")] == leaks({"q": bytes.fromhex(TRACK.replace("=", "D"))}, canaries)


def test_a_pin_is_found_as_a_number_of_its_own_only() -> None:
    """Four digits turn up inside every longer number."""
    assert len("7391") < SHORT
    assert [] == leaks({"atm.log": LOG}, CANARIES)
    assert [("atm.log", "PIN", "plain")] == leaks({"atm.log": LOG + b"pin=7391\n"}, CANARIES)


def test_a_short_secret_of_bcd_length_is_not_taken_for_bytes() -> None:
    """A six-digit code as three raw bytes would be found by chance in any compressed file."""
    assert [] == leaks({"f": bytes.fromhex("123456")}, (Canary("one-time password", "123456"),))


def test_every_file_of_a_folder_is_searched(tmp_path: Path) -> None:
    """A Parquet file is compressed, so it is searched as the rows it holds."""
    (tmp_path / "events").mkdir()
    rows = pa.table({"kind": ["sent"] * 1_000, "reason": [f"card {PAN}"] * 1_000})
    pq.write_table(rows, tmp_path / "events" / "0.parquet", compression="zstd")
    (tmp_path / "report.html").write_text("clean")
    found = Findings()
    scan(contents_of(tmp_path), CANARIES, found)
    assert 2 == found.checked["I22"]
    assert [("I22", "events/0.parquet")] == [(breach.invariant, breach.where) for breach in found.breaches]


def test_the_alarm_does_not_quote_the_secret() -> None:
    found = Findings()
    scan({"atm.log": PAN.encode() + b" 7391"}, CANARIES, found)
    assert 2 == len(found.breaches)
    assert not any(PAN in repr(breach) or "7391" in repr(breach) for breach in found.breaches)
    assert PAN not in repr(CANARIES)
