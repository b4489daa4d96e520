"""The event loops that the port runs on, and a conversation of an independent client with a real host."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.bank_host.hsm.ciphers import use_ciphers_of_today
from tests.bank_host.port import plain_client, wire


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports of the test run on this one."""
    if request.param == "uvloop":
        uvloop = pytest.importorskip("uvloop", reason="the extra `fast` is not installed")
        monkeypatch.setattr(wire, "new_event_loop", uvloop.new_event_loop)
    else:
        monkeypatch.setattr(wire, "new_event_loop", asyncio.new_event_loop)


@pytest.fixture(scope="session", params=plain_client.NETWORKS)
def talk(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> plain_client.Talk:
    folder = tmp_path_factory.mktemp(request.param)
    database = URL.create("sqlite", database=str(shutil.copy(sqlite_template, folder / "bank.sqlite")))
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_ciphers_of_today(monkeypatch)
        return plain_client.talk(request.param, database, folder)
