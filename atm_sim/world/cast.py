"""The people of a scenario as the world holds them: a card, a PIN, tokens, and an account opened at their bank.

Account numbers count up from 0010000001 (branch 001), card numbers follow from bank and account; what a scenario leaves
open (a PIN, a token's seed) is drawn from named random streams, so it is the same in every run of a seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from random import Random

from atm_sim.scenario import Person as CastEntry
from atm_sim.terminal.card import CardData
from atm_sim.world.chip_card import SEQUENCE, ChipCard, chip_card
from atm_sim.world.token_device import TokenDevice
from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.issuing import (
    account_number,
    card_expiry,
    card_number,
    id_card_of,
    new_token,
    pin_value,
    track2,
)
from bank_host.jst import SECOND_US, jst_date
from bank_host.policy import Figures
from bank_host.rules.facts import Account, Card, Customer, Enrolment, Token
from bank_host.rules.id_card import IdCard
from bank_host.secrets import Pan, Secret

SERVICE_CODES = {"chip": "201", "stripe": "101"}


@dataclass(slots=True)
class Person:
    """One customer with everything they carry and remember."""

    alias: str
    bank: str
    account_id: str
    card_id: str
    card: CardData
    pin: str = field(repr=False)
    name: str = ""
    kind: str = "individual"
    tokens: list[TokenDevice] = field(
        default_factory=list
    )  # in the order they came, also those not registered
    id_card: IdCard | None = None
    password: str = field(default="", repr=False)
    login_id: str = field(default="", repr=False)
    used_otp: str = field(default="", repr=False)
    random: Random | None = field(default=None, repr=False)  # of whatever they are sent later
    from_reader: bool = False  # a card in a real reader stands for theirs


class Cast:
    """Opens accounts at a bank, one after the other, and hands out cards, tokens and passwords."""

    def __init__(self, hsm: Hsm, numbers_from: int = 0, *, opens: bool = True) -> None:
        self._hsm = hsm
        self._numbers_from = numbers_from
        self._opens = opens  # else they are opened already, and only what people carry is made again
        self._opened: dict[str, int] = {}  # accounts so far, by bank

    def join(
        self,
        alias: str,
        entry: CastEntry,
        bank: Bank,
        bin_: str,
        random: Random,
        now_us: int,
        *,
        online: bool = True,
    ) -> Person:
        """Open the account, issue card and token, and return the person. Who only ever comes to an ATM (`online` is
        False) gets neither password nor customer data, which would outweigh everything else they cost."""
        number = self._opened[bank.name] = self._opened.get(bank.name, self._numbers_from) + 1
        account_id = account_number(number)
        today = jst_date(now_us)
        figures = bank.policy.on(today)
        pan = entry.card.pan or card_number(bin_, number)
        pin = entry.pin or f"{random.randrange(10_000):04d}"
        expires = entry.card.expires_yymm or card_expiry(today)
        pvv = pin_value(self._hsm, pin, pan)
        card_id = self._hsm.card_id(pan)
        devices = [sent(account_id, n, random, entry, today) for n in range(1, max(entry.tokens, 1) + 1)]
        if entry.authenticator == "id_card":
            secret = devices[0][1].secret
            tokens: tuple[Token, ...] = (id_card_of(account_id, secret),)
        else:
            tokens = tuple(token for _, token in devices[: entry.tokens])
        person = Person(
            alias,
            bank.name,
            account_id,
            card_id,
            self._card_data(alias, entry, pan, expires, pvv, entry.opened or today),
            pin,
            entry.name,
            entry.kind,
            [device for device, _ in devices[: entry.tokens]] if entry.authenticator == "token" else [],
            IdCard(secret) if entry.authenticator == "id_card" else None,
            from_reader=entry.card.reader,
        )
        if online:
            person.random = random
            person.login_id = entry.login_id
            person.password = entry.password or f"{random.randrange(10**8):08d}-pw"
        account = _account(account_id, entry, figures, today)
        enrolment = Enrolment(
            account,
            entry.balance_jpy,
            (Card(card_id, alias, account_id, expires, pvv, hot=entry.card.hot),),
            tokens,
            _customer(person, entry, bank, account) if online else None,
            (Pan(pan),) if online else (),
        )
        if self._opens:
            bank.enrol(enrolment, now_us)
        return person

    def _card_data(
        self, alias: str, entry: CastEntry, pan: str, expires: str, pvv: str, issued: date
    ) -> CardData:
        """The card as a reader sees it; a forged one carries a verification value, or a key, that is not its own."""
        if entry.card.reader:  # no chip data, and DE22 says so: the track is the made-up account's
            service_code = SERVICE_CODES["stripe"]
            track = track2(self._hsm, pan, expires, service_code, pvv)
            return CardData(alias, pan, expires, track, service_code, "stripe", sequence=f"{SEQUENCE:0>3}")
        service_code = SERVICE_CODES[entry.card.medium]
        track = track2(self._hsm, pan, expires, service_code, pvv)
        chip = chip_card(pan, track, expires, issued, entry.card.cvn) if entry.card.cvn else None
        card = CardData(alias, pan, expires, track, service_code, entry.card.medium, chip)
        return in_hand(card, "forged") if entry.card.forged else card


def in_hand(card: CardData, what: str) -> CardData:
    """What is put into the machine: the `own` card; `skimmed`, a copy of its stripe; `forged`, a stripe made up by
    somebody who never saw the verification value, or a chip made up by somebody who does not have the bank's key."""
    if what == "own":
        return card
    if what == "skimmed":
        # the service code on the stripe tells the machine that there should be a chip
        return replace(card, medium="fallback" if card.chip else "stripe", chip=None)
    if isinstance(card.chip, ChipCard):
        return replace(card, chip=card.chip.forged())
    wrong = f"{(int(card.track2[-3:]) + 1) % 1_000:03d}"
    return replace(card, track2=card.track2[:-3] + wrong)


def sent(
    account_id: str, number: int, random: Random, entry: CastEntry | None, today: date
) -> tuple[TokenDevice, Token]:
    """The `number`th token of an account: the device for its holder, and what the bank knows of it."""
    token, drift_us = new_token(account_id, number, random, today), 0
    if entry is not None and number == 1:
        token = token._replace(expires=entry.token_expires or token.expires)
        drift_us = entry.token_ahead_us - entry.token_behind_us
    return TokenDevice(token.secret, drift_us // SECOND_US, token.serial), token


def _account(account_id: str, entry: CastEntry, figures: Figures, today: date) -> Account:
    standing_jpy = figures.atm_standing_initial if entry.atm_limit_jpy is None else entry.atm_limit_jpy
    return Account(
        account_id, entry.kind, entry.authenticator, entry.opened or today, standing_jpy, closed=entry.closed
    )


def _customer(person: Person, entry: CastEntry, bank: Bank, account: Account) -> Customer:
    customer = bank.new_customer(account)._replace(
        name=entry.name,
        address=entry.address,
        phone=entry.phone,
        emails=entry.emails,
        birthday=entry.birthday,
        login_id=entry.login_id,
        password_hash=bank.passwords.hash(Secret(person.password)),
    )
    if entry.transfer_limit_jpy is not None:
        customer = customer._replace(transfer_limit_jpy=entry.transfer_limit_jpy)
    return customer
