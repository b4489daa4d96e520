"""The faults that a world is drawn from: one row a kind, aimed at the moments of its visits.

A new kind is one entry; a kind with several entries is drawn in several ways.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from atm_sim.fuzz.draft import Draft
from atm_sim.fuzz.written import World, Written, quoted
from atm_sim.scenario.faults import ISSUER_LINES

Draw = Callable[[Draft, int], World]
"""Draws the keys of a fault beside `is`; the number is the second at which it begins."""


class FaultKind(NamedTuple):
    kind: str
    weight: int
    draw: Draw


LINES = ("atm-acquirer", "acquirer-switch", "switch-issuer", "switch-issuer", "acquirer-issuer")
DELAYS = ("1 s", "10 s", "27 s", "37 s", "37 s", "50 s", "50 s", "3 min")
MESSAGE_TYPES = ("0200", "0200", "0210", "0210", "0210", "0220", "0230", "0420", "0421", "0430")
ELEMENTS = ("3", "4", "7", "11", "37", "39", "41", "54", "90", "95")
OUTAGES = ("1 s", "10 s", "30 s", "30 s", "2 min", "2 min", "3 h", "26 h")
CHANCES = ("0.2", "0.5", "0.9", "1")

# Of a visit with the usual habits: the card goes in, the bank is asked at 21 s, the notes are counted until 33 s.
INTO_A_VISIT_S = (0, 10, 20, 21, 21, 22, 30, 33, 34, 45)
LASTS_S = (1, 2, 5, 10, 30, 60, 60, 600, 600, 3 * 3600, 26 * 3600)


def _lasting(draft: Draft, begins_s: int) -> World:
    return {"from": draft.moment(begins_s), "to": draft.moment(begins_s + draft.one_of(LASTS_S))}


def _line(draft: Draft, begins_s: int) -> World:
    """A line for a while; at times for one bank or one kind of message alone."""
    link = draft.one_of(LINES)
    keys = _lasting(draft, begins_s) | {"link": link}
    if link in ISSUER_LINES and len(draft.banks) > 1 and draft.happens(0.3):
        keys["bank"] = draft.one_of(draft.banks)
    if draft.happens(0.5):
        keys["mti"] = quoted(draft.one_of(MESSAGE_TYPES))
    return keys


def _delaying(draft: Draft, begins_s: int) -> World:
    return _line(draft, begins_s) | {"delay": draft.one_of(DELAYS)}


def _by_chance(draft: Draft, begins_s: int) -> World:
    return _line(draft, begins_s) | {"chance": draft.one_of(CHANCES)}


def _delaying_by_chance(draft: Draft, begins_s: int) -> World:
    return _by_chance(draft, begins_s) | {"delay": draft.one_of(DELAYS)}


def _overtaken(draft: Draft, begins_s: int) -> World:
    """A request so late that its own reversal comes first."""
    delay = draft.one_of(("27 s", "37 s", "50 s", "3 min"))
    return _lasting(draft, begins_s) | {"link": "switch-issuer", "mti": quoted("0200"), "delay": delay}


def _unanswered(draft: Draft, begins_s: int) -> World:
    """Answers of the bank get lost, so that somebody has to undo what it approved."""
    mti = quoted(draft.one_of(("0210", "0210", "0430")))
    return _lasting(draft, begins_s) | {"link": draft.one_of(LINES), "mti": mti}


def _garbling(draft: Draft, begins_s: int) -> World:
    return _by_chance(draft, begins_s) | {"element": draft.one_of(ELEMENTS)}


def _at(draft: Draft, begins_s: int) -> World:
    return {"at": draft.moment(begins_s)}


def _crashed(draft: Draft, begins_s: int) -> World:
    keys = _at(draft, begins_s) | {"bank": draft.one_of(draft.banks), "for": draft.one_of(OUTAGES)}
    if draft.happens(0.7):
        keys["when"] = draft.one_of(("before_commit", "after_charge", "after_commit"))
    return keys


def _restarted(draft: Draft, begins_s: int) -> World:
    nodes = ("switch", *(site.operator for site in draft.sites))
    return _at(draft, begins_s) | {"node": draft.one_of(nodes), "for": draft.one_of(OUTAGES)}


def _power_loss(draft: Draft, begins_s: int) -> World:
    atms = [atm for site in draft.sites for atm in site.terminals]
    return _at(draft, begins_s) | {"atm": draft.one_of(atms), "for": draft.one_of(OUTAGES)}


def _skewed(draft: Draft, begins_s: int) -> World:
    clocks = ["switch", *draft.banks]
    clocks += [name for site in draft.sites for name in (site.operator, *site.terminals)]
    keys = _lasting(draft, begins_s) | {"clock": draft.one_of(clocks)}
    return keys | {"by": draft.one_of(("-90 s", "-5 s", "30 s", "61 s", "-1 h", "1 h"))}


def _database_error(draft: Draft, begins_s: int) -> World:
    calls = draft.one_of(("1", "1", "2", "2", "3", "4", "6"))
    return _at(draft, begins_s) | {"bank": draft.one_of(draft.banks), "call": calls}


FAULT_KINDS: tuple[FaultKind, ...] = (
    FaultKind("down", 4, _line),
    FaultKind("slow", 2, _delaying),
    FaultKind("lossy", 4, _by_chance),
    FaultKind("duplicating", 4, _delaying_by_chance),
    FaultKind("reordering", 2, _delaying_by_chance),
    FaultKind("late", 4, _delaying_by_chance),
    FaultKind("late", 2, _overtaken),
    FaultKind("down", 2, _unanswered),
    FaultKind("garbling", 3, _garbling),
    FaultKind("crashed", 4, _crashed),
    FaultKind("restarted", 3, _restarted),
    FaultKind("power_loss", 2, _power_loss),
    FaultKind("skewed", 2, _skewed),
    FaultKind("database_error", 3, _database_error),
)


def draw_faults(draft: Draft) -> list[Written]:
    """One to four faults that begin in the course of visits, half the time all of them in the course of one. At times
    a line fault strikes a second line too: what one node undoes for want of an answer, another undoes as well."""
    starts_s = [at_s for at_s, _ in draft.visits_s] or draft.acts_s
    if draft.happens(0.5):
        starts_s = [draft.one_of(starts_s)]
    faults = [_fault(draft, draft.one_of(starts_s)) for _ in range(draft.one_of((1, 1, 1, 2, 3, 4)))]
    if faults and "link" in faults[0] and draft.happens(0.4):
        elsewhere = {key: value for key, value in faults[0].items() if key != "bank"}
        faults.append(elsewhere | {"link": draft.one_of(LINES)})
    return list(faults)


def _fault(draft: Draft, visit_s: int) -> World:
    kind = draft.random.choices(FAULT_KINDS, [kind.weight for kind in FAULT_KINDS])[0]
    return kind.draw(draft, visit_s + draft.one_of(INTO_A_VISIT_S)) | {"is": kind.kind}
