"""The PIN module tells whether a PIN is right, and nothing else; keys do one job; errors carry no data."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.hsm import CARD_ID, CVK, PVK, TPK, Hsm, Key
from bank_host.hsm.errors import HsmError, MalformedPinBlock
from bank_host.secrets import Pan, Pin, Secret, mask_pan

PAN = "9990010000000017"
HSM = Hsm.simulation()

pins = st.text("0123456789", min_size=4, max_size=12)
pans = st.text("0123456789", min_size=13, max_size=19)


@given(pins, pans)
def test_the_pin_that_was_set_is_right_for_its_pan(pin: str, pan: str) -> None:
    block = HSM.encrypt_pin_block(TPK, pin, pan)
    stored = HSM.new_pvv(TPK, block, pan, PVK).pvv
    assert HSM.verify_pin(TPK, block, pan, PVK, stored)


def test_another_pin_is_wrong() -> None:
    stored = HSM.new_pvv(TPK, HSM.encrypt_pin_block(TPK, "4071", PAN), PAN, PVK).pvv
    assert not HSM.verify_pin(TPK, HSM.encrypt_pin_block(TPK, "4072", PAN), PAN, PVK, stored)


@pytest.mark.parametrize("block", ["", "00", "G" * 16, "0" * 16, "F" * 16, "0123456789abcdef", "0" * 17])
def test_a_malformed_block_looks_like_a_wrong_pin(block: str) -> None:
    assert HSM.verify_pin(TPK, block, PAN, PVK, "0000") is False


def test_a_malformed_block_cannot_become_the_new_pin() -> None:
    with pytest.raises(MalformedPinBlock) as caught:
        HSM.new_pvv(TPK, "0" * 16, PAN, PVK)
    assert "0000" not in str(caught.value)
    assert PAN not in str(caught.value)


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4", "12 4", "\uff11\uff12\uff13\uff14"])
def test_only_four_to_twelve_ascii_digits_become_a_pin_block(pin: str) -> None:
    with pytest.raises(HsmError):
        HSM.encrypt_pin_block(TPK, pin, PAN)


def test_a_guessable_new_pin_is_flagged_and_still_accepted() -> None:
    block = HSM.encrypt_pin_block(TPK, "0521", PAN)
    flagged = HSM.new_pvv(TPK, block, PAN, PVK, guesses=("1990", "0521"))
    unflagged = HSM.new_pvv(TPK, block, PAN, PVK, guesses=("1990",))
    assert (flagged.guessable, unflagged.guessable) == (True, False)
    assert flagged.pvv == unflagged.pvv


def test_the_guess_list_is_too_short_to_search_for_a_pin() -> None:
    block = HSM.encrypt_pin_block(TPK, "0521", PAN)
    with pytest.raises(HsmError, match="at most 16"):
        HSM.new_pvv(TPK, block, PAN, PVK, guesses=[f"{n:04d}" for n in range(17)])


def test_a_key_is_refused_for_another_purpose_than_its_own() -> None:
    with pytest.raises(HsmError, match="is for pin_verification, not for terminal_pin or zone_pin"):
        HSM.encrypt_pin_block(PVK, "4071", PAN)
    with pytest.raises(HsmError, match="is for terminal_pin, not for card_verification"):
        HSM.cvv(TPK, PAN, "3012", "201")
    with pytest.raises(HsmError, match="is for card_verification, not for card_id"):
        HSM.card_id(PAN, CVK)


def test_an_unknown_handle_is_an_error_and_not_a_wrong_pin() -> None:
    with pytest.raises(HsmError, match="no key 'other'"):
        HSM.verify_pin("other", "0" * 16, PAN, PVK, "0000")
    with pytest.raises(HsmError, match="no key 'other'"):
        HSM.check_value("other")


def test_no_simulation_key_serves_two_purposes() -> None:
    values = [key.check_value for key in HSM.inventory()]
    assert len(values) == len(set(values))


@pytest.mark.parametrize("value", ["", "0123", "Z" * 32, "0" * 40])
def test_a_key_of_another_form_is_refused_without_quoting_it(value: str) -> None:
    with pytest.raises(HsmError) as caught:
        Hsm({"tpk": Key("terminal_pin", Secret(value))})
    assert str(caught.value).startswith("key 'tpk' ")
    assert not value or value not in str(caught.value)


def test_a_card_id_is_stable_differs_by_card_and_key_and_hides_the_pan() -> None:
    other = Hsm({CARD_ID: Key("card_id", Secret("F" * 32))})
    assert HSM.card_id(PAN) == Hsm.simulation().card_id(PAN)
    assert HSM.card_id(PAN) != HSM.card_id("9990010000000025")
    assert HSM.card_id(PAN) != other.card_id(PAN)
    assert PAN[6:] not in HSM.card_id(PAN)


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        (Secret("0521"), "Secret(•)"),
        (Pin("0521"), "Pin(•)"),
        (Pan(PAN), "Pan(999001••••••0017)"),
    ],
)
def test_secrets_are_masked_in_text_and_cannot_be_written_out(secret: Secret, text: str) -> None:
    assert text == repr(secret) == str(secret) == f"{secret}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_secrets_compare_by_kind_and_value() -> None:
    assert Pin("0521") == Pin("0521")
    assert Pin("0521") != Secret("0521")
    assert {Pin("0521")} == {Pin("0521"), Pin("0521")}


@given(st.text("0123456789", min_size=4, max_size=19))
def test_a_masked_pan_never_shows_more_than_first_six_and_last_four(pan: str) -> None:
    masked = mask_pan(pan)
    assert len(pan) == len(masked)
    assert masked.count("•") == len(pan) - (10 if len(pan) >= 12 else 4)
