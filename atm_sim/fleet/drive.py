"""Simulated time of a fleet: the session kernel inside one SimPy process, beside whatever acts from outside.

The kernel lets visits happen up to the next SimPy event (`env.peek()`), then gives way to it. Without anything outside
a day is twenty-four events at most.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import simpy

from atm_sim.fleet.arrivals import Arrival
from atm_sim.fleet.kernel import Kernel
from bank_host.iso8583.message import Message
from bank_host.jst import HOUR_US


class FleetClock:
    """What somebody outside is called by: repairs, guards, faults. Times are microseconds since the Unix epoch."""

    def __init__(self, env: simpy.Environment, kernel: Kernel) -> None:
        self.env, self.kernel = env, kernel
        self.outstanding = 0  # calls asked for and not yet made, those in the background left out

    def now_us(self) -> int:
        return self.kernel.now_us

    def call_at(self, at_us: int, call: Callable[[], None]) -> None:
        """At `at_us`, when all visits up to then have happened; also while a visit is handed over."""
        timeout = self.env.timeout(max(0, at_us - int(self.env.now)))
        assert timeout.callbacks is not None, "a new timeout has not happened yet"
        timeout.callbacks.append(lambda _: self._due(at_us, call))
        self.kernel.until_us = min(self.kernel.until_us, at_us)

    def call_after(self, delay_us: int, call: Callable[[], None], *, background: bool = False) -> None:
        """As a conductor asks for it."""
        if not background:
            self.outstanding += 1
        self.call_at(self.now_us() + delay_us, call if background else partial(self._counted, call))

    def carry(self, message: Message, delay_us: int, deliver: Callable[[Message], None]) -> None:
        self.call_after(delay_us, partial(deliver, message))

    def _counted(self, call: Callable[[], None]) -> None:
        self.outstanding -= 1
        call()

    def _due(self, at_us: int, call: Callable[[], None]) -> None:
        self.kernel.now_us = max(self.kernel.now_us, at_us)
        call()


Outside = Callable[[Kernel, FleetClock], object]
"""Somebody who acts from outside: told once, before the first arrival; goes on by `FleetClock.call_at`."""


def drive(
    kernel: Kernel,
    start_us: int,
    windows: Iterator[tuple[int, Iterable[Arrival]]],
    outside: tuple[Outside, ...] = (),
) -> None:
    """Run to the last visit."""
    env = simpy.Environment(initial_time=start_us)
    clock = FleetClock(env, kernel)
    kernel.now_us = start_us
    for act in outside:
        act(kernel, clock)
    with without_collector():
        env.run(env.process(_sessions(env, kernel, clock, windows)))


def _sessions(
    env: simpy.Environment,
    kernel: Kernel,
    clock: FleetClock,
    windows: Iterator[tuple[int, Iterable[Arrival]]],
) -> Generator[simpy.Event, Any, None]:
    end_us = int(env.now)
    for end_us, arrivals in windows:
        kernel.expect(arrivals)
        yield from _up_to(env, kernel, end_us)
    while not kernel.idle or clock.outstanding:  # who is still at a machine, and who comes back
        end_us += HOUR_US
        yield from _up_to(env, kernel, end_us)


def _up_to(env: simpy.Environment, kernel: Kernel, end_us: int) -> Generator[simpy.Event, Any, None]:
    while env.now < end_us:
        following = env.peek()
        kernel.drain(end_us if following > end_us else int(following))
        yield env.timeout(min(kernel.until_us, end_us) - int(env.now))


@contextmanager
def without_collector() -> Iterator[None]:
    """Records by the million and no reference cycles: the collector would only look at them again and again."""
    was = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was:
            gc.enable()
