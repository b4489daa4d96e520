"""An example bank to look at: people of every kind, with cards and tokens, and what each of them carries.

Nobody in it is real: card numbers are test numbers, and the keys are the published test keys of the simulation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from bank_host.host import Bank
from bank_host.issuing import (
    account_number,
    card_expiry,
    card_number,
    id_card_of,
    new_password,
    new_token,
    pin_value,
)
from bank_host.jst import jst_date
from bank_host.letters import private_file, token_file
from bank_host.rules.facts import Account, Card, Enrolment, Token
from bank_host.rules.id_card import COLUMNS, ROWS, code_at
from bank_host.secrets import Pan, Secret

EXAMPLE_BIN = "499900"


class Example(NamedTuple):
    """One customer of the example bank."""

    alias: str
    name: str
    kind: str
    authenticator: str
    balance_jpy: int
    tokens: int = 1


PEOPLE = (
    Example("hanako", "山田 花子", "individual", "token", 250_000, tokens=2),
    Example("taro", "鈴木 太郎", "individual", "id_card", 80_000),
    Example("kenji", "田中 健二", "sole_proprietor", "token", 2_000_000),
    Example("yuki", "佐藤 由紀", "sole_proprietor", "id_card", 600_000),
    Example("sakura", "さくら商事株式会社", "corporate", "token", 12_000_000, tokens=2),
    Example("fuji", "ふじ工業株式会社", "corporate", "id_card", 5_000_000),
)


class Holding(NamedTuple):
    """What a customer has in hand: for the holder's eyes only."""

    example: Example
    account_id: str
    pan: Pan
    expires: str
    pin: Secret
    password: Secret
    tokens: tuple[Token, ...]  # an ID card is one of them


def open_example(bank: Bank, random: Random, now_us: int) -> Iterator[Holding]:
    """Open the accounts of the example, one after the other, in an empty bank."""
    today = jst_date(now_us)
    for number, example in enumerate(PEOPLE, 1):
        account_id, pan = account_number(number), card_number(EXAMPLE_BIN, number)
        pin, password = f"{random.randrange(10_000):04d}", new_password(random)
        tokens = tuple(new_token(account_id, n, random, today) for n in range(1, example.tokens + 1))
        if example.authenticator == "id_card":
            tokens = (id_card_of(account_id, tokens[0].secret),)
        standing_jpy = bank.policy.on(today).atm_standing_initial
        account = Account(account_id, example.kind, example.authenticator, today, standing_jpy)
        customer = bank.new_customer(account)._replace(
            name=example.name,
            emails=(f"{example.alias}@example.jp",),
            password_hash=bank.passwords.hash(password),
        )
        expires = card_expiry(today)
        card_id = bank.hsm.card_id(pan)
        card = Card(card_id, example.alias, account_id, expires, pin_value(bank.hsm, pin, pan))
        bank.enrol(Enrolment(account, example.balance_jpy, (card,), tokens, customer, (Pan(pan),)), now_us)
        yield Holding(example, account_id, Pan(pan), expires, Secret(pin), password, tokens)


def hand_over(holding: Holding, folder: Path) -> None:
    """Write what the holder gets by post: a letter, and a file for each token. Only the owner may read them."""
    alias = holding.example.alias
    private_file(folder / f"{alias}.letter.txt", _letter(holding))
    for number, token in enumerate(holding.tokens, 1):
        if token.device == "token":
            token_file(folder / f"{alias}-{number}.token", token)


def _letter(holding: Holding) -> str:
    branch, account = holding.account_id[:3], holding.account_id[3:]
    lines = [
        f"{holding.example.name} ({holding.example.kind})",
        f"branch {branch}, account {account}",
        f"cash card {holding.pan.reveal()}, valid until 20{holding.expires[:2]}-{holding.expires[2:]}",
        f"PIN {holding.pin.reveal()}",
        f"login password {holding.password.reveal()}",
    ]
    for token in holding.tokens:
        lines.append(f"{'ID card' if token.device == 'id_card' else 'token'} {token.serial}")
        if token.device == "id_card":
            lines.append("    " + "   ".join(COLUMNS))
            lines += [
                f"{row} " + " ".join(code_at(token.secret, column + row) for column in COLUMNS)
                for row in ROWS
            ]
    return "\n".join(lines) + "\n"
