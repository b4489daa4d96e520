"""What people with a screen reader or weak eyes meet: axe finds nothing on the pages, and finds a planted fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from bank_host.netbank import words
from bank_host.netbank.visit import MENU
from tests.system.netbank.conftest import PHONE, Served


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """With scripts, which axe is one of; the pages have none of their own."""
    context = browser.new_context(base_url=served.url, locale="en", viewport=PHONE, bypass_csp=True)
    yield context.new_page()
    context.close()


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


def test_axe_finds_nothing_on_any_page(served: Served, page: Page) -> None:
    holding = served.people["kenji"]
    page.goto("/login")
    assert [] == violations(page)
    page.fill("#branch", holding.account_id[:3])
    page.fill("#account", holding.account_id[3:])
    page.fill("#password", holding.password.reveal())
    page.get_by_role("button", name=words.text("login", "en"), exact=True).click()
    for name in MENU:
        page.goto(f"/{name}")
        assert [] == violations(page), name


def test_axe_finds_an_input_without_a_label(page: Page) -> None:
    page.goto("/login")
    page.evaluate("document.querySelector('label[for=branch]').remove()")
    assert any(each.startswith("label") for each in violations(page))
