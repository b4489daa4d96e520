"""The kiosk in a real browser: cash for a card, faults, languages, two ATMs, a restart, and everybody can use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Locator, Page, expect

from atm_sim.kiosk.texts import TEXTS, Lang, person_name
from bank_host.cli import main as bank_host_command
from bank_host.netbank import words
from bank_host.store.sql import SqlStore
from tests.system.axe import violations
from tests.system.kiosk.conftest import FAST, Kiosk, free_port
from tests.system.kiosk.person import AtTheKiosk

pytestmark = pytest.mark.xdist_group("kiosk")

HANAKO, HER_PIN = "山田 花子", "4649"


def test_a_card_a_pin_and_an_amount_give_cash(kiosk: Kiosk, new_page: Callable[[str], Page]) -> None:
    hanako = AtTheKiosk(new_page(kiosk.url))
    hanako.inserts(HANAKO).presses(HER_PIN).sees("menu").chooses("withdraw").sees("amount")
    hanako.chooses("amount:30000").sees("confirm").chooses("yes").takes_card().sees("take_cash")
    assert 3 == hanako.page.locator(".note-10000").count()
    hanako.takes_cash()
    assert "￥30,000" in hanako.reads("#receipt").replace("¥", "￥")
    assert "00" in hanako.reads("#glass-decisions")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1500, 1200), (390, 844)])
def test_a_key_beside_the_screen_stands_beside_what_it_chooses(
    kiosk: Kiosk, new_page: Callable[[str], Page], width: int, height: int
) -> None:
    """Who presses the key next to "Deposit" deposits; and nothing has to be scrolled sideways."""
    hanako = AtTheKiosk(new_page(kiosk.url))
    hanako.page.set_viewport_size({"width": width, "height": height})
    hanako.inserts(HANAKO).types(HER_PIN).sees("menu")
    choices, keys = (hanako.page.locator(place).all() for place in ("#choices button", ".sidekeys .live"))
    assert len(choices) == len(keys) > 4
    assert [] == [
        choice.inner_text()
        for choice, key in zip(choices, keys, strict=True)
        if abs(middle(choice) - middle(key)) > 6
    ]
    assert width == hanako.page.evaluate("document.documentElement.scrollWidth")


def middle(button: Locator) -> float:
    """How far down its middle is, in CSS pixels."""
    box = button.bounding_box()
    assert box is not None
    return box["y"] + box["height"] / 2


def test_cards_and_machine_are_in_sight_on_a_notebook(kiosk: Kiosk, new_page: Callable[[str], Page]) -> None:
    """A newcomer finds the cards, and the tray, without scrolling."""
    page = AtTheKiosk(new_page(kiosk.url)).page
    page.set_viewport_size({"width": 1366, "height": 768})
    for place in ("#wallet", "#slot", "#pad", "#tray"):
        expect(page.locator(place)).to_be_in_viewport(ratio=1)


def test_on_a_phone_what_a_screen_asks_for_stands_below_it(
    kiosk: Kiosk, new_page: Callable[[str], Page]
) -> None:
    """The keypad for a PIN, the slot for the card, the tray for the cash: nobody scrolls to find them, and each of
    eight notes can be read."""
    hanako = AtTheKiosk(new_page(kiosk.url))
    hanako.page.set_viewport_size({"width": 390, "height": 844})

    def in_sight(place: str) -> None:
        hanako.page.evaluate("scrollTo(0, 0)")
        expect(hanako.page.locator(place)).to_be_in_viewport(ratio=0.9)

    in_sight("#wallet")
    hanako.inserts(HANAKO)
    in_sight("#pad")
    hanako.types(HER_PIN).sees("menu").chooses("withdraw").sees("amount").keys("3", "m", "5", "k", "Enter")
    hanako.sees("confirm").chooses("yes").sees("take_card")
    in_sight("#slot")
    hanako.takes_card().sees("take_cash")
    in_sight("#tray")
    sizes = "notes => notes.map(note => [note.scrollWidth <= note.clientWidth, note.scrollHeight <= note.clientHeight])"
    assert [[True, True]] * 8 == hanako.page.locator("#tray .note").evaluate_all(sizes)


def test_two_browsers_at_two_atms_keep_apart(kiosk: Kiosk, new_page: Callable[[str], Page]) -> None:
    one, other = AtTheKiosk(new_page(kiosk.url)), AtTheKiosk(new_page(kiosk.url))
    one.withdraws(HANAKO, HER_PIN, 30_000).takes_card().takes_cash()
    assert "idle" == other.page.get_attribute("body", "data-screen")
    other.inserts(HANAKO).types(HER_PIN).sees("menu").chooses("balance").sees("take_card")
    assert "250,000" in other.reads("#said")  # her namesake's account: nothing was taken from it


def papers_of(page: Page, name: str) -> list[str]:
    """Account, password and what the token shows."""
    page.click(".papers summary")
    return page.locator(f".paper:has-text('{name}')").locator("dd").all_inner_texts()


def at_home(page: Page, kiosk: Kiosk, name: str) -> Page:
    """Internet banking in a second tab, entered with what the kiosk's papers say."""
    account, password, *_ = papers_of(page, name)
    branch, account = account.split(" - ")
    home = page.context.new_page()
    home.goto(kiosk.told["Internet banking"])
    home.fill("#branch", branch)
    home.fill("#account", account)
    home.fill("#password", password)
    home.click("button.main")
    home.wait_for_url("**/welcome*")
    return home


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_card_locked_in_internet_banking_is_declined_at_the_atm(
    kiosk: Kiosk, new_page: Callable[..., Page], lang: Lang
) -> None:
    """R115, R116: the lock acts on the next authorisation. What was drawn before stands on the statement."""
    name = person_name(HANAKO, lang)
    hanako = AtTheKiosk(new_page(kiosk.url, locale=lang))
    hanako.withdraws(name, HER_PIN, 30_000).takes_card().takes_cash()
    home = at_home(hanako.page, kiosk, name)
    expect(home.locator(".movements")).to_contain_text(words.signed_yen(-30_000, lang))
    home.goto(kiosk.told["Internet banking"] + "locks")
    home.get_by_role("button", name=words.text("lock", lang), exact=True).first.click()
    home.wait_for_selector("button[value=unlock_card]")
    hanako.page.bring_to_front()
    hanako.sees("idle").withdraws(name, HER_PIN, 30_000).sees("take_card")
    assert TEXTS["screen.declined"]._asdict()[lang] == hanako.reads("#title")
    assert "(62)" in hanako.reads("#said")
    assert "CARD_LOCKED" in hanako.reads("#glass-decisions").upper().replace(" ", "_")


# ---------------------------------------------------------------- a restart in the middle


def verified(kiosk: Kiosk) -> str:
    """What `bank-host verify` says of the kiosk's database."""
    done = CliRunner().invoke(bank_host_command, ["verify", str(kiosk.database)])
    assert 0 == done.exit_code, done.output
    return done.output


def balance_jpy(kiosk: Kiosk, person: AtTheKiosk) -> int:
    """Hanako's, by the bank's own books."""
    account_id = papers_of(person.page, HANAKO)[0].replace(" - ", "")
    store = SqlStore.create(f"sqlite:///{kiosk.database}")
    try:
        return next(each.posted_jpy for each in store.accounts() if each.account_id == account_id)
    finally:
        store.close()


def starts_again(kiosk: Kiosk, person: AtTheKiosk) -> None:
    """The server dies without a word and is started again; the page finds it by itself."""
    kiosk.kill()
    person.page.wait_for_selector("body[data-line=down]")
    kiosk.start()
    person.page.wait_for_selector("body[data-line=up]", timeout=60_000)


@pytest.mark.parametrize("killed_at", ["please_wait", "counting", "take_card", "take_cash"])
def test_a_restart_in_the_middle_gives_the_money_back(
    new_kiosk: Callable[..., Kiosk],
    new_page: Callable[[str], Page],
    tmp_path: Path,
    killed_at: str,
) -> None:
    """Whatever the machine was doing: no cash has left it, so nothing stays charged."""
    first_pace = "1" if killed_at == "counting" else FAST
    kiosk = new_kiosk("--folder", str(tmp_path), listen=f"127.0.0.1:{free_port()}", pace=first_pace)
    hanako = AtTheKiosk(new_page(kiosk.url))
    if killed_at == "please_wait":
        hanako.page.click("#faults [data-id=line]")  # else the bank answers before anybody has seen it asked
    hanako.withdraws(HANAKO, HER_PIN, 30_000)
    if killed_at == "take_cash":
        hanako.takes_card()
    hanako.sees(killed_at)
    starts_again(kiosk, hanako)
    if killed_at != "take_cash":
        hanako.takes_card()
    hanako.sees("idle")
    for waiting in (2, 3):  # advices; notes for staff to count
        expect(hanako.page.locator("#glass-session dd").nth(waiting)).to_have_text("0")
    assert 250_000 == balance_jpy(kiosk, hanako)
    assert "in order" in verified(kiosk)


def test_a_restart_after_the_cash_leaves_it_paid(
    new_kiosk: Callable[..., Kiosk], new_page: Callable[[str], Page], tmp_path: Path
) -> None:
    kiosk = new_kiosk("--folder", str(tmp_path), listen=f"127.0.0.1:{free_port()}")
    hanako = AtTheKiosk(new_page(kiosk.url)).withdraws(HANAKO, HER_PIN, 30_000).takes_card().takes_cash()
    clock = hanako.page.locator("#glass-session dd").nth(1)
    before = clock.inner_text()
    starts_again(kiosk, hanako)
    hanako.sees("idle").inserts(HANAKO).types(HER_PIN).sees("menu").chooses("balance").sees("take_card")
    assert "220,000" in hanako.reads("#said")
    assert clock.inner_text() >= before, "the bank's time went back"
    assert "in order" in verified(kiosk)


@pytest.mark.parametrize(("language", "other"), [("ja", "en"), ("en", "ja")])
def test_a_learner_joins_in_a_browser_in_either_language(
    new_kiosk: Callable[..., Kiosk], new_page: Callable[..., Page], language: str, other: str
) -> None:
    """The door asks in the browser's language or in the other one, and a wrong code can be mended."""
    kiosk = new_kiosk("--join-code")
    page = new_page(kiosk.url, locale=language)
    assert language == page.get_attribute("html", "lang")
    page.click(f"a[hreflang={other}]")
    assert [] == violations(page)
    for code, problem in (("AAAAAA", TEXTS["door.wrong"]), (kiosk.told["Join code"].lower(), None)):
        page.fill("#code", code)
        page.click("button")
        if problem:
            expect(page.get_by_role("alert")).to_have_text(problem.en if other == "en" else problem.ja)
    page.wait_for_selector("body[data-screen=idle]")
    expect(page.locator("#title")).to_have_text("Welcome" if other == "en" else "いらっしゃいませ")


# ---------------------------------------------------------------- whoever stands in front of it


def test_the_keyboard_alone_is_enough(kiosk: Kiosk, new_page: Callable[[str], Page]) -> None:
    """From the card to the cash: Tab and Enter for what is pressed, the figures for what is typed."""
    hanako = AtTheKiosk(new_page(kiosk.url))
    hanako.tabs_to(HANAKO).sees("enter_pin").keys(*HER_PIN, "Enter").sees("menu").keys("1").sees("amount")
    hanako.keys("3", "m", "Enter").sees("confirm").keys("Enter").sees("take_card")
    hanako.tabs_to("カードを取る").sees("take_cash").tabs_to("現金を取る").sees("thank_you")


def test_the_card_can_be_pulled_while_the_bank_is_asked(
    kiosk: Kiosk, new_page: Callable[[str], Page]
) -> None:
    """The chip is gone when the bank approves, so it agrees to nothing: no cash, and what was charged is reversed."""
    hanako = AtTheKiosk(new_page(kiosk.url))
    hanako.page.click("#faults [data-id=line]")
    hanako.withdraws(HANAKO, HER_PIN, 30_000).sees("please_wait")
    hanako.page.click("#slot")
    hanako.sees("thank_you")
    hanako.page.click("#faults [data-id=line]")
    expect(hanako.page.locator("#glass-session dd").nth(2)).to_have_text("0")
    assert 250_000 == balance_jpy(kiosk, hanako)


def test_a_jam_pays_nothing_and_charges_nothing(kiosk: Kiosk, new_page: Callable[[str], Page]) -> None:
    hanako = AtTheKiosk(new_page(kiosk.url))
    hanako.page.click("#faults [data-id=jam]")
    hanako.withdraws(HANAKO, HER_PIN, 30_000).takes_card().sees("thank_you")
    expect(hanako.page.locator("#glass-ledger .posting")).to_have_count(2)
    expect(hanako.page.locator("#glass-session dd").nth(2)).to_have_text("0")
    assert 250_000 == balance_jpy(kiosk, hanako)
    assert "in order" in verified(kiosk)


def test_without_power_the_card_comes_back_later(kiosk: Kiosk, new_page: Callable[[str], Page]) -> None:
    hanako = AtTheKiosk(new_page(kiosk.url)).inserts(HANAKO)
    hanako.page.click("#faults [data-id=power]")
    hanako.sees("off").takes_card().sees("thank_you").sees("idle")
