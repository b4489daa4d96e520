"""Turns: one at a time for each key, and other keys do not wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from bank_host.turns import Turns


def test_whoever_comes_with_the_same_key_waits() -> None:
    turns, may_end, order = Turns(), Event(), []

    def first() -> None:
        with turns.of("order-1"):
            inside.set()
            may_end.wait(10)
            order.append("first")

    def second() -> None:
        with turns.of("order-1"):
            order.append("second")

    inside = Event()
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(first)]
        assert inside.wait(10)
        done.append(pool.submit(second))
        with turns.of("order-2"):  # another key passes meanwhile
            order.append("another")
        may_end.set()
        for each in done:
            each.result(10)
    assert ["another", "first", "second"] == order


def test_a_turn_that_fails_ends_and_nothing_is_kept() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="refused"), turns.of("order-1"):
        raise ValueError("refused")
    with turns.of("order-1"):
        pass
    assert {} == turns._of_key
