"""Published vectors of the key module, each table with its source; those of chip cards are in tests/cardreader/emv."""

from __future__ import annotations

import pytest

from bank_host.hsm import CVV2_SERVICE_CODE, Hsm, Key
from bank_host.hsm.aes import Aes
from bank_host.hsm.keys import Cipher, Usage
from bank_host.hsm.pin_block import clear_8, pin_of_clear_8
from bank_host.secrets import Secret

K = "0123456789ABCDEFFEDCBA9876543210"
J = "12345678" * 4
RFC_4493 = "2B7E151628AED2A6ABF7158809CF4F3C"


def hsm_with(value: str, usage: Usage, cipher: Cipher | None = None) -> Hsm:
    return Hsm({"key": Key(usage, Secret(value), cipher)})


@pytest.mark.parametrize(
    ("expected", "pin", "pan"),
    [  # EFTLab's PIN block page; psec tests
        ("0412AC89ABCDEF67", "1234", "43219876543210987"),
        ("041261AAAAEDCBA9", "1234", "5555555551234567"),
        ("0C1261032D8226A9", "123456789012", "5555555551234567"),
    ],
)
def test_clear_pin_block_format_0(expected: str, pin: str, pan: str) -> None:
    assert expected == clear_8(pin, pan, 0, bytes).hex().upper()


def test_clear_pin_block_format_3() -> None:
    """psec tests."""
    assert "1234" == pin_of_clear_8(bytes.fromhex("341277EEEFCCB43C"), "5544332211009966", 3)


FORMAT_4 = {
    "zpk": Key("zone_pin", Secret("00112233445566778899AABBCCDDEEFF"), "AES"),
    "pvk": Key("pin_verification", Secret(K)),
    "tpk": Key("terminal_pin", Secret(K)),
}


def test_pin_block_format_4_is_made() -> None:
    """psec tests; the eight random bytes are FF there."""
    hsm = Hsm(FORMAT_4, fresh=lambda count: b"\xff" * count)
    expected = "28B41FDDD29B743E93124BD8E32D921E"
    assert expected == hsm.encrypt_pin_block("zpk", "1234", "1234567890123456789", 4)


def test_pin_block_format_4_is_read() -> None:
    """psec tests."""
    hsm, pan = Hsm(FORMAT_4), "1234567890123456"
    stored = hsm.new_pvv("tpk", hsm.encrypt_pin_block("tpk", "1234", pan), pan, "pvk").pvv
    assert hsm.verify_pin("zpk", "E4BE5B623AF7E006AC319E5B93544564", pan, "pvk", stored, format_=4)


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


@pytest.mark.parametrize(("expected", "pin"), [("0000", "4524"), ("7710", "1234")])
def test_ibm_3624_offset(expected: str, pin: str) -> None:
    """psec tests."""
    keys = {"tpk": Key("terminal_pin", Secret(J)), "pvk": Key("pin_offset", Secret(K))}
    hsm, pan = Hsm(keys, decimalisation_table="1234567890123456"), "1122334455667788"
    block = hsm.encrypt_pin_block("tpk", pin, pan)
    assert expected == hsm.new_pin_offset("tpk", block, pan, "pvk")
    assert hsm.verify_pin_offset("tpk", block, pan, "pvk", expected)


@pytest.mark.parametrize(
    ("expected", "key", "pan", "expiry_yymm", "service_code"),
    [  # psec tests and public calculators (K), jPOS (J)
        ("170", K, "1234567890123456", "9912", "220"),
        ("561", K, "4123456789012345", "8701", "101"),
        ("245", K, "4999988887777000", "9105", "111"),
        ("204", J, "123456789012", "1108", CVV2_SERVICE_CODE),
    ],
)
def test_cvv(expected: str, key: str, pan: str, expiry_yymm: str, service_code: str) -> None:
    hsm = hsm_with(key, "card_verification")
    assert expected == hsm.cvv("key", pan, expiry_yymm, service_code)
    assert hsm.verify_cvv("key", expected, pan, expiry_yymm, service_code)


@pytest.mark.parametrize(
    ("expected", "text", "padding"),
    [  # ANSI X9.19, ISO 9797-1
        ("A1C72E74EA3FA9B6", b"Now is the time for all ", 1),
        ("2E2B1428CC78254F", b"Now is the time for it", 1),
        ("E9086230CA3BE796", b"Now is the time for all ", 2),
        ("5A692CE64F404145", b"Now is the time for it", 2),
    ],
)
def test_retail_mac(expected: str, text: bytes, padding: int) -> None:
    hsm = hsm_with(K, "zone_mac")
    assert [expected] * 3 == [hsm.mac("key", text, padding) for _ in range(3)]  # type: ignore[arg-type]
    assert hsm.verify_mac("key", text, expected, padding)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("full", "text"),
    [  # RFC 4493
        ("BB1D6929E95937287FA37D129B756746", ""),
        ("070A16B46B4D4144F79BDD9DD04A287C", "6BC1BEE22E409F96E93D7E117393172A"),
    ],
)
def test_aes_cmac_of_which_the_first_half_is_sent(full: str, text: str) -> None:
    hsm = hsm_with(RFC_4493, "terminal_mac", "AES")
    assert full[:16] == hsm.mac("key", bytes.fromhex(text))
    assert full == Aes(bytes.fromhex(RFC_4493)).cmac(bytes.fromhex(text)).hex().upper()


@pytest.mark.parametrize(("expected", "key"), [("08D7B4", K), ("6FB1C8", J)])
def test_key_check_value(expected: str, key: str) -> None:
    assert expected == hsm_with(key, "terminal_pin").check_value("key")
