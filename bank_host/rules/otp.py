"""One-time passwords of tokens: format, window, single use (requirements R8-R12, R121, Q1-Q3; RFC 6238).

Pure comparison only. The try is charged and committed before `compare` is called, and a match is consumed
in the commit of the business it authorises; see `bank_host.rules.settings`.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable

from pyotp import HOTP

from bank_host.jst import SECOND_US, jst_date
from bank_host.policy import Figures
from bank_host.rules.facts import OtpVerdict, Token

_LONGEST_ENTRY = 32


def normalise(entry: str, figures: Figures) -> str | None:
    """The code in ASCII digits, or None for anything else; full-width digits count as digits (R9)."""
    if len(entry) > _LONGEST_ENTRY:
        return None
    code = unicodedata.normalize("NFKC", entry)
    return code if re.fullmatch(f"[0-9]{{{figures.otp_digits}}}", code) else None


def steps_accepted(now_us: int, drift_steps: int, figures: Figures) -> tuple[int, ...]:
    """The token's current step and the earlier ones of the window, newest first; nothing ahead (Q2)."""
    current = now_us // (figures.otp_step_s * SECOND_US) + drift_steps
    return tuple(current - back for back in range(figures.otp_window + 1))


def compare(code: str, tokens: Iterable[Token], now_us: int, figures: Figures) -> OtpVerdict:
    """What a well-formed code is, judged at the host's arrival time over all tokens of the account.

    A match wins over a used code, a used code over one that fits only a locked token. An expired token
    never matches.
    """
    today = jst_date(now_us)
    used: OtpVerdict | None = None
    locked: OtpVerdict | None = None
    for token in tokens:
        if token.expires < today:
            continue
        generator = HOTP(token.secret, digits=figures.otp_digits)
        for step in steps_accepted(now_us, token.drift_steps, figures):
            if not hmac.compare_digest(generator.at(step), code):
                continue
            if token.locked:
                locked = OtpVerdict("locked_token", token.serial)
            elif step <= token.last_step:
                used = OtpVerdict("used", token.serial, step)
            else:
                return OtpVerdict("matched", token.serial, step)
    return used or locked or OtpVerdict("wrong")
