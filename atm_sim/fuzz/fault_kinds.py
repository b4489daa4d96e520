"""The faults that a world is drawn from: one row a kind, aimed at the moments of its visits.

A new kind is one entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from atm_sim.fuzz.draft import Draft
from atm_sim.fuzz.written import World, quoted

Draw = Callable[[Draft, int], World]
"""Draws the keys of a fault beside `is`; the number is the second at which it begins."""


class FaultKind(NamedTuple):
    kind: str
    weight: int
    draw: Draw


LINES = ("atm-acquirer", "acquirer-switch", "switch-issuer", "switch-issuer")
DELAYS = ("1 s", "10 s", "27 s", "37 s", "50 s", "3 min")
MESSAGE_TYPES = ("0200", "0210", "0220", "0230", "0420", "0421", "0430")
ELEMENTS = ("3", "4", "7", "11", "37", "39", "41", "54", "90", "95")
CHANCES = ("0.2", "0.5", "0.9", "1")

# Of a visit with the usual habits: the card goes in, the bank is asked at 21 s, the notes are counted until 33 s.
INTO_A_VISIT_S = (0, 10, 20, 21, 21, 22, 30, 33, 34, 45)
LASTS_S = (1, 2, 5, 10, 30, 60, 60, 600, 3 * 3600)


def _lasting(draft: Draft, begins_s: int) -> World:
    return {"from": draft.moment(begins_s), "to": draft.moment(begins_s + draft.one_of(LASTS_S))}


def _line(draft: Draft, begins_s: int) -> World:
    """A line for a while; at times for one bank or one kind of message alone."""
    link = draft.one_of(LINES)
    keys = _lasting(draft, begins_s) | {"link": link}
    if link == "switch-issuer" and len(draft.banks) > 1 and draft.happens(0.3):
        keys["bank"] = draft.one_of(draft.banks)
    if draft.happens(0.4):
        keys["mti"] = quoted(draft.one_of(MESSAGE_TYPES))
    return keys


def _delaying(draft: Draft, begins_s: int) -> World:
    return _line(draft, begins_s) | {"delay": draft.one_of(DELAYS)}


def _by_chance(draft: Draft, begins_s: int) -> World:
    return _line(draft, begins_s) | {"chance": draft.one_of(CHANCES)}


def _delaying_by_chance(draft: Draft, begins_s: int) -> World:
    return _by_chance(draft, begins_s) | {"delay": draft.one_of(DELAYS)}


def _garbling(draft: Draft, begins_s: int) -> World:
    return _by_chance(draft, begins_s) | {"element": draft.one_of(ELEMENTS)}


FAULT_KINDS: tuple[FaultKind, ...] = (
    FaultKind("down", 4, _line),
    FaultKind("slow", 2, _delaying),
    FaultKind("lossy", 4, _by_chance),
    FaultKind("duplicating", 4, _delaying_by_chance),
    FaultKind("reordering", 2, _delaying_by_chance),
    FaultKind("late", 4, _delaying_by_chance),
    FaultKind("garbling", 3, _garbling),
)


def draw_fault(draft: Draft) -> World:
    """One fault that begins in the course of one of the visits, or at any act where nobody goes to an ATM."""
    kind = draft.random.choices(FAULT_KINDS, [kind.weight for kind in FAULT_KINDS])[0]
    starts_s = [at_s for at_s, _ in draft.visits_s] or draft.acts_s
    begins_s = draft.one_of(starts_s) + draft.one_of(INTO_A_VISIT_S)
    keys = kind.draw(draft, begins_s)
    return keys | {"is": kind.kind}
