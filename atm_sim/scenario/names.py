"""Names must resolve: who is in the cast, which place, which bank; a name that does not gets "did you mean".

Works on the nodes, not on the typed records, so that a misspelt name is told beside any other fault of the same file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path
from typing import Any, Final

from atm_sim.scenario.errors import no_problems
from atm_sim.scenario.fleet import DEMAND_FILES
from atm_sim.scenario.vocabulary import DEFAULT_BANK, SWITCH
from bank_host.written.problems import Problem, Problems, Source, listed, nearest, shown
from bank_host.written.source import Mapping, Scalar, Sequence

PEOPLE_OF: Final = {"transfer": "to", "receive_transfer": "from"}
"""Where else than under `who` an action names somebody of the cast."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names that the caller knows and a scenario file does not define; an empty collection is not checked."""

    partners: Collection[str] = ()
    reasons: Collection[str] = ()
    notices: Collection[str] = ()
    demands: Collection[str] = ()


def resolve(tree: Mapping, known: Known, problems: Problems) -> None:
    """Report every name in the file that leads nowhere."""
    _Resolver(tree, known, problems).run()


def unused(trees: list[Mapping]) -> tuple[Problem, ...]:
    """People and places that nothing refers to, in no row of the cases: no fault, but perhaps a slip.

    Load comes from all of them.
    """
    if "load" in trees[0]:
        return ()
    used = {str(name).partition("/")[0] for tree in trees for _, name in _references(tree)}
    found = no_problems()
    for section, noun in (("cast", "nobody's step or stream"), ("places", "no step or stream")):
        for alias in _map(trees[0], section):
            if str(alias) not in used:
                found.add(alias, f"'{shown(alias)}' is defined, but {noun} refers to it")
    return found.ordered()


def _map(node: Any, key: str) -> Mapping:
    """The map under `key`; an empty one where there is none, its faults being told elsewhere."""
    value = node.value(key) if isinstance(node, Mapping) else None
    return value if isinstance(value, Mapping) else Mapping(Source.of("", ""), 0, 0)


def _items(node: Any, key: str) -> Iterator[Mapping]:
    value = node.value(key) if isinstance(node, Mapping) else None
    for item in value if isinstance(value, Sequence) else ():
        if isinstance(item, Mapping):
            yield item


def _scalars(node: Any, key: str) -> Iterator[Scalar]:
    value = node.value(key) if isinstance(node, Mapping) else None
    for item in value if isinstance(value, Sequence) else ():
        if isinstance(item, Scalar) and not item.is_empty:
            yield item


def _references(tree: Mapping) -> Iterator[tuple[str, Scalar]]:
    """Every (kind, name) that the file refers to."""
    for step in _items(tree, "steps"):
        yield from _named(step, who="member", atm="machine", otp_of="member")
        if (action := step.value("do")) == "send":
            yield from _named(step, **{"from": "end", "to": "end"})
        if action in PEOPLE_OF:
            yield from _named(step, **{PEOPLE_OF[str(action)]: "member"})
    for stream in _map(tree, "streams").values():
        yield from _named(stream, who="person", at="place")
    for person in _map(tree, "cast").values():
        yield from _named(person, bank="bank")
    for fault in _items(tree, "faults"):
        yield from _named(fault, bank="bank", atm="machine", node="node", clock="clock")
    for hours in _items(_map(tree, "network"), "sign_off"):
        yield from _named(hours, bank="bank")
    drawn = "fleet" in tree  # its sites have their names when they are drawn or read from their CSV
    for expectation in _items(tree, "expect"):
        yield from _named(expectation, bank="bank", **({} if drawn else {"at": "place"}))


def _named(node: Any, /, **kinds: str) -> Iterator[tuple[str, Scalar]]:
    for key, kind in kinds.items():
        name = node.value(key) if isinstance(node, Mapping) else None
        if isinstance(name, Scalar) and not name.is_empty and not name.startswith("$"):
            yield kind, name


class _Resolver:
    def __init__(self, tree: Mapping, known: Known, problems: Problems) -> None:
        self.tree, self.known, self.problems = tree, known, problems
        self.cast = _map(tree, "cast")
        self.places = _map(tree, "places")
        self.banks = [DEFAULT_BANK, *(str(name) for name in _map(tree, "banks") if name != DEFAULT_BANK)]

    def run(self) -> None:
        for kind, name in _references(self.tree):
            match kind:
                case "bank":
                    self._find(name, self.banks, "bank", "banks:")
                case "place":
                    self._find(name, [str(place) for place in self.places], "place", "places:")
                case "person":
                    self._find(name, [str(alias) for alias in self.cast], "person", "cast:")
                case "member":
                    self._member(name)
                case "machine":
                    self._machine(name)
                case "node":
                    self._find(name, self._nodes(), "node", "this scenario")
                case "clock" | "end":
                    self._clock(name, kind)
        own = [key.split(".")[1] for key in _map(self.tree, "policy") if key.startswith("partners.")]
        partners = [*self.known.partners, *own] if self.known.partners else ()
        for bank in _map(self.tree, "banks").values():
            for operator in _scalars(bank, "atms"):
                self._word(operator, partners, "partner")
        for place in self.places.values():
            for _, operator in _named(place, operator="operator"):
                self._word(operator, partners, "partner")
        fleet = _map(self.tree, "fleet")
        for operator in _map(fleet, "operators"):
            self._word(operator, partners, "partner")
        for _, curve in _named(_map(fleet, "demand"), curve="demand"):
            self._demand(curve)
        for step in _items(self.tree, "steps"):
            for kind, word in _named(_map(step, "expect"), reason="reason", notice="notice"):
                choices = self.known.reasons if kind == "reason" else self.known.notices
                self._word(word, [*choices, "none"] if choices else (), kind)

    def _find(self, name: Scalar, known: list[str], noun: str, section: str) -> bool:
        if name in known:
            return True
        meant = nearest(name, known)
        message = f"unknown {noun} '{shown(name)}'"
        if not meant:
            message += f"; {section} defines {listed(known[:12], 'and')}"
        self.problems.add(name, message, meant)
        return False

    def _word(self, word: Scalar, known: Collection[str], noun: str) -> None:
        if known and word not in known:
            meant = nearest(word, known)
            message = f"unknown {noun} '{shown(word)}'" + (
                "" if meant else f"; known are {listed(known, 'and')}"
            )
            self.problems.add(word, message, meant)

    def _demand(self, name: Scalar) -> None:
        if not name.endswith(DEMAND_FILES):
            self._word(name, self.known.demands, "demand")
        elif not isfile(Path(name.source.file).parent / name):  # False for a name that no file can have
            self.problems.add(
                name, f"there is no demand file '{shown(name)}' beside this file; atm-sim fit writes one"
            )

    def _member(self, name: Scalar) -> None:
        alias, slash, index = name.partition("/")
        if not self._find(name.retold(alias), [str(known) for known in self.cast], "person", "cast:"):
            return
        size = _size(self.cast.value(alias), "count")
        if size is None and slash:
            self.problems.add(name, f"'{alias}' is one person; write {alias}")
        elif size is not None and not slash:
            self.problems.add(name, f"'{alias}' is a group of {size}; write {alias}/1 to {alias}/{size}")
        elif size is not None and not 1 <= _number(index) <= size:
            self.problems.add(name, f"the group '{alias}' has the members {alias}/1 to {alias}/{size}")

    def _nodes(self) -> list[str]:
        """What can be restarted: the switch, and each operator's acquirer."""
        operators = [
            str(operator) for place in self.places.values() for _, operator in _named(place, operator="")
        ]
        return [SWITCH, *dict.fromkeys(operators)]

    def _clock(self, name: Scalar, noun: str) -> None:
        """Whatever has a clock of its own, and is an end of a line: a node, a bank's host, or an ATM."""
        others = [*self._nodes(), *self.banks]
        if name in others:
            return
        if name.partition("/")[0] in self.places:
            self._machine(name)
        else:
            self._find(name, [*others, *map(str, self.places)], noun, "this scenario")

    def _machine(self, name: Scalar) -> None:
        place, slash, index = name.partition("/")
        if not self._find(name.retold(place), [str(known) for known in self.places], "place", "places:"):
            return
        size = _size(self.places.value(place), "machines") or 1
        if slash and not 1 <= _number(index) <= size:
            self.problems.add(name, f"the place '{place}' has the machines {place}/1 to {place}/{size}")


def _size(entry: Any, key: str) -> int | None:
    for _, count in _named(entry, **{key: "count"}):
        return _number(count)
    return None


def _number(text: str) -> int:
    digits = text.replace("_", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else 0
