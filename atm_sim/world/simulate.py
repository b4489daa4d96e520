"""Simulated time: SimPy lends its clock to the conductor and runs until nothing is left to happen.

Every delay, of a person, a device, a message or a timer, is one SimPy timeout with one callback: SimPy's cheapest
event.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import simpy

from atm_sim.records.log import EventLog
from atm_sim.world.conductor import Conductor
from atm_sim.world.driver import Watcher
from atm_sim.world.lab import Lab
from bank_host.iso8583.message import Message


class SimulatedClock:
    """The driver of simulated time; `now_us` is integer microseconds since the Unix epoch."""

    def __init__(self, start_us: int) -> None:
        self.env = simpy.Environment(initial_time=start_us)
        self.outstanding = 0  # calls asked for and not yet made, those in the background left out

    def now_us(self) -> int:
        now_us: int = self.env.now  # type: ignore[assignment]  # integers in, integers out
        return now_us

    def call_after(self, delay_us: int, call: Callable[[], None], *, background: bool = False) -> None:
        timeout = self.env.timeout(delay_us)
        assert timeout.callbacks is not None, "a new timeout has not happened yet"
        if background:
            timeout.callbacks.append(lambda _: call())
        else:
            self.outstanding += 1
            timeout.callbacks.append(lambda _: self._due(call))

    def _due(self, call: Callable[[], None]) -> None:
        self.outstanding -= 1
        call()

    def carry(self, message: Message, delay_us: int, deliver: Callable[[Message], None]) -> None:
        self.call_after(delay_us, lambda: deliver(message))


def simulate(
    lab: Lab, watcher: Watcher | None = None, progress: Callable[[int], None] = lambda now_us: None
) -> EventLog:
    """Run one replication to its end; `progress` hears the simulated time now and then."""
    log = EventLog()
    clock = SimulatedClock(lab.start_us)
    conductor = Conductor(lab, clock, log, watcher)
    conductor.start()
    env = clock.env
    with collecting_seldom():
        while clock.outstanding and env.peek() <= lab.until_us:
            for _ in range(PROGRESS_EVERY):
                if not clock.outstanding or env.peek() > lab.until_us:
                    break
                env.step()
            progress(clock.now_us())
    conductor.finish()
    return log


PROGRESS_EVERY = 5_000
"""SimPy events between two calls of `progress`."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """A run makes records by the million and hardly a reference cycle: the collector's usual zeal takes a tenth of
    the whole time, looking at the same records again and again."""
    usual = gc.get_threshold()
    gc.set_threshold(20_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
