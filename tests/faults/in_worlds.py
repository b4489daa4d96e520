"""The same mutants, wired into the worlds of `atm-sim fuzz`."""

from __future__ import annotations

from collections.abc import Callable

from atm_sim.world.lab import Parts as LabParts
from bank_host.host import Bank
from tests.faults.workload import Parts


def lab_parts(parts: Parts) -> Callable[[], LabParts]:
    """What a world's lab is wired from, where a bank is wired from `parts`."""

    def bank(made: Bank) -> Bank:
        if parts.bank is Bank:
            return made
        return parts.bank(
            made.name, made.store, made.policy, made.hsm, rules=made.rules, passwords=made.passwords
        )

    return lambda: LabParts(rules=parts.rules, store=lambda name: parts.store(), bank=bank)
