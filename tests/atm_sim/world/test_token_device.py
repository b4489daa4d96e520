"""The token in a customer's hand: it shows a code and has no other way in or out (R7, R10, R32, R33)."""

from __future__ import annotations

import inspect

import pytest

from atm_sim.world import token_device
from atm_sim.world.token_device import TokenDevice

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the published test seed of RFC 6238, in base 32
MINUTE = 60_000_000
NOON_US = 1_389_754_800 * 1_000_000


def test_the_device_can_do_one_thing_show_its_code():
    """No method takes a key press, a challenge or a message, so nothing can reach it from outside."""
    public = [
        name for name, _ in inspect.getmembers(TokenDevice, inspect.isfunction) if not name.startswith("_")
    ]
    assert ["display"] == public
    assert ["self", "now_us"] == list(inspect.signature(TokenDevice.display).parameters)


def test_the_device_knows_no_line_and_no_bank():
    """Its module imports the code's arithmetic and the clock's units, nothing that could carry a message."""
    imported = {
        value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", "")
        for name, value in vars(token_device).items()
        if not name.startswith("__") and value is not TokenDevice
    }
    assert {"pyotp"} == {name for name in imported if name and not name.startswith("__future__")} - {
        "builtins"
    }


def test_the_code_is_six_digits_and_changes_every_60_seconds():
    device = TokenDevice(SECRET)
    first, same, next_one = (device.display(NOON_US + after) for after in (0, MINUTE - 1, MINUTE))
    assert 6 == len(first)
    assert first.isdecimal()
    assert first == same
    assert first != next_one


def test_the_code_is_the_published_algorithm_with_a_step_of_60_seconds():
    """RFC 6238, appendix B: counter 1 gives 94287082 with eight digits, and so 287082 with six."""
    assert "287082" == TokenDevice(SECRET).display(MINUTE)


@pytest.mark.parametrize("drift_s", [-60, 60])
def test_a_clock_that_runs_ahead_or_behind_shows_another_minutes_code(drift_s: int):
    drifted = TokenDevice(SECRET, drift_s)
    assert TokenDevice(SECRET).display(NOON_US + drift_s * 1_000_000) == drifted.display(NOON_US)


def test_the_device_does_not_show_its_seed():
    assert SECRET not in repr(TokenDevice(SECRET))
    assert not hasattr(TokenDevice(SECRET), "__dict__")
