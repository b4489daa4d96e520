"""Waiting on a state, with an end for the case that it never comes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0
_PAUSE_S = 0.01


def until(reached: Callable[[], object], otherwise: str) -> None:
    """Returns once the state is there; fails with a word after a time that no loaded machine needs."""
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, otherwise
        time.sleep(_PAUSE_S)
