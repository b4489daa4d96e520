"""The bench of a session plays the way it says it does; what it measures is nobody's test."""

from __future__ import annotations

import json

import pytest

from bench import session


def test_a_line_for_each_way_and_one_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    session.main(customers=2, rounds=1)
    _, _, *ways, last = capsys.readouterr().out.splitlines()
    assert ["memory", "memory, audited", "SQLite", "SQLite, audited"] == [line[:20].strip() for line in ways]
    assert "session" == json.loads(last)["name"]
