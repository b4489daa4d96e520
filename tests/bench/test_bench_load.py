"""The bench of the load generator measures what it says; what it measures is nobody's test."""

from __future__ import annotations

import json

import pytest

from tests.bench.runs import told_by

pytestmark = pytest.mark.xdist_group("bench")


def test_a_rate_that_is_kept_is_the_result() -> None:
    method, *_, last = told_by("load")
    assert "open model" in method
    assert 100 == json.loads(last)["value"]
