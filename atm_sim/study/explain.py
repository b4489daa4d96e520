"""What formulas say of a scenario before anything runs: per site and stretch of the day its load and expected waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from atm_sim.scenario import Scenario, Stream
from atm_sim.study.formulas import Moments, Queue, queue
from atm_sim.world.habits import HABITS
from atm_sim.world.links import LATENCIES
from bank_host.written.values import Distribution

HABITS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "withdraw": ("insert", "pin", "choose", "dispense", "take_card", "take_cash"),
    "deposit": ("insert", "pin", "choose", "take_card"),
    "balance": ("insert", "pin", "choose", "take_card"),
}
"""What a visit is made of; where a scenario names one time for the whole visit, that is it."""


TO_THE_BANK: Final = ("atm-acquirer", "acquirer-switch", "switch-issuer")


class SiteLoad(NamedTuple):
    """One place while the same streams come to it; times are microseconds since midnight."""

    site: str
    machines: int
    from_us: int
    until_us: int
    arrivals: Moments  # the time between two customers
    service: Moments
    assumed: bool  # the visit is put together from habits, not given
    queue: Queue | None  # None: more comes than can be served

    @property
    def load(self) -> float:
        """Offered load in Erlang."""
        return self.service.mean_us / self.arrivals.mean_us

    @property
    def utilisation(self) -> float:
        return self.load / self.machines


def site_loads(scenario: Scenario) -> Iterator[SiteLoad]:
    """Every place to which streams come, stretch by stretch."""
    for site, place in scenario.places.items():
        all_ = [stream for stream in scenario.streams.values() if stream.at == site]
        streams = [stream for stream in all_ if moments(stream.interarrival).mean_us]  # not all at one moment
        edges = sorted({edge for stream in streams for edge in (stream.from_us, _ends_us(stream))})
        for start_us, end_us in pairwise(edges):
            here = [each for each in streams if each.from_us <= start_us and end_us <= _ends_us(each)]
            if not here:
                continue
            arrivals, service = _together(here), _mixed(scenario, here)
            found = queue(place.machines, arrivals, service)
            assumed = any(stream.visit is None for stream in here)
            yield SiteLoad(site, place.machines, start_us, end_us, arrivals, service, assumed, found)


def moments(spread: Distribution) -> Moments:
    """Mean and squared coefficient of variation of a written distribution."""
    first, second = spread.first, spread.second
    match spread.shape:
        case "uniform":
            mean = (first + second) / 2
            return Moments(mean, (second - first) ** 2 / 12 / mean**2 if mean else 0.0)
        case "exponential":
            return Moments(first, 1.0)
        case "normal":  # the tail below 0, which counts as 0, is left out of account
            return Moments(first, (second / first) ** 2 if first else 0.0)
        case "lognormal":
            return Moments(first, second**2)
    return Moments(first, 0.0)


def _ends_us(stream: Stream) -> int:
    """When a stream ends, for so many customers as may be expected."""
    if stream.until_us is not None:
        return stream.until_us
    assert stream.customers is not None, "a stream ends in one of two ways"
    return stream.from_us + round(stream.customers * moments(stream.interarrival).mean_us)


def _together(streams: Sequence[Stream]) -> Moments:
    """Several streams as one: rates add up; its variability is their mean, weighted by rate (exact for Poisson)."""
    each = [moments(stream.interarrival) for stream in streams]
    rates = [1 / one.mean_us for one in each]
    scv = sum(rate * one.scv for rate, one in zip(rates, each, strict=True)) / sum(rates)
    return Moments(1 / sum(rates), scv)


def visit_of_mix(scenario: Scenario, mix: Sequence[tuple[str, float]]) -> Moments:
    """A visit for one of several services, each with its weight."""
    return _mixture([(weight, _from_habits(scenario, service)) for service, weight in mix])


def _mixed(scenario: Scenario, streams: Sequence[Stream]) -> Moments:
    """The service that a customer of any of the streams takes."""
    parts: list[tuple[float, Moments]] = []
    for stream in streams:
        rate = 1 / moments(stream.interarrival).mean_us
        total = sum(weight for _, weight in stream.services)
        for service, weight in stream.services:
            takes = _from_habits(scenario, service) if stream.visit is None else moments(stream.visit)
            parts.append((rate * weight / total, takes))
    return _mixture(parts)


def _mixture(parts: Sequence[tuple[float, Moments]]) -> Moments:
    """One of several times, each with its weight."""
    whole = sum(weight for weight, _ in parts)
    mean = sum(weight * each.mean_us for weight, each in parts) / whole
    second = sum(weight * each.second_us2 for weight, each in parts) / whole
    return Moments(mean, max(0.0, second / mean**2 - 1))


def _from_habits(scenario: Scenario, service: str) -> Moments:
    """A visit as the sum of what its customer and the machine do, and one round trip to the bank."""
    habits = {**HABITS, **{str(name): spread for name, spread in scenario.habits.items()}}
    links = {**LATENCIES, **{str(name): spread for name, spread in scenario.links.items()}}
    parts = [moments(habits[name]) for name in HABITS_OF[service]]
    parts += 2 * [moments(links[name]) for name in TO_THE_BANK]
    mean = sum(part.mean_us for part in parts)
    variance = sum(part.scv * part.mean_us**2 for part in parts)
    return Moments(mean, variance / mean**2)
