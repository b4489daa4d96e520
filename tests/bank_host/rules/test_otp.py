"""One-time passwords: published vectors, window, single use, locked and expired tokens (R8-R12, Q2)."""

from __future__ import annotations

import base64
from datetime import date

import pyotp
import pytest

from bank_host.jst import SECOND_US
from bank_host.rules.facts import OtpVerdict
from bank_host.rules.otp import compare, normalise
from tests.bank_host.rules.builders import at, figures, token

SEED = b"12345678901234567890"
SECRET = base64.b32encode(SEED).decode()
NOW_US = at().now_us
STEP = NOW_US // (60 * SECOND_US)
MINUTE_US = STEP * 60 * SECOND_US


def code(step: int, secret: str = SECRET) -> str:
    return pyotp.HOTP(secret).at(step)


@pytest.mark.parametrize(
    ("counter", "expected"),
    list(
        enumerate(
            [
                "755224",
                "287082",
                "359152",
                "969429",
                "338314",
                "254676",
                "287922",
                "162583",
                "399871",
                "520489",
            ]
        )
    ),
)
def test_rfc_4226_appendix_d(counter: int, expected: str) -> None:
    assert code(counter) == expected


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_rfc_6238_appendix_b(at_s: int, expected: str) -> None:
    assert pyotp.TOTP(SECRET, digits=8, interval=30).at(at_s) == expected


@pytest.mark.parametrize(
    ("at_s", "expected"), [(599, "520489"), (1111111109, "360094"), (1234567890, "713351")]
)
def test_the_sixty_second_codes_derived_from_the_same_seed(at_s: int, expected: str) -> None:
    """R10: the token shows HOTP of the minute's number."""
    young = token(secret=SECRET, expires=date(2100, 1, 1))
    verdict = compare(expected, [young], at_s * SECOND_US, figures())
    assert verdict == OtpVerdict("matched", "T-1", at_s // 60)


@pytest.mark.parametrize(
    ("shown_step", "at_second", "result"),
    [
        (0, 0, "matched"),
        (0, 59, "matched"),
        (-1, 0, "matched"),  # the code shown just before
        (-1, 59, "matched"),
        (-2, 0, "wrong"),
        (1, 59, "wrong"),  # nothing ahead
    ],
)
def test_current_and_previous_step_and_nothing_else(shown_step: int, at_second: int, result: str) -> None:
    """R11, Q2."""
    now_us = MINUTE_US + at_second * SECOND_US
    assert compare(code(STEP + shown_step), [token(secret=SECRET)], now_us, figures()).result == result


@pytest.mark.parametrize(("shown_at", "life_s"), [(0, 120), (59, 61)])
def test_how_long_a_code_lives(shown_at: int, life_s: int) -> None:
    """Q2: shown at second 0 it lives 120 s, at second 59 still 61 s."""
    shown, end_us = code(STEP), MINUTE_US + (shown_at + life_s) * SECOND_US
    assert compare(shown, [token(secret=SECRET)], end_us - 1, figures()).result == "matched"
    assert compare(shown, [token(secret=SECRET)], end_us, figures()).result == "wrong"


@pytest.mark.parametrize(("last", "result"), [(STEP - 1, "matched"), (STEP, "used"), (STEP + 1, "used")])
def test_a_step_not_later_than_the_last_accepted_one_is_used(last: int, result: str) -> None:
    """R8, R12."""
    assert compare(code(STEP), [token(secret=SECRET, last_step=last)], NOW_US, figures()).result == result


def test_the_previous_code_is_used_once_the_current_one_was_accepted() -> None:
    spent = token(secret=SECRET, last_step=STEP)
    assert compare(code(STEP - 1), [spent], NOW_US, figures()).result == "used"


def test_a_code_of_a_locked_token_only_is_no_match() -> None:
    """R121."""
    locked = token(secret=SECRET, locked=True)
    assert compare(code(STEP), [locked], NOW_US, figures()) == OtpVerdict("locked_token", "T-1")


def test_the_second_token_is_not_affected_by_the_first() -> None:
    """R41, R42."""
    other = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    tokens = [token(secret=SECRET, locked=True), token(serial="T-2", secret=other)]
    assert compare(code(STEP, other), tokens, NOW_US, figures()).serial == "T-2"


def test_an_expired_token_never_matches() -> None:
    """It still does on its last day."""
    last_day = at().day
    assert (
        compare(code(STEP), [token(secret=SECRET, expires=last_day)], NOW_US, figures()).result == "matched"
    )
    gone = token(secret=SECRET, expires=date(2014, 1, 14))
    assert compare(code(STEP), [gone], NOW_US, figures()).result == "wrong"


def test_a_drifting_token_is_judged_by_its_own_clock() -> None:
    fast = token(secret=SECRET, drift_steps=2)
    assert compare(code(STEP + 2), [fast], NOW_US, figures()).step == STEP + 2
    assert compare(code(STEP), [fast], NOW_US, figures()).result == "wrong"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("012345", "012345"),
        ("０１２３４５", "012345"),  # full-width digits are digits
        ("12345", None),
        ("1234567", None),
        ("12 456", None),
        ("12345a", None),
        ("١٢٣٤٥٦", None),  # other scripts' digits are not
        ("123456\n", None),
        ("\ud800", None),
        ("1" * 10_000, None),
        ("", None),
    ],
)
def test_only_six_digits_are_a_code(entry: str, expected: str | None) -> None:
    """R9."""
    assert normalise(entry, figures()) == expected
