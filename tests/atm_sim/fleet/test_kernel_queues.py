"""Queues at a site of the kernel: who is served when, who does not join, who gives up, and where they go."""

from __future__ import annotations

import datetime

import pytest

from atm_sim.fleet.arrivals import WITHDRAW, Arrival
from atm_sim.fleet.ground import Site
from atm_sim.fleet.kernel import IN_USE, KINDS, VISIT, Kernel
from atm_sim.fleet.play import kernel_of
from atm_sim.fleet.population import population
from atm_sim.fleet.rows import spelled_out
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
    clock_us = (0, 5 * s, 15 * s, 30 * s, 30 * s, 34 * s, 34 * s)
    return Arrival(NOON_US + after_us, at, number, 2, 0, *clock_us, 0, patience_us, returns, number)


def rows(played: Kernel, *arrivals: Arrival) -> list[tuple[str, int, int, int]]:
    """(kind, account, seconds after noon, seconds waited) in the order of the account."""
    played.expect(sorted(arrivals))
    played.drain(NOON_US + DAY_US)
    found = spelled_out(played.rows.take(), "visit", played.visits, VISIT)
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
    waits = two.rows.take()["wait_us"].tolist()
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
    service = found.rows.take()["service_us"]
    assert 60 * (VISIT_S * SECOND_US + TRAVEL_US) == int(service.sum())


def withdrawal(after_us: int, *, at: int, number: int, chosen_after_us: int, alone_until_us: int) -> Arrival:
    """Of most of the one account's money."""
    clock_us = (0, 0, 0, chosen_after_us, *[chosen_after_us + 10 * SECOND_US] * 3)
    at_us = NOON_US + after_us
    return Arrival(at_us, at, 0, WITHDRAW, 500_000, *clock_us, 0, 0, False, number, alone_until_us)


def test_of_two_visits_with_one_account_the_bank_decides_first_on_who_asks_first():
    """Who comes first dawdles at the machine; whether an arrival knows of the other one changes nothing."""
    for known in (False, True):
        until_us = NOON_US + 5 * SECOND_US if known else 0
        slow = withdrawal(0, at=0, number=0, chosen_after_us=MINUTE_US, alone_until_us=until_us)
        quick = withdrawal(
            5 * SECOND_US,
            at=1,
            number=1,
            chosen_after_us=SECOND_US,
            alone_until_us=(NOON_US + HOUR_US) * known,
        )
        found = kernel(site(0, 1, 0), site(1, 1, 1))
        found.expect([slow, quick])
        found.drain(NOON_US + HOUR_US)
        rows = spelled_out(found.rows.take(), "visit", found.visits, VISIT)
        words = list(found.words)
        told = {
            site: words[code] for site, code in zip(rows["site"].tolist(), rows["code"].tolist(), strict=True)
        }
        assert {0: "61", 1: "00"} == told


def test_who_is_alone_with_account_and_machine_is_decided_ahead_and_the_record_is_the_same(monkeypatch):
    """The heap is not touched; machine, times and answers are those of a visit that waits for its moment."""
    ahead, waited = kernel(site(0, 1, 0)), kernel(site(0, 1, 0))
    ahead.expect([balance(0)._replace(alone_until_us=NOON_US + HOUR_US)])
    waited.expect([balance(0)])
    monkeypatch.setattr(ahead, "_at", None)
    for each in (ahead, waited):
        each.drain(NOON_US + HOUR_US)
    assert waited.rows.flat == ahead.rows.flat
    assert waited.free_at_us(0) == ahead.free_at_us(0)


def test_nobody_is_decided_ahead_of_what_acts_from_outside():
    found = kernel(site(0, 1, 0))
    found.expect([balance(0)._replace(alone_until_us=NOON_US + HOUR_US)])
    found.drain(NOON_US + 10 * SECOND_US)
    assert IN_USE == found.free_at_us(0)
