"""The benchmark of the key module runs, checks what it times and ends with one JSON object."""

from __future__ import annotations

import json

import pytest

from bench import hsm


def test_it_prints_a_table_and_one_json_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hsm, "ROUNDS", 1)
    monkeypatch.setattr(hsm, "CALLS", 2)
    hsm.main()
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(result) == {"name", "value", "unit", "baseline", "ratio"}
    assert result["value"] > 0


def test_a_call_that_gives_something_else_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hsm, "plain_retail_mac", lambda key, data: bytes(8))
    with pytest.raises(SystemExit, match="baseline"):
        hsm.cases()
