"""The day again, frame by frame, from the event records: who waits and what cash is left at every site.

What a page plays is one text a site: a letter a frame, 0 to z for 0 to 35 (a queue of so many; stock in parts of what
lay there at first). A page holds at most MOST_SITES of them, those with the most customers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from atm_sim.records.study_folder import SiteRow

COLUMNS: Final = (
    "time_us",
    "kind",
    "site",
    "atm",
    "amount_jpy",
    "code",
    "reason",
    "wait_us",
    "service_us",
    "service",
)
MOST_SITES = 1_500
MOST_FRAMES = 288
STEPS_MIN: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1_440)
DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
MINUTE_US = 60_000_000
SERVED: Final = ("left", "session")
WENT_AWAY: Final = ("diverted", "postponed", "lost")
_NOTES = re.compile(r"([0-9]+)x([0-9]+)")


def replay_of(events: pa.Table, sites: Sequence[SiteRow]) -> dict[str, Any] | None:
    """What the page's script plays; None where nobody came."""
    visits = events.filter(pc.is_in(events["kind"], pa.array(SERVED + WENT_AWAY)))
    if not len(visits):
        return None
    times, waits, services = (visits[name].to_numpy() for name in ("time_us", "wait_us", "service_us"))
    # the row of a fleet's session lies at its arrival, the last row of any other visit at its end
    at_arrival = np.array(visits["kind"].to_pylist()) == "session"
    arrived = np.where(at_arrival, times, times - services - waits)
    ends = arrived + waits + services
    start_us, step_us, frames = _frames(int(arrived.min()), int(ends.max()))
    at = start_us + step_us * np.arange(frames)
    places = np.array(visits["site"].to_pylist(), dtype=object)
    stock = _Stock(events)
    shown = []
    for site in sites:
        mine = places == site.site
        if mine.any():
            waiting = _so_far(arrived[mine], at) - _so_far((ends - services)[mine], at)
            shown.append((int(mine.sum()), site, waiting, stock.share(site, at)))
    shown.sort(key=lambda each: -each[0])
    return {
        "start_min": start_us // MINUTE_US,
        "step_min": step_us // MINUTE_US,
        "frames": frames,
        "left_out": max(0, len(shown) - MOST_SITES),
        "sites": [
            {
                "name": site.site,
                "machines": site.machines,
                "lat": site.lat,
                "lon": site.lon,
                "queue": _text(waiting),
                "stock": _text(np.rint(share * (len(DIGITS) - 1))) if share is not None else "",
            }
            for _, site, waiting, share in shown[:MOST_SITES]
        ],
    }


def by_prefecture(events: pa.Table, sites: Sequence[SiteRow]) -> dict[str, dict[str, float]]:
    """Customers served and their mean wait (µs) by prefecture, for sites that lie in one."""
    home = {site.site: site.prefecture for site in sites if site.prefecture}
    served = events.filter(pc.is_in(events["kind"], pa.array(SERVED)))
    if not home or not len(served):
        return {}
    sums = served.group_by("site").aggregate([("wait_us", "sum"), ("wait_us", "count")])
    customers: dict[str, float] = {}
    waited: dict[str, float] = {}
    for name, wait_us, count in zip(
        *(sums[column].to_pylist() for column in ("site", "wait_us_sum", "wait_us_count")), strict=True
    ):
        if name in home:
            customers[home[name]] = customers.get(home[name], 0) + count
            waited[home[name]] = waited.get(home[name], 0) + wait_us
    return {
        "customers": dict(sorted(customers.items())),
        "wait.mean": {name: waited[name] / customers[name] for name in sorted(customers)},
    }


def _frames(first_us: int, last_us: int) -> tuple[int, int, int]:
    """Start, step and number of frames: whole steps that hold the time from the first arrival to the last leave."""
    span_min = (last_us - first_us) / MINUTE_US
    step_us = MINUTE_US * next(
        (step for step in STEPS_MIN if span_min / step < MOST_FRAMES - 1), STEPS_MIN[-1]
    )
    start_us = first_us // step_us * step_us
    return start_us, step_us, min(MOST_FRAMES, -(-(last_us - start_us) // step_us) + 1)


def _so_far(times: Any, at: Any) -> Any:
    """How many of the times are over at each moment."""
    return np.searchsorted(np.sort(times), at, side="right")


def _text(numbers: Any) -> str:
    top = len(DIGITS) - 1
    return "".join(DIGITS[int(number)] for number in np.clip(numbers, 0, top))


class _Stock:
    """Cash by site over time: from the cassettes' own rows, or what sessions paid out and took in."""

    def __init__(self, events: pa.Table) -> None:
        rows = events.filter(pc.equal(events["kind"], "cassette"))
        self._by_site: dict[str, dict[str, list[tuple[int, int]]]] = {}
        for time_us, site, atm, notes in _tuples(rows, "time_us", "site", "atm", "reason"):
            machines = self._by_site.setdefault(site, {})
            machines.setdefault(atm, []).append((time_us, _yen(notes)))
        self._moved: dict[str, list[tuple[int, int]]] = {}
        if not self._by_site:
            moved = events.filter(
                pc.and_(pc.equal(events["kind"], "session"), pc.greater(events["amount_jpy"], 0))
            )
            columns = ("time_us", "site", "service", "code", "amount_jpy")
            for time_us, site, service, code, amount_jpy in _tuples(moved, *columns):
                if code in ("00", ""):
                    sign = {"withdraw": -1, "deposit": 1}.get(service, 0)
                    self._moved.setdefault(site, []).append((time_us, sign * amount_jpy))

    def share(self, site: SiteRow, at: Any) -> Any:
        """What is left at each moment, as a share of what lay there at first; None where nobody knows."""
        if not site.stock_jpy:
            return None
        if self._by_site:
            machines = self._by_site.get(site.site, {})
            of_one = site.stock_jpy / site.machines
            total = np.full(len(at), of_one * (site.machines - len(machines)))
            for points in machines.values():
                times = np.array([time_us for time_us, _ in points])
                levels = np.array([of_one, *(amount_jpy for _, amount_jpy in points)])
                total = total + levels[np.searchsorted(times, at, side="right")]
            return np.clip(total / site.stock_jpy, 0, 1)
        points = self._moved.get(site.site, [])
        times = np.array([time_us for time_us, _ in points], dtype=np.int64)
        order = np.argsort(times, kind="stable")
        sums = np.concatenate(
            [[0], np.cumsum(np.array([amount for _, amount in points], dtype=np.int64)[order])]
        )
        left = site.stock_jpy + sums[np.searchsorted(times[order], at, side="right")]
        return np.clip(left / site.stock_jpy, 0, 1)


def _tuples(table: pa.Table, *columns: str) -> Any:
    return zip(*(table[name].to_pylist() for name in columns), strict=True)


def _yen(notes: str) -> int:
    """`2601x10000_2000x1000` as yen."""
    return sum(int(count) * int(value) for count, value in _NOTES.findall(notes))
