"""A loss as its holder reports it, on a page or by a program: for the rules to judge, for the bank to keep (R123)."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from bank_host.jst import civil, moment_us
from bank_host.rules.compensation.claim import CAUSES, Claim, Loss


class Reported(NamedTuple):
    """What a customer tells; `declared` are names of `BY_DEPOSITOR`, the time of the day may be unknown."""

    cause: str
    day: date | None
    amount_jpy: int
    time: str = ""
    stolen_on: date | None = None
    after_lock: bool = False
    declared: tuple[str, ...] = ()


def is_claim(told: Reported, today: date) -> bool:
    """A day in the future is none."""
    return told.cause in CAUSES and told.amount_jpy > 0 and _past(told.day, today)


def fields(told: Reported) -> dict[str, Any]:
    """What the act `file_claim` is asked with."""
    said = [("time", told.time)] if told.time else []
    said += [("stolen_on", f"{told.stolen_on}")] if told.stolen_on else []
    said += [(name, "yes") for name in (*(["after_lock"] if told.after_lock else []), *told.declared)]
    return {"detail": told.cause, "day": told.day, "amount_jpy": told.amount_jpy, "data": tuple(said)}


def as_claim(told: Reported, name: str, kind: str, now_us: int) -> Claim:
    """For the rules; `kind` is of the account."""
    lost_us = moment_us(f"{told.day} {told.time or '00:00'}")
    stolen_on = told.stolen_on if _past(told.stolen_on, civil(now_us).date()) else None
    loss = Loss(lost_us, told.amount_jpy, after_lock=told.after_lock)
    return Claim(name, kind, told.cause, (loss,), now_us, stolen_on, told.declared)


def _past(day: date | None, today: date) -> bool:
    return day is not None and date(1970, 1, 2) <= day <= today
