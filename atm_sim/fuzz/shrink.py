"""From a world that fails to the shortest one that still fails with the same finding (delta debugging).

First whole steps go, in ever smaller pieces, then faults, people, places, banks and settings, then keys, then amounts
become round. Each cut is kept if the world still shows the finding; a cut that makes the file wrong shows nothing. The
order is fixed and the number of tries bounded, so the same world always shrinks to the same file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from atm_sim.fuzz.written import World, yen

MOST_TRIES = 500
Fails = Callable[[World], bool]
"""Does this world still show the finding?"""

_KEPT = ("scenario", "version", "day", "seed", "rest", "steps")
_ENTRIES = ("steps", "faults", "cast", "places", "banks", "policy", "network")
_ROUND_JPY = (1_000, 10_000, 100_000)
_AMOUNT = re.compile(r"¥[0-9_]+")


class _Tries:
    """Counts tries, and says no when there have been enough."""

    def __init__(self, fails: Fails, most: int) -> None:
        self._fails, self.left = fails, most

    def __call__(self, world: World) -> bool:
        if self.left <= 0:
            return False
        self.left -= 1
        return self._fails(world)


def shrink(world: World, fails: Fails, most_tries: int = MOST_TRIES) -> World:
    """The world without everything that the finding does not need."""
    tries = _Tries(fails, most_tries)
    while tries.left:
        smaller = world
        for shorten in (_shorter_lists, _fewer_entries, _fewer_keys, _rounder):
            smaller = shorten(smaller, tries)
        if smaller == world:
            break
        world = smaller
    return world


def _shorter_lists(world: World, fails: Fails) -> World:
    for key in ("steps", "faults"):
        items = world.get(key)
        if isinstance(items, list):
            world = _shorter(world, key, items, fails)
    return world


def _shorter(world: World, key: str, items: list[Any], fails: Fails) -> World:
    """Take pieces out of a list: halves, quarters, down to single items."""
    size = max(1, len(items) // 2)
    while True:
        at = 0
        while at < len(items):
            fewer = _without(items, at, size)
            without: World = {**world, key: fewer} if fewer else {k: v for k, v in world.items() if k != key}
            if fails(without):
                world, items = without, fewer
            else:
                at += size
        if size == 1:
            return world
        size //= 2


def _without(items: list[Any], at: int, size: int) -> list[Any]:
    """The list without a piece. A step that is about another by its number stays about it, or goes with it."""
    left = []
    for item in items[:at] + items[at + size :]:
        about = int(item["about"]) if isinstance(item, dict) and "about" in item else 0
        if about > at + size:
            left.append({**item, "about": str(about - size)})
        elif about <= at:
            left.append(item)
    return left


def _fewer_entries(world: World, fails: Fails) -> World:
    """People, places, banks and settings that nothing needs, then whole sections."""
    for section, name in [(s, n) for s in _ENTRIES if isinstance(world.get(s), dict) for n in _map(world, s)]:
        fewer = {key: value for key, value in _map(world, section).items() if key != name}
        world = _kept({**world, section: fewer}, world, fails) if fewer else world
    for section in [key for key in world if key not in _KEPT]:
        world = _kept({key: value for key, value in world.items() if key != section}, world, fails)
    return world


def _fewer_keys(world: World, fails: Fails) -> World:
    """Keys of single steps, faults, people and places; the loader says which of them a file can do without."""
    for path in list(_entries(world)):
        for key in list(_at(world, path)):
            without = deepcopy(world)
            del _at(without, path)[key]
            world = _kept(without, world, fails)
    return world


def _rounder(world: World, fails: Fails) -> World:
    for path in list(_entries(world)):
        for key, value in list(_at(world, path).items()):
            if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
                continue
            for amount_jpy in _ROUND_JPY:
                rounder = deepcopy(world)
                _at(rounder, path)[key] = yen(amount_jpy)
                if value == yen(amount_jpy) or fails(rounder):
                    world = rounder
                    break
    return world


def _kept(smaller: World, world: World, fails: Fails) -> World:
    return smaller if fails(smaller) else world


def _map(world: World, section: str) -> World:
    found = world[section]
    return found if isinstance(found, dict) else {}


def _entries(world: World) -> Iterator[tuple[Any, ...]]:
    """The path of each entry that is a map."""
    for section in _ENTRIES:
        entries: Any = world.get(section)
        places = entries.items() if isinstance(entries, dict) else enumerate(entries or ())
        yield from ((section, name) for name, entry in places if isinstance(entry, dict))


def _at(world: World, path: tuple[Any, ...]) -> dict[str, Any]:
    found: Any = world  # and in the end a map: that is what `_entries` leads to
    for part in path:
        found = found[part]
    return found
