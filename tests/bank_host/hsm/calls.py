"""Every public call of the key module once: which of its keys has which usages, and a working example of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bank_host.hsm import CARD_ID, CVK, IMK_AC, PVK, PVK_OFFSET, SEAL, TPK, ZAK, ZMK, ZPK, Hsm
from bank_host.hsm.keys import SIMULATION_KEYS, Usage

PAN, PIN = "4999001234567894", "4071"
DATA = b"0200 and what follows"

PIN_KEY: frozenset[Usage] = frozenset(("terminal_pin", "zone_pin"))
MAC_KEY: frozenset[Usage] = frozenset(("terminal_mac", "zone_mac"))


class Call(NamedTuple):
    """One key of one public method: the usages that it takes, and the call with this key under another handle."""

    method: str
    usages: frozenset[Usage]
    handle: str
    run: Callable[[Hsm, str], object]


def only(usage: Usage) -> frozenset[Usage]:
    return frozenset((usage,))


def module(extra: Mapping[str, object] | None = None) -> Hsm:
    return Hsm({**SIMULATION_KEYS, **(extra or {})})  # type: ignore[dict-item]


_MADE = module()
BLOCK = _MADE.encrypt_pin_block(TPK, PIN, PAN)
BLOCK_OF_ZONE = _MADE.encrypt_pin_block(ZPK, PIN, PAN)
KEY_BLOCK = _MADE.make_key(ZMK, "link/mac", "zone_mac")
SEALED = _MADE.seal(SEAL, b"a row", "owner")
ATC, ARQC = b"\0\x1c", bytes(8)

CALLS = (
    Call("encrypt_pin_block", PIN_KEY, TPK, lambda hsm, key: hsm.encrypt_pin_block(key, PIN, PAN)),
    Call("translate_pin_block", PIN_KEY, TPK, lambda hsm, key: hsm.translate_pin_block(key, BLOCK, PAN, ZPK)),
    Call("translate_pin_block", PIN_KEY, ZPK, lambda hsm, key: hsm.translate_pin_block(TPK, BLOCK, PAN, key)),
    Call("verify_pin", PIN_KEY, TPK, lambda hsm, key: hsm.verify_pin(key, BLOCK, PAN, PVK, "1234")),
    Call(
        "verify_pin",
        only("pin_verification"),
        PVK,
        lambda hsm, key: hsm.verify_pin(TPK, BLOCK, PAN, key, "1234"),
    ),
    Call("new_pvv", PIN_KEY, TPK, lambda hsm, key: hsm.new_pvv(key, BLOCK, PAN, PVK)),
    Call("new_pvv", only("pin_verification"), PVK, lambda hsm, key: hsm.new_pvv(TPK, BLOCK, PAN, key)),
    Call(
        "verify_pin_offset",
        PIN_KEY,
        TPK,
        lambda hsm, key: hsm.verify_pin_offset(key, BLOCK, PAN, PVK_OFFSET, "1234"),
    ),
    Call(
        "verify_pin_offset",
        only("pin_offset"),
        PVK_OFFSET,
        lambda hsm, key: hsm.verify_pin_offset(TPK, BLOCK, PAN, key, "1234"),
    ),
    Call("new_pin_offset", PIN_KEY, TPK, lambda hsm, key: hsm.new_pin_offset(key, BLOCK, PAN, PVK_OFFSET)),
    Call(
        "new_pin_offset",
        only("pin_offset"),
        PVK_OFFSET,
        lambda hsm, key: hsm.new_pin_offset(TPK, BLOCK, PAN, key),
    ),
    Call("mac", MAC_KEY, ZAK, lambda hsm, key: hsm.mac(key, DATA)),
    Call("verify_mac", MAC_KEY, ZAK, lambda hsm, key: hsm.verify_mac(key, DATA, "0" * 16)),
    Call("cvv", only("card_verification"), CVK, lambda hsm, key: hsm.cvv(key, PAN, "3012", "201")),
    Call(
        "verify_cvv",
        only("card_verification"),
        CVK,
        lambda hsm, key: hsm.verify_cvv(key, "123", PAN, "3012", "201"),
    ),
    Call(
        "verify_arqc",
        only("card_cryptogram"),
        IMK_AC,
        lambda hsm, key: hsm.verify_arqc(key, PAN, "00", ATC, DATA, ARQC, 18),
    ),
    Call(
        "arpc",
        only("card_cryptogram"),
        IMK_AC,
        lambda hsm, key: hsm.arpc(key, PAN, "00", ATC, ARQC, 18, b"00", bytes(4)),
    ),
    Call("card_id", only("card_id"), CARD_ID, lambda hsm, key: hsm.card_id(PAN, key)),
    Call("make_key", only("zone_master"), ZMK, lambda hsm, key: hsm.make_key(key, "link/pin", "zone_pin")),
    Call(
        "accept_key",
        only("zone_master"),
        ZMK,
        lambda hsm, key: hsm.accept_key(key, "link/mac", "zone_mac", KEY_BLOCK),
    ),
    Call("seal", only("seal"), SEAL, lambda hsm, key: hsm.seal(key, b"a row", "owner")),
    Call("unseal", only("seal"), SEAL, lambda hsm, key: hsm.unseal(key, SEALED, "owner")),
    Call("derived", only("seal"), SEAL, lambda hsm, key: hsm.derived(key, "a purpose")),
)

WITHOUT_USAGE: Mapping[str, Callable[[Hsm], object]] = {
    "check_value": lambda hsm: hsm.check_value(TPK),
    "inventory": lambda hsm: hsm.inventory(),
    "published_keys": lambda hsm: hsm.published_keys(),
    "simulation": lambda hsm: hsm.simulation(),
}
"""Calls that do nothing with a key."""
