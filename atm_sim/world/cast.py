"""The people of a scenario as the world holds them: a card, a PIN, tokens, and an account opened at their bank.

Account numbers count up from 0010000001 (branch 001), card numbers follow from bank and account; what a scenario leaves
open (a PIN, a token's seed) is drawn from named random streams, so it is the same in every run of a seed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from atm_sim.scenario import Person as CastEntry
from atm_sim.terminal.card import CardData
from atm_sim.world.token_device import TokenDevice
from bank_host.host import Bank
from bank_host.hsm import CVK, PVK, TPK, Hsm
from bank_host.jst import jst_date
from bank_host.policy import Figures
from bank_host.rules.facts import Account, Card, Enrolment, Token

BRANCH = "001"
SERVICE_CODES = {"chip": "201", "stripe": "101"}
CARD_YEARS = 5
TOKEN_YEARS = 5


@dataclass(slots=True)
class Person:
    """One customer with everything they carry."""

    alias: str
    bank: str
    account_id: str
    card_id: str
    card: CardData
    pin: str = field(repr=False)
    tokens: tuple[TokenDevice, ...] = ()
    used_otp: str = field(default="", repr=False)


class Cast:
    """Opens accounts at a bank, one after the other, and hands out cards and tokens."""

    def __init__(self, hsm: Hsm) -> None:
        self._hsm = hsm
        self._opened: dict[str, int] = {}  # accounts so far, by bank

    def join(
        self, alias: str, entry: CastEntry, bank: Bank, bin_: str, random: Random, now_us: int
    ) -> Person:
        """Open the account, issue card and token, and return the person."""
        number = self._opened[bank.name] = self._opened.get(bank.name, 0) + 1
        account_id = f"{BRANCH}{number:07d}"
        today = jst_date(now_us)
        figures = bank.policy.on(today)
        pan = entry.card.pan or card_number(bin_, number)
        pin = entry.pin or f"{random.randrange(10_000):04d}"
        expires = entry.card.expires_yymm or f"{(today.year + CARD_YEARS) % 100:02d}{today.month:02d}"
        pvv = self._hsm.new_pvv(TPK, self._hsm.encrypt_pin_block(TPK, pin, pan), pan, PVK).pvv
        card_id = self._hsm.card_id(pan)
        device, token = self._token(account_id, random, today)
        enrolment = Enrolment(
            _account(account_id, entry, figures, today),
            entry.balance_jpy,
            (Card(card_id, alias, account_id, expires, pvv, hot=entry.card.hot),),
            (token,) if entry.authenticator == "token" else (),
        )
        bank.enrol(enrolment, now_us)
        return Person(
            alias,
            bank.name,
            account_id,
            card_id,
            self._card_data(alias, entry, pan, expires, pvv),
            pin,
            (device,) if entry.authenticator == "token" else (),
        )

    def _token(self, account_id: str, random: Random, today: date) -> tuple[TokenDevice, Token]:
        secret = base64.b32encode(random.randbytes(20)).decode("ascii")
        expires = today + timedelta(days=365 * TOKEN_YEARS)
        return TokenDevice(secret), Token(f"TK{account_id}", account_id, secret, expires)

    def _card_data(self, alias: str, entry: CastEntry, pan: str, expires: str, pvv: str) -> CardData:
        """The card as a reader sees it; a forged one carries a verification value that is not its own."""
        service_code = SERVICE_CODES[entry.card.medium]
        cvv = self._hsm.cvv(CVK, pan, expires, service_code)
        if entry.card.forged:
            cvv = f"{(int(cvv) + 1) % 1_000:03d}"
        track2 = f"{pan}={expires}{service_code}1{pvv}{cvv}"
        return CardData(alias, pan, expires, track2, service_code, entry.card.medium)


def _account(account_id: str, entry: CastEntry, figures: Figures, today: date) -> Account:
    standing_jpy = figures.atm_standing_initial if entry.atm_limit_jpy is None else entry.atm_limit_jpy
    return Account(
        account_id, entry.kind, entry.authenticator, entry.opened or today, standing_jpy, closed=entry.closed
    )


def card_number(bin_: str, number: int) -> str:
    """Sixteen digits: the bank's prefix, the account's number and the Luhn check digit (ISO/IEC 7812)."""
    body = f"{bin_}{number:0{15 - len(bin_)}d}"
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(body)]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{body}{-total % 10}"
