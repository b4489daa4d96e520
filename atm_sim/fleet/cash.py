"""The cassettes of all machines as one array of notes, paid out by the terminal's own note mix."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from atm_sim.terminal.config import TerminalConfig
from atm_sim.terminal.note_mix import Notes, note_mix


class CassetteClass(NamedTuple):
    """The cassettes that a class of machines opens with, and which of them pay out."""

    fill: tuple[tuple[int, int], ...]  # (denomination_jpy, notes), largest first
    pays_out: frozenset[int]
    near_end: int
    holds: frozenset[int]

    @classmethod
    def of(cls, fill: Mapping[int, int], pays_out: Sequence[int], near_end: int) -> CassetteClass:
        return cls(tuple(sorted(fill.items(), reverse=True)), frozenset(pays_out), near_end, frozenset(fill))


class Stock:
    """Notes in every machine of a partition: machine after machine, denomination after denomination."""

    def __init__(self, classes: Sequence[CassetteClass]) -> None:
        self.classes = classes
        self.denominations = tuple(sorted({note for each in classes for note, _ in each.fill}, reverse=True))
        self.width = len(self.denominations)
        self.notes = array("q")
        self._place = {note: place for place, note in enumerate(self.denominations)}
        for each in classes:
            fill = dict(each.fill)
            self.notes.extend(fill.get(note, 0) for note in self.denominations)
        by_class = {
            each: tuple(
                (place, note) for place, note in enumerate(self.denominations) if note in each.pays_out
            )
            for each in set(classes)
        }
        self._pays = [by_class[each] for each in classes]
        # what people at the door see; `pay_out` and `take_in` say that it may be so no more, by `stale`
        self.empty = bytearray(not self.can_pay(machine) for machine in range(len(classes)))
        self.stale = False
        self._mixes: dict[tuple[CassetteClass, int, str, int], Notes | None] = {}

    def of(self, machine: int) -> dict[int, int]:
        """Notes by denomination in one machine's cassettes."""
        begin = machine * self.width
        has = {note for note, _ in self.classes[machine].fill}
        return {n: self.notes[begin + p] for p, n in enumerate(self.denominations) if n in has}

    def set(self, machine: int, notes: Mapping[int, int]) -> None:
        """What staff leave in the cassettes."""
        for note, count in notes.items():
            self.notes[machine * self.width + self._place[note]] = count
        self.look(machine)

    def total_jpy(self, machine: int) -> int:
        return sum(note * count for note, count in self.of(machine).items())

    def mix(self, machine: int, amount_jpy: int, config: TerminalConfig) -> Notes | None:
        """The notes that would pay the amount. While there is more of every note than the amount could take, the
        answer does not depend on how much more, and is looked up."""
        cassettes = self.classes[machine]
        key = (cassettes, amount_jpy, config.note_policy, config.max_notes_out)
        payable = {note: count for note, count in self.of(machine).items() if note in cassettes.pays_out}
        return note_mix(amount_jpy, payable, policy=key[2], max_notes=key[3])

    def usual_mix(self, machine: int, amount_jpy: int, config: TerminalConfig) -> Notes | None:
        """The notes a machine pays with that has plenty of each of its notes."""
        cassettes = self.classes[machine]
        key = (cassettes, amount_jpy, config.note_policy, config.max_notes_out)
        if key not in self._mixes:
            plenty = {
                note: amount_jpy // note + 1 for note, _ in cassettes.fill if note in cassettes.pays_out
            }
            self._mixes[key] = note_mix(amount_jpy, plenty, policy=key[2], max_notes=key[3])
        return self._mixes[key]

    def plenty_of(self, machine: int, amount_jpy: int) -> bool:
        """Whether the whole amount could be paid in each note that the machine pays out."""
        begin, notes = machine * self.width, self.notes
        for place, note in self._pays[machine]:  # noqa: SIM110 - a generator costs more than the whole loop
            if notes[begin + place] * note < amount_jpy:
                return False
        return True

    def can_pay(self, machine: int) -> bool:
        """Whether any note that could be paid out is left."""
        begin = machine * self.width
        return any(self.notes[begin + place] for place, _ in self._pays[machine])

    def look(self, machine: int) -> None:
        """From now on everybody sees whether the machine can pay."""
        self.empty[machine] = not self.can_pay(machine)

    def pay_out(self, machine: int, notes: Notes) -> None:
        """Cassettes to the customer."""
        begin, place, lying = machine * self.width, self._place, self.notes
        for note, count in notes:
            lying[begin + place[note]] -= count
            if not lying[begin + place[note]]:
                self.stale = True

    def take_in(self, machine: int, notes: Notes) -> None:
        """A deposit's notes, as far as there is a cassette for them; the rest goes to the reject bin."""
        has, begin = self.classes[machine].holds, machine * self.width
        for note, count in notes:
            if note in has:
                self.notes[begin + self._place[note]] += count
        if self.empty[machine]:
            self.stale = True
