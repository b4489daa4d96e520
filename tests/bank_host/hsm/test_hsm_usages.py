"""One key, one purpose: of each call only the right usage works. And nothing that a call returns is a PIN or a key."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import get_args

import pytest

from bank_host.hsm import Hsm, HsmError, Key
from bank_host.hsm.keys import ALGORITHMS, PURPOSE, SIMULATION_KEYS, Usage
from bank_host.secrets import Secret
from tests.bank_host.hsm.calls import CALLS, PAN, PIN, WITHOUT_USAGE, Call, module
from tests.docs.pages import ROOT

PUBLIC = {
    name
    for name, _ in inspect.getmembers(
        Hsm, lambda member: inspect.isfunction(member) or inspect.ismethod(member)
    )
    if not name.startswith("_")
}


def test_every_public_call_is_in_the_matrix() -> None:
    assert PUBLIC == {call.method for call in CALLS} | set(WITHOUT_USAGE)


def test_every_usage_has_a_purpose_ciphers_and_a_key_in_the_simulation() -> None:
    usages = set(get_args(Usage))
    assert usages == set(PURPOSE) == set(ALGORITHMS) == {key.usage for key in SIMULATION_KEYS.values()}


@pytest.mark.parametrize("usage", get_args(Usage))
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method}-{call.handle}")
def test_a_call_takes_keys_of_its_own_usage_and_no_others(call: Call, usage: Usage) -> None:
    """The key under another handle has the very value of the right one wherever its usage allows that value."""
    right = SIMULATION_KEYS[call.handle]
    own = next(key for key in SIMULATION_KEYS.values() if key.usage == usage)
    same_form = ALGORITHMS[usage][0] == ALGORITHMS[right.usage][0]
    hsm = module(
        {"tried": Key(usage, right.value if same_form else own.value, None if same_form else own.cipher)}
    )
    if usage in call.usages:
        call.run(hsm, "tried")
    else:
        with pytest.raises(HsmError, match=f"^key 'tried' is for {usage}, not for "):
            call.run(hsm, "tried")


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method}-{call.handle}")
def test_an_unknown_handle_is_refused(call: Call) -> None:
    with pytest.raises(HsmError, match=r"^there is no key 'tried'$"):
        call.run(module(), "tried")


# ---------------------------------------------------------------- nothing in the clear


def texts(value: object) -> Iterator[str]:
    """Every text and every byte string, as hexadecimal, in what a call returned."""
    if isinstance(value, bytes):
        yield value.hex().upper()
    elif isinstance(value, str):
        yield value.upper()
    elif isinstance(value, tuple | list):
        for part in value:
            yield from texts(part)
    else:
        yield repr(value).upper()


def told_in_the_clear(returned: object) -> list[str]:
    """What of PIN and keys is in something that a call returned."""
    secrets = {"PIN": PIN} | {handle: key.value.reveal() for handle, key in SIMULATION_KEYS.items()}
    return [name for name, secret in secrets.items() for text in texts(returned) if secret in text]


@pytest.mark.parametrize("method", sorted(PUBLIC))
def test_no_call_returns_a_clear_pin_or_a_clear_key(method: str) -> None:
    hsm = module()
    returned = [call.run(hsm, call.handle) for call in CALLS if call.method == method]
    if method in WITHOUT_USAGE:
        returned.append(WITHOUT_USAGE[method](hsm))
    assert returned
    assert [] == told_in_the_clear(returned)


def test_the_search_for_clear_values_finds_them() -> None:
    """The planted fault: a module that hands out what it should keep."""
    hsm = module()
    key = SIMULATION_KEYS["tpk"].value.reveal()
    leaks = (
        hsm._pin("tpk", hsm.encrypt_pin_block("tpk", PIN, PAN), PAN, 0),
        bytes.fromhex(key),
        (key.lower(), 1),
    )
    assert [["PIN"], ["tpk"], ["tpk"]] == [told_in_the_clear(leak) for leak in leaks]


def test_no_call_takes_two_card_numbers_or_a_decimalisation_table() -> None:
    for name in PUBLIC:
        parameters = inspect.signature(getattr(Hsm, name)).parameters
        assert len([each for each in parameters if "pan" in each.split("_")]) <= 1, name
        assert not [each for each in parameters if "table" in each], name


def test_neither_the_module_nor_its_parts_show_a_key() -> None:
    hsm = module()
    shown = f"{hsm!r}{hsm._keys!r}{hsm._keys['tpk'].engine!r}{SIMULATION_KEYS!r}"
    assert [] == told_in_the_clear(shown)


# ---------------------------------------------------------------- ciphers and lengths

LENGTHS = {"TDES-2": 32, "TDES-3": 48, "AES-128": 32, "AES-256": 64, "HMAC-128": 32, "HMAC-256": 64}


@pytest.mark.parametrize("usage", get_args(Usage))
@pytest.mark.parametrize("algorithm", LENGTHS)
def test_a_usage_allows_its_own_ciphers_and_lengths_only(usage: Usage, algorithm: str) -> None:
    key = Key(usage, Secret("9A" * (LENGTHS[algorithm] // 2)), algorithm.split("-")[0])  # type: ignore[arg-type]
    if algorithm in ALGORITHMS[usage]:
        assert algorithm == Hsm({"key": key}).inventory()[0].algorithm
    else:
        with pytest.raises(HsmError, match=r"^key 'key' has a length that "):
            Hsm({"key": key})


def test_the_reference_page_has_every_usage_with_its_ciphers() -> None:
    page = (ROOT / "docs/reference/keys.md").read_text(encoding="utf-8")
    rows = {
        cells[2].strip("`"): (cells[1].strip("`"), tuple(cells[4].split(", ")))
        for line in page.splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")]) == 6 and cells[1].startswith("`")
    }
    handles = {key.usage: handle for handle, key in SIMULATION_KEYS.items()}
    assert {usage: (handles[usage], allowed) for usage, allowed in ALGORITHMS.items()} == rows
