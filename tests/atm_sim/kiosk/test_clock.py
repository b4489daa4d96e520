"""The clock of the kiosk: a person's time, or as much faster as a trainer wants it."""

from __future__ import annotations

import asyncio

from atm_sim.kiosk.clock import PersonsClock, paced_clock
from bank_host.jst import HOUR_US, SECOND_US


def test_time_begins_where_it_is_told_and_goes_at_its_pace() -> None:
    real_us = iter((7 * SECOND_US, 7 * SECOND_US, 9 * SECOND_US))
    now_us = paced_clock(lambda: next(real_us), begins_us=HOUR_US, pace=2.5)
    assert (HOUR_US, HOUR_US + 5 * SECOND_US) == (now_us(), now_us())


def test_what_is_due_in_an_hour_is_due_in_an_hour_of_its_own_time() -> None:
    async def an_hour() -> None:
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        clock = PersonsClock(lambda: 0, pace=100_000)
        running = asyncio.create_task(clock.run())
        clock.call_after(HOUR_US, lambda: loop.call_soon_threadsafe(done.set))
        async with asyncio.timeout(60):  # a pace that is not heard would take the hour
            await done.wait()
        running.cancel()

    asyncio.run(an_hour())
