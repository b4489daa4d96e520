"""The bench of a session plays the way it says it does; what it measures is nobody's test."""

from __future__ import annotations

import pytest

from tests.bench.runs import told_by

pytestmark = pytest.mark.xdist_group("bench")


def test_a_line_for_each_way() -> None:
    _, _, *ways, _ = told_by("session")
    assert ["memory", "memory, audited", "SQLite", "SQLite, audited"] == [line[:20].strip() for line in ways]
