"""The benchmark of a decision covers every refusal."""

from __future__ import annotations

from bank_host.rules.reasons import ORDER_OF_CHECKS
from bench import decide


def test_it_has_a_case_for_every_reason_of_the_order_of_checks() -> None:
    assert set(ORDER_OF_CHECKS) <= set(decide.cases())
