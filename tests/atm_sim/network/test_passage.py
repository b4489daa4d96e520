"""One transaction's way through acquirer and switch to the issuer and back, in good order."""

from __future__ import annotations

import pytest

from tests.atm_sim.network.small_network import (
    NOON_US,
    OTHER_PAN,
    OUR_PAN,
    SECOND,
    SmallNetwork,
    withdrawal,
)


def test_a_withdrawal_is_answered_to_the_terminal_it_came_from() -> None:
    network = SmallNetwork()
    network.start("atm-1", withdrawal("atm-1"))
    network.start("atm-2", withdrawal("atm-2"))
    network.run()
    assert [("atm-1", "00"), ("atm-2", "00")] == network.answers()
    assert ["forwarded", "passed_back"] == network.kinds("seven")
    assert ["routed", "routed", "passed_back", "passed_back"] == network.kinds("switch")


@pytest.mark.parametrize(("pan", "bank"), [(OUR_PAN, "our-bank"), (OTHER_PAN, "other-bank")])
def test_a_card_reaches_its_own_bank_and_no_other(pan: str, bank: str) -> None:
    network = SmallNetwork()
    network.start("atm-1", withdrawal(pan=pan))
    network.run()
    assert [bank] == [name for name, one in network.banks.items() if one.approved]


def test_a_reversal_passes_through_and_its_acceptance_comes_back() -> None:
    """A failed dispense: 0200, 0210, 0420, 0430 end to end, and no timer is left behind."""
    network = SmallNetwork()
    network.start("atm-1", withdrawal(), broken=True)
    network.run()
    assert [("atm-1", "00")] == network.answers("0430")
    assert ([], 0) == (network.banks["our-bank"].standing, network.queued)
    assert NOON_US + SECOND > network.now_us
