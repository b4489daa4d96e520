"""The written forms of money, time and numbers: text in, integer yen and integer microseconds out.

An amount and a duration carry their unit. Every function raises ValueError with a message that says what to write.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from bank_host.jst import DAY_US, HOUR_US, MINUTE_US, SECOND_US

MOST_JPY = 10**12 - 1  # DE4 holds twelve digits
LONGEST_US = 400 * DAY_US
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)

UNITS_US = {"us": 1, "ms": 1_000, "s": SECOND_US, "min": MINUTE_US, "h": HOUR_US, "days": DAY_US}

AMOUNT_PATTERN = r"[¥￥]([0-9]{1,3}(,[0-9]{3})+|[0-9]+(_[0-9]+)*)"
DURATION_PATTERN = r"[0-9]+(\.[0-9]+)? ?(us|ms|s|min|h|days)"
TIME_PATTERN = r"(([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00)"
DATE_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
MOMENT_PATTERN = rf"({DATE_PATTERN} )?{TIME_PATTERN}"
MONTH_PATTERN = r"[0-9]{4}-(0[1-9]|1[0-2])"
CUSTOMERS_PATTERN = r"[0-9]+ customers"
INTEGER_PATTERN = r"-?(0|[1-9][0-9]*(_[0-9]+)*)"
NUMBER_PATTERN = rf"{INTEGER_PATTERN}(\.[0-9]+)?"

_OTHER_UNITS = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "秒": "s",
    "m": "min", "mins": "min", "minute": "min", "minutes": "min", "分": "min",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "時間": "h",
    "d": "days", "day": "days", "日": "days",
    "msec": "ms", "µs": "us", "μs": "us",
}  # fmt: skip


class Moment(NamedTuple):
    """A time of day, of the scenario's day or of the `day` named."""

    day: date | None
    time_us: int


Shape: TypeAlias = Literal["fixed", "uniform", "exponential", "normal", "lognormal"]


class Distribution(NamedTuple):
    """How long something takes, in microseconds. `first` and `second` by shape:

    fixed: value | uniform: low, high | exponential: mean | normal: mean, standard deviation |
    lognormal: mean, coefficient of variation (a bare number)
    """

    shape: Shape
    first: float
    second: float = 0.0


def amount_jpy(text: str) -> int:
    """`¥30,000` or `¥30_000` as integer yen."""
    if not re.fullmatch(AMOUNT_PATTERN, text):
        raise ValueError(_about_amount(text))
    value = _whole(re.sub(r"[^0-9]", "", text))
    if value > MOST_JPY:
        raise ValueError(f"an amount is at most ¥{MOST_JPY:_} (twelve digits)")
    return value


def _about_amount(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    if re.fullmatch(AMOUNT_PATTERN, plain):
        return f"write the amount with half-width characters: {plain}"
    digits = re.sub(r"[,_ ]", "", plain)
    if re.fullmatch(r"[0-9]{1,12}", digits):
        return f"an amount carries its unit; write ¥{int(digits):_}"
    if re.fullmatch(r"[0-9]{1,12}(円|yen|jpy)", digits, re.IGNORECASE):
        return f"an amount is written with the sign in front: ¥{int(re.sub('[^0-9]', '', digits)):_}"
    if re.fullmatch(r"¥?-[0-9]+|-¥[0-9]+", digits):
        return "an amount cannot be negative"
    if re.fullmatch(r"¥[0-9]+\.[0-9]*", digits):
        return "yen have no decimals; write whole yen such as ¥30_000"
    if re.fullmatch(r"¥[0-9]{1,12}", digits):
        return f"group the digits by thousands; write ¥{int(digits[1:]):_}"
    return "expected an amount such as ¥30_000"


def duration_us(text: str) -> int:
    """`20 min`, `3 s`, `250 ms`, `0.5 h` as integer microseconds."""
    match = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([^\W\d_]+)?", text)
    if not match:
        raise ValueError("expected a duration such as 20 s or 5 min")
    number, unit = match[1], match[2]
    if unit is None:
        raise ValueError(f"a duration carries its unit; write {number} s or {number} min")
    if unit not in UNITS_US:
        meant = _OTHER_UNITS.get(unit.lower())
        advice = f"write {number} {meant}" if meant else "write us, ms, s, min, h or days"
        raise ValueError(f"unknown unit '{unit}'; {advice}")
    value = Decimal(number) * UNITS_US[unit]
    if value != int(value):
        raise ValueError("a duration is a whole number of microseconds")
    if value > LONGEST_US:
        raise ValueError("a duration is at most 400 days")
    return int(value)


def time_of_day_us(text: str) -> int:
    """`08:00`, `08:00:30` or `24:00` as microseconds since midnight."""
    if not re.fullmatch(TIME_PATTERN, text):
        plain = unicodedata.normalize("NFKC", text)
        short = re.fullmatch(r"([0-9]):([0-5][0-9].*)", plain)
        if short:
            raise ValueError(f"write the hour with two digits: 0{short[1]}:{short[2]}")
        if plain != text and re.fullmatch(TIME_PATTERN, plain):
            raise ValueError(f"write the time with half-width characters: {plain}")
        raise ValueError("expected a time of day such as 12:05 or 12:05:30")
    hours, minutes, *seconds = (int(part) for part in text.split(":"))
    return hours * HOUR_US + minutes * MINUTE_US + sum(seconds) * SECOND_US


def moment(text: str) -> Moment:
    """`12:05`, or `2014-01-16 12:05` for another day than the scenario's."""
    day_text, _, time_text = text.rpartition(" ")
    if not day_text:
        return Moment(None, time_of_day_us(text))
    return Moment(civil_date(day_text), time_of_day_us(time_text))


def civil_date(text: str) -> date:
    """`2014-01-15`."""
    if not re.fullmatch(DATE_PATTERN, text):
        raise ValueError("expected a date such as 2014-01-15")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text} in the calendar") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"a date lies between {FIRST_DAY} and {LAST_DAY}")
    return day


def birthday(text: str) -> date:
    """A date of the calendar that may lie long before any scenario's day."""
    try:
        return date.fromisoformat(text) if re.fullmatch(DATE_PATTERN, text) else civil_date(text)
    except ValueError:
        raise ValueError("expected a birthday such as 1975-04-17") from None


def year_month(text: str) -> tuple[int, int]:
    """`2016-03` as (2016, 3)."""
    if not re.fullmatch(MONTH_PATTERN, text):
        raise ValueError("expected a month such as 2016-03")
    return int(text[:4]), int(text[5:])


def integer(text: str) -> int:
    """`200` or `2_000`."""
    if not re.fullmatch(INTEGER_PATTERN, text):
        raise ValueError("expected a whole number such as 3")
    return _whole(text.replace("_", ""))


def number(text: str) -> float:
    """`0.75`; counts and weights, never money."""
    if not re.fullmatch(NUMBER_PATTERN, text) or len(text) > 30:
        raise ValueError("expected a number such as 0.75")
    return float(text.replace("_", ""))


def _whole(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError("this number has too many digits")
    return int(digits)
