"""What holds for every PIN, card and message: translation keeps the PIN, a MAC fits its bytes, errors hold no data."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bank_host.hsm import (
    CVK,
    IMK_AC,
    PVK,
    PVK_OFFSET,
    SEAL,
    TAK,
    TPK,
    ZAK,
    ZMK,
    ZPK,
    Hsm,
    HsmError,
    Key,
    errors,
    key_file,
)
from bank_host.hsm.errors import MalformedPinBlock
from bank_host.hsm.keys import SIMULATION_KEYS
from bank_host.hsm.pin_block import Format
from bank_host.secrets import Secret
from tests.bank_host.hsm.calls import PAN, PIN

HSM = Hsm(
    {
        **SIMULATION_KEYS,
        "zpk-aes": Key("zone_pin", Secret("9F" * 32), "AES"),
        "tpk-3": Key("terminal_pin", Secret("8C" * 8 + "9D" * 8 + "AE" * 8)),
        "zak-aes": Key("zone_mac", Secret("7B" * 16), "AES"),
    }
)
ZONES: tuple[tuple[str, Format], ...] = ((TPK, 0), (ZPK, 3), ("zpk-aes", 4), ("tpk-3", 0), (TPK, 3))

pins = st.text("0123456789", min_size=4, max_size=12)
pans = st.text("0123456789", min_size=13, max_size=19)
zones = st.sampled_from(ZONES)


@given(pins, pans, st.lists(zones, min_size=1, max_size=5))
def test_a_pin_is_the_same_through_all_zones(pin: str, pan: str, way: list[tuple[str, Format]]) -> None:
    block = first = HSM.encrypt_pin_block(TPK, pin, pan)
    here: tuple[str, Format] = (TPK, 0)
    for zone in way:
        block = HSM.translate_pin_block(here[0], block, pan, zone[0], here[1], zone[1])
        here = zone
    assert HSM.new_pvv(TPK, first, pan, PVK).pvv == HSM.new_pvv(here[0], block, pan, PVK, format_=here[1]).pvv
    back = HSM.translate_pin_block(here[0], block, pan, TPK, here[1], 0)
    assert first == back


@given(pins, pans, zones)
def test_the_pin_that_was_set_is_right_by_value_and_by_offset(
    pin: str, pan: str, zone: tuple[str, Format]
) -> None:
    key, format_ = zone
    block = HSM.encrypt_pin_block(key, pin, pan, format_)
    stored = HSM.new_pin_offset(key, block, pan, PVK_OFFSET, format_=format_)
    assert len(pin) == len(stored)
    assert HSM.verify_pin_offset(key, block, pan, PVK_OFFSET, stored, format_=format_)
    value = HSM.new_pvv(key, block, pan, PVK, format_=format_).pvv
    assert HSM.verify_pin(key, block, pan, PVK, value, format_=format_)


@given(pins, pins, pans, zones)
def test_another_pin_is_wrong_by_its_offset(pin: str, other: str, pan: str, zone: tuple[str, Format]) -> None:
    """The offset has every digit of the PIN in it, so there is no accident; a PVV has four of them."""
    assume(pin != other)
    key, format_ = zone
    stored = HSM.new_pin_offset(TPK, HSM.encrypt_pin_block(TPK, pin, pan), pan, PVK_OFFSET)
    block = HSM.encrypt_pin_block(key, other, pan, format_)
    assert not HSM.verify_pin_offset(key, block, pan, PVK_OFFSET, stored, format_=format_)


@given(pins, pans, pans)
def test_a_block_of_format_4_holds_no_pin_of_another_card(pin: str, pan: str, other: str) -> None:
    assume(pan != other)
    block = HSM.encrypt_pin_block("zpk-aes", pin, pan, 4)
    with pytest.raises(MalformedPinBlock):
        HSM.translate_pin_block("zpk-aes", block, other, TPK, 4, 0)


def test_a_block_of_another_card_is_never_right_even_where_it_is_well_formed() -> None:
    """Formats 0 and 3 of a card number that differs under the third and fourth PIN digit: another PIN comes out, often
    a well-formed one; the verification value of the card that is asked for does not fit it."""
    others = [f"{PAN[:3]}{digit}{PAN[4:]}" for digit in "0123456789" if digit != PAN[3]]
    others += [f"{PAN[:4]}{digit}{PAN[5:]}" for digit in "0123456789" if digit != PAN[4]]
    well_formed = 0
    for format_ in (0, 3):
        block = HSM.encrypt_pin_block(TPK, PIN, PAN, format_)  # type: ignore[arg-type]
        for other in others:
            stored = HSM.new_pvv(TPK, HSM.encrypt_pin_block(TPK, PIN, other), other, PVK).pvv
            assert not HSM.verify_pin(TPK, block, other, PVK, stored, format_=format_)  # type: ignore[arg-type]
            try:
                HSM.translate_pin_block(TPK, block, other, ZPK, format_, 0)  # type: ignore[arg-type]
                well_formed += 1
            except MalformedPinBlock:
                pass
    assert well_formed > 0, "the danger that the test speaks of is there"


def test_blocks_of_formats_3_and_4_are_never_twice_the_same() -> None:
    for key, format_ in ((TPK, 3), ("zpk-aes", 4)):
        assert 20 == len({HSM.encrypt_pin_block(key, PIN, PAN, format_) for _ in range(20)})  # type: ignore[arg-type]


@pytest.mark.parametrize(("key", "format_"), [(TPK, 4), ("zpk-aes", 0), ("zpk-aes", 3), (TPK, 1), (TPK, 2)])
def test_a_format_goes_with_its_cipher_only(key: str, format_: Format) -> None:
    with pytest.raises(HsmError, match="cannot be used with PIN block format"):
        HSM.encrypt_pin_block(key, PIN, PAN, format_)
    with pytest.raises(HsmError, match="cannot be used with PIN block format"):
        HSM.verify_pin(key, "0" * 16, PAN, PVK, "0000", format_=format_)


# ---------------------------------------------------------------- MAC


@given(st.binary(max_size=400), st.sampled_from([TAK, ZAK, "zak-aes"]), st.data())
def test_a_mac_fits_its_own_bytes_and_no_others(message: bytes, key: str, data: st.DataObject) -> None:
    mac = HSM.mac(key, message, 2)
    assert re.fullmatch("[0-9A-F]{16}", mac)
    assert HSM.verify_mac(key, message, mac, 2)
    assert not HSM.verify_mac(key, message + b"\0", mac, 2)
    if message:
        at = data.draw(st.integers(0, len(message) * 8 - 1))
        changed = bytearray(message)
        changed[at // 8] ^= 1 << at % 8
        assert not HSM.verify_mac(key, bytes(changed), mac, 2)


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=10))
def test_a_mac_does_not_depend_on_those_made_before_it(messages: list[bytes]) -> None:
    """The module goes on with one cipher context; to whoever asks, each MAC begins anew."""
    assert [HSM.mac(ZAK, message) for message in messages] == [Hsm.simulation().mac(ZAK, m) for m in messages]


def test_macs_of_many_threads_do_not_mix() -> None:
    messages = [bytes([number]) * (8 * number) for number in range(1, 40)] * 20
    expected = [HSM.mac(ZAK, message) for message in messages]
    with ThreadPoolExecutor(8) as threads:
        assert expected == list(threads.map(lambda message: HSM.mac(ZAK, message), messages))


@given(st.text(max_size=20))
def test_a_mac_that_is_no_mac_is_wrong_and_no_error(told: str) -> None:
    assert not HSM.verify_mac(ZAK, b"message", told)


# ---------------------------------------------------------------- errors

junk = st.one_of(
    st.text("0123456789ABCDEF", min_size=6, max_size=40),
    st.text("0123456789", min_size=6, max_size=30),
    st.text(min_size=6, max_size=24),
)
blobs = st.binary(min_size=6, max_size=24)
DATA_CALLS: tuple[Callable[[str, bytes], object], ...] = (
    lambda text, blob: HSM.encrypt_pin_block(TPK, text, PAN),
    lambda text, blob: HSM.encrypt_pin_block(TPK, PIN, text),
    lambda text, blob: HSM.encrypt_pin_block("zpk-aes", PIN, text, 4),
    lambda text, blob: HSM.translate_pin_block(TPK, text, PAN, ZPK),
    lambda text, blob: HSM.translate_pin_block("zpk-aes", text, PAN, ZPK, 4),
    lambda text, blob: HSM.translate_pin_block(TPK, "0" * 16, text, ZPK),
    lambda text, blob: HSM.verify_pin(TPK, text, PAN, PVK, text),
    lambda text, blob: HSM.verify_pin(TPK, "0" * 16, text, PVK, "1234"),
    lambda text, blob: HSM.new_pvv(TPK, text, PAN, PVK, guesses=(text,)),
    lambda text, blob: HSM.new_pvv(TPK, text, text, PVK),
    lambda text, blob: HSM.verify_pin_offset(TPK, text, PAN, PVK_OFFSET, text),
    lambda text, blob: HSM.new_pin_offset(TPK, text, PAN, PVK_OFFSET),
    lambda text, blob: HSM.new_pin_offset(TPK, "0" * 16, text, PVK_OFFSET),
    lambda text, blob: HSM.cvv(CVK, text, "3012", "201"),
    lambda text, blob: HSM.cvv(CVK, PAN, text, "201"),
    lambda text, blob: HSM.verify_cvv(CVK, text, PAN, "3012", text),
    lambda text, blob: HSM.card_id(text),
    lambda text, blob: HSM.verify_mac(ZAK, blob, text),
    lambda text, blob: HSM.accept_key(ZMK, "link/mac", "zone_mac", text),
    lambda text, blob: HSM.verify_arqc(IMK_AC, text, "00", b"\0\1", b"", blob, 18),
    lambda text, blob: HSM.verify_arqc(IMK_AC, PAN, text, blob, blob, blob, 10),
    lambda text, blob: HSM.verify_arqc(IMK_AC, PAN, "00", blob, blob, blob, 18),
    lambda text, blob: HSM.arpc(IMK_AC, PAN, "00", b"\0\1", blob, 18, blob, blob),
    lambda text, blob: HSM.arpc(IMK_AC, PAN, "00", b"\0\1", blob, 10, blob, blob),
    lambda text, blob: HSM.unseal(SEAL, blob, text),
    lambda text, blob: Hsm({"key": Key("zone_pin", Secret(text))}),
    lambda text, blob: Hsm({}, decimalisation_table=text),
)


@given(st.sampled_from(DATA_CALLS), junk, blobs)
def test_whatever_the_data_are_the_one_error_holds_none_of_them(
    call: Callable[[str, bytes], object], text: str, blob: bytes
) -> None:
    told = refusal(call, text, blob)
    assert not [data for data in (text, blob.hex(), str(blob)[2:-1], PAN) if data in told]


def refusal(call: Callable[[str, bytes], object], text: str, blob: bytes) -> str:
    """What the one error of the module says and hangs on to; '' if the call refuses nothing."""
    try:
        call(text, blob)
    except HsmError as error:
        return f"{error} {error.args!r} {error.__cause__ or ''}"
    return ""


def test_there_is_one_kind_of_error() -> None:
    """Whatever a call refuses is an HsmError; the malformed block is told apart for a PIN change only."""
    kinds = [
        kind
        for module in (errors, key_file)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__.startswith("bank_host")
    ]
    assert all(issubclass(kind, HsmError) for kind in kinds)


# ---------------------------------------------------------------- sealing


@given(st.binary(max_size=100), st.text("abc/0", max_size=10), st.text("abc/0", max_size=10))
def test_a_sealed_row_opens_for_its_owner_only(clear: bytes, owner: str, other: str) -> None:
    sealed = HSM.seal(SEAL, clear, owner)
    assert clear == HSM.unseal(SEAL, sealed, owner)
    if owner != other:
        with pytest.raises(HsmError, match="does not open"):
            HSM.unseal(SEAL, sealed, other)
