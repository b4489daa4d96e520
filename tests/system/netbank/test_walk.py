"""A customer walks through the web bank in a real browser, in both languages, without a script and off the net."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from bank_host.clock import wall_clock
from bank_host.jst import jst_date
from bank_host.netbank import words
from tests.system.netbank.conftest import Served, shot

pytestmark = pytest.mark.xdist_group("netbank")


@pytest.mark.parametrize(("language", "alias", "phone"), [("en", "hanako", False), ("ja", "sakura", True)])
def test_raise_lock_unlock_transfer_and_statement(
    served: Served,
    open_page: Callable[[str, bool], Page],
    asked_hosts: set[str],
    language: str,
    alias: str,
    phone: bool,
) -> None:
    page, holding = open_page(language, phone), served.people[alias]

    def say(key: str) -> str:
        return words.text(key, language)

    def press(key: str, form: str = "main") -> None:
        page.locator(form).get_by_role("button", name=say(key), exact=True).first.click()

    def go(key: str) -> None:
        """By the menu, which on a phone is behind a button."""
        nav = page.get_by_role("navigation")
        if phone:
            expect(nav.get_by_role("link")).to_have_count(0)
            nav.get_by_role("button", name=say("menu"), exact=True).click()
        nav.get_by_role("link", name=say(key), exact=True).click()

    def told(key: str) -> None:
        expect(page.get_by_role("status")).to_have_text(words.told(key, language))

    page.goto("/")
    shot(page, f"{language}-login")
    page.fill("#branch", holding.account_id[:3])
    page.fill("#account", holding.account_id[3:])
    page.fill("#password", holding.password.reveal())
    press("login")
    expect(page.get_by_text(say("previous_login_none"))).to_be_visible()
    shot(page, f"{language}-welcome")

    go("limits")
    day = jst_date(wall_clock()()) + timedelta(days=10)
    page.locator(f'input[type=radio][value="{day}"]').check(force=True)
    page.fill("#raise", "800000")
    page.fill("#otp_raise", served.code(alias))
    press("raise_it")
    told("RAISED")
    raised = page.locator("form.line").first
    state, cancel = (raised.locator(each).bounding_box() for each in (".state", "button"))
    assert state is not None
    assert cancel is not None
    assert cancel["x"] - state["x"] - state["width"] < 30, (
        "state and button stand together, at the end of the line"
    )
    shot(page, f"{language}-limits")

    go("locks")
    press("lock")
    told("LOCKED")
    shot(page, f"{language}-locks")
    page.fill("#otp_card1", served.code(alias))
    press("unlock")
    told("UNLOCKED")

    other = served.people["kenji"].account_id
    go("transfer")
    page.fill("#branch", other[:3])
    page.fill("#account", other[3:])
    page.fill("#name", "タナカ ケンジ")
    page.fill("#amount", "12,345")
    shot(page, f"{language}-transfer")
    press("next")
    page.locator("summary").click()
    shot(page, f"{language}-confirm")
    page.fill("#otp", served.code(alias))
    press("do_transfer")
    expect(page.get_by_text(say("receipt_executed"))).to_be_visible()
    shot(page, f"{language}-receipt")

    go("statement")
    sent = page.get_by_role("row").filter(has_text=words.signed_yen(-12_345, language))
    expect(sent).to_contain_text("タナカ ケンジ")
    shot(page, f"{language}-statement")
    page.emulate_media(media="print")  # on paper there is nothing to press
    expect(page.locator("button:visible, input:visible, nav:visible")).to_have_count(0)
    expect(sent).to_be_visible()
    shot(page, f"{language}-statement-print")
    page.emulate_media(media="screen")
    for path in ("tokens", "security", "notices", "settings", "claim"):
        page.goto(f"/{path}")
        shot(page, f"{language}-{path}")
    page.set_viewport_size({"width": 320, "height": 700})
    for path in ("welcome", "limits", "locks", "transfer", "statement"):
        page.goto(f"/{path}")
        assert page.locator("main").bounding_box()["width"] <= 320, f"/{path} is wider than a small phone"  # type: ignore[index]
    page.locator("header").get_by_role("button", name=say("logout")).click()
    told("LOGGED_OUT")
    page.goto("/welcome")
    expect(page.locator("#password")).to_be_visible()
    assert {"localhost"} == asked_hosts
