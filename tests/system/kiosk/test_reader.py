"""A card in a real reader's place (pcscd with vpcd) at the kiosk: put in, cash paid, pulled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from atm_sim.kiosk.texts import Lang, person_name, say
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.example import example_card
from tests.cardreader.pcsc.conftest import daemon, pcscd  # noqa: F401
from tests.cardreader.pcsc.daemon import Pcscd
from tests.system.kiosk.conftest import Kiosk
from tests.system.kiosk.person import AtTheKiosk

pytestmark = pytest.mark.xdist_group("pcscd")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_card_in_the_reader_draws_cash_and_is_taken_there(
    pcscd: Pcscd,  # noqa: F811
    new_kiosk: Callable[..., Kiosk],
    new_page: Callable[..., Page],
    lang: Lang,
) -> None:
    """In the language of the browser: what the screen says, and whose card the one in the reader stands for."""
    kiosk = new_kiosk("--reader", "any", "--web", "127.0.0.1:0")
    person = AtTheKiosk(new_page(kiosk.url, locale=lang))
    card = pcscd.insert(VirtualCard(example_card()))
    person.sees("enter_pin")
    expect(person.page.locator("#title")).to_have_text(say("screen.enter_pin", lang))
    expect(person.page.locator("#reader")).to_contain_text(person_name("山田 花子", lang))
    assert "4999" not in person.reads("#reader")  # nothing of its number
    person.types("4649").sees("menu").chooses("withdraw").sees("amount")
    person.chooses("amount:30000").sees("confirm").chooses("yes").sees("take_card")
    expect(person.page.locator("#title")).to_have_text(say("screen.take_card", lang))
    card.pull()
    person.takes_cash()
    assert "00" in person.reads("#glass-decisions")
    expect(person.page.locator("#reader")).to_be_empty()


def test_a_card_pulled_from_the_reader_ends_the_session_at_once(
    pcscd: Pcscd,  # noqa: F811
    new_kiosk: Callable[..., Kiosk],
    new_page: Callable[[str], Page],
) -> None:
    kiosk = new_kiosk("--reader", "any", "--web", "127.0.0.1:0")
    person = AtTheKiosk(new_page(kiosk.url))
    card = pcscd.insert(VirtualCard(example_card()))
    person.sees("enter_pin").types("4649").sees("menu")
    card.pull()
    person.page.wait_for_selector("body:not([data-screen=menu])")
    person.sees("idle")
