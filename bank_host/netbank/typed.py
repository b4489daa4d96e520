"""What people type, as the bank reads it: digits in any width, days and yen; nothing else is taken for a number."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

_MOST_DIGITS = 12


def digits(text: str) -> str:
    """The text with full-width digits made half-width, without spaces and hyphens around them."""
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text))


def account(branch: str, number: str) -> str:
    """Branch and account number as the bank joins them; empty, which no account is, when they are not 3 + 7 digits."""
    joined = digits(branch) + digits(number)
    return joined if re.fullmatch(r"[0-9]{10}", joined) else ""


def yen(text: str) -> int:
    """`30,000`, as `¥30,000` or `30,000円` too; -1, which no rule takes, for anything that is not plain digits."""
    plain = unicodedata.normalize("NFKC", text).strip().removeprefix("¥").removesuffix("円").strip()
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", plain):
        plain = plain.replace(",", "")
    return int(plain) if re.fullmatch(rf"[0-9]{{1,{_MOST_DIGITS}}}", plain) else -1


def day(text: str) -> date | None:
    """`2014-01-31`, as date fields send it."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def days_before(last: date, days: int) -> date:
    """Not before the first day that there is."""
    return date.fromordinal(max(last.toordinal() - days, 1))


def line(text: str, longest: int) -> str:
    """One line of printable text, its half-width kana made full-width, no longer than allowed."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    return "".join(each for each in plain if each.isprintable())[:longest]
