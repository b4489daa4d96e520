"""A bank host from its start to its stop, inside this process."""

from __future__ import annotations

import gc
import signal

from bank_host.address import Address
from bank_host.iso8583.dialect import DEFAULT
from bank_host.port.serve import ALL_ANSWERED, Opened, Plan, serve
from bank_host.port.server import PortSettings
from tests.bank_host.online_bank import open_bank

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
