"""A bank with customers in internet banking, and a customer's way of asking it: for the tests of its desk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyotp

from bank_host import jst
from bank_host.host import Bank, Commit
from bank_host.hsm import PVK, TPK, Hsm
from bank_host.passwords import Passwords
from bank_host.policy import load_policy
from bank_host.rules.facts import Account, Act, Card, Customer, Enrolment, Token
from bank_host.rules.id_card import IdCard
from bank_host.secrets import Pan, Pin, Secret
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore

DAY = date(2014, 1, 15)  # a Wednesday
NOON_US = jst.midnight_us(DAY) + 12 * jst.HOUR_US
HANAKO, TARO, SHOP = "0010000001", "0010000002", "0010000003"
PINS = {HANAKO: "4831", TARO: "2719", SHOP: "6042"}
PANS = {HANAKO: "4999000000000013", TARO: "4999000000000021", SHOP: "4999000000000039"}
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SECOND_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ID_CARD_SECRET = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
PASSWORD = "correct horse"


@dataclass
class OnlineBank:
    """Hanako has a token, Taro an ID card, the shop is a company with a token."""

    bank: Bank
    now_us: int = NOON_US
    commits: list[Commit] = field(default_factory=list)
    asked: int = 0

    def act(self, kind: str, account_id: str = HANAKO, channel: str = "pc", **fields: Any) -> tuple[str, str]:
        """Outcome and reason of one act under a new request id, or under `key`."""
        self.asked += 1
        act = Act(f"request-{self.asked}", kind, account_id, channel)._replace(**fields)
        outcome = self.bank.act(act, self.now_us)
        return outcome.outcome, outcome.reason

    def code(self, secret: str = SECRET, *, steps_ago: int = 0, drift: int = 0) -> str:
        at_s = self.now_us // jst.SECOND_US - 60 * (steps_ago - drift)
        return pyotp.TOTP(secret, interval=60).at(at_s)

    def wrong_code(self) -> str:
        right = {self.code(), self.code(steps_ago=1), self.code(SECOND_SECRET)}
        return next(f"{n:06d}" for n in range(10) if f"{n:06d}" not in right)

    def id_card_code(self) -> str:
        positions = self.bank.id_card_challenge(TARO, self.now_us)
        return IdCard(ID_CARD_SECRET).read(positions)

    def pin_block(self, account_id: str = HANAKO, pin: str = "") -> str:
        return self.bank.pin_block(account_id, Pin(pin or PINS[account_id]))

    def login(self, account_id: str = HANAKO, password: str = PASSWORD, **fields: Any) -> tuple[str, str]:
        return self.act("login", account_id, password=Secret(password), **fields)

    def later(self, **time: int) -> None:
        self.now_us += int(timedelta(**time).total_seconds()) * jst.SECOND_US

    def account(self, account_id: str = HANAKO) -> Account:
        return next(row for row in self.bank.store.accounts() if row.account_id == account_id)

    def customer(self, account_id: str = HANAKO) -> Customer:
        return next(row for row in self.bank.store.customers() if row.account_id == account_id)

    def token(self, serial: str = "T1") -> Token:
        return next(row for row in self.bank.store.tokens() if row.serial == serial)

    def notices(self) -> list[str]:
        return [row.kind for row in self.bank.store.outbox()]

    def texts(self) -> Iterable[str]:
        """Everything that this bank has written for people to read."""
        for row in (*self.bank.store.audit(), *self.bank.store.outbox(), *self.commits):
            yield repr(row)


def open_bank(store: Store | None = None, **overrides: Any) -> OnlineBank:
    """Three customers with ¥250,000 each; `overrides` are policy figures with __ for their dots."""
    changed = {key.replace("__", "."): value for key, value in overrides.items()}
    hsm = Hsm.simulation()
    policy = load_policy().with_overrides(changed)
    bank = Bank("jnb", store or MemoryStore(), policy, hsm, passwords=Passwords.fast(b"test"))
    password_hash = bank.passwords.hash(Secret(PASSWORD))
    devices = {
        HANAKO: Token("T1", HANAKO, SECRET, date(2018, 1, 1)),
        TARO: Token("ID1", TARO, ID_CARD_SECRET, date(2018, 1, 1), device="id_card"),
        SHOP: Token("T3", SHOP, SECRET[::-1], date(2018, 1, 1)),
    }
    for account_id, device in devices.items():
        kind = "corporate" if account_id == SHOP else "individual"
        account = Account(account_id, kind, device.device, DAY, 100_000)
        pan, pin = PANS[account_id], PINS[account_id]
        pvv = hsm.new_pvv(TPK, hsm.encrypt_pin_block(TPK, pin, pan), pan, PVK).pvv
        card = Card(hsm.card_id(pan), f"card-{account_id}", account_id, "1801", pvv)
        customer = bank.new_customer(account)._replace(
            name="佐藤花子",
            address="東京都渋谷区神南1-19-11",
            phone="03-3463-1211",
            emails=("hanako@mail.example",),
            birthday=date(1980, 7, 31),
            password_hash=password_hash,
        )
        bank.enrol(Enrolment(account, 250_000, (card,), (device,), customer, (Pan(pan),)), NOON_US)
    online = OnlineBank(bank)
    bank.watch = online.commits.append
    return online
