"""The kiosk in a real browser: cash for a card, faults, languages, two ATMs, a restart, and everybody can use it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.system.kiosk.conftest import Kiosk
from tests.system.kiosk.person import AtTheKiosk

pytestmark = pytest.mark.xdist_group("kiosk")

HANAKO, HER_PIN = "山田 花子", "4649"


def test_a_card_a_pin_and_an_amount_give_cash(
    new_kiosk: Callable[..., Kiosk], new_page: Callable[[str], Page]
) -> None:
    hanako = AtTheKiosk(new_page(new_kiosk().url))
    hanako.withdraws(HANAKO, HER_PIN, 30_000).takes_card().sees("take_cash")
    assert 3 == hanako.page.locator(".note-10000").count()
    hanako.takes_cash()
    assert "￥30,000" in hanako.reads("#receipt").replace("¥", "￥")
    assert "00" in hanako.reads("#glass-decisions")
