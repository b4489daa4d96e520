"""One-time passwords of tokens: format, window, single use (requirements R8-R12, R121, Q1-Q3; RFC 6238).

Pure comparison only. The try is charged and committed before `compare` is called, and a match is consumed
in the commit of the business it authorises; see `bank_host.rules.acts.flow`. An ID card's answer passes the same way.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable

from pyotp import HOTP

from bank_host.jst import SECOND_US, jst_date
from bank_host.policy import Figures
from bank_host.rules import id_card
from bank_host.rules.facts import OtpVerdict, Token

_LONGEST_ENTRY = 32
_RESYNC_STEPS = 60  # how far a token's clock is searched for: an hour either way


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
        for step, right in _right_codes(token, now_us, figures):
            if not hmac.compare_digest(right, code):
                continue
            if token.locked:
                locked = OtpVerdict("locked_token", token.serial)
            elif step <= token.last_step:
                used = OtpVerdict("used", token.serial, step)
            else:
                return OtpVerdict("matched", token.serial, step)
    return used or locked or OtpVerdict("wrong")


def _right_codes(token: Token, now_us: int, figures: Figures) -> tuple[tuple[int, str], ...]:
    """The codes that count now with their steps; of an ID card the answer asked for, and the one before as used."""
    if token.device == "id_card":
        challenges = (token.last_step + 1, token.last_step)
        return tuple((number, _answer(token, number, figures)) for number in challenges if number > 0)
    generator = HOTP(token.secret, digits=figures.otp_digits)
    return tuple((step, generator.at(step)) for step in steps_accepted(now_us, token.drift_steps, figures))


def _answer(card: Token, number: int, figures: Figures) -> str:
    return id_card.answer(card.secret, asked(card, number, figures), figures.otp_digits)


def asked(card: Token, number: int, figures: Figures) -> tuple[str, ...]:
    """The positions that an ID card's challenge asks for."""
    return id_card.challenge(card.secret, number, figures.otp_digits)


def resync(first: str, second: str, token: Token, now_us: int, figures: Figures) -> OtpVerdict:
    """Two codes in a row show where the token's clock stands, however far it has gone (RFC 4226, 7.4).

    The second one is on the display as it arrives, so its step is the token's own time.
    """
    if token.expires < jst_date(now_us):
        return OtpVerdict("wrong")
    current = now_us // (figures.otp_step_s * SECOND_US)
    generator = HOTP(token.secret, digits=figures.otp_digits)
    for drift in sorted(range(-_RESYNC_STEPS, _RESYNC_STEPS + 1), key=abs):
        step = current + drift
        if step < 1 or not hmac.compare_digest(generator.at(step), second):
            continue
        if not hmac.compare_digest(generator.at(step - 1), first):
            continue
        if token.locked:
            return OtpVerdict("locked_token", token.serial)
        result = "used" if step <= token.last_step else "matched"
        return OtpVerdict(result, token.serial, step, drift)
    return OtpVerdict("wrong")
