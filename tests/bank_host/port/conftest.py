"""The event loops that the port runs on."""

from __future__ import annotations

import asyncio

import pytest

from tests.bank_host.port import wire


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports of the test run on this one."""
    if request.param == "uvloop":
        uvloop = pytest.importorskip("uvloop", reason="the extra `fast` is not installed")
        monkeypatch.setattr(wire, "new_event_loop", uvloop.new_event_loop)
    else:
        monkeypatch.setattr(wire, "new_event_loop", asyncio.new_event_loop)
