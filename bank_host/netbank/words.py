"""The web bank's texts, found by key and told in English or Japanese; the texts themselves are in `words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from importlib.resources import files
from typing import Any

from bank_host.jst import civil
from bank_host.rules.languages import Words, say
from bank_host.secrets import mask_pan


def _read() -> Mapping[str, Mapping[str, Words]]:
    read = tomllib.loads(files("bank_host.netbank").joinpath("words.toml").read_text("utf-8"))
    return {table: {key: Words(*pair) for key, pair in pairs.items()} for table, pairs in read.items()}


TEXTS = _read()
_WEEKDAYS = Words("Mon Tue Wed Thu Fri Sat Sun", "月 火 水 木 金 土 日")


def text(key: str, language: str, **values: Any) -> str:
    """A text of a page. KeyError for a key that has none: a page names only what is there."""
    return say(TEXTS["page"][key], language).format(**values)


def told(key: str, language: str) -> str:
    """What a page says at its top after something was done; '' for what is unknown, since it comes from an address."""
    found = TEXTS["told"].get(key)
    return "" if found is None else say(found, language)


def refused(reason: object, language: str) -> str:
    """Why the bank said no, in the customer's words; '' without a reason."""
    if not reason:
        return ""
    found = TEXTS["refused"].get(str(reason), TEXTS["refused"]["OTHER"])
    return say(found, language)


def named(table: str, key: str, language: str) -> str:
    """The word for a code of the bank's, such as a kind of movement; the code itself where nobody gave it a word."""
    found = TEXTS[table].get(key)
    return key if found is None else say(found, language)


def yen(amount_jpy: int, language: str) -> str:
    return f"{amount_jpy:,}円" if language == "ja" else f"¥{amount_jpy:,}".replace("¥-", "-¥")


def signed_yen(amount_jpy: int, language: str) -> str:
    return ("+" if amount_jpy > 0 else "") + yen(amount_jpy, language)


def short_yen(amount_jpy: int, language: str) -> str:
    """For the cells of a calendar: 80万, 800k."""
    unit, name = (10_000, "万") if language == "ja" else (1_000, "k")
    return f"{amount_jpy / unit:,.4g}{name}" if amount_jpy else "0"


def day(value: date, language: str) -> str:
    """With its day of the week, which a customer plans by."""
    weekday = say(_WEEKDAYS, language).split()[value.weekday()]
    return (
        f"{value.year}年{value.month}月{value.day}日({weekday})"
        if language == "ja"
        else f"{weekday} {value.day} {value:%b %Y}"
    )


def month(value: date, language: str) -> str:
    return f"{value.year}年{value.month}月" if language == "ja" else f"{value:%B %Y}"


def moment(value: datetime | int, language: str) -> str:
    """To the second, in Japan's time (R98, R102)."""
    at = civil(value) if isinstance(value, int) else value
    return f"{day(at.date(), language)} {at:%H:%M:%S}"


def account(account_id: str, language: str) -> str:
    branch, number = account_id[:3], account_id[3:]
    return f"{branch}支店 普通 {number}" if language == "ja" else f"branch {branch}, account {number}"


FILTERS: Mapping[str, Callable[..., str]] = {
    "account": account,
    "day": day,
    "mask_pan": mask_pan,
    "month": month,
    "moment": moment,
    "named": lambda key, table, language: named(table, key, language),
    "refusal": refused,
    "short_yen": short_yen,
    "signed_yen": signed_yen,
    "yen": yen,
}
"""What templates say figures by; each takes the language last."""
