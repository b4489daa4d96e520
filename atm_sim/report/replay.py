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

from atm_sim.records.sites import SiteRow

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
APPROVED: Final = "00"
WENT_AWAY: Final = ("diverted", "postponed", "lost")
_NOTES = re.compile(r"([0-9]+)x([0-9]+)")


def replay_of(events: pa.Table, sites: Sequence[SiteRow]) -> dict[str, Any] | None:
    """What the page's script plays; None where nobody came."""
    visits = events.filter(pc.is_in(events["kind"], pa.array(SERVED + WENT_AWAY)))
    if not len(visits):
        return None
    times, waits, services = (visits[name].to_numpy() for name in ("time_us", "wait_us", "service_us"))
    # the row of a fleet's session lies at its arrival, the last row of any other visit at its end
    at_arrival = pc.equal(visits["kind"], "session").to_numpy(zero_copy_only=False)
    arrived = np.where(at_arrival, times, times - services - waits)
    ends = arrived + waits + services
    start_us, step_us, frames = _frames(int(arrived.min()), int(ends.max()))
    at = start_us + step_us * np.arange(frames)
    mine = _by_site(visits)
    crowded = sorted((site for site in sites if site.site in mine), key=lambda site: -len(mine[site.site]))
    shown = crowded[:MOST_SITES]
    stock = _Stock(events)
    return {
        "start_min": start_us // MINUTE_US,
        "step_min": step_us // MINUTE_US,
        "frames": frames,
        "left_out": len(crowded) - len(shown),
        "sites": [
            {
                "name": site.site,
                "machines": site.machines,
                "lat": site.lat,
                "lon": site.lon,
                "queue": _text(_waiting(arrived[mine[site.site]], waits[mine[site.site]], at)),
                "stock": _text(np.rint(share * (len(DIGITS) - 1))) if share is not None else "",
            }
            for site in shown
            for share in [stock.share(site, at)]
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


def _by_site(rows: pa.Table) -> dict[str, Any]:
    """The places of each site's rows, in their order: sorted once, however many sites there are."""
    column = rows["site"].combine_chunks().dictionary_encode()
    places = column.indices.to_numpy()
    order = np.argsort(places, kind="stable")
    edges = np.searchsorted(places[order], np.arange(len(column.dictionary) + 1))
    names = column.dictionary.to_pylist()
    return {name: order[edges[number] : edges[number + 1]] for number, name in enumerate(names)}


def _waiting(arrived: Any, waits: Any, at: Any) -> Any:
    """How many have come and wait at each moment."""
    return _so_far(arrived, at) - _so_far(arrived + waits, at)


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
        self._levels: dict[str, dict[str, list[tuple[int, int]]]] = {}
        for time_us, site, atm, notes in _tuples(rows, "time_us", "site", "atm", "reason"):
            self._levels.setdefault(site, {}).setdefault(atm, []).append((time_us, _yen(notes)))
        paid = pc.and_(pc.equal(events["kind"], "session"), pc.equal(events["code"], APPROVED))
        self._sessions = events.filter(pc.and_(paid, pc.greater(events["amount_jpy"], 0)))
        self._mine = _by_site(self._sessions) if len(self._sessions) else {}
        self._times = self._sessions["time_us"].to_numpy()
        out = pc.equal(self._sessions["service"], "withdraw").to_numpy(zero_copy_only=False)
        self._moved = np.where(out, -1, 1) * self._sessions["amount_jpy"].to_numpy()

    def share(self, site: SiteRow, at: Any) -> Any:
        """What is left at each moment, as a share of what lay there at first; None where nobody knows."""
        if not site.stock_jpy:
            return None
        if self._levels:
            left = self._from_cassettes(site, at)
        else:
            mine = self._mine.get(site.site, np.array([], dtype=np.int64))
            order = mine[np.argsort(self._times[mine], kind="stable")]
            sums = np.concatenate([[0], np.cumsum(self._moved[order])])
            left = site.stock_jpy + sums[np.searchsorted(self._times[order], at, side="right")]
        return np.clip(left / site.stock_jpy, 0, 1)

    def _from_cassettes(self, site: SiteRow, at: Any) -> Any:
        machines = self._levels.get(site.site, {})
        of_one = site.stock_jpy / site.machines
        total = np.full(len(at), of_one * (site.machines - len(machines)))
        for points in machines.values():
            times = np.array([time_us for time_us, _ in points])
            levels = np.array([of_one, *(amount_jpy for _, amount_jpy in points)])
            total = total + levels[np.searchsorted(times, at, side="right")]
        return total


def _tuples(table: pa.Table, *columns: str) -> Any:
    return zip(*(table[name].to_pylist() for name in columns), strict=True)


def _yen(notes: str) -> int:
    """`2601x10000_2000x1000` as yen."""
    return sum(int(count) * int(value) for count, value in _NOTES.findall(notes))
