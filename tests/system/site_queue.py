"""A place's queue alone, with no ATM, card or message: arrivals and departures on a heap."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from atm_sim.world.chance import Chance, draw_us
from atm_sim.world.site import Site
from bank_host.written.values import Distribution

SERVICE_US = 1_000_000


def waits_us(
    servers: int, rho: float, customers: int, *, seed: int = 1, replication: int = 1, warm_up: int = 0
) -> Iterator[int]:
    """The waits of the customers of M/M/c after the warm-up, with a mean service of one second."""
    chance = Chance(seed, replication)
    arrivals, services = chance.stream("arrivals"), chance.stream("services")
    between = Distribution("exponential", SERVICE_US / (servers * rho))
    service = Distribution("exponential", SERVICE_US)
    place: Site[tuple[int, int]] = Site("q", tuple(f"q/{number}" for number in range(servers)))
    happens: list[tuple[int, int, str]] = [
        (draw_us(between, arrivals), 1, "")
    ]  # when, who comes, what is left
    while happens:
        now_us, number, machine = heapq.heappop(happens)
        if machine:
            starts = place.leave(machine)
        else:
            starts = (number, now_us)
            machine = place.arrive(starts) or ""
            if number < customers + warm_up:
                heapq.heappush(happens, (now_us + draw_us(between, arrivals), number + 1, ""))
        if starts is not None and machine:
            came, came_us = starts
            if came > warm_up:
                yield now_us - came_us
            heapq.heappush(happens, (now_us + draw_us(service, services), 0, machine))
