"""Key blocks after TR-31: what another implementation wraps is read, what was changed is refused, a usage is kept."""

from __future__ import annotations

import psec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.hsm import ZMK, Hsm, Key, tr31
from bank_host.hsm.keys import ALGORITHMS, Cipher, Loaded, Usage, load, loaded
from bank_host.hsm.link_keys import LinkKeys
from bank_host.secrets import Secret
from tests.bank_host.hsm.test_hsm_oracles import _ciphers_of_today, asked

__all__ = ["_ciphers_of_today"]

MASTERS: tuple[tuple[Cipher, int], ...] = (("TDES", 16), ("TDES", 24), ("AES", 16), ("AES", 32))
secrets = st.binary(min_size=32, max_size=32)


def master(cipher: Cipher, secret: bytes) -> Loaded:
    return loaded("zmk", "zone_master", cipher, secret)


def test_a_published_block() -> None:
    """psec's documentation."""
    zone = load("zmk", Key("zone_master", Secret(b"FFFFFFFFEEEEEEEE".hex().upper())))
    block = "B0096P0TE00N0000A800A7D1A4C0C1BE762177E1CC59D84844EB67C9F6432B2CA34187AE2E0385EBEE2231697BC5DAE8"
    opened = tr31.read(zone, block)
    assert opened is not None
    assert ("P0", "T", b"CCCCCCCCDDDDDDDD") == opened
    assert "CC" not in repr(opened)


@asked
@given(st.sampled_from(MASTERS), secrets, secrets, st.sampled_from(["zone_pin", "zone_mac"]))
def test_psec_reads_ours_and_we_read_its(
    zone: tuple[Cipher, int], zone_secret: bytes, secret: bytes, usage: Usage
) -> None:
    raw = zone_secret[: zone[1]]
    key = loaded("key", usage, "TDES", secret[:16])
    header, theirs = psec.tr31.unwrap(raw, tr31.write(master(zone[0], raw), key, bytes))
    assert secret[:16] == theirs
    assert {"zone_pin": ("P0", "T"), "zone_mac": ("M3", "T")}[usage] == (header.key_usage, header.algorithm)
    opened = tr31.read(master(zone[0], raw), psec.tr31.wrap(raw, header, secret[:16]))
    assert opened is not None
    assert opened.is_for(usage, "TDES")
    assert secret[:16] == opened.secret


def test_optional_blocks_are_passed_over() -> None:
    raw = bytes(range(32))
    header = "D0000P0AE00N0100KS1800604B120F9292800000"
    opened = tr31.read(master("AES", raw), psec.tr31.wrap(raw, header, bytes(range(16))))
    assert opened is not None
    assert bytes(range(16)) == opened.secret


@given(st.sampled_from(MASTERS), st.data())
def test_a_changed_character_anywhere_makes_it_no_block(
    zone: tuple[Cipher, int], data: st.DataObject
) -> None:
    holder = master(zone[0], bytes(range(zone[1])))
    block = tr31.write(holder, loaded("key", "zone_pin", "TDES", bytes(range(100, 116))), bytes)
    at = data.draw(st.integers(0, len(block) - 1))
    other = data.draw(st.sampled_from("0123456789ABCDEFMPSTX é"))
    if other != block[at]:
        assert None is tr31.read(holder, block[:at] + other + block[at + 1 :])


@given(
    st.text(max_size=120)
    | st.text("0123456789ABCDEFPTN", max_size=120).map(lambda text: "D0112P0AB00N" + text)
)
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    assert None is tr31.read(master("AES", bytes(16)), text)


def test_a_block_of_another_zone_key_or_version_is_refused() -> None:
    key = loaded("key", "zone_pin", "TDES", bytes(range(100, 116)))
    block = tr31.write(master("AES", bytes(16)), key, bytes)
    assert None is tr31.read(master("AES", bytes(15) + b"\1"), block)
    assert None is tr31.read(master("TDES", bytes(16)), block)


@pytest.mark.parametrize("usage", [usage for usage in ALGORITHMS if usage not in ("card_id", "seal")])
def test_a_block_is_for_the_usage_in_its_header_only(usage: Usage) -> None:
    zone = {ZMK: Key("zone_master", Secret("9B" * 32), "AES")}
    block = tr31.write(load(ZMK, zone[ZMK]), loaded("key", usage, None, bytes(range(16))), bytes)
    taken = {other for other in ("zone_pin", "zone_mac") if Hsm(zone).accept_key(ZMK, "new", other, block)}  # type: ignore[arg-type]
    expected = {"terminal_pin": {"zone_pin"}, "terminal_mac": {"zone_mac"}}.get(usage, {usage})
    assert expected & {"zone_pin", "zone_mac"} == taken


@pytest.mark.parametrize("code", ["P0T", "P0A", "M3T", "M6A"])
def test_a_link_exchanges_bound_blocks_too(code: str) -> None:
    zone = {ZMK: Key("zone_master", Secret("9B" * 32), "AES")}
    here, there = Hsm(zone), Hsm(zone)
    caller, called = LinkKeys(here, ZMK, "switch"), LinkKeys(there, ZMK, "switch")
    block = caller.make(code, bound=True)
    assert tr31.looks_like(block)
    assert called.accept(block)
    assert called.same(caller.check_value())
    assert not called.accept(block.replace(code, "K0T" if code[2] == "T" else "K0A"))
