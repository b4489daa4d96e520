"""The keys of a lab profile: components or blocks, each checked against its check value; published ones without any.

PIN blocks are made under the ZPK (or TPK), MACs under the ZAK (or TAK), both travel under the ZMK. A clear key is never
part of a text; a component is told by its number.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field

from atm_sim.scenario.fields import scalar, wrong
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.wire.keys import WireKeys
from bank_host.hsm import TAK, TPK, ZAK, ZMK, ZPK, Hsm, HsmError, Key
from bank_host.hsm.key_block import Component, combine, unwrap
from bank_host.hsm.keys import Cipher, Usage, cipher_of, load, simulation_keys, unloaded
from bank_host.secrets import Secret
from bank_host.written.problems import Problems
from bank_host.written.source import Mapping, Sequence, place_of

Name = Literal["zmk", "zpk", "tpk", "zak", "tak"]
USAGES: Final[MappingOf[Name, Usage]] = {
    "zmk": "zone_master",
    "zpk": "zone_pin",
    "tpk": "terminal_pin",
    "zak": "zone_mac",
    "tak": "terminal_mac",
}
HANDLES: Final[MappingOf[Name, str]] = {"zmk": ZMK, "zpk": ZPK, "tpk": TPK, "zak": ZAK, "tak": TAK}
LAB_PIN_KEY: Final = "lab-tpk"
"""The published key that the lab's ATMs make their PIN blocks under, before these are translated."""


def _read_hidden(raw: Any) -> Secret:
    text = scalar(raw, "hexadecimal digits in quotes")
    if not text.quoted:
        raise wrong("a key is text; put its digits in quotes")
    return Secret(str(text).strip().upper())


def _read_components(raw: Any) -> tuple[Component, ...]:
    """Each as `bank-host keys import` reads it from a file: the component, a space, its check value."""
    if not isinstance(raw, Sequence) or not 2 <= len(raw) <= 3:
        raise wrong('expected two or three components, each as "DIGITS KCV"')
    found = []
    for number, item in enumerate(raw, 1):
        words = str(scalar(item, "a component and its check value")).split()
        if len(words) != 2:
            raise wrong(f"component {number} is not digits, a space and their check value", item)
        found.append(Component(Secret(words[0].upper()), words[1].upper()))
    return tuple(found)


class KeyInFile(Part):
    """One key: components, or a block under the ZMK (a cryptogram, or one after TR-31) with its check value."""

    components: Annotated[tuple[Component, ...], BeforeValidator(_read_components)] = Field(
        default=(), repr=False
    )
    block: Annotated[Secret | None, BeforeValidator(_read_hidden)] = Field(default=None, repr=False)
    kcv: Annotated[Secret | None, BeforeValidator(_read_hidden)] = Field(default=None, repr=False)
    cipher: Literal["TDES", "AES"] | None = None

    model_config = ConfigDict(arbitrary_types_allowed=True)

    def contradictions(self) -> Any:
        if bool(self.components) == (self.block is not None):
            yield Contradiction((), "a key is components = [...], or block = and kcv =")
        elif self.block is not None and self.kcv is None:
            yield Contradiction(("block",), "a block needs kcv =, the check value of the key in it")


class Keys(Part):
    """The section [keys]."""

    zmk: KeyInFile | None = None
    zpk: KeyInFile | None = None
    tpk: KeyInFile | None = None
    zak: KeyInFile | None = None
    tak: KeyInFile | None = None

    def contradictions(self) -> Any:
        for one, other in (("zpk", "tpk"), ("zak", "tak")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                yield Contradiction((other,), f"one key makes these, {one} or {other}; take one out")

    def named(self) -> dict[Name, KeyInFile]:
        """Those that the file has, the zone master key first: others are opened under it."""
        return {name: key for name in USAGES if (key := getattr(self, name)) is not None}


class KeyRing(NamedTuple):
    """A profile's keys, ready for use."""

    hsm: Hsm
    pin_key: str
    mac_key: str
    own: bool  # whether there is any that not everybody knows

    def cipher(self, handle: str) -> Cipher:
        """Of the key of this handle."""
        return next(cipher_of(info.algorithm) for info in self.hsm.inventory() if info.handle == handle)

    def wire_keys(self, place: int) -> WireKeys:
        """The keys of one connection; exchanged ones are its own, so the module is shared with care for handles."""
        return WireKeys(self.hsm, place, self.pin_key, self.mac_key)


def key_ring(
    keys: Keys, node: Mapping | None, problems: Problems, mac_cipher: Cipher | None = None
) -> KeyRing:
    """Every key of the file, or the published ones where it has none; what is wrong goes to `problems`. MACs of the
    dialect are of that cipher, or of either."""
    known = simulation_keys(mac_cipher)
    found: dict[str, Key] = {ZMK: known[ZMK]}
    for name, written in keys.named().items():
        try:
            found[HANDLES[name]] = _opened(name, written, found, has_zmk=keys.zmk is not None)
        except HsmError as error:
            problems.add(place_of(node, name), f"{name}: {error}")
    pin_key = ZPK if ZPK in found else TPK
    mac_key = TAK if TAK in found else ZAK
    for handle in (pin_key, mac_key):
        found.setdefault(handle, known[handle])
    hsm = Hsm({**found, LAB_PIN_KEY: known[TPK]})
    own = not {*found} <= {*hsm.published_keys()}
    ring = KeyRing(hsm, pin_key, mac_key, own)
    if mac_cipher not in (None, ring.cipher(mac_key)):
        text = f'{mac_key}: the dialect\'s MACs need a key of {mac_cipher}; cipher = "{mac_cipher}" says that it is one'
        problems.add(place_of(node, mac_key), text)
    return ring


def _opened(name: Name, written: KeyInFile, found: MappingOf[str, Key], *, has_zmk: bool) -> Key:
    usage, cipher = USAGES[name], written.cipher
    if cipher == "AES" and usage in ("zone_pin", "terminal_pin"):
        raise HsmError("DE52 holds eight bytes, and a PIN block under AES has sixteen; take a TDES key")
    if written.block is None:
        key = combine(name, usage, cipher, written.components)
    elif name == "zmk":
        raise HsmError("a zone master key comes in components; there is none to open its block")
    elif not has_zmk:
        raise HsmError("its block is opened under the zone master key; add [keys.zmk]")
    else:
        key = _unwrapped(found[ZMK], name, usage, written, cipher)
    if written.kcv is not None and not _fits(load(name, key).check_value(), written.kcv):
        raise HsmError(
            "the key does not fit kcv; was a digit mistyped, or is it under another zone master key?"
        )
    return key


def _unwrapped(master: Key, name: Name, usage: Usage, written: KeyInFile, cipher: Cipher | None) -> Key:
    """A cryptogram has its check value behind it, as in a 0800; a block after TR-31 has what it needs inside."""
    assert written.block is not None, "the file was checked"
    assert written.kcv is not None, "the file was checked"
    block, zmk = written.block.reveal(), load(ZMK, master)
    key = unwrap(zmk, name, usage, block, cipher) or unwrap(
        zmk, name, usage, block + written.kcv.reveal()[:6], cipher
    )
    if key is None:
        raise HsmError(
            f"no key for {usage} with this kcv opens under the zone master key; was a digit mistyped?"
        )
    return unloaded(key)


def _fits(found: str, told: Secret) -> bool:
    return len(told.reveal()) >= 4 and found.startswith(told.reveal())
