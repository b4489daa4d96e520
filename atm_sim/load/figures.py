"""What a load run measured: latencies from the intended moment, the generator's own lag, rates, counts.

A request without an answer counts with the time it was waited for, which is the least it can have taken; leaving it
out would flatter the host.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from atm_sim.load.record import NO_ANSWER, Record
from atm_sim.load.times import Times, together
from bank_host.iso8583.codes import response_code
from bank_host.jst import SECOND_US

PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99.9": 99.9}
CURVE: Final = (0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999)
ODD_KINDS: Final = (
    "late",
    "unmatched",
    "duplicate",
    "unsolicited",
    "mac_failure",
    "mac_missing",
    "format_error",
)


class Spread(NamedTuple):
    """How a number of times are spread, in microseconds."""

    number: int
    mean_us: int
    percentiles: dict[str, int]
    max_us: int
    curve: tuple[tuple[float, int], ...] = ()

    def at(self, name: str) -> int:
        """By the name that a scenario file writes: mean, p50 ... p99.9, max."""
        if name == "mean":
            return self.mean_us
        return self.max_us if name == "max" else self.percentiles[name]


class Stretch(NamedTuple):
    """One window of the run, by the intended moment; answers by when they came."""

    at_s: int
    seconds: int
    planned: int
    sent: int
    answered: int
    p50_us: int
    p99_us: int


class Figures(NamedTuple):
    """All of them."""

    seconds: float
    latency: Spread
    by_service: dict[str, Spread]
    by_code: dict[str, Spread]  # '' of no answer
    send_lag: Spread
    counts: dict[str, int]
    approvals: dict[str, tuple[int, int]]  # by service, and '' of all: approved, answered
    declines: dict[str, int]  # by response code
    series: tuple[Stretch, ...]


def spread(times: Times, *, curve: bool = False) -> Spread:
    """The times in an HdrHistogram of three digits, and what it says; all zero of no times."""
    number, most_us = times.number, times.most_us
    if not number:
        return Spread(0, 0, dict.fromkeys(PERCENTILES, 0), 0)
    histogram = times.histogram()

    def at(percent: float) -> int:
        return min(most_us, int(histogram.get_value_at_percentile(percent)))

    return Spread(
        number,
        round(times.total_us / number),
        {name: at(percent) for name, percent in PERCENTILES.items()},
        most_us,
        tuple((percent, at(percent)) for percent in CURVE) if curve else (),
    )


def figures(record: Record, seconds: float) -> Figures:
    """What the record comes to, once it is closed."""
    latency = record.latency
    services, codes = ({key[part] for key in latency} for part in (0, 1))
    asked: Counter[str] = Counter()
    approved: Counter[str] = Counter()
    declines: Counter[str] = Counter()
    for (service, code), times in latency.items():
        if code == NO_ANSWER:
            continue
        good = response_code(code).action == "pay"
        for key in ("", service):
            asked[key] += times.number
            approved[key] += times.number * good
        if not good:
            declines[code] += times.number
    return Figures(
        seconds,
        spread(together(latency.values()), curve=True),
        {
            name: spread(together(latency[key] for key in latency if key[0] == name))
            for name in sorted(services)
        },
        {name: spread(together(latency[key] for key in latency if key[1] == name)) for name in sorted(codes)},
        spread(record.send_lag),
        _counts(record, asked[""], declines.total(), seconds),
        {key: (approved[key], asked[key]) for key in asked},
        dict(declines.most_common()),
        _series(record),
    )


def _counts(record: Record, answered: int, declined: int, seconds: float) -> dict[str, int]:
    counts, sent = record.counts, record.send_lag.number
    return {
        "planned": record.number,
        "sent": sent,
        "dropped": record.number - sent,
        "no_card": counts["no_card"],
        "answered": answered,
        "not_answered": counts["timed_out"] + counts["lost"],
        "timed_out": counts["timed_out"],
        "lost": counts["lost"],
        "declines": declined,
        **{kind: counts[kind] for kind in ODD_KINDS},
        "mac_failures": counts["mac_failure"] + counts["mac_missing"],
        "completions": counts["completions"],
        "reversals": counts["reversals"],
        "repeats": counts["repeats"],
        "echoes": counts["echoes"],
        "key_exchanges": counts["key_exchanges"],
        "unresolved": record.states["unresolved"],
        "throughput": round(answered / seconds) if seconds else 0,
    }


def _series(record: Record) -> tuple[Stretch, ...]:
    seconds = record.window_us // SECOND_US
    return tuple(
        Stretch(number * seconds, seconds, each.planned, each.sent, each.answered, each.p50_us, each.p99_us)
        for number, each in enumerate(record.windows)
    )
