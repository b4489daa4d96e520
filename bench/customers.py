"""The customers of the benches: a bank full of them, rich enough that no withdrawal is declined, and what they send."""

from __future__ import annotations

from bank_host.hsm import TPK, Hsm
from bank_host.iso8583 import build
from bank_host.iso8583.message import Message
from bank_host.issuing import account_number, card_expiry, card_number, pin_value
from bank_host.jst import jst_date
from bank_host.ledger.entries import opening
from bank_host.rules.facts import Account, Card
from bank_host.store.contract import Store

PIN = "5739"
ATMS = [build.Acceptor(f"T{n:07d}", "SHIBUYA", "00000000034") for n in range(200)]
_BALANCE_JPY = _LIMIT_JPY = 100_000_000


def pan_of(number: int) -> str:
    return card_number("499900", number)


def open_customers(store: Store, hsm: Hsm, count: int, now_us: int) -> None:
    """Accounts with a card each, in one commit."""
    day = jst_date(now_us)
    with store.begin() as unit:
        for number in range(count):
            account_id, pan = account_number(number), pan_of(number)
            unit.add_account(Account(account_id, "individual", "token", day, _LIMIT_JPY))
            pvv = pin_value(hsm, PIN, pan)
            unit.add_card(Card(hsm.card_id(pan), f"card-{number}", account_id, card_expiry(day), pvv))
            unit.apply([opening(account_id, _BALANCE_JPY, day)], now_us)


def withdrawal(hsm: Hsm, pan: str, stan: int, now_us: int, acceptor: build.Acceptor) -> Message:
    """¥1,000."""
    return build.financial_request(
        "withdraw",
        pan=pan,
        amount_jpy=1_000,
        stan=stan,
        now_us=now_us,
        acceptor=acceptor,
        expiry_yymm=card_expiry(jst_date(now_us)),
        pin_block=hsm.encrypt_pin_block(TPK, PIN, pan),
    )
