"""The message every part of the network speaks: an MTI and its data elements, frozen (ISO 8583:1987).

Values are text as the standard formats them: fixed numeric elements zero-filled, binary elements (DE52, DE55,
DE64, DE128) as upper-case hexadecimal. `repr` names the elements but shows no value, because values hold
PANs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class Message:
    """One ISO 8583 message; two messages are equal when MTI and every element are equal."""

    __slots__ = ("_fields", "mti")

    mti: str
    _fields: dict[int, str]

    def __init__(self, mti: str, fields: Mapping[int, str]) -> None:
        object.__setattr__(self, "mti", mti)
        object.__setattr__(self, "_fields", {de: fields[de] for de in sorted(fields)})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a message is frozen; build a changed copy with .but()")

    def __getitem__(self, de: int) -> str:
        return self._fields[de]

    def get(self, de: int, default: str = "") -> str:
        """The element's value, or `default` where the message lacks it."""
        return self._fields.get(de, default)

    def __contains__(self, de: object) -> bool:
        return de in self._fields

    @property
    def fields(self) -> Mapping[int, str]:
        """The elements in ascending order, read-only."""
        return MappingProxyType(self._fields)

    def but(self, changes: Mapping[int, str | None] | None = None, *, mti: str | None = None) -> Message:
        """A copy with `changes` applied; an element set to None is left out."""
        fields: dict[int, str] = dict(self._fields)
        for de, value in (changes or {}).items():
            if value is None:
                fields.pop(de, None)
            else:
                fields[de] = value
        return Message(self.mti if mti is None else mti, fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.mti == other.mti and self._fields == other._fields

    def __hash__(self) -> int:
        return hash((self.mti, tuple(self._fields.items())))

    def __repr__(self) -> str:
        return f"Message({self.mti}: DE {' '.join(map(str, self._fields))})"
