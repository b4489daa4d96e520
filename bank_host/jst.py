"""Japan Standard Time: the only place where microseconds become civil dates and times (requirement X15, Q4).

Time in the whole product is `now_us`, integer microseconds since the Unix epoch (UTC). Nothing here reads a clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

JST = timezone(timedelta(hours=9), "JST")

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_OFFSET_US = 9 * HOUR_US
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=4096)
def _date(day_number: int) -> date:
    return date.fromordinal(_EPOCH_ORDINAL + day_number)


def jst_date(now_us: int) -> date:
    """The JST calendar day that `now_us` falls on: 00:00:00 belongs to the day that begins."""
    return _date((now_us + _OFFSET_US) // DAY_US)


def midnight_us(day: date) -> int:
    """The first microsecond of a JST calendar day."""
    return (day.toordinal() - _EPOCH_ORDINAL) * DAY_US - _OFFSET_US


def civil(now_us: int) -> datetime:
    """The aware JST date and time of `now_us`, for people and for DE12/DE13."""
    return datetime.fromtimestamp(now_us // SECOND_US, JST).replace(microsecond=now_us % SECOND_US)


def utc(now_us: int) -> datetime:
    """The aware UTC date and time of `now_us`, for DE7."""
    return datetime.fromtimestamp(now_us // SECOND_US, UTC).replace(microsecond=now_us % SECOND_US)


def time_of_day_us(now_us: int) -> int:
    """Microseconds since JST midnight."""
    return (now_us + _OFFSET_US) % DAY_US


def moment_us(text: str) -> int:
    """`2014-01-15 10:30`, or with seconds, in JST; ValueError for anything else."""
    try:
        seconds = "" if text.count(":") > 1 else ":00"
        at = datetime.strptime(f"{text}{seconds} +0900", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        raise ValueError("expected a JST time such as '2014-01-15 10:30' or '2014-01-15 10:30:05'") from None
    return int(at.timestamp()) * SECOND_US
