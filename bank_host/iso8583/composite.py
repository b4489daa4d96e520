"""Values with an inner layout: processing code, amount, times, fee, balances, replacements (ISO 8583:1987)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

YEN = "392"
_MAX_AMOUNT_JPY = 999_999_999_999
_MAX_FEE_JPY = 99_999_999

# ---------------- DE3


class Service(NamedTuple):
    """A service and its DE3 in our dialect. Networks differ on balance and PIN change; 31 and 92 are ours."""

    name: str  # as the terminal and the scenarios call it
    type_code: str  # first two digits of DE3
    processing_code: str
    name_en: str
    name_ja: str


SERVICES: tuple[Service, ...] = (
    Service("purchase", "00", "001000", "purchase", "お買い物"),
    Service("withdraw", "01", "011000", "cash withdrawal", "お引き出し"),
    Service("deposit", "21", "210010", "cash deposit", "お預け入れ"),
    Service("balance", "31", "311000", "balance enquiry", "残高照会"),
    Service("transfer", "40", "401010", "transfer", "お振り込み"),
    Service("change_pin", "92", "920000", "PIN change", "暗証番号変更"),
)

ACCOUNT_TYPES: dict[str, tuple[str, str]] = {
    "00": ("default account", "指定なし"),
    "10": ("savings account", "普通預金"),
    "20": ("current account", "当座預金"),
    "30": ("credit account", "クレジット"),
    "40": ("universal account", "総合口座"),
    "50": ("investment account", "投資口座"),
}

_BY_NAME = {service.name: service for service in SERVICES}
_BY_TYPE = {service.type_code: service for service in SERVICES}


def processing_code(service: str) -> str:
    """DE3 of a service."""
    return _BY_NAME[service].processing_code


def service_of(de3: str) -> str:
    """The service that DE3 asks for, whatever the account types; '' for a type we do not know."""
    service = _BY_TYPE.get(de3[:2])
    return service.name if service else ""


def service_row(de3: str) -> Service | None:
    return _BY_TYPE.get(de3[:2])


# ---------------- DE4, DE28


def amount_text(amount_jpy: int) -> str:
    """DE4: whole yen in 12 digits, because yen have no minor unit."""
    if not 0 <= amount_jpy <= _MAX_AMOUNT_JPY:
        raise ValueError("an amount must be between ¥0 and ¥999,999,999,999")
    return f"{amount_jpy:012d}"


def amount_jpy(text: str) -> int:
    """Whole yen of twelve ASCII digits; nothing else that `int` would take."""
    if len(text) != 12 or not (text.isascii() and text.isdecimal()):
        raise ValueError("an amount is twelve digits")
    return int(text)


def fee_text(fee_jpy: int) -> str:
    """DE28: D and 8 digits for a fee the customer pays; C (a negative fee) for one given back."""
    if abs(fee_jpy) > _MAX_FEE_JPY:
        raise ValueError("a fee must be at most ¥99,999,999")
    return f"{'C' if fee_jpy < 0 else 'D'}{abs(fee_jpy):08d}"


def fee_jpy(text: str) -> int:
    """Whole yen that the customer pays; negative for a credit; 0 where there is no fee element."""
    if not text:
        return 0
    if len(text) != 9 or text[0] not in "CD" or not (text.isascii() and text[1:].isdecimal()):
        raise ValueError("a fee is C or D and eight digits")
    return -int(text[1:]) if text[0] == "C" else int(text[1:])


# ---------------- DE7


@lru_cache(maxsize=1024)
def seconds_ahead(text: str, now_s: int) -> int | None:
    """How far DE7 is ahead of now, in the year that makes it least; None where it is no moment. It is in UTC."""
    this_year = datetime.fromtimestamp(now_s, UTC).year
    distances = []
    for year in (this_year - 1, this_year, this_year + 1):
        with suppress(ValueError):  # 29 February of another year
            sent = datetime.strptime(f"{year}{text}+0000", "%Y%m%d%H%M%S%z")
            distances.append(int(sent.timestamp()) - now_s)
    return min(distances, key=abs, default=None)


# ---------------- DE13, DE15, DE17


def date_text(day: date) -> str:
    return f"{day:%m%d}"


def latest_date(text: str, today: date) -> date | None:
    """The latest day up to `today` that month and day can mean; None where they are no date."""
    for year in (today.year, today.year - 1):
        try:
            day = date(year, int(text[:2]), int(text[2:]))
        except ValueError:
            continue
        if day <= today:
            return day
    return None


# ---------------- DE43

PLACE_WIDTHS = (25, 13, 0, 2)  # name, city, region (we have none), country


def place_text(parts: Sequence[str], widths: Sequence[int] = PLACE_WIDTHS) -> str:
    """DE43: name, city, region and country, each cut or filled to its width."""
    return "".join(
        f"{part[:width]:{width}}" if width else "" for part, width in zip(parts, widths, strict=True)
    )


def parse_place(text: str, widths: Sequence[int] = PLACE_WIDTHS) -> tuple[str, ...]:
    """Name, city, region and country of DE43, without the filling."""
    ends = list(accumulate(widths))
    return tuple(text[end - width : end].strip() for end, width in zip(ends, widths, strict=True))


# ---------------- DE54


class Balance(NamedTuple):
    """One additional amount: signed yen of one kind on one account type."""

    kind: str  # a value of AMOUNT_KINDS
    amount_jpy: int
    account_type: str = "10"
    currency: str = YEN


AMOUNT_KINDS: dict[str, str] = {"ledger": "01", "available": "02", "cash": "40"}
_KIND_OF = {code: kind for kind, code in AMOUNT_KINDS.items()}
_BALANCE_CHARS = 20
_MAX_BALANCES = 6


def balances_text(*balances: Balance) -> str:
    """DE54: up to six items of 20 characters."""
    if not 1 <= len(balances) <= _MAX_BALANCES:
        raise ValueError("DE54 holds one to six amounts")
    return "".join(map(_balance_text, balances))


def _balance_text(item: Balance) -> str:
    kind, amount_jpy, account_type, currency = item
    sign = "D" if amount_jpy < 0 else "C"
    return f"{account_type}{AMOUNT_KINDS[kind]}{currency}{sign}{amount_text(abs(amount_jpy))}"


def parse_balances(text: str) -> tuple[Balance, ...]:
    """The items of DE54; an amount type that we do not name keeps its two digits as kind."""
    if not text or len(text) % _BALANCE_CHARS:
        raise ValueError("DE54 is a row of 20-character items")
    items = (text[start : start + _BALANCE_CHARS] for start in range(0, len(text), _BALANCE_CHARS))
    return tuple(
        Balance(
            kind=_KIND_OF.get(item[2:4], item[2:4]),
            amount_jpy=-amount_jpy(item[8:]) if item[7] == "D" else amount_jpy(item[8:]),
            account_type=item[:2],
            currency=item[4:7],
        )
        for item in items
    )


# ---------------- DE95


class Replacement(NamedTuple):
    """What stands after a part reversal: not the amount given back."""

    amount_jpy: int
    fee_jpy: int = 0


def replacement_text(amount_that_stands_jpy: int, fee_that_stands_jpy: int = 0) -> str:
    """DE95: amount that stands, settlement amount (0), fee that stands, settlement fee (0)."""
    amounts = amount_text(amount_that_stands_jpy) + amount_text(0)
    return amounts + fee_text(fee_that_stands_jpy) + fee_text(0)


def parse_replacement(text: str) -> Replacement:
    return Replacement(amount_jpy(text[:12]), fee_jpy(text[24:33]))
