"""A token as a file, for a holder who is no scenario: what the bank hands out and `atm-sim token` shows (R7, R33)."""

from __future__ import annotations

import json
from pathlib import Path

from atm_sim.world.token_device import STEP_S, TokenDevice
from bank_host.jst import SECOND_US

PIECES = 6
PIECE_S = STEP_S // PIECES


def token_in(path: Path) -> TokenDevice:
    """The device of a token file, as a bank hands it to its holder; ValueError when the file is none."""
    try:
        holds = json.loads(path.read_text(encoding="utf-8"))
        device = TokenDevice(holds["secret"], serial=holds["serial"])
        device.display(0)
    except (KeyError, TypeError, ValueError):  # not quoted: the file is a secret
        raise ValueError(f"{path}: not a token file") from None
    return device


def seconds_left(device: TokenDevice, now_us: int) -> int:
    """How long the display still shows this code: what the bar beside it counts down."""
    return STEP_S - (now_us // SECOND_US + device.drift_s) % STEP_S


def pieces_left(device: TokenDevice, now_us: int) -> int:
    """What is left of that bar, which loses a piece every ten seconds."""
    return -(-seconds_left(device, now_us) // PIECE_S)
