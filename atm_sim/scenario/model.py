"""The scenario as a frozen record: the day, the banks, the people, the places, what happens, and what must come of it.

Times are microseconds after the scenario day's midnight (JST), amounts integer yen. Only the loader builds these.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from atm_sim.scenario import values
from atm_sim.scenario.cases import row_name
from atm_sim.scenario.demand import Stream
from atm_sim.scenario.durations import DurationOrSpread
from atm_sim.scenario.fields import (
    Alias,
    Covered,
    Day,
    DurationUs,
    FileName,
    Flag,
    Jpy,
    Month,
    Pan,
    Pin,
    PolicyKey,
    Snake,
    Text,
    TimeUs,
    Whole,
    scalar,
    wrong,
)
from atm_sim.scenario.measured import ExpectationInFile
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.source import Mapping, Scalar, Sequence
from atm_sim.scenario.steps import DenominationKey, StepInFile
from atm_sim.scenario.vocabulary import (
    DEFAULT_BANK,
    DEFAULT_BIN,
    TEST_BIN_PREFIX,
    Authenticator,
    Habit,
    HotAs,
    Kind,
    LinkName,
    Medium,
)
from bank_host.jst import DAY_US, SECOND_US

FORMAT_VERSION = 1
MOST_CASSETTE_NOTES = 20_000
LATEST_DAYS = 400


def _plain(node: Any) -> Any:
    """A policy value as plain data: numbers, amounts, switches, text, lists, maps. The policy checks what it means."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node]
    text = scalar(node, "a value")
    if text.quoted:
        return str(text)
    if text in ("true", "false"):
        return text == "true"
    for read in (values.integer, values.amount_jpy):
        try:
            return read(text)
        except ValueError:
            continue
    return str(text)


class PolicyOverride(Part):
    """A policy figure set for this scenario alone, with the reason."""

    value: Annotated[Any, BeforeValidator(_plain), WithJsonSchema({})]
    because: Text


def _read_bin(raw: Any) -> str:
    text = scalar(raw, 'a BIN in quotes such as "499911"')
    if not text.quoted or len(text) != 6 or not text.isascii() or not text.isdigit():
        raise wrong(
            f'a BIN is six digits in quotes that begin with {TEST_BIN_PREFIX}; write for example "499911"'
        )
    if not text.startswith(TEST_BIN_PREFIX):
        raise wrong(f"this BIN is outside the test range; use one that begins with {TEST_BIN_PREFIX}")
    return str(text)


class Bank(Part):
    """Another issuing bank (or other policy for ours)."""

    bin: Annotated[
        str,
        BeforeValidator(_read_bin),
        WithJsonSchema({"type": "string", "pattern": f"^{TEST_BIN_PREFIX}[0-9]{{2}}$"}),
    ]
    policy: dict[PolicyKey, PolicyOverride] = Field(default_factory=dict)
    reachable: Flag = True


class CardOptions(Part):
    """What is special about a person's card."""

    pan: Pan = Field(default="", repr=False)
    expires: Month | None = None
    hot: HotAs | Literal[""] = ""
    medium: Medium = "chip"
    forged: Flag = False

    @property
    def expires_yymm(self) -> str:
        """The expiry as DE14 carries it; '' when the scenario leaves it open."""
        return f"{self.expires[0] % 100:02d}{self.expires[1]:02d}" if self.expires else ""


class Person(Part):
    """A customer, or `count` alike customers `alias/1` to `alias/count`."""

    name: Text
    kind: Kind = "individual"
    authenticator: Authenticator = "token"
    bank: Alias = DEFAULT_BANK
    balance_jpy: Jpy = Field(default=0, alias="balance")
    atm_limit_jpy: Jpy | None = Field(default=None, alias="atm_limit")
    opened: Day | None = None
    pin: Pin = Field(default="", repr=False)
    count: Annotated[int, Whole(1, 100_000)] = 1
    card: CardOptions = CardOptions()
    closed: Flag = False

    @property
    def is_group(self) -> bool:
        return "count" in self.model_fields_set

    def contradictions(self) -> Iterator[Contradiction]:
        if self.is_group and self.card.pan:
            yield Contradiction(
                ("card", "pan"), "a group's people have different cards; leave the card number out"
            )


class Place(Part):
    """A site with one or more ATMs of one operator. Cassettes: notes by denomination in yen; none = policy's fill."""

    operator: Snake
    machines: Annotated[int, Whole(1, 1_000)] = 1
    cassettes: dict[DenominationKey, Annotated[int, Whole(0, MOST_CASSETTE_NOTES)]] | None = None
    near_end: Annotated[int, Whole(0, MOST_CASSETTE_NOTES)] = 200
    hours_us: tuple[TimeUs, TimeUs] | None = Field(default=None, alias="hours")
    retains_card_on_break: Flag = False

    def contradictions(self) -> Iterator[Contradiction]:
        if self.hours_us is not None and self.hours_us[0] >= self.hours_us[1]:
            yield Contradiction(
                ("hours", 1), "the place closes before it opens; write hours: [opens, closes]"
            )
        if self.cassettes is not None and not self.cassettes:
            yield Contradiction(("cassettes",), "no cassette; write for example {10000: 200, 1000: 500}")


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


class LinkFault(Part):
    """A line that is down or slow for a while, for everybody or for one bank."""

    from_us: TimeUs = Field(alias="from")
    to_us: TimeUs = Field(alias="to")
    link: LinkName
    state: Literal["down", "slow"] = Field(alias="is")
    delay_us: DurationUs = Field(default=0, alias="delay")
    bank: Alias | Literal[""] = ""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.to_us <= self.from_us:
            yield Contradiction(("to",), "the fault ends before it begins; to: is later than from:")
        if self.state == "slow" and not self.delay_us:
            yield Contradiction(("is",), "a slow line needs its delay; add delay: 3 s")
        if self.state == "down" and self.delay_us:
            yield Contradiction(("delay",), "a line that is down delivers nothing, so it has no delay")


class WarmUp(Part):
    """What does not count yet: a time from the first arrival on, or the first customers."""

    duration_us: int = 0
    customers: int = 0


def _read_warm_up(raw: Any) -> WarmUp:
    text = scalar(raw, "a duration, or '100 customers'")
    count, _, word = text.partition(" ")
    try:
        if word == "customers":
            return WarmUp(customers=values.integer(count))
        return WarmUp(duration_us=values.duration_us(text))
    except ValueError:
        raise wrong("expected a duration such as 30 min, or 100 customers") from None


class Run(Part):
    """How the scenario is run: what warms it up, how often, until when."""

    warm_up: Annotated[
        WarmUp,
        BeforeValidator(_read_warm_up),
        WithJsonSchema(
            {"type": "string", "pattern": f"^({values.DURATION_PATTERN}|{values.CUSTOMERS_PATTERN})$"}
        ),
    ] = WarmUp()
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
    habits: dict[Habit, DurationOrSpread] = Field(default_factory=dict)
    streams: dict[Alias, Stream] = Field(default_factory=dict)
    faults: tuple[LinkFault, ...] = ()
    steps: tuple[StepInFile, ...] = ()
    case_names: Annotated[tuple[str, ...], BeforeValidator(_read_case_names)] = Field(
        default=(), alias="cases"
    )
    run: Run = Run()
    expectations: tuple[ExpectationInFile, ...] = Field(default=(), alias="expect")
    invariants: Annotated[
        tuple[str, ...] | Literal["all"],
        BeforeValidator(_read_invariants),
        WithJsonSchema(
            {"anyOf": [{"const": "all"}, {"type": "array", "items": {"pattern": "^I[0-9]{1,3}$"}}]}
        ),
    ] = "all"

    def after_midnight_us(self, moment: values.Moment) -> int:
        """A step's time as microseconds after the scenario day's midnight."""
        days = (moment.day - self.day).days if moment.day else 0
        return days * DAY_US + moment.time_us

    def bank_bin(self, bank: str) -> str:
        """The prefix of a bank's card numbers."""
        return self.banks[bank].bin if bank in self.banks else DEFAULT_BIN

    def contradictions(self) -> Iterator[Contradiction]:
        if not self.steps and not self.streams:
            yield Contradiction((), "nothing happens in this scenario; add steps: or streams:")
        for number, step in enumerate(self.steps):
            if step.at.day and not 0 <= (step.at.day - self.day).days <= LATEST_DAYS:
                yield Contradiction(
                    ("steps", number, "at"),
                    f"a step lies on the scenario's day or up to {LATEST_DAYS} days later",
                )
        for alias, person in self.cast.items():
            if person.card.pan and person.bank in (DEFAULT_BANK, *self.banks):
                bin_ = self.bank_bin(person.bank)
                if not person.card.pan.startswith(bin_):
                    text = (
                        f"cards of the bank '{person.bank}' begin with {bin_}; this number would go elsewhere"
                    )
                    yield Contradiction(("cast", alias, "card", "pan"), text)
        yield from self._twice_used_bins()

    def _twice_used_bins(self) -> Iterator[Contradiction]:
        owner = {} if DEFAULT_BANK in self.banks else {DEFAULT_BIN: DEFAULT_BANK}
        for name, bank in self.banks.items():
            if bank.bin in owner:
                yield Contradiction(
                    ("banks", name, "bin"), f"BIN {bank.bin} already belongs to '{owner[bank.bin]}'"
                )
            owner.setdefault(bank.bin, name)
