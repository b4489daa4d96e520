"""What people with a screen reader or weak eyes meet: axe finds nothing on the pages, and finds a planted fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from bank_host.netbank import words
from bank_host.netbank.visit import MENU
from tests.system.axe import violations
from tests.system.netbank.conftest import PHONE, Served

pytestmark = pytest.mark.xdist_group("netbank")


@pytest.fixture(params=["en", "ja"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, served: Served, language: str) -> Iterator[Page]:
    """With scripts, which axe is one of; the pages have none of their own."""
    context = browser.new_context(base_url=served.url, locale=language, viewport=PHONE, bypass_csp=True)
    yield context.new_page()
    context.close()


def test_axe_finds_nothing_on_any_page(served: Served, page: Page, language: str) -> None:
    """As they first are, and as they are after something was done there."""
    holding, payee = served.people["kenji"], served.people["hanako"].account_id
    page.goto("/login")
    assert [] == violations(page)
    page.fill("#branch", holding.account_id[:3])
    page.fill("#account", holding.account_id[3:])
    page.fill("#password", holding.password.reveal())
    page.get_by_role("button", name=words.text("login", language), exact=True).click()
    menu = page.get_by_role("navigation").get_by_role("button", name=words.text("menu", language), exact=True)
    menu.focus()
    page.keyboard.press("Enter")
    assert [] == violations(page), "the menu of a phone"
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_count(0)
    expect(menu).to_be_focused()
    for key in ("Enter", "Tab", "Tab", "Tab", "Enter"):  # opened, past "close" and the first page
        page.keyboard.press(key)
    expect(page).to_have_url(f"{served.url}/{MENU[1]}")
    for name in MENU:
        page.goto(f"/{name}")
        assert [] == violations(page), name
    page.goto("/locks")
    if page.locator("button[value=lock_card]").count():  # the other language finds it locked
        page.click("button[value=lock_card]")
        page.click("button[value=set_limit]")
    assert [] == violations(page), "locked and stopped"
    page.goto("/claim")
    page.check("[value=phishing]")
    page.fill("#day", "2020-01-02")
    page.fill("#amount", "50000")
    page.click("button[value=send]")
    assert [] == violations(page), "a claim that was sent"
    page.goto("/transfer")
    for field, value in (("branch", payee[:3]), ("account", payee[3:]), ("name", "x"), ("amount", "100")):
        page.fill(f"#{field}", value)
    page.click("main button.main")
    page.click("main button.main")
    assert [] == violations(page), "a transfer whose code is wrong"
    page.goto("/no-such-page")
    assert [] == violations(page), "an error"


def test_axe_finds_an_input_without_a_label(page: Page) -> None:
    page.goto("/login")
    page.evaluate("document.querySelector('label[for=branch]').remove()")
    assert any(each.startswith("label") for each in violations(page))
