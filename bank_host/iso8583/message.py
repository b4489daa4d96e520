"""The message every part of the network speaks: an MTI and its data elements, frozen (ISO 8583:1987).

Values are text as the standard formats them: fixed numeric elements zero-filled, binary elements (DE52, DE55,
DE64, DE128) as upper-case hexadecimal. `repr` names the elements but shows no value, because values hold
PANs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType


class Message:
    """One ISO 8583 message; two messages are equal when MTI and every element are equal."""

    __slots__ = ("_fields", "mti")

    mti: str
    _fields: dict[int, str]

    def __init__(self, mti: str, fields: Mapping[int, str]) -> None:
        _set_mti(self, mti)
        _set_fields(self, {de: fields[de] for de in sorted(fields)})

    @classmethod
    def of_ascending(cls, mti: str, fields: dict[int, str]) -> Message:
        """A message of elements that stand in ascending order already; the dictionary becomes the message's own."""
        message = cls.__new__(cls)
        _set_mti(message, mti)
        _set_fields(message, fields)
        return message

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

    def only(self, elements: Iterable[int]) -> dict[int, str]:
        """Those of these elements that the message has."""
        fields = self._fields
        return {de: fields[de] for de in elements if de in fields}

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


# Two attribute writes for each message that is made: the slots themselves are the fastest way past `__setattr__`.
_set_mti = Message.__dict__["mti"].__set__
_set_fields = Message.__dict__["_fields"].__set__
