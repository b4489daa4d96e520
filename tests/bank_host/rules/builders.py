"""Facts for rule tests: one ordinary customer at noon of a January day, varied by keyword."""

from __future__ import annotations

from datetime import date
from typing import Any

from bank_host.jst import HOUR_US, midnight_us
from bank_host.policy import Figures, load_policy
from bank_host.rules.facts import (
    Account,
    Act,
    ActFacts,
    At,
    Authorisation,
    Card,
    CardFacts,
    CardRequest,
    Token,
)
from bank_host.rules.reversal import Claim

DAY = date(2014, 1, 15)
ACCOUNT_ID = "0010000001"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the RFC's test secret


def figures(day: date = DAY, **overrides: Any) -> Figures:
    """The packaged policy; an override is written with __ for the dots of its key."""
    if not overrides:
        return load_policy().on(day)
    changed = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_policy().with_overrides(changed).on(day)


def at(day: date = DAY, seq: int = 100, hour_us: int = 12 * HOUR_US) -> At:
    return At(midnight_us(day) + hour_us, day, seq)


def account(**changes: Any) -> Account:
    row = Account(ACCOUNT_ID, "individual", "token", date(2010, 4, 1), 500_000, 1_000_000)
    return row._replace(**changes)


def card(**changes: Any) -> Card:
    return Card("card-1", "hanako", ACCOUNT_ID, "1812", "1234", pin_fails=1)._replace(**changes)


def facts(**changes: Any) -> CardFacts:
    """Facts of a card transaction after a right PIN; `account` and `card` take dicts of changes."""
    holder = account(**changes.pop("account", {}))
    plastic = card(**changes.pop("card", {}))
    return CardFacts(plastic, holder, None, 0, 0, 0, True)._replace(**changes)


def request(**changes: Any) -> CardRequest:
    row = CardRequest("key-1", "original-1", "withdraw", 30_000, "392", "seven_bank", "ATM00001")
    return row._replace(**changes)


def token(**changes: Any) -> Token:
    return Token("T-1", ACCOUNT_ID, SECRET, date(2018, 12, 31))._replace(**changes)


def act(kind: str, **changes: Any) -> Act:
    staff = ("report_card", "release_pin", "reissue_card", "release_otp", "close_account")
    channel = "operator" if kind in staff else "pc"
    return Act("act-1", kind, ACCOUNT_ID, channel)._replace(**changes)


def act_facts(**changes: Any) -> ActFacts:
    holder = account(**changes.pop("account", {}))
    return ActFacts(holder, (card(),), (), (token(),))._replace(**changes)


def authorisation(**changes: Any) -> Authorisation:
    row = Authorisation(
        "original-1",
        "key-1",
        "card-1",
        ACCOUNT_ID,
        "seven_bank",
        "ATM00001",
        "withdraw",
        30_000,
        157,
        "chip",
        DAY,
        at().now_us,
        "00",
        "",
        "open",
    )
    return row._replace(**changes)


def claim(**changes: Any) -> Claim:
    row = Claim("rev-1", "original-1", "card-1", ACCOUNT_ID, "seven_bank", "ATM00001", "withdraw", 30_000)
    return row._replace(**changes)


def only(changes: tuple[Any, ...], kind: type) -> Any:
    """The one change of a kind; fails when there is none or more than one."""
    (found,) = [change for change in changes if isinstance(change, kind)]
    return found


def kinds(changes: tuple[Any, ...]) -> set[str]:
    return {type(change).__name__ for change in changes}
