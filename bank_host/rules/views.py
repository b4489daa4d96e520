"""What a customer looks at, as functions of facts: security report, Welcome Page, limits, statement (R1, R98-R102).

Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple, Protocol

from bank_host.jst import civil
from bank_host.ledger.posting import customer as customer_book
from bank_host.policy import Figures
from bank_host.rules.acts.rule import registered
from bank_host.rules.facts import ActFacts, Customer, Payee, Sides, Token
from bank_host.rules.limits import effective, raise_of, raise_state


class Safeguard(NamedTuple):
    """One line of the security report."""

    name: str
    active: bool
    state: str
    as_of: date


class Welcome(NamedTuple):
    """What the Welcome Page says of logins (R98-R100)."""

    previous_login: datetime | None  # JST; None = this is the first one
    failed_since_then: int


class LimitLine(NamedTuple):
    day: date
    amount_jpy: int
    state: str  # active | suspended | ended | cancelled


class LimitReport(NamedTuple):
    """Limits as they stand: the dated raises with their states, ended ones included (Q9)."""

    atm_standing_jpy: int
    atm_today_jpy: int
    raises: tuple[LimitLine, ...]
    transfer_limit_jpy: int
    transferred_jpy: int


class StatementLine(NamedTuple):
    """One movement with its date, hour, minute and second (R101, R102)."""

    seq: int
    at: datetime  # JST
    kind: str
    amount_jpy: int
    balance_jpy: int
    other: Payee | None = None  # of a transfer: its payee as entered, or its sender without the account


class ClaimLine(NamedTuple):
    """A loss that the customer has reported; its number is the one under which the staff has it."""

    request_id: str
    number: int
    at: datetime  # JST, of the report
    cause: str
    day: date  # of the loss
    amount_jpy: int
    state: str  # open | closed


class _Posting(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def day(self) -> date: ...
    @property
    def at_us(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def legs(self) -> tuple[tuple[str, int], ...]: ...


def welcome(customer: Customer) -> Welcome:
    """The login before the present one, and the failed ones between the two."""
    previous_us = customer.previous_login_us
    return Welcome(civil(previous_us) if previous_us else None, customer.failed_before_login)


def limit_report(facts: ActFacts, figures: Figures) -> LimitReport:
    account = facts.account
    lines = tuple(
        LimitLine(entry.day, entry.amount_jpy, raise_state(account, entry, figures.day))
        for entry in sorted(facts.raises, key=lambda entry: entry.day)
    )
    today_jpy = effective(account, raise_of(facts.raises, figures.day))
    limit_jpy = facts.customer.transfer_limit_jpy
    return LimitReport(account.standing_jpy, today_jpy, lines, limit_jpy, facts.transferred_jpy)


def statement(
    account_id: str, postings: Iterable[_Posting], sides: Iterable[Sides], first: date, last: date
) -> tuple[StatementLine, ...]:
    """The movements posted from `first` to `last`, in posting order, each with the balance after it."""
    book, balance_jpy = customer_book(account_id), 0
    others = {each.posting_key: _other_side(account_id, each) for each in sides}
    lines = []
    for posting in postings:
        amount_jpy = sum(jpy for name, jpy in posting.legs if name == book)
        balance_jpy += amount_jpy
        if first <= posting.day <= last:
            at = civil(posting.at_us).replace(microsecond=0)
            kind = "incoming_transfer" if posting.kind == "transfer" and amount_jpy > 0 else posting.kind
            other = others.get(posting.key)
            lines.append(StatementLine(posting.seq, at, kind, amount_jpy, balance_jpy, other))
    return tuple(lines)


def _other_side(account_id: str, sides: Sides) -> Payee:
    """What a customer is told of the other side: what he entered himself, or a sender's bank and name."""
    if sides.sender_id == account_id:
        return sides.payee
    return Payee(sides.sender_bank, "", sides.sender_name)


def security_report(facts: ActFacts, figures: Figures) -> tuple[Safeguard, ...]:
    """Every safeguard of the account and whether it is active (R1)."""
    account, customer, day = facts.account, facts.customer, figures.day
    tokens, id_cards = registered(facts, "token"), registered(facts, "id_card")
    locked_cards = sum(card.locked for card in facts.cards)
    lines = [
        ("one_time_password", account.authenticator == "token" and bool(tokens), f"{len(tokens)} token(s)"),
        ("id_card", account.authenticator == "id_card" and bool(id_cards), f"{len(id_cards)} card(s)"),
        ("otp_lock", account.otp_locked, f"{account.otp_fails} of {figures.otp_max_wrong} wrong codes"),
        ("login_id", bool(customer.login_id), "set" if customer.login_id else "not set"),
        ("password_lapse", customer.password_lapsed, "lapsed" if customer.password_lapsed else "valid"),
        ("transfer_limit", True, f"{customer.transfer_limit_jpy} yen a day"),
        ("transfer_lock", customer.transfer_limit_jpy == 0, "limit 0 refuses every transfer"),
        ("atm_limit", True, f"{account.standing_jpy} yen a day"),
        ("atm_raise", *_raised(facts, figures)),
        ("card_lock", bool(locked_cards), f"{locked_cards} of {len(facts.cards)} card(s) locked"),
        ("token_lock", any(each.locked for each in tokens), _locked_names(tokens)),
        ("id_card_lock", any(each.locked for each in id_cards), _locked_names(id_cards)),
        ("notices", bool(customer.emails), f"{len(customer.emails)} address(es)"),
        ("previous_login_shown", True, "none" if not customer.previous_login_us else "shown"),
        ("card_theft_insurance", True, f"up to {figures.insurance_card} yen"),
        ("account_misuse_insurance", True, f"up to {figures.insurance_net} yen a year"),
    ]
    return tuple(Safeguard(name, active, state, day) for name, active, state in lines)


def _raised(facts: ActFacts, figures: Figures) -> tuple[bool, str]:
    states = [raise_state(facts.account, entry, figures.day) for entry in facts.raises]
    return "active" in states, f"{states.count('active')} active, {states.count('suspended')} suspended"


def _locked_names(devices: Iterable[Token]) -> str:
    return " ".join(each.serial for each in devices if each.locked) or "none locked"
