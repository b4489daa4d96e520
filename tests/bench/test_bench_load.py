"""`make bench-load` says what it did and ends with one line for programs."""

from __future__ import annotations

import json

import pytest

from bench import load


def test_the_last_line_is_the_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(load, "RATES", (100,))
    monkeypatch.setattr(load, "SECONDS", 1)
    monkeypatch.setattr(load, "BASELINE_SECONDS", 0.2)
    monkeypatch.setattr(load, "MOST_LAG_MS", 60_000.0)
    load.main()
    *method, last = capsys.readouterr().out.splitlines()
    result = json.loads(last)
    assert {"name", "value", "unit", "baseline", "ratio"} == set(result)
    assert ("load", 100) == (result["name"], result["value"])
    assert "open model" in method[0]
