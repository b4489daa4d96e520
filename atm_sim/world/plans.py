"""From steps and streams to plans: who does what, where and when, with everything that chance or the file decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from random import Random
from typing import TypeVar

from atm_sim.scenario import Scenario, Step, Stream
from atm_sim.scenario.steps import (
    Balance,
    CancelRaise,
    ChangePin,
    CloseAccount,
    Deposit,
    RaiseLimit,
    ReleasePin,
    ReportCard,
    SetLimit,
    UnlockCard,
    Withdraw,
)
from atm_sim.world.cast import Person
from atm_sim.world.people import Wish
from bank_host.jst import MINUTE_US, midnight_us
from bank_host.rules.facts import Act

T = TypeVar("T")

ATM, OPERATOR = "atm", "operator"


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing a person is going to do: a visit to an ATM (`wish`), or an act at home (`act`)."""

    at_us: int
    person: Person
    label: str  # the scenario step, '' for a stream's customer
    channel: str  # atm, pc, smartphone, mobile, operator
    service: str
    site: str = ""
    machine: str = ""  # the one machine the person goes to; '' = whichever is free
    wish: Wish | None = None
    act: Callable[[int], Act] | None = field(default=None, repr=False)
    about_day: date | None = None  # the JST day whose limit the step is about; None = the day it happens
    hold_us: int | None = None  # one service time for the whole visit
    warm_up: bool = False


def plan(scenario: Scenario, number: int, step: Step, person: Person) -> Iterator[Planned]:
    """What a step asks for, as often as it repeats: labels `3`, or `3#1`, `3#2` ..."""
    first_us = midnight_us(scenario.day) + scenario.after_midnight_us(step.at)
    if step.repeat is None:
        yield _planned(step, f"{number}", first_us, person)
        return
    for turn in range(step.repeat.times):
        yield _planned(step, f"{number}#{turn + 1}", first_us + turn * step.repeat.every_us, person)


def warm_up_ends(scenario: Scenario, start_us: int) -> int:
    """The time until which nothing counts: a duration from the first arrival on."""
    duration_us = scenario.run.warm_up.duration_us
    if not duration_us:
        return start_us
    arrivals = [stream.from_us for stream in scenario.streams.values()]
    arrivals += [scenario.after_midnight_us(step.at) for step in scenario.steps]
    return start_us + min(arrivals) + duration_us


def visit_of(
    stream: Stream, person: Person, at_us: int, random: Random, hold_us: int | None, warm_up: bool
) -> Planned:
    """One customer of a stream: service and amount drawn from the stream's mix."""
    service = _drawn(stream.services, random)
    amount_jpy = _drawn(stream.amounts, random) if stream.amounts and service != "balance" else 0
    notes = _notes(amount_jpy) if service == "deposit" else ()
    wish = Wish(service, amount_jpy, notes)
    return Planned(at_us, person, "", ATM, service, stream.at, wish=wish, hold_us=hold_us, warm_up=warm_up)


def _drawn(mix: tuple[tuple[T, float], ...], random: Random) -> T:
    if len(mix) == 1:
        return mix[0][0]
    values, weights = zip(*mix, strict=True)
    chosen: T = random.choices(values, weights)[0]
    return chosen


def _notes(amount_jpy: int) -> tuple[tuple[int, int], ...]:
    """The notes a person brings for a deposit: as few as possible."""
    notes = []
    for denomination in (10_000, 5_000, 1_000):
        count, amount_jpy = divmod(amount_jpy, denomination)
        if count:
            notes.append((denomination, count))
    return tuple(notes)


def _planned(step: Step, label: str, at_us: int, person: Person) -> Planned:
    match step:
        case Withdraw() | Deposit() | Balance() | ChangePin():
            site, _, machine = step.atm.partition("/")
            return Planned(
                at_us,
                person,
                label,
                ATM,
                step.do,
                site,
                f"{site}/{machine}" if machine else "",
                _wish(step),
            )
        case ReportCard() | ReleasePin() | CloseAccount():
            channel = OPERATOR
        case _:
            channel = step.via
    about_day = step.on if isinstance(step, RaiseLimit | CancelRaise) else None
    act = partial(_act, step, label, channel, person)
    return Planned(at_us, person, label, channel, step.do, act=act, about_day=about_day)


def _wish(step: Withdraw | Deposit | Balance | ChangePin) -> Wish:
    mishap = step.device.kind if step.device else ""
    return Wish(
        service=step.do,
        amount_jpy=step.amount_jpy if isinstance(step, Withdraw) else 0,
        notes=tuple(step.notes.items()) if isinstance(step, Deposit) else (),
        pins=step.pins,
        new_pin=step.new_pin if isinstance(step, ChangePin) else "",
        leaves=mishap.removesuffix("_not_taken") if mishap.endswith("_not_taken") else "",
        device=mishap if mishap in ("jam", "partial", "power_loss") else "",
        partial_jpy=step.device.partial_jpy if step.device else 0,
    )


# ---------------------------------------------------------------- acts at home and of the bank's staff


def _act(step: Step, label: str, channel: str, person: Person, now_us: int) -> Act:
    """The act as the bank is asked for it; a code is read off the token only now."""
    act = Act(f"{person.alias}/{label}", step.do, person.account_id, channel, person.card_id)
    match step:
        case SetLimit():
            return act._replace(amount_jpy=step.amount_jpy, otp=_otp(step.otp, person, now_us))
        case RaiseLimit():
            return act._replace(amount_jpy=step.amount_jpy, day=step.on, otp=_otp(step.otp, person, now_us))
        case CancelRaise():
            return act._replace(day=step.on)
        case UnlockCard():
            return act._replace(otp=_otp(step.otp, person, now_us))
        case ReportCard():
            return act._replace(detail=step.reported_as)
    return act


def _otp(asked: str | None, person: Person, now_us: int) -> str:
    """The code the person types: read off the token, typed from memory, or made up."""
    if asked is None:
        return ""
    if asked.isdecimal():
        return asked
    if not person.tokens:
        return "000000"
    token = person.tokens[0]
    match asked:
        case "previous":
            code = token.display(now_us - MINUTE_US)
        case "used":
            return person.used_otp
        case "wrong":
            valid = {token.display(now_us), token.display(now_us - MINUTE_US)}
            return next(
                code for n in range(3) if (code := f"{(int(min(valid)) + n) % 10**6:06d}") not in valid
            )
        case _:
            code = token.display(now_us)
    person.used_otp = code
    return code
