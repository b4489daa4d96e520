"""What a load run measured: latencies from the intended moment, the generator's own lag, rates, counts.

HdrHistogram is filled when the run is over: filling it costs more than sending does. A request without an answer
counts with the time it was waited for, which is the least it can have taken; leaving it out would flatter the host.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from hdrh.histogram import HdrHistogram

from atm_sim.load.record import NO_ANSWER, NOT, Record
from bank_host.iso8583.codes import response_code
from bank_host.jst import SECOND_US

LONGEST_US: Final = 3_600 * SECOND_US
DIGITS: Final = 3
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


class Second(NamedTuple):
    """One second of the run, by the intended moment; answers by when they came."""

    at_s: int
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
    series: tuple[Second, ...]


def spread(times_us: Iterable[int], *, curve: bool = False) -> Spread:
    """The times in an HdrHistogram of three digits, and what it says; all zero of no times."""
    histogram = HdrHistogram(1, LONGEST_US, DIGITS)
    found = Counter(times_us)
    for time_us, count in found.items():
        histogram.record_value(max(1, min(time_us, LONGEST_US)), count)
    total = found.total()
    if not total:
        return Spread(0, 0, dict.fromkeys(PERCENTILES, 0), 0)
    most_us = max(found)
    mean_us = round(sum(time_us * count for time_us, count in found.items()) / total)
    at = {name: min(most_us, int(histogram.get_value_at_percentile(p))) for name, p in PERCENTILES.items()}
    points = (
        tuple((p, min(most_us, int(histogram.get_value_at_percentile(p)))) for p in CURVE) if curve else ()
    )
    return Spread(total, mean_us, at, most_us, points)


def figures(record: Record, seconds: float) -> Figures:
    """Read the columns once."""
    all_us: list[int] = []
    lag_us: list[int] = []
    by_service: dict[str, list[int]] = defaultdict(list)
    by_code: dict[str, list[int]] = defaultdict(list)
    asked: Counter[str] = Counter()
    approved: Counter[str] = Counter()
    declines: Counter[str] = Counter()
    for intended_us, sent_us, answered_us, service, code in zip(
        record.intended_us, record.sent_us, record.answered_us, record.service, record.code, strict=True
    ):
        if sent_us == NOT:
            continue
        lag_us.append(sent_us - intended_us)
        if answered_us == NOT:
            continue
        took_us = answered_us - intended_us
        name, text = record.services[service], record.codes[code]
        all_us.append(took_us)
        by_service[name].append(took_us)
        by_code[text].append(took_us)
        if text == NO_ANSWER:
            continue
        good = response_code(text).action == "pay"
        for key in ("", name):
            asked[key] += 1
            approved[key] += good
        if not good:
            declines[text] += 1
    return Figures(
        seconds,
        spread(all_us, curve=True),
        {name: spread(times) for name, times in sorted(by_service.items())},
        {name: spread(times) for name, times in sorted(by_code.items())},
        spread(lag_us),
        _counts(record, len(lag_us), asked[""], declines.total(), seconds),
        {key: (approved[key], asked[key]) for key in asked},
        dict(declines.most_common()),
        _series(record),
    )


def _counts(record: Record, sent: int, answered: int, declined: int, seconds: float) -> dict[str, int]:
    states = Counter(map(record.state_of, range(len(record))))
    counts = record.counts
    return {
        "planned": len(record),
        "sent": sent,
        "dropped": len(record) - sent,
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
        "unresolved": sum(states[state] for state in ("unresolved", "waiting", "completing", "reversing")),
        "throughput": round(answered / seconds) if seconds else 0,
    }


def _series(record: Record) -> tuple[Second, ...]:
    planned: Counter[int] = Counter()
    sent: Counter[int] = Counter()
    answered: Counter[int] = Counter()
    took: dict[int, list[int]] = defaultdict(list)
    for intended_us, sent_us, answered_us, code in zip(
        record.intended_us, record.sent_us, record.answered_us, record.code, strict=True
    ):
        second = intended_us // SECOND_US
        planned[second] += 1
        if sent_us != NOT:
            sent[sent_us // SECOND_US] += 1
        if answered_us != NOT:
            took[second].append(answered_us - intended_us)
            answered[answered_us // SECOND_US] += record.codes[code] != NO_ANSWER
    last = max((*planned, *answered), default=-1)
    found = []
    for second in range(last + 1):
        times = sorted(took.get(second, ()))
        found.append(
            Second(second, planned[second], sent[second], answered[second], _at(times, 50), _at(times, 99))
        )
    return tuple(found)


def _at(ordered: Sequence[int], percent: int) -> int:
    """The value below or at which so many percent lie; 0 of none."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0
