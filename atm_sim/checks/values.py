"""How measured values read: yen, durations, counts and shares as text for people."""

from __future__ import annotations

_SECOND_US, _MINUTE_US, _HOUR_US = 1_000_000, 60_000_000, 3_600_000_000


def in_words(value: float | None, unit: str) -> str:
    """A value of a measure's unit: count, ratio, duration (microseconds) or yen."""
    if value is None:
        return "nothing to measure"
    if unit == "yen":
        return yen(round(value))
    if unit == "duration":
        return duration(round(value))
    if unit == "ratio":
        return f"{value:.4g}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def yen(amount_jpy: int) -> str:
    return f"{'-' if amount_jpy < 0 else ''}¥{abs(amount_jpy):,}"


def duration(time_us: int) -> str:
    """The two largest units that matter: 1 h 05 min, 4 min 12 s, 1.6 s, 250 ms."""
    if time_us < 0:
        return f"-{duration(-time_us)}"
    if time_us == 0:
        return "0 s"
    if time_us < _SECOND_US:
        return f"{time_us / 1000:.3g} ms"
    if time_us < _MINUTE_US - _SECOND_US // 20:
        return f"{time_us / _SECOND_US:.1f} s".replace(".0 s", " s")
    seconds = (time_us + _SECOND_US // 2) // _SECOND_US
    if seconds < 3600:
        minutes, seconds = divmod(seconds, 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod((seconds + 30) // 60, 60)
    return f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
