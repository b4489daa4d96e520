"""Measured values read as people write them."""

from __future__ import annotations

import pytest

from atm_sim.checks.values import in_words


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("¥30,000", 30_000, "yen"),
        ("-¥108", -108, "yen"),
        ("0 s", 0, "duration"),
        ("250 ms", 250_000, "duration"),
        ("1.6 s", 1_600_000, "duration"),
        ("45 s", 45_000_000, "duration"),
        ("1 min", 59_990_000, "duration"),
        ("3 min", 180_000_000, "duration"),
        ("4 min 12 s", 252_000_000, "duration"),
        ("1 h 05 min", 3_900_000_000, "duration"),
        ("1 h", 3_599_900_000, "duration"),
        ("2 h", 7_200_000_000, "duration"),
        ("-2 s", -2_000_000, "duration"),
        ("0.6324", 0.63241, "ratio"),
        ("1,200", 1200, "count"),
        ("12.50", 12.5, "count"),
        ("nothing to measure", None, "count"),
    ],
)
def test_a_value_in_words(text: str, value: float | None, unit: str) -> None:
    assert text == in_words(value, unit)
