"""The lab profile: how a target speaks, its keys, its cards, and whether its books may be looked at (docs: profile).

TOML, all faults told at once with file, line and column. No text ever quotes a key, a PIN or a card number. `atm-sim
test --target` and `atm-sim load --target` read it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BeforeValidator, Field, ValidationError

from atm_sim.scenario.fields import Flag, Whole, scalar, wrong
from atm_sim.scenario.part import Contradiction, Part, report
from atm_sim.target.cards import CardBox, CardPolicy, LabCard, read_cards
from atm_sim.target.keys import KeyRing, Keys, key_ring
from atm_sim.wire.keys import Purpose, WireKeys, kinds, mac_cipher
from atm_sim.wire.link import LinkSettings
from bank_host.hsm import ZMK
from bank_host.iso8583.dialect import Dialect, make_dialect
from bank_host.iso8583.dialect_file import DialectError, read_settings
from bank_host.iso8583.settings import Frames, Settings
from bank_host.iso8583.settings import Link as DialectLink
from bank_host.written.problems import Problems, WrittenError
from bank_host.written.source import Mapping, Scalar, Sequence, place_of
from bank_host.written.toml import read_toml

_BIN = "[0-9]{6,8}"


class ProfileError(WrittenError):
    """A profile, or its card file, that cannot be used."""


# ---------------------------------------------------------------- values


def _read_words(raw: Any) -> str:
    text = scalar(raw, "text in quotes")
    if not text.quoted or not text.strip():
        raise wrong("expected text in quotes")
    return str(text)


def _read_bins(raw: Any) -> tuple[str, ...]:
    for item in raw if isinstance(raw, Sequence) else ():
        text = scalar(item, "a BIN in quotes")
        if not text.quoted or re.fullmatch(_BIN, text) is None:
            raise wrong("a BIN is the first 6 to 8 digits of your test cards, in quotes", item)
    if not isinstance(raw, Sequence):
        raise wrong('expected a list such as ["400000"]')
    return tuple(map(str, raw))


def _plain(raw: Any) -> Any:
    """A node as Python has it, for a model that reads plain values."""
    if isinstance(raw, Mapping):
        return {str(key): _plain(value) for key, value in raw.items()}
    if isinstance(raw, Sequence):
        return [_plain(value) for value in raw]
    if not isinstance(raw, Scalar) or raw.quoted:
        return raw if raw is None else str(raw)
    return raw == "true" if raw in ("true", "false") else int(raw) if raw.isdigit() else str(raw)


def _section_of(model: type[Frames] | type[DialectLink], key: str = "") -> BeforeValidator:
    """A section whose settings are those of a dialect file."""

    def read(raw: Any) -> dict[str, Any]:
        if not isinstance(raw, Mapping):
            raise wrong("expected a section of settings, as in a dialect file")
        plain = {key: _plain(raw)} if key else _plain(raw)
        try:
            model.model_validate(plain)
        except ValidationError as error:
            first = error.errors()[0]
            path = [str(part) for part in first["loc"] if str(part) != key or not key]
            name = path[0] if path else "this"
            if first["type"] == "extra_forbidden":
                known = ", ".join(model.model_fields)
                raise wrong(f"unknown setting '{name}'; known are {known}", _key_of(raw, name)) from None
            text = first["msg"].removeprefix("Value error, ")
            at = place_of(raw, *path[:1])
            raise wrong(f"{name}: {text[:1].lower()}{text[1:]}", at) from None
        found: dict[str, Any] = plain[key] if key else plain
        return found

    return BeforeValidator(read)


def _key_of(raw: Mapping, name: str) -> Any:
    return next((key for key in raw if key == name), raw)


Words = Annotated[str, BeforeValidator(_read_words)]


# ---------------------------------------------------------------- the file


class Link(Part):
    """The section [link]: how a connection is kept."""

    connections: Annotated[int, Whole(1, 64)] = 1
    sign_on: Flag = True
    exchange: tuple[Purpose, ...] = ()
    mac: Flag = False
    acquirer_id: Words = ""


class ProfileInFile(Part):
    """The whole file."""

    dialect: Words = "atm-sim"
    allow_bins: Annotated[tuple[str, ...], BeforeValidator(_read_bins)] = ()
    cards: Words | None = None
    card_policy: CardPolicy = "sequential"
    share_cards: Flag = False
    bank_database: Words | None = None
    link: Link = Link()
    framing: Annotated[dict[str, Any], _section_of(Frames)] = Field(default_factory=dict)
    match: Annotated[dict[str, Any], _section_of(DialectLink, "match")] = Field(default_factory=dict)
    keys_: Keys = Field(default=Keys(), alias="keys")

    def contradictions(self) -> Iterator[Contradiction]:
        if self.bank_database is not None and self.cards is not None:
            text = "with bank_database the cast's own accounts are opened, so no cards are taken from a file"
            yield Contradiction(("cards",), text)


class Profile(NamedTuple):
    """What a profile says, ready for use."""

    path: Path
    dialect: Dialect
    link: Link
    keys: KeyRing
    cards: tuple[LabCard, ...] = ()
    card_policy: CardPolicy = "sequential"
    share_cards: bool = False
    allow_bins: tuple[str, ...] = ()
    bank_database: str = ""  # path or URL of our own host's database, '' = the target's books are closed

    def link_settings(self, answer_within_us: int) -> LinkSettings:
        """How its links are kept."""
        return LinkSettings(
            sign_on=self.link.sign_on,
            exchange=kinds(self.link.exchange, self.dialect),
            macs=self.link.mac,
            acquirer_id=self.link.acquirer_id,
            answer_within_us=answer_within_us,
        )

    def wire_keys(self, place: int) -> WireKeys:
        """The keys of one connection."""
        return self.keys.wire_keys(place)

    def card_box(self, seed: int) -> CardBox:
        """The card file, by its rule."""
        return CardBox(self.cards, self.card_policy, Random(f"{seed}/cards"), share=self.share_cards)


def own_profile(database: str, dialect: Dialect) -> Profile:
    """That of our own host under the published keys."""
    problems = Problems(ProfileError)
    keys = key_ring(Keys(), None, problems, mac_cipher(dialect))
    return Profile(Path(), dialect, Link(), keys, bank_database=database)


def parse_profile(file: str, data: bytes) -> tuple[ProfileInFile, Mapping]:
    """What a profile's text says, and where; ProfileError with everything that is wrong with it."""
    problems = Problems(ProfileError)
    node = read_toml(file, data, problems, _without_secrets)
    problems.stop_if_any()
    assert node is not None, "a file that cannot be read was reported"
    try:
        written = ProfileInFile.model_validate(node, context=problems)
    except ValidationError as error:
        report(error.errors(include_url=False), problems)
        problems.stop_if_any()
        raise
    problems.stop_if_any()
    return written, node


def read_profile(path: Path) -> Profile:
    """The profile of a file, with its keys, its cards and its dialect."""
    written, node = parse_profile(f"{path}", path.read_bytes())
    problems = Problems(ProfileError)
    dialect = _dialect(written, path, node, problems)
    cipher = None if dialect is None else mac_cipher(dialect)
    keys = key_ring(written.keys_, node.value("keys"), problems, cipher)
    if cipher == "AES" and "mac" in written.link.exchange and keys.cipher(ZMK) != cipher:
        text = 'an AES key for MACs travels under an AES zone master key only; cipher = "AES" says that zmk is one'
        problems.add(place_of(node, "link", "exchange"), text)
    if keys.own and os.name == "posix" and path.stat().st_mode & 0o077:
        problems.add(node, f"others than its owner can read this file with keys: chmod 600 {path}")
    cards: tuple[LabCard, ...] = ()
    if written.cards is not None:
        cards = read_cards(path.parent / written.cards, written.allow_bins, problems)
    database = _database(written.bank_database, path)
    if database and "://" not in database and not Path(database).is_file():
        text = f"there is no file {database}; name the database that bank-host serves"
        problems.add(place_of(node, "bank_database"), text)
    problems.stop_if_any()
    assert dialect is not None, "a dialect that cannot be used was reported"
    return Profile(
        path,
        dialect,
        written.link,
        keys,
        cards,
        written.card_policy,
        written.share_cards,
        written.allow_bins,
        database,
    )


def _dialect(written: ProfileInFile, path: Path, node: Mapping, problems: Problems) -> Dialect | None:
    """The named dialect with the profile's own framing and match key over it."""
    name = written.dialect
    try:
        settings = read_settings(f"{path.parent / name}" if name.endswith(".toml") else name)
        if written.framing:
            framing = settings.framing.model_dump(exclude_unset=True) | written.framing
            settings = settings.model_copy(update={"framing": Frames.model_validate(framing)})
        if written.match:
            link = settings.link.model_copy(update={"match": settings.link.match | _elements(written.match)})
            settings = settings.model_copy(update={"link": link})
        return make_dialect(Path(name).stem, Settings.model_validate(settings.model_dump(exclude_unset=True)))
    except DialectError as error:
        problems.add(place_of(node, "dialect"), f"dialect: {error}")
    except ValueError as error:
        problems.add(place_of(node, "framing"), f"framing: {error}")
    return None


def _elements(match: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {mti: tuple(elements) for mti, elements in match.items()}


def _database(name: str | None, path: Path) -> str:
    """Beside the profile, unless it is a URL."""
    if name is None or "://" in name:
        return name or ""
    return f"{path.parent / name}"


_QUOTED = re.compile(r""""[^"\n]*"|'[^'\n]*'""")
_HEADER = re.compile(r"\s*\[\s*([A-Za-z_]*)")
_KEY_LINE = re.compile(rf"\s*(keys|{'|'.join(get_args(Literal['zmk', 'zpk', 'tpk', 'zak', 'tak']))})\b")
_DIGITS = re.compile(r"[0-9A-Fa-f]{12,}")


def _without_secrets(text: str) -> str:
    """The text as a message may quote it: nothing in quotes where keys stand, and no long run of digits anywhere."""
    lines, in_keys = [], False
    for line in text.splitlines():
        if (header := _HEADER.match(line)) and not line.lstrip().startswith(("[[", '["')):
            in_keys = header[1].startswith("key") or header[1] in ("zmk", "zpk", "tpk", "zak", "tak")
        if in_keys or _KEY_LINE.match(line):
            line = _QUOTED.sub(lambda hit: "•" * len(hit[0]), line)
        lines.append(_DIGITS.sub(lambda hit: "•" * len(hit[0]), line))
    return "\n".join(lines)
