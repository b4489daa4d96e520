"""The bench of the load generator measures what it says; what it measures is nobody's test."""

from __future__ import annotations

import json

import pytest

from tests.bench.runs import told_by

pytestmark = pytest.mark.xdist_group("bench")


def test_a_rate_that_is_kept_is_the_result() -> None:
    """Of the new link; the classic one stands before it."""
    method, *lines, last = told_by("load")
    assert "open model" in method
    links = [line.split(": ")[1] for line in lines if "link: " in line]
    assert ["MAC by AES-CMAC", "retail MAC"] == links
    assert 2 == sum(line.startswith("kept: 100 messages/s") for line in lines)
    assert (100, True) == ((found := json.loads(last))["value"], "AES-CMAC" in found["unit"])
