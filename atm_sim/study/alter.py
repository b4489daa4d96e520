"""Makes a variant of a scenario: its tree with other values at some paths, or without some of its machines.

What is put in keeps its position in the study file, so whatever the scenario's loader finds wrong points there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from atm_sim.scenario import Scenario
from atm_sim.study.model import LOST, Variant
from bank_host.written.problems import Problems, listed, nearest
from bank_host.written.source import Mapping, Scalar, Sequence

Changes = Iterable[tuple[Scalar, Any]]


def with_changes(tree: Mapping, changes: Changes, problems: Problems) -> Mapping:
    """The tree with each value set at its path."""
    for path, value in changes:
        parts = str(path).split(".")
        if len(parts) > 1 and parts[0] not in tree and parts[0] in set(Scenario.keys()):
            tree = _with(tree, path.retold(parts[0]), Mapping(path.source, path.line, path.column))
        tree = _set(tree, path, parts, value, problems)
    return tree


def without(tree: Mapping, variant: Variant, problems: Problems) -> Mapping:
    """The tree without the places and machines that the variant removes."""
    if isinstance(tree.value("fleet"), Mapping):
        return _fewer_sites(tree, variant, problems)
    for name in variant.remove:
        place, _, number = str(name).partition("/")
        places = tree.value("places")
        if not isinstance(places, Mapping) or place not in places:
            known = [str(key) for key in places] if isinstance(places, Mapping) else []
            problems.add(name, f"there is no place '{place}' to remove", nearest(place, known))
        elif number:
            tree = _one_fewer(tree, place, name, int(number), problems)
        else:
            tree = _closed(tree, place, name, variant.customers_to.get(place), problems)
    return tree


# ---------------- values


def _set(node: Any, path: Scalar, parts: list[str], value: Any, problems: Problems) -> Any:
    """A copy of `node` in which the value stands at the path that is left."""
    if isinstance(node, Sequence):
        return _set_item(node, path, parts, value, problems)
    if not isinstance(node, Mapping):
        problems.add(path, f"'{path}' leads below a single value; nothing can be set there")
        return node
    key, rest = _key(node, parts)
    if not rest:
        return _with(node, path.retold(key), value)
    if key not in node:
        known = [str(name) for name in node]
        problems.add(
            path, f"no '{key}' in the scenario; there are {listed(known, 'and')}", nearest(key, known)
        )
        return node
    return _with(node, path.retold(key), _set(node.value(key), path, rest, value, problems))


def _set_item(node: Sequence, path: Scalar, parts: list[str], value: Any, problems: Problems) -> Any:
    number = int(parts[0]) if parts[0].isdigit() else 0
    if not 1 <= number <= len(node):
        problems.add(path, f"entries of this list are numbered 1 to {len(node)}, not '{parts[0]}'")
        return node
    items = Sequence(node.source, node.line, node.column)
    items.extend(node)
    below = items[number - 1]
    items[number - 1] = _set(below, path, parts[1:], value, problems) if parts[1:] else value
    return items


def _key(node: Mapping, parts: list[str]) -> tuple[str, list[str]]:
    """The next key of a path and what follows; keys may have dots themselves, as those of a policy do."""
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in node:
            return key, parts[length:]
    if parts[0] == "policy":
        return parts[0], [".".join(parts[1:])] if parts[1:] else []
    return parts[0], parts[1:]


def _with(node: Mapping, key: Scalar, value: Any) -> Mapping:
    pairs = {known: below for known, below in node.items() if known != key}
    return node.like({**pairs, key: value})


# ---------------- machines


def _fewer_sites(tree: Mapping, variant: Variant, problems: Problems) -> Mapping:
    """A fleet without some sites; whoever comes there goes to a neighbour, by the fleet's own rule."""
    if not variant.remove:
        return tree
    for name in variant.remove:
        if variant.customers_to:
            problems.add(
                name, "who finds a site of a fleet gone goes by its own rule; leave customers_to: out"
            )
        if "/" in name:
            problems.add(name, "a fleet's sites are removed whole, without /number")
    first = variant.remove[0]
    gone = Sequence(first.source, first.line, first.column)
    gone.extend([*(tree.value("fleet").value("removed") or ()), *variant.remove])
    return _set(tree, first.retold("fleet.removed"), ["fleet", "removed"], gone, problems)


def _one_fewer(tree: Mapping, place: str, name: Scalar, number: int, problems: Problems) -> Mapping:
    """A place without one of its machines: one fewer, for they are alike."""
    entry = tree.value("places").value(place)
    text = entry.value("machines") if isinstance(entry, Mapping) else None
    machines = int(text) if isinstance(text, Scalar) and text.isdigit() else 1
    if not 1 <= number <= machines:
        problems.add(name, f"'{place}' has the machines 1 to {machines}; there is no {place}/{number}")
        return tree
    if machines == 1:
        problems.add(name, f"'{place}' has this machine alone; write {place} to remove the place")
        return tree
    path = name.retold(f"places.{place}.machines")
    return with_changes(tree, [(path, name.retold(str(machines - 1)))], problems)


def _closed(tree: Mapping, place: str, name: Scalar, to: str | None, problems: Problems) -> Mapping:
    """The tree without a place; the customers of its streams go elsewhere or are lost."""
    places, streams = tree.value("places"), tree.value("streams")
    fewer = places.like({key: value for key, value in places.items() if key != place})
    open_ = _with(tree, name.retold("places"), fewer)
    if not isinstance(streams, Mapping):
        return open_
    there = [
        key for key, entry in streams.items() if isinstance(entry, Mapping) and entry.value("at") == place
    ]
    if there and to is None:
        text = f"customers come to '{place}': say where they go instead, customers_to: {{{place}: {LOST}}}"
        problems.add(name, f"{text} or another place")
        return tree
    kept = {}
    for key, entry in streams.items():
        if key not in there:
            kept[key] = entry
        elif to != LOST:
            kept[key] = _with(entry, name.retold("at"), name.retold(str(to)))
    return _with(open_, name.retold("streams"), streams.like(kept))
