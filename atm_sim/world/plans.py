"""From steps and streams to plans: who does what, where and when, with everything that chance or the file decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from random import Random
from typing import ClassVar, TypeVar

from atm_sim.scenario import Scenario, Stream
from atm_sim.scenario.claim_steps import Claim, Complaint
from atm_sim.scenario.machine_steps import CountCash, MachineStep, SendMessage
from atm_sim.scenario.online_steps import CancelRaise, RaiseLimit, SelfService, WithCode
from atm_sim.scenario.staff_steps import ReceiveTransfer, ReleaseIdCard
from atm_sim.scenario.step_parts import StepBase
from atm_sim.scenario.steps import Balance, ChangePin, Deposit, OfSomebody, Withdraw
from atm_sim.world.at_home import HOST, OPERATOR, Home, Offices, Script, at_home
from atm_sim.world.cast import Person
from atm_sim.world.people import Wish
from bank_host.host import Bank
from bank_host.jst import midnight_us

T = TypeVar("T")

ATM, LETTER, TESTER = "atm", "letter", "tester"


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing a person is going to do: a visit to an ATM (`wish`), or something at home (`script`)."""

    at_us: int
    person: Person
    label: str  # the scenario step, '' for a stream's customer
    channel: str  # atm, pc, smartphone, mobile, operator, host, letter
    service: str
    site: str = ""
    machine: str = ""  # the one machine the person goes to; '' = whichever is free
    wish: Wish | None = None
    script: Callable[[Bank, Callable[[], int], Offices], Script] | None = field(default=None, repr=False)
    about_day: date | None = None  # the JST day whose limit the step is about; None = the day it happens
    hold_us: int | None = None  # one service time for the whole visit
    takes_us: Mapping[str, int] | None = None  # how long each habit takes, where that was drawn beforehand
    warm_up: bool = False
    cool_down: bool = False

    @property
    def actor(self) -> str:
        return self.person.alias


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that happens to the machines without a customer."""

    at_us: int
    label: str
    channel: str  # operator, tester
    step: CountCash | SendMessage
    site: str = ""
    actor: ClassVar[str] = ""
    warm_up: ClassVar[bool] = False
    cool_down: ClassVar[bool] = False

    @property
    def service(self) -> str:
        return self.step.do


def plans(scenario: Scenario, people: Mapping[str, Person]) -> tuple[tuple[Planned, ...], tuple[Errand, ...]]:
    """What the steps ask of people, and of nobody in the cast."""
    planned: list[Planned] = []
    errands: list[Errand] = []
    for number, step in enumerate(scenario.steps, 1):
        for label, at_us in _occasions(scenario, number, step):
            if isinstance(step, MachineStep):
                errands.append(_errand(step, label, at_us))
            else:
                planned.append(_planned(scenario, step, label, at_us, people))
    return tuple(planned), tuple(errands)


def _occasions(scenario: Scenario, number: int, step: StepBase) -> Iterator[tuple[str, int]]:
    """As often as a step repeats: its label (`3`, or `3#1`, `3#2` ...) and its time."""
    first_us = midnight_us(scenario.day) + scenario.after_midnight_us(step.at)
    if step.repeat is None:
        yield f"{number}", first_us
        return
    for turn in range(step.repeat.times):
        yield f"{number}#{turn + 1}", first_us + turn * step.repeat.every_us


def _errand(step: CountCash | SendMessage, label: str, at_us: int) -> Errand:
    if isinstance(step, CountCash):
        return Errand(at_us, label, OPERATOR, step, step.atm.partition("/")[0])
    return Errand(at_us, label, TESTER, step)


def warm_up_ends(scenario: Scenario, start_us: int) -> int:
    """The time until which nothing counts: a duration from the first arrival on."""
    duration_us = scenario.run.warm_up.duration_us
    if not duration_us:
        return start_us
    arrivals = [stream.from_us for stream in scenario.streams.values()]
    arrivals += [scenario.after_midnight_us(step.at) for step in scenario.steps]
    return start_us + min(arrivals) + duration_us


def visit_of(
    stream: Stream,
    person: Person,
    at_us: int,
    random: Random,
    hold_us: int | None,
    *,
    warm_up: bool,
    cool_down: bool,
) -> Planned:
    """One customer of a stream: service and amount drawn from the stream's mix."""
    service = _drawn(stream.services, random)
    amount_jpy = _drawn(stream.amounts, random) if stream.amounts and service != "balance" else 0
    notes = notes_of(amount_jpy) if service == "deposit" else ()
    wish = Wish(service, amount_jpy, notes)
    return Planned(
        at_us,
        person,
        "",
        ATM,
        service,
        stream.at,
        wish=wish,
        hold_us=hold_us,
        warm_up=warm_up,
        cool_down=cool_down,
    )


def _drawn(mix: tuple[tuple[T, float], ...], random: Random) -> T:
    if len(mix) == 1:
        return mix[0][0]
    values, weights = zip(*mix, strict=True)
    chosen: T = random.choices(values, weights)[0]
    return chosen


def notes_of(amount_jpy: int) -> tuple[tuple[int, int], ...]:
    """The notes a person brings for a deposit: as few as possible."""
    notes = []
    for denomination in (10_000, 5_000, 1_000):
        count, amount_jpy = divmod(amount_jpy, denomination)
        if count:
            notes.append((denomination, count))
    return tuple(notes)


def _planned(
    scenario: Scenario, step: OfSomebody, label: str, at_us: int, people: Mapping[str, Person]
) -> Planned:
    person = people[step.who]
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
        case SelfService():
            channel: str = step.via
        case ReleaseIdCard():
            channel = step.via or OPERATOR
        case ReceiveTransfer():
            channel = HOST
        case Claim() | Complaint():
            channel = LETTER
        case _:
            channel = OPERATOR
    about_day = step.on if isinstance(step, RaiseLimit | CancelRaise) else None
    midnight = midnight_us(scenario.day)
    read_us = None
    if isinstance(step, WithCode) and step.read_at is not None:
        read_us = midnight + scenario.after_midnight_us(step.read_at)
    losses_us: tuple[int, ...] = ()
    if isinstance(step, Claim):
        losses_us = tuple(midnight + scenario.after_midnight_us(loss.at) for loss in step.losses)
    home = Home(label, channel, person, people, read_us, losses_us)
    script = partial(at_home, step, home)
    return Planned(at_us, person, label, channel, step.do, script=script, about_day=about_day)


def _wish(step: Withdraw | Deposit | Balance | ChangePin) -> Wish:
    mishap = step.device.kind if step.device else ""
    return Wish(
        service=step.do,
        amount_jpy=step.amount_jpy if isinstance(step, Withdraw) else 0,
        notes=tuple(step.notes.items()) if isinstance(step, Deposit) else (),
        pins=step.pins,
        new_pin=step.new_pin if isinstance(step, ChangePin) else "",
        card=step.card,
        leaves=mishap.removesuffix("_not_taken") if mishap.endswith("_not_taken") else "",
        device=mishap if mishap in ("jam", "partial", "part_taken", "power_loss") else "",
        partial_jpy=step.device.partial_jpy if step.device else 0,
        elements=tuple(step.send.items()),
    )
