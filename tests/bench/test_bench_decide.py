"""The benchmark of a decision runs, covers every refusal and ends with one JSON object."""

from __future__ import annotations

import json

import pytest

from bank_host.rules.reasons import ORDER_OF_CHECKS
from bench import decide


def test_it_prints_a_table_and_one_json_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(decide, "ROUNDS", 1)
    monkeypatch.setattr(decide, "CALLS", 20)
    decide.main()
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(result) == {"name", "value", "unit", "baseline", "ratio"}
    assert result["value"] > 0


def test_it_has_a_case_for_every_reason_of_the_order_of_checks() -> None:
    assert set(ORDER_OF_CHECKS) <= set(decide.cases())
