"""Where the trace numbers of a run begin: not where those of another run in the same hour did."""

from __future__ import annotations

from typing import Final

from bank_host.jst import SECOND_US

_A_SECOND: Final = 277  # so often the seconds of an hour go into six digits


def numbers_before(now_us: int) -> int:
    """The trace number after which a run begins. DE37 is made of the hour and the trace number, and a host may know
    a request by terminal and DE37 alone, in its journal or as a duplicate."""
    return now_us // SECOND_US % 3_600 * _A_SECOND
