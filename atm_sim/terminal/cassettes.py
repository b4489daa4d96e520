"""The cash inside one machine: cassettes, stacker, escrow and bins (requirements X6, X10; security I7, I9).

Every note is in exactly one place, and every method moves notes from one place to another, so the number of
notes per denomination only changes when notes pass the shutter (`hand_out`, `take_in`, `give_back`), or when staff
find that some have passed it unseen (`found_instead`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from atm_sim.terminal.note_mix import FEWEST, Notes, counted, note_mix, notes_value

NEAR_END_NOTES = 200

_PLACES = ("stacker", "escrow", "reject_bin", "retract_bin", "unknown", "found")
"""Where notes are beside the cassettes."""


@dataclass(frozen=True, slots=True)
class Cassette:
    """One denomination's cassette as the machine opens. `capacity` 0 = as many as are brought."""

    denomination_jpy: int
    count: int
    capacity: int = 0
    near_end: int = NEAR_END_NOTES
    pays_out: bool = True  # ¥2,000 notes are usually accepted and never paid out
    recycles: bool = True  # deposited notes go back into this cassette


class CashUnit:
    """All notes of one machine, by place. Amounts and counts only: which banknote it is does not matter."""

    __slots__ = (
        "_cassettes",
        "_empty",
        "_low",
        "_stock",
        "escrow",
        "found",
        "reject_bin",
        "retract_bin",
        "stacker",
        "unknown",
    )

    def __init__(self, cassettes: Iterable[Cassette]) -> None:
        self._cassettes = {c.denomination_jpy: c for c in cassettes}
        self._stock: Counter[int] = Counter({d: c.count for d, c in self._cassettes.items()})
        self._low = {d for d, c in self._cassettes.items() if c.pays_out and c.count <= c.near_end}
        self._empty = not self.can_pay()
        self.stacker: Counter[int] = Counter()  # counted out, not yet taken by the customer
        self.escrow: Counter[int] = Counter()  # put in by the customer, not yet the bank's
        self.reject_bin: Counter[int] = Counter()  # could not be paid out, or found no place in a cassette
        self.retract_bin: Counter[int] = Counter()  # paid out, not taken, pulled back: to be counted by staff
        self.unknown: Counter[int] = Counter()  # on the way out when the machine lost sight of them
        self.found: Counter[int] = Counter()  # the customer's own notes, given back and not taken

    # ---- what is there

    @property
    def stock(self) -> Notes:
        """The notes in the cassettes, empty cassettes included."""
        return tuple((d, self._stock[d]) for d in sorted(self._cassettes, reverse=True))

    def total_jpy(self) -> int:
        """The bank's cash in the machine: cassettes, stacker, bins and notes of unknown outcome (I7).

        Notes in escrow or found at the shutter belong to a customer and are not in it.
        """
        places = (self._stock, self.stacker, self.reject_bin, self.retract_bin, self.unknown)
        return sum(notes_value(counted(place)) for place in places)

    def every_note(self) -> Counter[int]:
        """Notes per denomination in the whole machine, customers' notes included (I9)."""
        places = (self.stacker, self.escrow, self.reject_bin, self.retract_bin, self.unknown, self.found)
        return sum(places, start=Counter(self._stock))

    def places(self) -> dict[str, dict[int, int]]:
        """Every note by its place, as plain data."""
        return {"stock": dict(self._stock), **{name: dict(getattr(self, name)) for name in _PLACES}}

    def put(self, places: Mapping[str, Mapping[int, int]]) -> None:
        """The machine starts again with the notes that were in it."""
        self._stock = Counter(places["stock"])
        for name in _PLACES:
            setattr(self, name, Counter(places[name]))
        self.newly_near_end()
        self.newly_empty()

    def can_pay(self) -> bool:
        """False when no note that could be paid out is left."""
        return any(self._stock[d] for d, c in self._cassettes.items() if c.pays_out)

    def newly_empty(self) -> bool:
        """True when the last note that could be paid out went since the last call."""
        was_empty, self._empty = self._empty, not self.can_pay()
        return self._empty and not was_empty

    def mix(self, amount_jpy: int, *, policy: str = FEWEST, max_notes: int = 0) -> Notes | None:
        """The notes this machine would pay the amount with, or None."""
        payable = {d: self._stock[d] for d, c in self._cassettes.items() if c.pays_out}
        return note_mix(amount_jpy, payable, policy=policy, max_notes=max_notes)

    def newly_near_end(self) -> tuple[int, ...]:
        """Denominations that fell to their near-end mark since the last call."""
        low = {d for d, c in self._cassettes.items() if c.pays_out and self._stock[d] <= c.near_end}
        fallen = tuple(sorted(low - self._low, reverse=True))
        self._low = low
        return fallen

    def lay_in(self, notes: Notes) -> None:
        """Staff leave these notes in the cassettes; what was in them they take along."""
        for denomination, count in notes:
            self._stock[denomination] = count
        self._low = {d for d, c in self._cassettes.items() if c.pays_out and self._stock[d] <= c.near_end}
        self._empty = not self.can_pay()

    # ---- paying out

    def count_out(self, notes: Notes) -> None:
        """Cassettes -> stacker, as the dispenser starts counting."""
        for denomination, count in notes:
            if count > self._stock[denomination]:
                raise ValueError(f"cassette {denomination} holds fewer than {count} notes; ask mix() first")
            self._stock[denomination] -= count
            self.stacker[denomination] += count

    def reject_short(self, presented: Notes) -> None:
        """Stacker -> reject bin for what the dispenser did not get to the shutter."""
        reached = Counter(dict(presented))
        self.reject_bin += self.stacker - reached
        self.stacker = reached

    def hand_out(self) -> Notes:
        """Stacker -> the customer's hand."""
        taken, self.stacker = counted(self.stacker), Counter()
        return taken

    def retract(self) -> Notes:
        """Stacker -> retract bin: the notes were not taken."""
        pulled_back = counted(self.stacker)
        self.retract_bin += self.stacker
        self.stacker = Counter()
        return pulled_back

    def lose_sight(self) -> None:
        """Stacker -> unknown: the device cannot say where the notes are."""
        self.unknown += self.stacker
        self.stacker = Counter()

    def found_instead(self, expected: Notes, found: Notes) -> None:
        """Staff counted: of `expected`, which lay in the retract bin or out of sight, `found` is there."""
        for denomination, count in expected:
            in_bin = min(count, self.retract_bin[denomination])
            self.retract_bin[denomination] -= in_bin
            self.unknown[denomination] -= count - in_bin
        self.retract_bin = +self.retract_bin + Counter(dict(found))
        self.unknown = +self.unknown

    # ---- taking in

    def take_in(self, notes: Notes) -> None:
        """The customer's hand -> escrow."""
        self.escrow += Counter(dict(notes))

    def keep_deposit(self) -> None:
        """Escrow -> cassettes as far as they recycle and have room, else the reject bin."""
        for denomination, count in counted(self.escrow):
            cassette = self._cassettes.get(denomination)
            room = 0
            if cassette is not None and cassette.recycles:
                room = count
                if cassette.capacity:
                    room = max(0, min(count, cassette.capacity - self._stock[denomination]))
                self._stock[denomination] += room
            if count > room:
                self.reject_bin[denomination] += count - room
        self.escrow = Counter()

    def give_back(self) -> Notes:
        """Escrow -> the customer's hand."""
        returned, self.escrow = counted(self.escrow), Counter()
        return returned

    def keep_as_found(self) -> Notes:
        """Escrow -> found: the customer left without the notes that were given back."""
        left = counted(self.escrow)
        self.found += self.escrow
        self.escrow = Counter()
        return left
