"""Notes in and out of many machines at once, with the terminal's own note mix and cassettes.

While every cassette has notes and room for a whole part of a day, the order of customers does not matter and one sum
does; where it may not have, the customers of that machine are served one after the other by the terminal's `CashUnit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from atm_sim.cash.world import DEPOSITED_IN, World
from atm_sim.demand import generator
from atm_sim.demand.draw import Whole
from atm_sim.terminal.cassettes import CashUnit, Cassette
from atm_sim.terminal.note_mix import note_mix


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
    unit = CashUnit(
        replace(each, count=int(count)) for each, count in zip(cassettes, notes[machine], strict=True)
    )
    rng = generator(world.seed, world.replication, f"cash/order/{machine}/{part}")
    order = rng.permutation(np.repeat(np.arange(len(world.kinds)), world.wanted[part, machine]))
    lost = lost_jpy = 0
    for number in order.tolist():
        kind = world.kinds[number]
        if kind.service == "withdraw":
            mix = unit.mix(kind.amount_jpy)
            if mix is None:
                lost, lost_jpy = lost + 1, lost_jpy + kind.amount_jpy
            else:
                unit.count_out(mix)
                unit.hand_out()
        elif kind.service == "deposit":
            unit.take_in(note_mix(kind.amount_jpy, dict.fromkeys(DEPOSITED_IN, 10**6)) or ())
            unit.keep_deposit()
    left = dict(unit.stock)
    after = np.array([left[each.denomination_jpy] for each in cassettes], dtype=np.int64)
    net = notes[machine] - after
    notes[machine] = after
    return net, lost, lost_jpy
