"""The last line of defence of a run folder: no full card number, no PIN, no OTP is written (invariant I22).

The scenario masks its own secrets and the message log stores masked fields; text passes through here as well
before it reaches a file, so a slip upstream does not become a leak.
"""

from __future__ import annotations

import re
from typing import Any

from bank_host.secrets import mask_pan

# 13 to 19 digits, perhaps grouped, that are not part of a longer word: a SHA-256 holds long runs of digits
_CARD_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d(?:[ _-]?\d){12,18}(?![0-9A-Za-z])")
_SECRET_KEY = re.compile(r"""(\b(?:new_pin|pin|otp)["']?\s*:\s*)(["']?)\d+\2""")


def masked(text: str) -> str:
    """The text with card numbers cut to first six and last four digits, and `pin:`/`otp:` digits hidden."""
    return _SECRET_KEY.sub(r"\1\2••••\2", _CARD_NUMBER.sub(_mask_number, text))


def _mask_number(match: re.Match[str]) -> str:
    return mask_pan(re.sub(r"\D", "", match.group()))


def masked_tree(value: Any) -> Any:
    """Data as it is written as JSON, with every text in it masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: masked_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked_tree(item) for item in value]
    return value
