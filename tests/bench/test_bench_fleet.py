"""The bench of the fleet compares the kernel with the textbook, decision by decision; its times are nobody's test."""

from __future__ import annotations

import json

import pytest

from tests.bench.runs import told_by

pytestmark = pytest.mark.xdist_group("bench")


def test_it_ends_with_its_ratio_to_the_textbook() -> None:
    *_, last = told_by("fleet")
    assert "the textbook model" in json.loads(last)["unit"]
    assert json.loads(last)["ratio"] > 0
