"""The front of an ATM: what its screen says, and what a key press means there. No I/O, no clock.

The terminal machine asks for a PIN, a service, a card to be taken; which digits, which amount, which notes is between a
person and the front. What a whole entry comes to is an event for the terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from atm_sim.kiosk.texts import Lang, say
from atm_sim.report.texts import reason_text
from atm_sim.sansio.effects import CancelPressed, Event, PinEntered, ServiceChosen, Show
from atm_sim.terminal.journal import Receipt
from atm_sim.terminal.note_mix import counted, notes_value
from atm_sim.terminal.refusal import PIN_DIGITS
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.describe import yen

AMOUNTS_JPY: Final = (10_000, 20_000, 30_000, 50_000, 100_000)
"""What the amount screen offers without keying."""
_MOST_DIGITS: Final = 3
_UNITS_JPY: Final = {"man": 10_000, "sen": 1_000}
_ENTERED: Final = frozenset({"enter_pin", "wrong_pin", "new_pin", "new_pin_again"})
"""Screens that wait for four hidden digits."""
_OFFERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("amount_step", "cannot_pay_amount", "no_cash", "over_ceiling"), "other_amount"),
    **dict.fromkeys(("no_notes", "notes_not_accepted", "too_many_notes"), "other_amount"),
    **dict.fromkeys(("card_refused", "chip_unusable", "dispense_unknown"), "ask_bank"),
}
"""What to do about the machine's own reasons; about the others one can try again later."""

KEYS: Final = frozenset({*"0123456789", "confirm", "clear", "cancel", "man", "sen"})


class Front:
    """One ATM's screen and keys. What it is shown and told it remembers until the next card."""

    def __init__(self, services: Sequence[str], accepts_jpy: Sequence[int]) -> None:
        self._services = services
        self._accepts_jpy = accepts_jpy
        self.screen = "idle"
        self.receipt: Receipt | None = None
        self._shown = Show("idle")
        self._declined: Show | None = None  # stays readable while the card is taken
        self._hint = ""
        self._asked: ServiceChosen | None = None  # with this card
        self._clear()

    def _clear(self) -> None:
        self._digits = ""
        self._new_pin = ""
        self._amount_jpy = 0
        self._notes: Counter[int] = Counter()

    # ------------------------------------------------------------ what the terminal does

    def shown(self, show: Show) -> None:
        """The terminal has changed the screen."""
        if show.screen == "enter_pin" and self.screen not in _ENTERED:
            self.receipt, self._declined, self._asked = None, None, None
        if show.screen == "declined":
            self._declined = show
        self._go("menu" if show.screen == "choose_service" else show.screen)
        self._shown = show
        self._clear()

    def counting(self) -> None:
        """The dispenser has started to count."""
        self._go("counting")

    def goes_idle(self) -> None:
        self._go("idle")
        self._clear()

    def off(self) -> None:
        self._go("off")
        self._clear()

    def again(self) -> None:
        """What was entered is not taken; it is entered again."""
        back = {"confirm": "menu", "notes": "menu", "new_pin_again": "menu"}
        self._clear()
        self._go(back.get(self.screen, self.screen))

    def _go(self, screen: str, hint: str = "") -> None:
        self.screen, self._hint = screen, hint
        self._digits = ""

    # ------------------------------------------------------------ what the person does

    def pressed(self, key: str) -> Event | None:
        """A key of the pad; the event for the terminal that it completes, if it does."""
        self._hint = ""
        if key == "cancel":
            return self._cancelled()
        if self.screen in _ENTERED:
            return self._pin_key(key)
        if self.screen == "amount":
            self._amount_key(key)
        elif key == "confirm" and self.screen in ("confirm", "notes"):
            return self.chosen("yes")
        elif key == "clear" and self.screen == "notes":
            self._notes.clear()
        elif key == "clear" and self.screen == "confirm":
            self._go("amount")
            self._amount_jpy = 0
        elif key.isdecimal() and 0 < int(key) <= len(self.choices()):
            return self.chosen(self.choices()[int(key) - 1])
        return None

    def _cancelled(self) -> Event | None:
        if self.screen in ("amount", "confirm", "notes", "new_pin", "new_pin_again"):
            self._clear()
            self._go("menu")
            return None
        return CancelPressed() if self.screen in ("menu", "enter_pin", "wrong_pin") else None

    def _pin_key(self, key: str) -> Event | None:
        if key == "clear":
            self._digits = ""
        elif key.isdecimal() and len(self._digits) < PIN_DIGITS:
            self._digits += key
        elif key == "confirm":
            if len(self._digits) < PIN_DIGITS:
                self._hint = "four_digits"
                return None
            digits, self._digits = self._digits, ""
            return self._pin_typed(digits)
        return None

    def _pin_typed(self, digits: str) -> Event | None:
        if self.screen == "new_pin":
            self._go("new_pin_again")
            self._new_pin = digits
            return None
        if self.screen == "new_pin_again":
            if digits != self._new_pin:
                self._go("new_pin", "pins_differ")
                return None
            return self._asks(ServiceChosen("change_pin", new_pin=digits))
        return PinEntered(digits)

    def _amount_key(self, key: str) -> None:
        if key == "clear":
            self._digits, self._amount_jpy = "", 0
        elif key.isdecimal() and len(self._digits) < _MOST_DIGITS:
            self._digits = (self._digits + key).lstrip("0")
        elif key in _UNITS_JPY and self._digits:
            self._amount_jpy += int(self._digits) * _UNITS_JPY[key]
            self._digits = ""
        elif key == "confirm":
            if self._digits:
                self._hint = "press_unit"
            elif self._amount_jpy:
                self._go("confirm")

    def choices(self) -> tuple[str, ...]:
        """What the keys beside the screen do now, by name."""
        match self.screen:
            case "menu":
                return (*self._services, "cancel")
            case "amount":
                return (*(f"amount:{amount_jpy}" for amount_jpy in AMOUNTS_JPY), "cancel")
            case "confirm":
                return ("yes", "again", "cancel")
            case "notes":
                return (*(f"note:{note_jpy}" for note_jpy in self._accepts_jpy), "yes", "cancel")
        return ()

    def chosen(self, choice: str) -> Event | None:
        """A key beside the screen, or its label was touched."""
        if choice not in self.choices():
            return None
        self._hint = ""
        what, _, amount = choice.partition(":")
        match what:
            case "cancel":
                return self._cancelled()
            case "withdraw":
                self._go("amount")
            case "deposit":
                self._go("notes")
            case "change_pin":
                self._go("new_pin")
            case "balance":
                return ServiceChosen("balance")
            case "amount":
                self._amount_jpy = int(amount)
                self._go("confirm")
            case "again":
                self._go("amount")
                self._amount_jpy = 0
            case "note":
                self._notes[int(amount)] += 1
            case "yes" if self.screen == "confirm":
                return self._asks(ServiceChosen("withdraw", self._amount_jpy))
            case "yes" if self._notes:
                return self._asks(ServiceChosen("deposit", notes=counted(self._notes)))
            case "yes":
                self._hint = "no_notes_yet"
        return None

    def _asks(self, choice: ServiceChosen) -> ServiceChosen:
        self._asked = choice
        return choice

    # ------------------------------------------------------------ what it looks like

    def view(self, lang: Lang) -> dict[str, Any]:
        """The screen in words: for the page to draw and for a screen reader to say."""
        return {
            "id": self.screen,
            "title": say(f"screen.{self._title}", lang),
            "lines": self._lines(lang),
            "warning": say("never_your_real_pin", lang) if self.screen in _ENTERED else "",
            "hint": say(f"hint.{self._hint}", lang) if self._hint else "",
            "choices": [{"id": choice, "label": self._label(choice, lang)} for choice in self.choices()],
            "entry": self._entry(lang),
        }

    @property
    def _title(self) -> str:
        """The machine goes on to the card in the same moment as it declines: that is what a person has to see first."""
        return "declined" if self.screen == "take_card" and self._declined else self.screen

    def _label(self, choice: str, lang: Lang) -> str:
        what, _, amount = choice.partition(":")
        return yen(int(amount)) if amount else say(f"choice.{what}", lang)

    def _entry(self, lang: Lang) -> dict[str, Any] | None:
        """What has been keyed so far; of a PIN only how many digits."""
        if self.screen in _ENTERED:
            filled = len(self._digits)
            shown = "●" * filled + "○" * (PIN_DIGITS - filled)
            return {"shown": shown, "said": say("digits_entered", lang).format(filled, PIN_DIGITS)}
        if self.screen == "amount":
            amount = f"{yen(self._amount_jpy)}" + (f" + {self._digits}" if self._digits else "")
            return {"shown": amount, "said": amount}
        if self.screen == "notes":
            amount = yen(notes_value(counted(self._notes)))
            return {"shown": amount, "said": amount}
        return None

    def _lines(self, lang: Lang) -> list[str]:
        lines: list[str] = []
        show = self._shown
        if self.screen in ("take_card", "declined", "take_cash", "card_retained", "thank_you"):
            lines += self._decline(lang)
        match self.screen:
            case "idle" | "menu" | "wrong_pin" | "enter_pin" | "please_wait" | "counting" | "off":
                lines.append(say(f"line.{self.screen}", lang))
            case "amount":
                lines.append(say("line.amount", lang))
            case "confirm":
                lines += [
                    f"{say('choice.withdraw', lang)} {yen(self._amount_jpy)}",
                    say("line.confirm", lang),
                ]
            case "notes":
                lines += [f"{yen(note)} × {count}" for note, count in counted(self._notes)]
                lines.append(say("line.notes", lang))
            case "take_cash":
                if self._asked is not None and show.amount_jpy < self._asked.amount_jpy:
                    lines.append(say("less_came_out", lang).format(yen(self._asked.amount_jpy)))
                lines.append(yen(show.amount_jpy))
            case "take_card":
                if show.balance_jpy is not None:  # which comes with an approval only
                    lines += self._done(lang)
                    lines.append(f"{say('balance', lang)} {yen(show.balance_jpy)}")
                lines.append(say("line.take_card", lang))
            case "no_service":
                lines.append(_reason(show.reason, lang))
            case "card_retained":
                lines.append(say("line.card_retained", lang))
        return lines

    def _done(self, lang: Lang) -> list[str]:
        """What nothing comes out of the machine to tell."""
        match self._asked:
            case ServiceChosen("change_pin"):
                return [say("done.change_pin", lang)]
            case ServiceChosen("deposit", notes=notes):
                return [say("done.deposit", lang).format(yen(notes_value(notes)))]
        return []

    def _decline(self, lang: Lang) -> list[str]:
        """Why nothing is paid: of the bank's code, or the machine's own reason, with what to do about it."""
        show = self._declined
        if show is None:
            return []
        offer: str
        if by_bank := bool(show.code and not show.reason):
            row = response_code(show.code)
            why = f"{row.name_en} ({row.code})" if lang == "en" else f"{row.name_ja}({row.code})"
            offer = row.offer or "ask_bank"
        else:
            why, offer = _reason(show.reason, lang), _OFFERS.get(show.reason, "later")
        told = "reason" if self._title == "declined" else "declined" if by_bank else "not_done"
        lines = [say(told, lang).format(why)]
        if not by_bank:
            # what came out of a jammed machine only counting tells: until then it is charged (RS6)
            lines.append(say("to_be_counted" if show.reason == "dispense_unknown" else "not_charged", lang))
        if self.screen != "card_retained":  # which says itself what to do
            lines.append(say(f"offer.{offer}", lang))
        return lines


def receipt_lines(receipt: Receipt | None, lang: Lang) -> list[str]:
    """The slip as printed, in the customer's language."""
    if receipt is None:
        return []
    lines = [
        f"{say('receipt.atm', lang)} {receipt.terminal_id}",
        receipt.at,
        f"{say('receipt.card', lang)} {receipt.card}",
        say(f"choice.{receipt.service}", lang),
    ]
    if receipt.amount_jpy:
        lines.append(f"{say('receipt.amount', lang)} {yen(receipt.amount_jpy)}")
    row = response_code(receipt.code)
    lines.append(
        f"{say('receipt.answer', lang)} {receipt.code} {row.name_en if lang == 'en' else row.name_ja}"
    )
    if receipt.approval_code:
        lines.append(f"{say('receipt.approval', lang)} {receipt.approval_code}")
    if receipt.fee_jpy:
        lines.append(f"{say('receipt.fee', lang)} {yen(receipt.fee_jpy)}")
    if receipt.balance_jpy is not None:
        lines.append(f"{say('balance', lang)} {yen(receipt.balance_jpy)}")
    return [*lines, f"{say('receipt.reference', lang)} {receipt.request_id}", say("receipt.simulated", lang)]


def _reason(reason: str, lang: Lang) -> str:
    return str(getattr(reason_text(reason), lang))
