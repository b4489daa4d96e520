"""A bank's lists reach the switch that stands in for it, or do not: how old they are when somebody is paid (X8)."""

from __future__ import annotations

import pytest

from atm_sim.checks.measures import Ask, Setting, measure
from atm_sim.checks.rows import ReplicationRows
from tests.atm_sim.world.small_world import MINUTE, run


def age_us(stand_in: str, faults: str = "", rest: str = "") -> float | None:
    """How old the lists were by which she was paid at 12:10, with the line down from noon; None if she was not."""
    bank = f'banks: {{jnb: {{bin: "499900", stand_in: {{{stand_in}}}}}}}\n' if stand_in else ""
    line = "{from: 12:00, to: 12:30, link: switch-issuer, is: down}"
    steps = "steps: [{at: 12:10, who: hanako, do: withdraw, amount: ¥30_000, atm: shop}]\n"
    log = run(f"{rest}{bank}faults: [{line}{faults}]\n{steps}")
    return measure("stand_in.list_age", ReplicationRows(log.events), Ask(), Setting())


@pytest.mark.parametrize(
    ("stand_in", "faults", "minutes"),
    [
        ("negative_file_every: 15 min", "", 25),  # 11:45, because the line is down at noon
        ("negative_file_every: 1 h", "", 70),
        ("negative_file_every: 15 min", ", {at: 11:40, bank: jnb, is: crashed, for: 10 min}", 40),
        ("negative_file_every: 15 min", ", {at: 11:40, node: switch, is: restarted, for: 10 min}", 40),
    ],
    ids=["line down", "once an hour", "host down at a delivery", "switch down at a delivery"],
)
def test_a_list_that_cannot_come_leaves_the_switch_with_the_one_before(
    stand_in: str, faults: str, minutes: int
) -> None:
    found = age_us(stand_in, faults)
    assert found is not None
    assert minutes == found // MINUTE


def test_without_stand_in_on_timeouts_nobody_is_paid() -> None:
    assert age_us("on_timeout: false") is None


def test_a_policy_that_has_it_stands_in_without_a_word_of_the_scenario() -> None:
    assert None is age_us("")
    assert None is not age_us("", rest="policy: {stand_in.enabled: {value: true, because: what if}}\n")
