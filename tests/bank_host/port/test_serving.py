"""A bank host from its start to its stop, inside this process."""

from __future__ import annotations

import gc
import signal
import ssl
import threading
from pathlib import Path

import httpx

from bank_host.address import Address
from bank_host.iso8583.dialect import DEFAULT
from bank_host.port.serve import ALL_ANSWERED, Opened, Plan, serve
from bank_host.port.server import PortSettings
from bank_host.port.tls import pages
from tests.bank_host.online_bank import open_bank
from tests.bank_host.port.authority import Authority

FREE = Address("127.0.0.1", 0)


def test_collections_do_not_look_through_what_was_there_at_the_start() -> None:
    """Else a customer waits now and then while a hundred thousand modules, tables and patterns are looked at."""
    frozen: list[int] = []

    def opened(at: Opened) -> None:
        frozen.append(gc.get_freeze_count())
        signal.raise_signal(signal.SIGTERM)

    plan = Plan(FREE, None, FREE, DEFAULT, PortSettings())
    try:
        assert ALL_ANSWERED == serve(open_bank().bank, plan, lambda: "", opened)
    finally:
        gc.unfreeze()
    assert frozen[0] > 1_000


def test_with_a_certificate_internet_banking_speaks_tls_only(tmp_path: Path) -> None:
    """ASVS v5.0.0-12.1.1: TLS 1.2 at least, and a browser that trusts the authority is content."""
    files = Authority(tmp_path).issue("localhost")
    answers: list[int | str] = []

    def opened(at: Opened) -> None:
        assert at.web is not None
        asked = threading.Thread(target=ask, args=(at.web.port,))
        asked.start()

    def ask(port: int) -> None:
        try:
            trusting = ssl.create_default_context(cafile=str(files.authority))
            answers.append(httpx.get(f"https://localhost:{port}/login", verify=trusting).status_code)
            try:
                answers.append(httpx.get(f"http://localhost:{port}/login").status_code)
            except httpx.TransportError:
                answers.append("no plain HTTP")
        finally:
            signal.raise_signal(signal.SIGTERM)

    web_tls = pages(files.certificate, files.key)
    plan = Plan(FREE, None, FREE, DEFAULT, PortSettings(), web=FREE, web_tls=web_tls)
    try:
        assert ALL_ANSWERED == serve(open_bank().bank, plan, lambda: "", opened)
    finally:
        gc.unfreeze()
    assert [200, "no plain HTTP"] == answers
