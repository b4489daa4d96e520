"""What proves who somebody is, by class, and which of it together is two-factor (requirements R5, R6).

Two things of one class fall together: who has seen the password has mostly seen the login ID, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

KNOWLEDGE, POSSESSION, INHERENCE = "knowledge", "possession", "inherence"
CLASSES = (KNOWLEDGE, POSSESSION, INHERENCE)

CLASS_OF: Mapping[str, str] = {
    "branch_and_account": KNOWLEDGE,
    "password": KNOWLEDGE,
    "pin": KNOWLEDGE,
    "login_id": KNOWLEDGE,
    "token": POSSESSION,
    "id_card": POSSESSION,
    "cash_card": POSSESSION,
}

FOUR_ITEM_LOGIN = ("branch_and_account", "password", "login_id")
"""Branch and account number are two of the four items (R50)."""


def two_factor(authenticators: Iterable[str]) -> bool:
    """Do these come from two classes?"""
    return len({CLASS_OF[each] for each in authenticators}) > 1
