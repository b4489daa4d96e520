"""Keys of a link: a block carries them to the other end, for what it says, and a damaged one changes nothing."""

from __future__ import annotations

import pytest

from bank_host.hsm import ZMK, Hsm, HsmError, Key
from bank_host.hsm.link_keys import KINDS, LinkKeys
from bank_host.secrets import Secret

ZONE = Key("zone_master", Secret("9B" * 8 + "4C" * 8))
AES_ZONE = Key("zone_master", Secret("9B" * 32), "AES")
PAN = "4999001234567894"


def ends(zone: Key) -> tuple[tuple[LinkKeys, Hsm], tuple[LinkKeys, Hsm]]:
    modules = Hsm({ZMK: zone}), Hsm({ZMK: zone})
    one, other = (LinkKeys(hsm, ZMK, "switch") for hsm in modules)
    return (one, modules[0]), (other, modules[1])


def test_without_a_code_a_block_is_a_key_for_macs_of_38_digits() -> None:
    (caller, here), (called, there) = ends(ZONE)
    block = caller.make()
    assert 38 == len(block)
    assert called.accept(block)
    assert called.same(caller.check_value())
    caller.taken_over()
    assert there.verify_mac(called.mac, b"0200", here.mac(caller.mac, b"0200"))
    assert ("", "") == (caller.pin, called.pin)


@pytest.mark.parametrize("code", KINDS)
def test_a_code_says_what_a_key_is_for(code: str) -> None:
    (caller, here), (called, there) = ends(AES_ZONE)
    assert called.accept(caller.make(code))
    kind = KINDS[code]
    handle = called.pin or called.mac
    info = next(info for info in there.inventory() if info.handle == handle)
    assert (kind.usage, kind.cipher) == (info.usage, info.algorithm.split("-")[0])
    caller.taken_over()
    assert here.check_value(caller.pin or caller.mac) == there.check_value(handle) == caller.check_value()


def test_both_keys_of_a_link_are_held_side_by_side() -> None:
    (caller, here), (called, there) = ends(AES_ZONE)
    for code in ("P0A", "M6A"):
        assert called.accept(caller.make(code))
        caller.taken_over()
    block = here.encrypt_pin_block(caller.pin, "4071", PAN, 4)
    assert there.translate_pin_block(called.pin, block, PAN, called.pin, 4, 4)
    assert there.verify_mac(called.mac, b"0200", here.mac(caller.mac, b"0200"))
    with pytest.raises(HsmError, match="is for zone_pin, not for terminal_mac or zone_mac"):
        there.mac(called.pin, b"0200")


def test_an_aes_key_does_not_travel_under_a_weaker_one() -> None:
    (caller, _), (called, _) = ends(ZONE)
    with pytest.raises(HsmError, match="an AES key travels under an AES zone master key only"):
        caller.make("M6A")
    (sender, _), _ = ends(AES_ZONE)
    assert not called.accept(sender.make("M6A"))


def test_a_key_block_of_another_zone_key_or_a_damaged_one_changes_nothing() -> None:
    (caller, _), (called, there) = ends(ZONE)
    (stranger, _), _ = ends(Key("zone_master", Secret("5D" * 8 + "6E" * 8)))
    assert called.accept(caller.make())
    held = called.check_value()
    good = caller.make()
    damaged = good[:20] + ("0" if good[20] != "0" else "1") + good[21:]
    for block in (stranger.make(), damaged, good[:-1], good.lower(), "", "P0T", "é" * 38, good + "00"):
        assert not called.accept(block)
    assert held == called.check_value() == there.check_value(called.mac)


def test_two_ends_without_a_key_do_not_agree_on_one() -> None:
    (caller, _), (called, _) = ends(ZONE)
    assert "" == caller.check_value()
    assert not called.same(caller.check_value())
    assert called.accept(caller.make())
    assert not called.same("é")


def test_a_new_key_takes_the_place_of_the_old_one() -> None:
    (caller, here), (called, there) = ends(ZONE)
    for _ in range(3):
        assert called.accept(caller.make())
        caller.taken_over()
        mac = here.mac(caller.mac, b"0200")
        assert there.verify_mac(called.mac, b"0200", mac)
    assert called.accept(caller.make())
    assert not there.verify_mac(called.mac, b"0200", mac)


def test_a_key_that_the_other_end_has_not_taken_over_leaves_the_one_in_use_alone() -> None:
    (caller, here), (called, there) = ends(ZONE)
    called.accept(caller.make())
    caller.taken_over()
    for _ in range(3):  # lost on the way, or refused
        caller.make()
        assert there.verify_mac(called.mac, b"0200", here.mac(caller.mac, b"0200"))


@pytest.mark.parametrize("usage", ["pin_verification", "card_verification", "card_cryptogram", "zone_master"])
def test_keys_that_stay_are_not_exchanged_over_a_link(usage: str) -> None:
    hsm = Hsm({ZMK: ZONE})
    with pytest.raises(HsmError, match="is not exchanged over a link"):
        hsm.make_key(ZMK, "new", usage)  # type: ignore[arg-type]
    with pytest.raises(HsmError, match="is not exchanged over a link"):
        hsm.accept_key(ZMK, "new", usage, "00" * 19)  # type: ignore[arg-type]


def test_an_exchange_never_replaces_a_key_of_another_usage() -> None:
    hsm = Hsm({ZMK: ZONE, "pvk": Key("pin_verification", Secret("7F" * 16))})
    with pytest.raises(HsmError, match="key 'pvk' is for pin_verification, not for zone_pin"):
        hsm.make_key(ZMK, "pvk", "zone_pin")
