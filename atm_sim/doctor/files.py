"""A file as a capture: a pcap, the log of a jPOS program, or messages in hexadecimal; the first bytes tell which."""

from __future__ import annotations

from typing import Final

from atm_sim.doctor import hex_file, jpos_log, pcap_file
from atm_sim.doctor.capture import Capture, CaptureError

MOST_BYTES: Final = 32 * 1024 * 1024


def capture_of(data: bytes) -> Capture:
    """The conversation in a file's bytes; CaptureError if there is none."""
    if len(data) > MOST_BYTES:
        raise CaptureError(
            f"longer than {MOST_BYTES:,} bytes; cut it down to one connection, with some messages"
        )
    if data.startswith(pcap_file.FIRST_BYTES):
        return pcap_file.capture_of(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CaptureError(
            "neither a pcap nor text; write the messages in hexadecimal, one a line"
            " (`xxd -p -c 0 FILE` does that)"
        ) from None
    if jpos_log.looks_like(text):
        return jpos_log.capture_of(text)
    return hex_file.capture_of(text)
