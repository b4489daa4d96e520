"""The reference page of load: exactly the keys and measures there are, under their units."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from atm_sim.scenario.loading import LOAD_MEASURES, Load, LoadCountExpectation, Phase, Users

PAGE = (Path(__file__).parents[3] / "docs/reference/load.md").read_text("utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"\n{heading}\n")[1].split("\n## ")[0].split("\n### ")[0]


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("## The block", Load),
        ("### arrivals", Phase),
        ("### users", Users),
        ("### expect", LoadCountExpectation),
    ],
)
def test_a_section_lists_exactly_the_keys_of_its_part(heading, model):
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", section(heading), re.MULTILINE)
    assert sorted(model.keys()) == sorted(re.findall(r"`([a-z_]+)`", " ".join(rows)))


def test_the_page_names_every_measure_under_its_unit():
    units = {"a whole number": "count", "a share": "ratio", "a duration": "duration"}
    for row, unit in units.items():
        (line,) = [line for line in section("### expect").splitlines() if line.startswith(f"| {row}")]
        expected = [name for name, measured in LOAD_MEASURES.items() if measured == unit]
        assert expected == re.findall(r"`([a-z0-9_.]+)`", line)
