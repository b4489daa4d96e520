"""What the terminal refuses by itself, before anything is sent (requirements X2, X3, X10, X11, X14, R76)."""

from __future__ import annotations

from atm_sim.sansio.effects import ServiceChosen
from atm_sim.terminal.cassettes import CashUnit
from atm_sim.terminal.config import TerminalConfig
from atm_sim.terminal.note_mix import note_count

NOTE_UNIT_JPY = 1_000  # every banknote is a multiple of it
PIN_DIGITS = 4


def is_pin(text: str) -> bool:
    """Four ASCII digits: the keypad takes nothing else."""
    return len(text) == PIN_DIGITS and text.isascii() and text.isdecimal()


def refusal(choice: ServiceChosen, config: TerminalConfig, cash: CashUnit, now_us: int) -> str:
    """Why the terminal does not even ask the bank: the first reason that applies; '' if it asks."""
    if not config.in_service(now_us):
        return "closed"
    if choice.service not in config.services:
        return "not_offered"
    match choice.service:
        case "withdraw":
            return _withdrawal(choice.amount_jpy, config, cash)
        case "deposit":
            return _deposit(choice.notes, config)
        case "change_pin":
            return "" if is_pin(choice.new_pin) else "bad_new_pin"
    return ""


def _withdrawal(amount_jpy: int, config: TerminalConfig, cash: CashUnit) -> str:
    if amount_jpy < config.amount_step_jpy or amount_jpy % config.amount_step_jpy:
        return "amount_step"
    if amount_jpy > config.ceiling_jpy:
        return "over_ceiling"
    if amount_jpy % NOTE_UNIT_JPY:
        return ""  # a keypad that takes such amounts leaves it to the bank to refuse them (DE39 13)
    mix = cash.mix(amount_jpy, policy=config.note_policy, max_notes=config.max_notes_out)
    return "no_cash" if mix is None else ""


def _deposit(notes: tuple[tuple[int, int], ...], config: TerminalConfig) -> str:
    if any(count < 1 or denomination not in config.accepts_jpy for denomination, count in notes):
        return "notes_not_accepted"
    if not notes:
        return "no_notes"
    return "too_many_notes" if note_count(notes) > config.max_notes_in else ""
