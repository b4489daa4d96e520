"""Queues by formula: Erlang C, Pollaczek-Khinchine, the Allen-Cunneen approximation, and how long a run has to be.

Rates are per microsecond, times in microseconds; `load` is the offered load in Erlang (arrival rate x mean service).
"""

from __future__ import annotations

from math import exp
from typing import Literal, NamedTuple, TypeAlias

Formula: TypeAlias = Literal["M/M/c", "M/G/1", "Allen-Cunneen"]


class Moments(NamedTuple):
    """Mean and squared coefficient of variation (variance / mean²) of a time."""

    mean_us: float
    scv: float

    @property
    def second_us2(self) -> float:
        return self.mean_us**2 * (1 + self.scv)


class Queue(NamedTuple):
    """What a formula says of a queue in the long run."""

    formula: Formula
    exact: bool
    p_wait: float
    wait_mean_us: float


def erlang_c(servers: int, load: float) -> float:
    """The share of customers who wait in M/M/c, by the recursion of Erlang's B, which does not overflow."""
    if load >= servers:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    rho = load / servers
    return blocked / (1 - rho + rho * blocked)


def p_empty(servers: int, load: float) -> float:
    """P0 of M/M/c: the share of time in which nobody is there."""
    term = total = 1.0
    for count in range(1, servers):
        term *= load / count
        total += term
    return 1 / (total + term * load / servers / (1 - load / servers))


def wait_mean_us(servers: int, load: float, service_us: float) -> float:
    """Wq of M/M/c."""
    return erlang_c(servers, load) * service_us / (servers - load)


def wait_over(servers: int, load: float, service_us: float, over_us: float) -> float:
    """The share of customers of M/M/c who wait longer than a time."""
    return erlang_c(servers, load) * exp(-(servers - load) * over_us / service_us)


def queue(servers: int, arrivals: Moments, service: Moments) -> Queue | None:
    """The best formula there is for a queue; None where it grows without end (rho of 1 or more).

    Exact: Erlang C for exponential times, Pollaczek-Khinchine for one server and any service. Anything else is the
    approximation of Allen and Cunneen: the wait of M/M/c x (squared CV of arrivals + that of services) / 2.
    """
    load = service.mean_us / arrivals.mean_us
    if load >= servers:
        return None
    wait_us = wait_mean_us(servers, load, service.mean_us)
    poisson = abs(arrivals.scv - 1) < 1e-9
    if poisson and abs(service.scv - 1) < 1e-9:
        return Queue("M/M/c", True, erlang_c(servers, load), wait_us)
    factor = (arrivals.scv + service.scv) / 2
    if poisson and servers == 1:
        return Queue("M/G/1", True, load, wait_us * factor)
    return Queue("Allen-Cunneen", False, erlang_c(servers, load), wait_us * factor)


def run_length_variance(rho: float, customers: int) -> float:
    """Variance of the mean wait in queue of so many customers of M/M/1, in squared mean services."""
    return rho * (2 + 5 * rho - 4 * rho**2 + rho**3) / (customers * (1 - rho) ** 4)
