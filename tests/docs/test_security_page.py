"""docs/security.md: each departure from ASVS has its reason, compensation and owner; the figures are the code's."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from bank_host.jst import HOUR_US, MINUTE_US, SECOND_US
from bank_host.netbank import gate
from bank_host.policy import load_policy

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| v5.0.0-")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_a_departure_has_its_reason_its_compensation_and_its_owner(row: list[str]) -> None:
    assert 5 == len(row)
    assert all(len(cell.strip()) > 8 for cell in row)
    assert all(re.fullmatch(r"v5\.0\.0-\d+\.\d+\.\d+", item.strip()) for item in row[0].split(","))


def test_every_registered_departure_is_there() -> None:
    items = {item.strip() for row in ROWS for item in row[0].split(",")}
    expected = {"6.5.5", "6.3.3", "7.2.4", "6.2.1", "6.3.4", "11.3.1", "11.3.2", "12.3.1"}
    assert {f"v5.0.0-{each}" for each in expected} == items


def test_the_bounds_on_the_page_are_those_of_the_gate() -> None:
    assert (0, MINUTE_US, HOUR_US, 2 * HOUR_US) == gate.STRANGER_WAITS_US
    assert gate.Rate(20, 30 * SECOND_US) == gate.PER_ADDRESS
    assert gate.Rate(300, SECOND_US // 5) == gate.GLOBAL
    assert 180 * 24 * HOUR_US == gate.KNOWN_US
    assert 5 == load_policy().on(date(2014, 1, 15)).login_max_wrong
