"""Two independent implementations say the same as ours: psec for PINs, cards and MACs, pyemv for chip cryptograms."""

from __future__ import annotations

import psec
import pyemv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank_host.hsm import Hsm, Key
from bank_host.secrets import Secret
from cardreader.emv.cryptogram import METHODS, arpc_1, arpc_2, cryptogram, master_key, session_key
from cardreader.emv.des import Des3
from tests.bank_host.hsm.ciphers import use_ciphers_of_today

pins = st.text("0123456789", min_size=4, max_size=12)
pans = st.text("0123456789", min_size=13, max_size=19)
short_pans = st.text("0123456789", min_size=13, max_size=16)
keys = st.binary(min_size=16, max_size=16)
messages = st.binary(max_size=120)

# `cryptography` makes no context for the same mock twice; the patch is the same for every example.
asked = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _ciphers_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    use_ciphers_of_today(monkeypatch)


def hsm_of(**held: Key) -> Hsm:
    return Hsm(held)


def tdes(usage: str, key: bytes) -> Key:
    return Key(usage, Secret(key.hex().upper()))  # type: ignore[arg-type]


@asked
@given(keys, pins, pans)
def test_pin_blocks_0_and_3(key: bytes, pin: str, pan: str) -> None:
    hsm = hsm_of(key=tdes("terminal_pin", key))
    clear = psec.des.decrypt_tdes_ecb(key, bytes.fromhex(hsm.encrypt_pin_block("key", pin, pan)))
    assert pin == psec.pinblock.decode_pinblock_iso_0(clear, pan)
    clear = psec.des.decrypt_tdes_ecb(key, bytes.fromhex(hsm.encrypt_pin_block("key", pin, pan, 3)))
    assert pin == psec.pinblock.decode_pinblock_iso_3(clear, pan)


@asked
@given(keys, pins, pans)
def test_pin_block_4(key: bytes, pin: str, pan: str) -> None:
    hsm = hsm_of(
        key=Key("zone_pin", Secret(key.hex().upper()), "AES"),
        tpk=tdes("terminal_pin", bytes(range(16))),
        pvk=tdes("pin_verification", bytes(range(16, 32))),
    )
    block = bytes.fromhex(hsm.encrypt_pin_block("key", pin, pan, 4))
    assert pin == psec.pinblock.decipher_pinblock_iso_4(key, block, pan)
    theirs = psec.pinblock.encipher_pinblock_iso_4(key, pin, pan).hex().upper()
    ours = hsm.encrypt_pin_block("tpk", pin, pan)
    assert ours == hsm.translate_pin_block("key", theirs, pan, "tpk", 4, 0)


@asked
@given(keys, pins, short_pans, st.integers(0, 6))
def test_pin_verification_value_and_offset(key: bytes, pin: str, pan: str, index: int) -> None:
    table = "0123456789012345"
    hsm = hsm_of(
        tpk=tdes("terminal_pin", bytes(range(16))),
        pvk=tdes("pin_verification", key),
        ibm=tdes("pin_offset", key),
    )
    block = hsm.encrypt_pin_block("tpk", pin, pan)
    assert psec.pin.generate_visa_pvv(key, str(index), pin[:4], pan) == (
        hsm.new_pvv("tpk", block, pan, "pvk", pvk_index=index).pvv
    )
    theirs = psec.pin.generate_ibm3624_offset(key, table, pin, pan, 0, len(pan), "F")
    assert theirs == hsm.new_pin_offset("tpk", block, pan, "ibm")


@asked
@given(
    keys, pans, st.text("0123456789", min_size=4, max_size=4), st.text("0123456789", min_size=3, max_size=3)
)
def test_card_verification_value(key: bytes, pan: str, expiry: str, service: str) -> None:
    assert psec.cvv.generate_cvv(key, pan, expiry, service) == (
        hsm_of(cvk=tdes("card_verification", key)).cvv("cvk", pan, expiry, service)
    )


@asked
@given(keys, st.binary(min_size=1, max_size=120), st.sampled_from([1, 2]))
def test_retail_mac(key: bytes, message: bytes, padding: int) -> None:
    theirs = psec.mac.generate_retail_mac(key[:8], key[8:], message, padding)
    ours = hsm_of(zak=tdes("zone_mac", key)).mac("zak", message, padding)  # type: ignore[arg-type]
    assert theirs.hex().upper() == ours


@asked
@given(keys, pans, st.text("0123456789", min_size=2, max_size=2), st.binary(min_size=2, max_size=2))
def test_card_and_session_keys(key: bytes, pan: str, sequence: str, atc: bytes) -> None:
    imk = Des3(key)
    assert pyemv.kd.derive_icc_mk_a(key, pan, sequence) == master_key(imk, pan, sequence, "A")
    assert pyemv.kd.derive_icc_mk_b(key, pan, sequence) == master_key(imk, pan, sequence, "B")
    master = master_key(imk, pan, sequence)
    assert pyemv.kd.derive_common_sk(master, atc + bytes(6)) == session_key(Des3(master), atc)


@asked
@given(keys, messages, st.sampled_from(sorted(METHODS)), st.binary(max_size=8))
def test_cryptogram_and_both_answers(key: bytes, data: bytes, version: int, proprietary: bytes) -> None:
    padding = METHODS[version].padding
    kind = {1: pyemv.ac.PaddingType.VISA, 2: pyemv.ac.PaddingType.EMV}[padding]
    made = cryptogram(Des3(key), data, padding)
    if data:
        assert pyemv.ac.generate_ac(key, data, kind) == made
    assert pyemv.ac.generate_arpc_1(key, made, b"00") == arpc_1(Des3(key), made, b"00")
    assert pyemv.ac.generate_arpc_2(key, made, bytes(4), proprietary) == (
        arpc_2(Des3(key), made, bytes(4), proprietary)
    )
