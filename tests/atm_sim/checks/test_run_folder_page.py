"""docs/reference/run-folder.md tells the truth about columns and measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.checks.measures import MEASURES
from atm_sim.records.check import Check
from atm_sim.records.event import EventRecord
from atm_sim.records.folder import SummaryRow
from atm_sim.records.log import MessageRow

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "run-folder.md"


@pytest.mark.parametrize("name", [*EventRecord._fields, *MEASURES, *Check._fields])
def test_the_page_names_it(name: str) -> None:
    assert f"`{name}`" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [MessageRow._fields, SummaryRow._fields])
def test_the_page_lists_the_columns_in_their_order(columns: tuple[str, ...]) -> None:
    assert ", ".join(columns) in PAGE.read_text(encoding="utf-8").replace("\n", " ")
