"""Authenticators by class: each has one, and two things of one class are no two factors (R5, R6)."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pytest

from bank_host.policy import load_policy
from bank_host.policy.figures import AUTHENTICATORS, CHANNELS
from bank_host.rules.authenticators import CLASS_OF, CLASSES, FOUR_ITEM_LOGIN, two_factor


def test_every_authenticator_of_the_bank_has_exactly_one_class_of_the_three():
    items = {"cash_card", "pin", "login_id", "password", *AUTHENTICATORS}
    assert items <= set(CLASS_OF)
    assert set(CLASS_OF.values()) <= set(CLASSES)


def test_a_login_of_four_items_is_not_two_factor_and_with_a_code_it_is():
    assert not two_factor(FOUR_ITEM_LOGIN)
    assert two_factor((*FOUR_ITEM_LOGIN, "token"))
    assert two_factor((*FOUR_ITEM_LOGIN, "id_card"))


def test_an_atm_asks_for_two_factors():
    assert two_factor(("cash_card", "pin"))


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_important_operation_is_two_factor_in_every_channel(channel: str):
    third = load_policy().on(date(2014, 1, 15)).login_third_item[channel]
    assert not two_factor(("branch_and_account", third))
    assert all(two_factor(("branch_and_account", third, code)) for code in AUTHENTICATORS)


def test_two_factors_are_two_classes_whatever_else_there_is():
    for some in combinations(CLASS_OF, 3):
        assert (len({CLASS_OF[each] for each in some}) >= 2) is two_factor(some)
