"""What a bank gives a new customer: account number, card with its verification values, token (requirement X14).

Numbers count up; whatever is drawn comes from the random source that is handed in.
"""

from __future__ import annotations

import base64
import re
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from bank_host.hsm import CVK, PVK, TPK, Hsm
from bank_host.rules.facts import Card, Token
from bank_host.secrets import Pan, Secret

BRANCH = "001"
ACCOUNT_DIGITS = 7
CARD_YEARS = 5
TOKEN_YEARS = 5
LAST_DAY = date(2099, 12, 31)
"""An ID card has no date of expiry."""


def account_number(number: int) -> str:
    """Branch, 3 digits, and account, 7 digits."""
    return f"{BRANCH}{number:0{ACCOUNT_DIGITS}d}"


def card_number(bin_: str, number: int) -> str:
    """Sixteen digits: the bank's prefix, the account's number and the Luhn check digit (ISO/IEC 7812)."""
    body = f"{bin_}{number:0{15 - len(bin_)}d}"
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(body)]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{body}{-total % 10}"


def card_expiry(today: date) -> str:
    """YYMM of a card issued today."""
    return f"{(today.year + CARD_YEARS) % 100:02d}{today.month:02d}"


def pin_value(hsm: Hsm, pin: str, pan: str) -> str:
    """What the bank stores of a PIN: its verification value."""
    return hsm.new_pvv(TPK, hsm.encrypt_pin_block(TPK, pin, pan), pan, PVK).pvv


class IssuedCard(NamedTuple):
    """A new card: its row, its number, and the PIN that its holder gets by post."""

    card: Card
    pan: Pan
    pin: Secret


def replacement(
    hsm: Hsm, old: Pan, old_alias: str, account_id: str, nth: int, random: Random, today: date
) -> IssuedCard:
    """The `nth` card of an account, in place of another: number and PIN are drawn, since a PIN fits one number."""
    pan = card_number(old.reveal()[:6], random.randrange(10**9))
    pin = f"{random.randrange(10_000):04d}"
    alias = re.sub(r"-[0-9]{1,2}$", "", old_alias) + f"-{nth}"
    card = Card(hsm.card_id(pan), alias, account_id, card_expiry(today), pin_value(hsm, pin, pan))
    return IssuedCard(card, Pan(pan), Secret(pin))


def new_password(random: Random) -> Secret:
    """A login password as the bank issues it."""
    return Secret(f"{random.randrange(10**10):010d}-pw")


def track2(hsm: Hsm, pan: str, expires: str, service_code: str, pvv: str) -> str:
    """The card's track 2, with the verification values of PIN and card."""
    return f"{pan}={expires}{service_code}1{pvv}{hsm.cvv(CVK, pan, expires, service_code)}"


def new_token(account_id: str, number: int, random: Random, today: date) -> Token:
    """The `number`th token of an account."""
    secret = base64.b32encode(random.randbytes(20)).decode("ascii")
    serial = f"TK{account_id}" if number == 1 else f"TK{account_id}-{number}"
    return Token(serial, account_id, secret, today + timedelta(days=365 * TOKEN_YEARS))


def id_card_of(account_id: str, secret: str) -> Token:
    """The ID card of an account: a table of codes in a token's place."""
    return Token(f"IC{account_id}", account_id, secret, LAST_DAY, device="id_card")
