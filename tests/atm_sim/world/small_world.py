"""A small world for tests: a scenario from a few lines, its lab, and what its run leaves."""

from __future__ import annotations

from atm_sim.records.event import EventRecord
from atm_sim.records.log import EventLog
from atm_sim.scenario import Scenario, loads
from atm_sim.world.lab import Lab
from atm_sim.world.simulate import simulate

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

HEAD = """\
scenario: A small world
version: 1
day: 2014-01-15
cast:
  hanako: {name: 山田 花子, balance: ¥250_000, pin: "1234"}
  taro: {name: 鈴木 太郎, balance: ¥250_000, pin: "5678"}
places:
  shop: {operator: seven_bank, cassettes: {10000: 200, 1000: 200}}
  bank: {operator: smbc, machines: 2, cassettes: {10000: 200, 1000: 200}}
"""


def scenario(rest: str) -> Scenario:
    return loads(HEAD + rest).scenario


def lab(rest: str, seed: int = 1, replication: int = 1) -> Lab:
    return Lab(scenario(rest), seed=seed, replication=replication, run="small-world")


def run(rest: str) -> EventLog:
    return simulate(lab(rest))


def of(log: EventLog, *kinds: str, step: str = "") -> list[EventRecord]:
    return [row for row in log if row.kind in kinds and step in ("", row.step)]
