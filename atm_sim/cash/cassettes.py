"""Notes in and out of many machines at once, by the terminal's own note mix.

While every cassette has notes and room for a whole part of a day, the order of customers does not matter and one sum
does; where it may not have, the customers of that machine are served one after the other, as the terminal's `CashUnit`
would: tests/atm_sim/cash/test_cash_policy.py asks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from atm_sim.cash.world import DEPOSITED_IN, PLENTY, World
from atm_sim.demand import generator
from atm_sim.demand.draw import Whole
from atm_sim.terminal.cassettes import Cassette
from atm_sim.terminal.note_mix import Notes, note_mix


class Moved(NamedTuple):
    """What a part of a day did, by machine."""

    net_out: Whole  # [machine, denomination]
    lost: Whole  # withdrawals that could not be paid
    lost_jpy: Whole


def serve(world: World, part: int, notes: Whole, cassettes: Sequence[Cassette]) -> Moved:
    """Serve the customers of a part of a day; `notes` [machine, denomination] is changed in place.

    Deposited notes without room go to the reject bin, which guards empty; they can be paid to nobody.
    """
    wanted = world.wanted[part]
    out = wanted @ np.maximum(world.notes, 0)
    into = wanted @ np.maximum(-world.notes, 0)
    room = np.array([each.capacity or np.iinfo(np.int64).max // 2 for each in cassettes])
    recycles = np.array([each.recycles for each in cassettes])
    pays = np.array([each.pays_out for each in cassettes])
    easy = ((out <= notes) & (pays | (out == 0)) & (notes + into <= room) & (recycles | (into == 0))).all(
        axis=1
    )
    net = out - into
    lost, lost_jpy = np.zeros(len(notes), dtype=np.int64), np.zeros(len(notes), dtype=np.int64)
    notes[easy] -= net[easy]
    for machine in np.flatnonzero(~easy):
        net[machine], lost[machine], lost_jpy[machine] = one_by_one(
            world, part, int(machine), notes, cassettes
        )
    return Moved(net, lost, lost_jpy)


def one_by_one(
    world: World, part: int, machine: int, notes: Whole, cassettes: Sequence[Cassette]
) -> tuple[Whole, int, int]:
    """The customers of one machine in an order drawn from its own stream."""
    rng = generator(world.seed, world.replication, f"cash/order/{machine}/{part}")
    order = rng.permutation(np.repeat(np.arange(len(world.kinds)), world.wanted[part, machine]))
    lying = {each.denomination_jpy: int(count) for each, count in zip(cassettes, notes[machine], strict=True)}
    paying = tuple(each.denomination_jpy for each in cassettes if each.pays_out)
    room = {each.denomination_jpy: each.capacity or PLENTY for each in cassettes if each.recycles}
    lost = lost_jpy = 0
    for number in order.tolist():
        service, amount_jpy = world.kinds[number]
        if service == "withdraw":
            mix = _mix(amount_jpy, paying, lying)
            if mix is None:
                lost, lost_jpy = lost + 1, lost_jpy + amount_jpy
                continue
            for note, count in mix:
                lying[note] -= count
        elif service == "deposit":
            for note, count in _usual(amount_jpy, DEPOSITED_IN) or ():
                if note in room:
                    lying[note] += max(0, min(count, room[note] - lying[note]))
    after = np.array([lying[each.denomination_jpy] for each in cassettes], dtype=np.int64)
    net = notes[machine] - after
    notes[machine] = after
    return net, lost, lost_jpy


def _mix(amount_jpy: int, paying: tuple[int, ...], lying: Mapping[int, int]) -> Notes | None:
    """The notes that pay the amount. While each note is there for all of it, how much more there is changes nothing."""
    if all(lying[note] * note >= amount_jpy for note in paying):
        return _usual(amount_jpy, paying)
    return note_mix(amount_jpy, {note: lying[note] for note in paying})


@cache
def _usual(amount_jpy: int, denominations: tuple[int, ...]) -> Notes | None:
    """The notes of an amount where there is plenty of each."""
    return note_mix(amount_jpy, dict.fromkeys(denominations, PLENTY))
