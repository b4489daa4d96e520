"""Arithmetic on message types: which answers which, what a repeat is called (ISO 8583:1987)."""

from __future__ import annotations

from functools import lru_cache

_REQUEST, _RESPONSE, _ADVICE, _ADVICE_RESPONSE = "0", "1", "2", "3"


def response_mti(mti: str) -> str:
    """The type that answers `mti`. The repeat digit is dropped: 0421 is answered 0430, never 0431."""
    if is_response(mti):
        raise ValueError(f"{mti} is an answer and is not answered")
    return f"{mti[:2]}{int(mti[2]) + 1}0"


@lru_cache(maxsize=256)
def request_mti(mti: str) -> str:
    """The type, without repeat digit, of a request or of what an answer answers: 0201 and 0210 give 0200."""
    function = str(int(mti[2]) - 1) if is_response(mti) else mti[2]
    return f"{mti[:2]}{function}0"


def is_response(mti: str) -> bool:
    return mti[2] in (_RESPONSE, _ADVICE_RESPONSE)


def is_advice(mti: str) -> bool:
    """Advices tell what was already done: they are accepted, never declined."""
    return mti[2] == _ADVICE


def is_reversal(mti: str) -> bool:
    return mti[1] == "4"


def is_network(mti: str) -> bool:
    return mti[1] == "8"


def is_repeat(mti: str) -> bool:
    return mti[3] == "1"


def repeat_mti(mti: str) -> str:
    """The type under which a request or advice is sent again."""
    if is_response(mti):
        raise ValueError(f"{mti} is an answer; the first answer is sent again as it was")
    return mti[:3] + "1"
