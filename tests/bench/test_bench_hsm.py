"""The benchmark of the key module checks what it times."""

from __future__ import annotations

import pytest

from bench import hsm


def test_a_call_that_gives_something_else_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hsm, "plain_retail_mac", lambda key, data: bytes(8))
    with pytest.raises(SystemExit, match="baseline"):
        hsm.cases()
