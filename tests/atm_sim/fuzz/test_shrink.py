"""The shrinker keeps what a finding needs and drops the rest, always in the same way and within its bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atm_sim.fuzz.shrink import shrink
from atm_sim.fuzz.written import World

STEPS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=30)


def a_world(names: list[str]) -> World:
    return {
        "scenario": "made up",
        "version": "1",
        "day": "2014-01-15",
        "banks": {"sakura": {"bin": '"499911"'}},
        "cast": {"hanako": {"name": "山田", "balance": "¥250_157"}, "taro": {"name": "鈴木"}},
        "habits": {"pin": "3 s"},
        "faults": [{"is": "down", "link": "switch-issuer", "mti": '"0210"'}],
        "steps": [{"do": name, "amount": "¥57_000"} for name in names],
    }


def done(world: World) -> list[str]:
    steps = world.get("steps", [])
    assert isinstance(steps, list)
    return [str(step["do"]) for step in steps if isinstance(step, dict) and "do" in step]


@given(names=STEPS)
def test_only_the_steps_that_the_finding_needs_are_left(names: list[str]) -> None:
    """The finding: an `a`, and later a `b`."""

    def fails(world: World) -> bool:
        left = done(world)
        return "a" in left and "b" in left[left.index("a") :]

    if fails(a_world(names)):
        assert ["a", "b"] == done(shrink(a_world(names), fails))


def test_faults_people_banks_settings_keys_and_digits_go_too() -> None:
    def fails(world: World) -> bool:
        cast = world.get("cast", {})
        return "a" in done(world) and isinstance(cast, dict) and "hanako" in cast

    assert {
        "scenario": "made up",
        "version": "1",
        "day": "2014-01-15",
        "cast": {"hanako": {}},
        "steps": [{"do": "a"}],
    } == shrink(a_world(["b", "a", "c"]), fails)


def test_an_amount_becomes_the_roundest_that_still_shows_it() -> None:
    def fails(world: World) -> bool:
        steps = world.get("steps")
        return isinstance(steps, list) and all(
            isinstance(step, dict) and step.get("amount") in ("¥57_000", "¥10_000") for step in steps
        )

    assert [{"amount": "¥10_000"}] == shrink(a_world(["a", "b"]), fails)["steps"]


@given(names=STEPS, most=st.integers(0, 40))
def test_the_number_of_tries_is_bounded_and_what_comes_out_always_fails(names: list[str], most: int) -> None:
    tried: list[World] = []

    def fails(world: World) -> bool:
        tried.append(world)
        return len(done(world)) * 2 > len(names)

    found = shrink(a_world(names), fails, most)
    assert len(tried) <= most
    assert len(done(found)) * 2 > len(names)


@given(names=STEPS)
def test_the_same_world_shrinks_to_the_same_world(names: list[str]) -> None:
    first, second = (shrink(a_world(names), lambda world: "a" in done(world)) for _ in range(2))
    assert first == second
