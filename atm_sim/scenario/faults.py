"""What breaks in a scenario: lines, hosts, nodes, ATMs, clocks and a bank's database, and when.

One model a kind, told apart by `is:`. Line faults strike single messages while they last; the others happen to a
host, a machine or a clock. All chance in them comes from the run's seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field

from atm_sim.scenario.fields import (
    Alias,
    At,
    DurationUs,
    Element,
    Member,
    Mti,
    Odds,
    SkewUs,
    Whole,
    wrong,
)
from atm_sim.scenario.part import Contradiction, Part, check_word
from atm_sim.scenario.vocabulary import CrashMoment, LinkName
from bank_host.written import values

MOST_CALLS: Final = 10_000
ISSUER_LINES: Final = ("switch-issuer", "acquirer-issuer")


class _Lasting(Part):
    """A fault with a beginning and an end."""

    begins: At = Field(alias="from")
    ends: At = Field(alias="to")


class _LineFault(_Lasting):
    """Strikes the messages of one line: all of them, or those of one bank or one message type."""

    link: LinkName
    bank: Alias | None = None
    mti: Mti | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        if self.bank and self.link not in ISSUER_LINES:
            text = f"only {ISSUER_LINES[0]} and {ISSUER_LINES[1]} are lines of one bank; leave out bank:"
            yield Contradiction(("bank",), text)


class Down(_LineFault):
    """The line delivers nothing."""

    kind: Literal["down"] = Field(alias="is")


class Slow(_LineFault):
    """Every message takes `delay` longer."""

    kind: Literal["slow"] = Field(alias="is")
    delay_us: DurationUs = Field(alias="delay")


class Lossy(_LineFault):
    """A message gets lost, by chance."""

    kind: Literal["lossy"] = Field(alias="is")
    chance: Odds


class Duplicating(_LineFault):
    """A message arrives twice, the second `delay` after the first."""

    kind: Literal["duplicating"] = Field(alias="is")
    chance: Odds = 1.0
    delay_us: DurationUs = Field(default=0, alias="delay")


class Reordering(_LineFault):
    """A message is held back for a random time up to `delay`, so that later ones overtake it."""

    kind: Literal["reordering"] = Field(alias="is")
    chance: Odds = 1.0
    delay_us: DurationUs = Field(alias="delay")


class Late(_LineFault):
    """A message arrives `delay` late: after the timer, if that is longer."""

    kind: Literal["late"] = Field(alias="is")
    chance: Odds = 1.0
    delay_us: DurationUs = Field(alias="delay")


class Garbling(_LineFault):
    """One element of a message becomes wrong or unreadable; a message without the element passes unharmed."""

    kind: Literal["garbling"] = Field(alias="is")
    element: Element
    chance: Odds = 1.0


class Crashed(Part):
    """A bank's host stops, loses what it has not committed, and starts again on its database."""

    at: At
    bank: Alias
    kind: Literal["crashed"] = Field(alias="is")
    for_us: DurationUs = Field(alias="for")
    when: CrashMoment | None = None


class Restarted(Part):
    """The switch, or an operator's acquirer, stops and starts again from its disk."""

    at: At
    node: Alias
    kind: Literal["restarted"] = Field(alias="is")
    for_us: DurationUs = Field(alias="for")


class AtmPowerLoss(Part):
    """An ATM loses its power, whatever it is doing."""

    at: At
    atm: Member
    kind: Literal["power_loss"] = Field(alias="is")
    for_us: DurationUs = Field(alias="for")


class Skewed(_Lasting):
    """The clock of an ATM, the switch, an operator's acquirer or a bank's host is wrong: a minus is behind."""

    clock: Member
    kind: Literal["skewed"] = Field(alias="is")
    by_us: SkewUs = Field(alias="by")


class DatabaseError(Part):
    """A unit of work of the bank fails in its store: the `call`-th one that begins after `at`."""

    at: At
    bank: Alias
    kind: Literal["database_error"] = Field(alias="is")
    call: Annotated[int, Whole(1, MOST_CALLS)] = 1


LinkFault: TypeAlias = Down | Slow | Lossy | Duplicating | Reordering | Late | Garbling
Fault: TypeAlias = LinkFault | Crashed | Restarted | AtmPowerLoss | Skewed | DatabaseError
FAULTS: Final[dict[str, type[Part]]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(Fault)
}


def _known_fault(raw: Any) -> Any:
    fault = check_word(raw, "is", list(FAULTS), "fault")
    if fault:
        raise wrong(*fault)
    return raw


FaultInFile = Annotated[Annotated[Fault, Field(discriminator="kind")], BeforeValidator(_known_fault)]


def ends_before_it_begins(
    faults: Sequence[Fault], after_midnight_us: Callable[[values.Moment], int]
) -> Iterator[Contradiction]:
    """A moment may name a day of its own, so only the scenario, which knows its day, can compare two of them."""
    for number, fault in enumerate(faults):
        if isinstance(fault, _Lasting) and after_midnight_us(fault.ends) <= after_midnight_us(fault.begins):
            text = "the fault ends before it begins; to: is later than from:"
            yield Contradiction(("faults", number, "to"), text)


def moments(fault: Fault) -> dict[str, values.Moment]:
    """The times that a fault names, by the key that the file writes them under."""
    if isinstance(fault, _Lasting):
        return {"from": fault.begins, "to": fault.ends}
    return {"at": fault.at}
