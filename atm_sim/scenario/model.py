"""The scenario as a frozen record: the day, the banks, the people, the places, what happens, and what must come of it.

Times are microseconds after the scenario day's midnight (JST), amounts integer yen. Only the loader builds these.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from atm_sim.scenario.cases import row_name
from atm_sim.scenario.demand import Stream
from atm_sim.scenario.durations import DurationOrSpread
from atm_sim.scenario.faults import Crashed, DatabaseError, FaultInFile, ends_before_it_begins, moments
from atm_sim.scenario.fields import (
    Alias,
    Covered,
    Day,
    DurationUs,
    FileName,
    PolicyKey,
    Snake,
    Text,
    TimeUs,
    Whole,
    scalar,
    wrong,
)
from atm_sim.scenario.fleet import Fleet
from atm_sim.scenario.loading import Load
from atm_sim.scenario.machine_steps import loose_ends
from atm_sim.scenario.measured import ExpectationInFile
from atm_sim.scenario.network import Network
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.participants import Bank, Person, Place, PolicyOverride
from atm_sim.scenario.steps import StepInFile
from atm_sim.scenario.vocabulary import (
    DEFAULT_BANK,
    DEFAULT_BIN,
    Habit,
    LinkName,
)
from bank_host.jst import DAY_US, SECOND_US
from bank_host.written import values
from bank_host.written.source import Mapping, Scalar, Sequence

FORMAT_VERSION = 1
LATEST_DAYS = 400


class Timers(Part):
    """How long each node waits for an answer. Each waits longer than the next, or a late answer meets nobody."""

    atm_us: DurationUs = Field(default=45 * SECOND_US, alias="atm")
    acquirer_us: DurationUs = Field(default=35 * SECOND_US, alias="acquirer")
    switch_us: DurationUs = Field(default=25 * SECOND_US, alias="switch")
    issuer_us: DurationUs = Field(default=5 * SECOND_US, alias="issuer")

    def contradictions(self) -> Iterator[Contradiction]:
        waits = [(key, getattr(self, name)) for key, name in type(self).keys().items()]
        for (outer, outer_us), (inner, inner_us) in pairwise(waits):
            if outer_us <= inner_us:
                at = inner if f"{inner}_us" in self.model_fields_set else outer
                text = f"timers must fall: {outer} ({outer_us / SECOND_US:g} s) waits longer than {inner}"
                yield Contradiction((at,), f"{text} ({inner_us / SECOND_US:g} s)")


class Stretch(Part):
    """What does not count: a time from the first arrival on (at the end: up to `until:`), or so many customers."""

    duration_us: int = 0
    customers: int = 0


def _read_stretch(raw: Any) -> Stretch:
    text = scalar(raw, "a duration, or '100 customers'")
    count, _, word = text.partition(" ")
    try:
        if word == "customers":
            return Stretch(customers=values.integer(count))
        return Stretch(duration_us=values.duration_us(text))
    except ValueError:
        raise wrong("expected a duration such as 30 min, or 100 customers") from None


StretchInFile = Annotated[
    Stretch,
    BeforeValidator(_read_stretch),
    WithJsonSchema(
        {"type": "string", "pattern": f"^({values.DURATION_PATTERN}|{values.CUSTOMERS_PATTERN})$"}
    ),
]


class Run(Part):
    """How the scenario is run: what warms it up and cools it down, how often, until when."""

    warm_up: StretchInFile = Stretch()
    cool_down: StretchInFile = Stretch()
    replications: Annotated[int, Whole(1, 10_000)] = 1
    until_us: TimeUs | None = Field(default=None, alias="until")


def _read_version(raw: Any) -> int:
    if scalar(raw, f"version: {FORMAT_VERSION}").quoted or raw != str(FORMAT_VERSION):
        raise wrong(
            f"this release reads scenario files of version {FORMAT_VERSION}; write version: {FORMAT_VERSION}"
        )
    return FORMAT_VERSION


def _read_invariants(raw: Any) -> tuple[str, ...] | Literal["all"]:
    if isinstance(raw, Scalar):
        if raw == "all":
            return "all"
        raise wrong("invariants: is all, or a list such as [I1, I3]; there is no run without them")
    if not isinstance(raw, Sequence) or not raw:
        raise wrong("expected all, or a list such as [I1, I3]")
    for item in raw:
        number = scalar(item, "an invariant such as I3")
        if not (
            number.startswith("I") and number[1:].isascii() and number[1:].isdigit() and len(number) <= 4
        ):
            raise wrong("an invariant is I and its number, such as I3", number)
    return tuple(str(item) for item in raw)


def _read_case_names(raw: Any) -> tuple[str, ...]:
    """The rows' names; `atm_sim.scenario.cases` reads the table itself."""
    rows = raw if isinstance(raw, Sequence) else ()
    return tuple(row_name(row, number) for number, row in enumerate(rows, 1) if isinstance(row, Mapping))


class Scenario(Part):
    """One scenario file, typed. For a file with a `cases:` table these are the values of one row."""

    title: Text = Field(alias="scenario")
    about: Text = ""
    title_ja: Text = Field(default="", alias="scenario_ja")
    about_ja: Text = ""
    version: Annotated[int, BeforeValidator(_read_version), WithJsonSchema({"const": FORMAT_VERSION})]
    day: Day
    seed: Annotated[int, Whole(0, 2**53)] = 1
    covers: tuple[Covered, ...] = ()
    sources: tuple[Text, ...] = ()
    assumptions: dict[Snake, Text] = Field(default_factory=dict)
    extends: FileName | None = None
    policy: dict[PolicyKey, PolicyOverride] = Field(default_factory=dict)
    banks: dict[Alias, Bank] = Field(default_factory=dict)
    cast: dict[Alias, Person] = Field(default_factory=dict)
    places: dict[Alias, Place] = Field(default_factory=dict)
    links: dict[LinkName, DurationOrSpread] = Field(default_factory=dict)
    timers: Timers = Timers()
    network: Network = Network()
    habits: dict[Habit, DurationOrSpread] = Field(default_factory=dict)
    streams: dict[Alias, Stream] = Field(default_factory=dict)
    faults: tuple[FaultInFile, ...] = ()
    steps: tuple[StepInFile, ...] = ()
    case_names: Annotated[tuple[str, ...], BeforeValidator(_read_case_names)] = Field(
        default=(), alias="cases"
    )
    load: Load | None = None
    fleet: Fleet | None = None
    run: Run = Run()
    rest: Literal["required"] | None = None
    expectations: tuple[ExpectationInFile, ...] = Field(default=(), alias="expect")
    invariants: Annotated[
        tuple[str, ...] | Literal["all"],
        BeforeValidator(_read_invariants),
        WithJsonSchema(
            {"anyOf": [{"const": "all"}, {"type": "array", "items": {"pattern": "^I[0-9]{1,3}$"}}]}
        ),
    ] = "all"

    @property
    def only_load(self) -> bool:
        """Whether there is nothing to play in simulated time."""
        return not self.steps and not self.streams and self.fleet is None

    def after_midnight_us(self, moment: values.Moment) -> int:
        """A step's time as microseconds after the scenario day's midnight."""
        days = (moment.day - self.day).days if moment.day else 0
        return days * DAY_US + moment.time_us

    def last_moment_us(self) -> int:
        """The latest time that a step or a fault names, after the scenario day's midnight."""
        named = [step.at for step in self.steps] + [
            at for each in self.faults for at in moments(each).values()
        ]
        return max(map(self.after_midnight_us, named), default=0)

    @property
    def from_reader(self) -> tuple[str, ...]:
        """Whose card is the one in a real reader; at most one person's."""
        return tuple(alias for alias, person in self.cast.items() if person.card.reader)

    def bank_bin(self, bank: str) -> str:
        """The prefix of a bank's card numbers."""
        return self.banks[bank].bin if bank in self.banks else DEFAULT_BIN

    def contradictions(self) -> Iterator[Contradiction]:
        if not self.steps and not self.streams and self.load is None and self.fleet is None:
            yield Contradiction((), "nothing happens in this scenario; add steps: or streams:")
        yield from self._beside_a_fleet()
        if self.load is not None and not self.places:
            yield Contradiction(("load",), "load: needs ATMs; add places:")
        if self.load is not None and not (self.cast or self.load.customers):
            yield Contradiction(("load", "customers"), "nobody is there to come; write customers: 1_000")
        for number, step in enumerate(self.steps):
            if step.at.day and not 0 <= (step.at.day - self.day).days <= LATEST_DAYS:
                yield Contradiction(
                    ("steps", number, "at"),
                    f"a step lies on the scenario's day or up to {LATEST_DAYS} days later",
                )
        for number, fault in enumerate(self.faults):
            for key, at in moments(fault).items():
                if at.day and not 0 <= (at.day - self.day).days <= LATEST_DAYS:
                    text = f"a fault lies on the scenario's day or up to {LATEST_DAYS} days later"
                    yield Contradiction(("faults", number, key), text)
        yield from ends_before_it_begins(self.faults, self.after_midnight_us)
        yield from loose_ends(self.steps, self.places, self.banks)
        for alias, person in self.cast.items():
            if person.card.pan and person.bank in (DEFAULT_BANK, *self.banks):
                bin_ = self.bank_bin(person.bank)
                if not person.card.pan.startswith(bin_):
                    text = (
                        f"cards of the bank '{person.bank}' begin with {bin_}; this number would go elsewhere"
                    )
                    yield Contradiction(("cast", alias, "card", "pan"), text)
        for alias in self.from_reader[1:]:
            text = f"the card in the reader is already that of '{self.from_reader[0]}'"
            yield Contradiction(("cast", alias, "card"), text)
        yield from self._no_end_to_cool_down()
        yield from self._twice_used_bins()

    def _beside_a_fleet(self) -> Iterator[Contradiction]:
        """A fleet draws its people and places; those with names belong in a scenario of their own."""
        if self.fleet is None:
            return
        for key in ("cast", "places", "streams", "steps", "load"):
            if getattr(self, key):
                yield Contradiction(
                    (key,), f"a fleet has no {key}: of its own; write a second scenario for it"
                )
        if self.banks and self.fleet.detail == "fleet":
            text = "only every message of a session meets what stands in banks:; write fleet: {detail: full}"
            yield Contradiction(("banks",), text)
        for number, fault in enumerate(self.faults):
            if getattr(fault, "link", "") == "acquirer-issuer" and not any(
                b.atms for b in self.banks.values()
            ):
                text = "no session takes this line: a fleet reaches its bank over the switch; write switch-issuer"
                yield Contradiction(("faults", number, "link"), text)
            waits = isinstance(fault, DatabaseError) or (isinstance(fault, Crashed) and fault.when)
            if waits and self.fleet.partitions > 1:
                text = (
                    "it waits for a moment in the work of one host, and each partition has its own; "
                    "write partitions: 1, or is: crashed without when:"
                )
                yield Contradiction(("faults", number, "is"), text)

    def _no_end_to_cool_down(self) -> Iterator[Contradiction]:
        last = self.run.cool_down
        for stream in self.streams.values():
            if (last.duration_us and stream.until_us is None) or (
                last.customers and stream.customers is None
            ):
                text = "cool_down: is a time where streams end by until:, and customers where by customers:"
                yield Contradiction(("run", "cool_down"), text)
                return

    def _twice_used_bins(self) -> Iterator[Contradiction]:
        owner = {} if DEFAULT_BANK in self.banks else {DEFAULT_BIN: DEFAULT_BANK}
        for name, bank in self.banks.items():
            if bank.bin in owner:
                yield Contradiction(
                    ("banks", name, "bin"), f"BIN {bank.bin} already belongs to '{owner[bank.bin]}'"
                )
            owner.setdefault(bank.bin, name)
