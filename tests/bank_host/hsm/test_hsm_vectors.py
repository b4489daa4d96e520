"""Published vectors: PIN block format 0, Visa PVV, CVV, key check value. Sources stand beside each table."""

from __future__ import annotations

import pytest

from bank_host.hsm.module import Hsm, Key, Usage
from bank_host.hsm.pin_block import format_0
from bank_host.secrets import Secret

K = "0123456789ABCDEFFEDCBA9876543210"
J = "12345678" * 4


def hsm_with(value: str, usage: Usage) -> Hsm:
    return Hsm({"key": Key(usage, Secret(value))})


@pytest.mark.parametrize(
    ("expected", "pin", "pan"),
    [  # EFTLab's PIN block page; psec tests
        ("0412AC89ABCDEF67", "1234", "43219876543210987"),
        ("041261AAAAEDCBA9", "1234", "5555555551234567"),
        ("0C1261032D8226A9", "123456789012", "5555555551234567"),
    ],
)
def test_clear_pin_block_format_0(expected: str, pin: str, pan: str) -> None:
    assert expected == format_0(pin, pan).hex().upper()


@pytest.mark.parametrize(
    ("expected", "key", "key_index", "pin", "pan"),
    [  # psec tests (K), jPOS (J)
        ("8523", K, 1, "4524", "1122334455667788"),
        ("3244", K, 2, "1912", "1122334455667788"),
        ("3144", K, 1, "0570", "1122334455667718"),
        ("4422", K, 1, "8299", "1122334455667708"),
        ("1226", J, 0, "1234", "1234567890123"),
    ],
)
def test_pvv_from_a_pin_block(expected: str, key: str, key_index: int, pin: str, pan: str) -> None:
    hsm = Hsm({"tpk": Key("terminal_pin", Secret(K)), "pvk": Key("pin_verification", Secret(key))})
    block = hsm.encrypt_pin_block("tpk", pin, pan)
    assert expected == hsm.new_pvv("tpk", block, pan, "pvk", pvk_index=key_index).pvv
    assert hsm.verify_pin("tpk", block, pan, "pvk", expected, pvk_index=key_index)


@pytest.mark.parametrize(
    ("expected", "key", "pan", "expiry_yymm", "service_code"),
    [  # psec tests and public calculators (K), jPOS (J)
        ("170", K, "1234567890123456", "9912", "220"),
        ("561", K, "4123456789012345", "8701", "101"),
        ("245", K, "4999988887777000", "9105", "111"),
        ("204", J, "123456789012", "1108", "000"),
    ],
)
def test_cvv(expected: str, key: str, pan: str, expiry_yymm: str, service_code: str) -> None:
    hsm = hsm_with(key, "card_verification")
    assert expected == hsm.cvv("key", pan, expiry_yymm, service_code)
    assert hsm.verify_cvv("key", expected, pan, expiry_yymm, service_code)


@pytest.mark.parametrize(("expected", "key"), [("08D7B4", K), ("6FB1C8", J)])
def test_key_check_value(expected: str, key: str) -> None:
    assert expected == hsm_with(key, "terminal_pin").check_value("key")
