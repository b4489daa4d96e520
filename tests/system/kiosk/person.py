"""A person at the kiosk's page: does what people do, and waits for what the screen says."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from atm_sim.kiosk.texts import TEXTS
from tests.system.axe import violations


class AtTheKiosk:
    """One person in front of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sees("idle")

    def sees(self, screen: str) -> AtTheKiosk:
        self.page.wait_for_selector(f"body[data-screen={screen}]", timeout=60_000)
        return self

    def sees_one_of(self, *screens: str) -> str:
        """Which of them it is."""
        any_of = ", ".join(f"body[data-screen={screen}]" for screen in screens)
        shown = self.page.wait_for_selector(any_of, timeout=60_000)
        assert shown is not None
        return str(shown.get_attribute("data-screen"))

    def inserts(self, name: str) -> AtTheKiosk:
        self.page.click(f"#wallet button:has-text('{name}')")
        return self.sees("enter_pin")

    def types(self, digits: str) -> AtTheKiosk:
        """On the keyboard of the computer."""
        return self._enters(digits, self.page.keyboard.press, "Enter")

    def presses(self, digits: str) -> AtTheKiosk:
        """On the keypad of the machine."""
        return self._enters(digits, lambda key: self.page.click(f"#pad [data-id='{key}']"), "confirm")

    def _enters(self, digits: str, press: Callable[[str], None], confirm: str) -> AtTheKiosk:
        """Only when the machine has taken the PIN does the person look at the screen again."""
        for digit in digits:
            press(digit)
        all_hidden = self.page.locator("#entry:visible", has_text="●" * len(digits))
        expect(all_hidden).to_have_count(1)
        press(confirm)
        expect(all_hidden).to_have_count(0)
        return self

    def chooses(self, choice: str) -> AtTheKiosk:
        self.page.click(f"#choices [data-id='{choice}']")
        return self

    def withdraws(self, name: str, pin: str, amount_jpy: int) -> AtTheKiosk:
        """From the card to the bank's answer."""
        self.inserts(name).types(pin).sees("menu").chooses("withdraw").sees("amount")
        self.chooses(f"amount:{amount_jpy}").sees("confirm").chooses("yes")
        return self

    def takes_card(self) -> AtTheKiosk:
        self.sees("take_card")
        self.page.click("#slot")
        return self

    def takes_cash(self) -> AtTheKiosk:
        self.sees("take_cash")
        self.page.click("#tray")
        return self.sees("thank_you")

    def reads(self, place: str) -> str:
        return self.page.inner_text(place)

    def looks_well(self, screen: str, title: str = "") -> AtTheKiosk:
        """Its title is said in both languages, and axe finds nothing: names, roles, contrast."""
        self.sees(screen)
        for lang in ("en", "ja"):
            self.page.click("#language")
            expect(self.page.locator("#title")).to_have_text(
                getattr(TEXTS[f"screen.{title or screen}"], lang)
            )
            assert [] == violations(self.page), screen
        self.page.locator("#language").blur()  # there, Enter would press it
        return self

    def keys(self, *keys: str) -> AtTheKiosk:
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def tabs_to(self, name: str) -> AtTheKiosk:
        """Moves the focus by Tab alone until it is on what is called so, and presses Enter."""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            focused = self.page.locator("button:focus, a:focus, summary:focus")
            if focused.count() and name in focused.inner_text():
                return self.keys("Enter")
        raise AssertionError(f"Tab never comes to {name}")
