"""What a visit consists of, as a table: habits before the request and after each answer, what becomes of cash.

The machine itself (`machine`, `asking`, `paying`) does the same step by step; the fleet engine reads this table, and
the property test of both details holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

from atm_sim.terminal.config import TerminalConfig
from bank_host.iso8583.codes import response_code

BEFORE_REQUEST = ("insert", "pin", "choose")
PIN_AGAIN = ("pin",)
"""After a wrong PIN: the same request once more, or, from who gives up, the cancel key."""


class Ending(NamedTuple):
    """How a visit goes on after an answer."""

    habits: tuple[str, ...] = ("take_card",)
    asks_pin: bool = False
    pays_out: bool = False  # notes leave the cassettes
    takes_in: bool = False  # notes of the deposit go into them
    completes: bool = False  # a completion advice follows at the end
    at_answer: bool = False  # the advice follows the answer at once
    keeps_card: bool = False


def ending(service: str, code: str, config: TerminalConfig) -> Ending:
    """After an answer with this DE39."""
    action = response_code(code).action
    moves_cash = service in ("withdraw", "deposit") and config.completion_advice
    gives_back = ("take_cash",) if service == "deposit" else ()
    if action == "pay":
        if service == "withdraw":
            habits = ("dispense", "take_card", "take_cash")
            return Ending(habits, pays_out=True, completes=moves_cash)
        return Ending(takes_in=service == "deposit", completes=moves_cash, at_answer=True)
    if action == "ask_pin":
        return Ending(("take_card", *gives_back), asks_pin=True)
    if action == "retain_card" or code in config.retains_also:
        return Ending(gives_back, keeps_card=True)
    return Ending(("take_card", *gives_back))


REFUSED = Ending()
"""By the machine itself, before anything is sent: a deposit's notes were not taken in."""
