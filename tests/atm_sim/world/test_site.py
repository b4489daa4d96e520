"""A site's queue: first come first served at the first machine that is free, and as long as Erlang says."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.world.chance import Chance, draw_us
from atm_sim.world.site import Site
from bank_host.written.values import Distribution

MACHINES = ("m/1", "m/2")


def site() -> Site[str]:
    return Site("m", MACHINES)


def test_machines_are_taken_in_their_order_and_then_people_wait():
    two = site()
    assert ["m/1", "m/2", None] == [two.arrive(name) for name in ("ann", "bob", "cid")]


def test_who_came_first_goes_to_the_machine_that_is_free_first():
    two = site()
    for name in ("ann", "bob", "cid", "dan"):
        two.arrive(name)
    assert "cid" == two.leave("m/2")
    assert "dan" == two.leave("m/1")
    assert None is two.leave("m/2")


def test_who_wants_one_machine_waits_for_it_and_lets_the_next_one_pass():
    two = site()
    two.arrive("ann")
    assert None is two.arrive("bob", "m/1")
    assert "m/2" == two.arrive("cid")
    assert None is two.arrive("dan")
    assert "dan" == two.leave("m/2")
    assert "bob" == two.leave("m/1")


@given(st.lists(st.booleans(), max_size=60))
def test_nobody_waits_while_a_machine_is_free_and_nobody_is_overtaken(comings: list[bool]):
    """True: somebody comes; False: whoever has been at a machine longest goes."""
    two, came, started, at_machines = site(), 0, [], []
    for comes in comings:
        if comes:
            came += 1
            machine = two.arrive(f"{came}")
            if machine is not None:
                started.append(came)
                at_machines.append(machine)
        elif at_machines:
            machine = at_machines.pop(0)
            following = two.leave(machine)
            if following is not None:
                started.append(int(following))
                at_machines.append(machine)
        assert not two.waiting or len(two.using) == len(MACHINES)
        assert came == len(started) + len(two.waiting)
    assert sorted(started) == started


# ---------------------------------------------------------------- against Erlang's C formula


class Queue(NamedTuple):
    """M/M/c with a mean service of 1: its share of customers who wait and their mean wait, from the formula."""

    machines: int
    load: float
    waits: float
    mean_wait: float


QUEUES = [
    Queue(1, 0.5, 0.50000, 1.00000),
    Queue(1, 0.8, 0.80000, 4.00000),
    Queue(2, 0.5, 0.33333, 0.33333),
    Queue(2, 0.8, 0.71111, 1.77778),
    Queue(3, 0.5, 0.23684, 0.15789),
    Queue(3, 0.8, 0.64719, 1.07865),
    Queue(4, 0.8, 0.59643, 0.74554),
    Queue(5, 0.8, 0.55411, 0.55411),
    Queue(10, 0.8, 0.40918, 0.20459),
]
SERVICE_US = 1_000_000
CUSTOMERS, WARM_UP, REPLICATIONS = 2_000, 400, 20


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: f"{queue.machines} machines, load {queue.load}")
def test_a_queue_is_as_long_as_erlang_says(queue: Queue):
    """Within three standard errors over the replications."""
    waits_us = [list(served(queue, replication)) for replication in range(REPLICATIONS)]
    mean_waits = [fmean(waits) / SERVICE_US for waits in waits_us]
    shares = [sum(wait > 0 for wait in waits) / len(waits) for waits in waits_us]
    assert queue.mean_wait == pytest.approx(fmean(mean_waits), abs=3 * standard_error(mean_waits))
    assert queue.waits == pytest.approx(fmean(shares), abs=3 * standard_error(shares))


def standard_error(values: list[float]) -> float:
    return stdev(values) / sqrt(len(values))


def served(queue: Queue, replication: int) -> Iterator[int]:
    """The waits of customers after the warm-up, in microseconds: arrivals and departures on a heap, nothing else."""
    chance = Chance(seed=1, replication=replication)
    between = Distribution("exponential", SERVICE_US / (queue.machines * queue.load))
    service = Distribution("exponential", SERVICE_US)
    place: Site[tuple[int, int]] = Site("q", tuple(f"q/{n}" for n in range(queue.machines)))
    happens: list[tuple[int, int, str]] = []  # (when, number of the customer who comes, machine that is left)
    heapq.heappush(happens, (draw_us(between, chance.stream("arrivals")), 1, ""))
    while happens:
        now_us, number, machine = heapq.heappop(happens)
        if machine:
            starts = place.leave(machine)
        else:
            starts = (number, now_us)
            machine = place.arrive(starts) or ""
            if number < CUSTOMERS:
                next_us = now_us + draw_us(between, chance.stream("arrivals"))
                heapq.heappush(happens, (next_us, number + 1, ""))
        if starts is not None and machine:
            came, came_us = starts
            if came > WARM_UP:
                yield now_us - came_us
            heapq.heappush(happens, (now_us + draw_us(service, chance.stream("services")), 0, machine))
