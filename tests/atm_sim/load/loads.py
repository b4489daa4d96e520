"""Load blocks and runs for the tests of load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from atm_sim.load.drive import Target
from atm_sim.load.play import Played, play
from atm_sim.load.target import carriers
from atm_sim.scenario import Scenario, loads
from atm_sim.wire.keys import WireKeys
from bank_host.address import Address
from bank_host.clock import wall_clock
from bank_host.hsm import Hsm
from bank_host.iso8583.dialect import DEFAULT
from bank_host.policy import load_policy

ROOT = Path(__file__).parents[3]


def scenario_with(block: str) -> Scenario:
    """A scenario whose load: block is these lines."""
    lines = "".join(f"  {line}\n" for line in block.strip().splitlines())
    head = "scenario: Load\nversion: 1\nday: 2026-01-15\nplaces: {shop: {operator: seven_bank}}\nload:\n"
    return loads(head + lines).scenario


@contextmanager
def null_host(*options: str) -> Iterator[Address]:
    """`bench.null_host` as another process."""
    with telling_host(*options) as (address, _):
        yield address


@contextmanager
def telling_host(*options: str) -> Iterator[tuple[Address, TextIO]]:
    """The same, with what it prints after its port."""
    command = [sys.executable, "-m", "bench.null_host", *options]
    host = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert host.stdout is not None
    try:
        yield Address("127.0.0.1", int(host.stdout.readline())), host.stdout
    finally:
        host.terminate()
        host.wait()


def played(scenario: Scenario, address: Address, seed: int = 1) -> Played:
    """The load of a scenario, on that host."""
    assert scenario.load is not None
    policy = load_policy()
    people = carriers(scenario, scenario.load, seed, policy, wall_clock()())
    target = Target(address, DEFAULT, partial(WireKeys, Hsm.simulation()))
    return play(scenario, scenario.load, seed, people, target, policy)
