"""What the auditor found: how often each invariant was checked, and each breach at the moment it happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from atm_sim.checks.invariants.catalogue import INVARIANTS, NAMES, Invariant
from atm_sim.records.check import Check
from bank_host.jst import civil

KEPT_PER_INVARIANT = 20
"""One broken rule breaks at every commit: the first breaches are kept, the others counted."""


class Breach(NamedTuple):
    """One invariant that did not hold, in words; never a card number, PIN or code."""

    invariant: str
    expected: str
    actual: str
    where: str = ""  # bank and business key, or ATM
    at_us: int = 0
    step: str = ""  # the scenario step in whose course it happened
    request_id: str = ""  # the message chain


OnBreach = Callable[[Breach], Breach]
"""Hears of a breach when it happens; what it returns is kept, so it may add step and message chain."""


def _as_found(breach: Breach) -> Breach:
    return breach


class Findings:
    """Counts checks and keeps breaches. `now_us` and `where` are those of what is being looked at."""

    __slots__ = ("_kept", "_on_breach", "checked", "now_us", "times", "where")

    def __init__(self, on_breach: OnBreach = _as_found) -> None:
        self._on_breach = on_breach
        self._kept: dict[str, list[Breach]] = {}
        self.checked: dict[str, int] = dict.fromkeys(NAMES, 0)
        self.times: dict[str, int] = {}  # breaches, those not kept included
        self.now_us = 0
        self.where = ""

    def breach(self, invariant: str, expected: str, actual: str, *, request_id: str = "") -> None:
        self.times[invariant] = self.times.get(invariant, 0) + 1
        kept = self._kept.setdefault(invariant, [])
        if len(kept) < KEPT_PER_INVARIANT:
            found = Breach(invariant, expected, actual, self.where, self.now_us, request_id=request_id)
            kept.append(self._on_breach(found))

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """By invariant, in the order of the catalogue; each in the order of its happening."""
        return tuple(breach for name in NAMES for breach in self._kept.get(name, ()))

    def broken(self) -> tuple[str, ...]:
        return tuple(name for name in NAMES if name in self._kept)


def invariant_checks(findings: Findings, wanted: Iterable[str] | Literal["all"] = "all") -> list[Check]:
    """One Check for each wanted invariant, in the order of the catalogue; an unknown name is a ValueError."""
    names = NAMES if wanted == "all" else tuple(wanted)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ValueError(f"there is no invariant {', '.join(unknown)}; there are {NAMES[0]} to {NAMES[-1]}")
    first: dict[str, Breach] = {}
    for breach in findings.breaches:
        first.setdefault(breach.invariant, breach)
    return [_check(each, findings, first.get(each.name)) for each in INVARIANTS if each.name in names]


def _check(invariant: Invariant, findings: Findings, first: Breach | None) -> Check:
    name, checked = invariant.name, findings.checked[invariant.name]
    if first is None:
        actual = f"held, checked {checked:,} times" if checked else "nothing to check"
        return Check("invariant", name, invariant.holds, actual, True)
    more = findings.times[name] - 1
    found = [f"at {civil(first.at_us):%Y-%m-%d %H:%M:%S} JST"] if first.at_us else []
    found += [first.where] if first.where else []
    found += [f"and {more:,} more breach{'es' if more > 1 else ''}"] if more else []
    return Check(
        "invariant",
        name,
        first.expected,
        first.actual,
        False,
        step=first.step,
        detail=f"{invariant.holds}: {', '.join(found)}",
        request_id=first.request_id,
    )
