"""Whatever the kiosk's screen says, everybody can read it and hear it, in both languages (axe)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.system.axe import violations
from tests.system.kiosk.conftest import Kiosk
from tests.system.kiosk.person import AtTheKiosk

pytestmark = pytest.mark.xdist_group("kiosk")

HANAKO, HER_PIN, WRONG_PIN = "山田 花子", "4649", "4640"
TARO, HIS_PIN = "鈴木 太郎", "2580"  # who has 8,000 yen
SAKURA = "佐藤 さくら"

ENDINGS = """\
scenario: Two visits that end at once
version: 1
day: 2014-01-15
cast:
  sakura: {name: 佐藤 さくら, balance: ¥50_000, pin: "8739", card: chip}
  hanako: {name: 山田 花子, balance: ¥50_000, pin: "4649", card: chip}
places:
  corner: {operator: smbc, hours: [09:00, 21:00], cassettes: {10000: 300, 1000: 400}, near_end: 50}
steps:
  - {at: 10:00, who: sakura, do: report_card, as: stolen, expect: {outcome: done}}
  - {at: 10:05, who: sakura, do: balance, atm: corner, expect: {outcome: declined, code: "43", card: retained}}
  - {at: 22:00, who: hanako, do: balance, atm: corner, expect: {outcome: no_service}}
"""


def test_every_screen_of_a_visit(new_kiosk: Callable[..., Kiosk], new_page: Callable[[str], Page]) -> None:
    """What is declined is said while the card is taken."""
    hanako = AtTheKiosk(new_page(new_kiosk(pace="1").url)).looks_well("idle")
    hanako.inserts(HANAKO).looks_well("enter_pin")
    hanako.types(WRONG_PIN).looks_well("menu")
    hanako.chooses("balance").looks_well("wrong_pin")
    hanako.types(HER_PIN).takes_card().sees("idle")
    hanako.inserts(TARO).types(HIS_PIN).sees("menu")
    hanako.chooses("deposit").looks_well("notes")
    hanako.keys("Escape").sees("menu").chooses("change_pin").looks_well("new_pin")
    hanako.types("5963").looks_well("new_pin_again")
    hanako.keys("Escape").sees("menu").chooses("withdraw").looks_well("amount")
    hanako.chooses("amount:10000").looks_well("confirm")
    hanako.chooses("yes").looks_well("take_card", title="declined")
    assert "(51)" in hanako.reads("#said")
    hanako.takes_card().sees("idle").withdraws(HANAKO, HER_PIN, 30_000).takes_card().looks_well("take_cash")
    hanako.takes_cash().sees("idle").inserts(HANAKO)
    hanako.page.click("#faults [data-id=power]")
    hanako.looks_well("off")


def test_screens_that_end_a_visit_at_once(
    new_kiosk: Callable[..., Kiosk], new_page: Callable[[str], Page], tmp_path: Path
) -> None:
    """A card that the bank wants back, and a machine that is closed; slowly, for they make way by themselves."""
    lesson = tmp_path / "endings.yaml"
    lesson.write_text(ENDINGS, encoding="utf-8")
    page = new_page(new_kiosk("--lesson", str(lesson), "--results", str(tmp_path), pace="0.25").url)
    person, goes_on = AtTheKiosk(page), page.locator("#lesson [data-id=next]")

    def predicts(code: str, card: str) -> None:
        page.select_option("#lesson [name=code]", code)
        page.select_option("#lesson [name=card]", card)
        page.fill("#lesson [name=balance]", "50,000")
        page.click("#lesson form button")

    goes_on.click()
    predicts("43", "kept")
    person.inserts(SAKURA).types("8739").sees("menu").chooses("balance").looks_well("card_retained")
    expect(goes_on).to_be_visible()
    assert 3 == person.reads("#lesson").count("○"), "code, card and balance are as predicted"
    goes_on.click()
    predicts("none", "back")
    person.sees("idle").page.click(f"#wallet button:has-text('{HANAKO}')")
    person.looks_well("no_service")


def test_axe_finds_a_key_without_a_name(kiosk: Kiosk, new_page: Callable[[str], Page]) -> None:
    page = AtTheKiosk(new_page(kiosk.url)).page
    page.evaluate("document.querySelector('#pad button').textContent = ''")
    expect(page.locator("#pad button").first).to_be_empty()
    assert any(each.startswith("button-name") for each in violations(page))
