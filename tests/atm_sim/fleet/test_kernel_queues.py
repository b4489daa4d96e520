"""Queues at a site of the kernel: who is served when, who does not join, who gives up, and where they go."""

from __future__ import annotations

import datetime

import pytest

from atm_sim.fleet.arrivals import Arrival
from atm_sim.fleet.columns import columns
from atm_sim.fleet.ground import Site
from atm_sim.fleet.kernel import KINDS, ROW, Kernel
from atm_sim.fleet.play import kernel_of
from atm_sim.fleet.population import population
from atm_sim.scenario import loads
from bank_host.jst import DAY_US, HOUR_US, MINUTE_US, SECOND_US, midnight_us
from bank_host.policy import load_policy

NOON_US = midnight_us(datetime.date(2014, 12, 18)) + 12 * HOUR_US
TRAVEL_US = 120_000  # there and back


def site(number: int, machines: int, first: int, north_m: float = 0.0) -> Site:
    return Site(
        number, f"s{number}", "seven_bank", "tokyo", 35.69 + north_m / 111_200, 139.69, machines, first
    )


def kernel(*sites: Site, customers: str = "", hours: str = "") -> Kernel:
    scenario = loads(
        "scenario: x\nversion: 1\nday: 2014-12-18\nfleet:\n"
        f"  operators: {{seven_bank: {{machines: 1{hours}}}}}\n  accounts: {{count: 9, balance: ¥900_000}}\n"
        f"  customers: {{{customers}}}\n"
    ).scenario
    people = population(scenario.fleet.accounts, 1, 500_000, 1, 1, 1)
    return kernel_of(scenario, sites, people, load_policy())


def balance(
    after_us: int, *, at: int = 0, number: int = 0, patience_us: int = DAY_US, returns: bool = False
) -> Arrival:
    """Thirty-four seconds at the machine, the way to the bank and back not counted."""
    s = SECOND_US
    return Arrival(
        NOON_US + after_us,
        at,
        number,
        2,
        0,
        5 * s,
        10 * s,
        15 * s,
        0,
        4 * s,
        0,
        0,
        patience_us,
        returns,
        number,
    )


def rows(played: Kernel, *arrivals: Arrival) -> list[tuple[str, int, int, int]]:
    """(kind, account, seconds after noon, seconds waited) in the order of the account."""
    played.expect(sorted(arrivals))
    played.drain(NOON_US + DAY_US)
    found = columns(played.take_rows(), ROW)
    return sorted(
        (KINDS[kind], account, round((at - NOON_US) / SECOND_US), round(wait / SECOND_US))
        for kind, account, at, wait in zip(
            *(found[name].tolist() for name in ("kind", "account", "time_us", "wait_us")), strict=True
        )
    )


VISIT_S = 34


def test_one_machine_serves_in_the_order_of_arrival():
    found = rows(kernel(site(0, 1, 0)), *(balance(n * SECOND_US, number=n) for n in range(3)))
    assert [("session", 0, 0, 0), ("session", 1, 1, 33), ("session", 2, 2, 66)] == found


def test_of_two_machines_the_first_that_is_free_is_taken():
    found = rows(kernel(site(0, 2, 0)), *(balance(n * 10 * SECOND_US, number=n) for n in range(4)))
    assert [0, 0, 14, 14] == [wait for *_, wait in found]


def test_nobody_joins_a_queue_that_is_too_long():
    found = rows(kernel(site(0, 1, 0), customers="balk_at: 1"), *(balance(n, number=n) for n in range(3)))
    assert ["lost", "session", "session"] == [kind for kind, *_ in found]


def test_who_loses_patience_leaves_the_queue_and_the_next_moves_up():
    impatient = balance(1 * SECOND_US, number=1, patience_us=10 * SECOND_US)
    found = rows(kernel(site(0, 1, 0)), balance(0), impatient, balance(2 * SECOND_US, number=2))
    assert [("lost", 1, 11, 10), ("session", 0, 0, 0), ("session", 2, 2, 32)] == found


def test_who_is_not_served_walks_to_the_nearest_site_and_is_counted_there():
    """400 m at 80 m a minute are five minutes."""
    both = kernel(site(0, 1, 0), site(1, 1, 1, north_m=400), customers="balk_at: 1")
    found = rows(both, *(balance(n, number=n) for n in range(3)))
    assert [("diverted", 2, 0, 0), ("session", 2, 300, 0)] == [row for row in found if row[1] == 2]


def test_who_comes_back_does_so_once():
    shut = kernel(site(0, 1, 0))
    shut.stop(0)
    found = rows(shut, balance(0, returns=True))
    assert [("lost", 0, 7_200, 0), ("postponed", 0, 0, 0)] == found


def test_a_machine_that_is_repaired_serves_who_waits_meanwhile():
    """Its neighbour in the same site works on, so people queue."""
    two = kernel(site(0, 2, 0))
    two.stop(1)
    two.expect([balance(n, number=n) for n in range(3)])
    two.drain(NOON_US + 10 * SECOND_US)
    two.resume(1, NOON_US + 10 * SECOND_US)
    two.drain(NOON_US + HOUR_US)
    waits = columns(two.take_rows(), ROW)["wait_us"].tolist()
    assert [0, 10, VISIT_S] == sorted(round(wait / SECOND_US) for wait in waits)


def test_a_closed_site_serves_nobody():
    closed = kernel(site(0, 1, 0)._replace(hours_us=(7 * HOUR_US, 11 * HOUR_US)))
    assert [("lost", 0, 0, 0)] == rows(closed, balance(0))


@pytest.mark.parametrize("patience_us", [0, MINUTE_US])
def test_littles_law_holds_of_what_is_written(patience_us):
    """The time-average of people at the machine is their number times their stay, over the hour."""
    found = kernel(site(0, 1, 0))
    found.expect([balance(n * MINUTE_US, number=n % 9, patience_us=patience_us) for n in range(60)])
    found.drain(NOON_US + 2 * HOUR_US)
    service = columns(found.take_rows(), ROW)["service_us"]
    assert 60 * (VISIT_S * SECOND_US + TRAVEL_US) == int(service.sum())
