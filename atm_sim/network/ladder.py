"""The timing ladder: each stage waits longer than the stage behind it, or late answers become normal."""

from __future__ import annotations

from typing import NamedTuple

SECOND_US = 1_000_000


class Ladder(NamedTuple):
    """How long each stage waits for the stage behind it, and how long the issuer works at most."""

    atm_us: int = 45 * SECOND_US
    acquirer_us: int = 35 * SECOND_US
    switch_us: int = 25 * SECOND_US
    issuer_us: int = 5 * SECOND_US


def check_ladder(ladder: Ladder) -> None:
    """Raises ValueError for a ladder that is not strictly falling from ATM to issuer, or not above zero."""
    for name, value, next_name, next_value in zip(
        Ladder._fields, ladder, Ladder._fields[1:], ladder[1:], strict=False
    ):
        if value <= next_value:
            raise ValueError(
                f"timers: {_stage(name)} waits {_seconds(value)}, {_stage(next_name)} behind it takes "
                f"{_seconds(next_value)}; give {_stage(name)} more than {_seconds(next_value)}"
            )
    if ladder.issuer_us <= 0:
        raise ValueError(f"timers: issuer takes {_seconds(ladder.issuer_us)}; give it more than 0 s")


def _stage(field: str) -> str:
    return field.removesuffix("_us")


def _seconds(value_us: int) -> str:
    return f"{value_us / SECOND_US:g} s"
