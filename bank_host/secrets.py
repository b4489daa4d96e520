"""Values that must not be seen by accident: masked in every text, refused by pickle and JSON."""

from __future__ import annotations

from typing import Any, NoReturn


def mask_pan(pan: str) -> str:
    """The first 6 and last 4 digits, and never more than that: short numbers show their last 4 only."""
    shown = 6 if len(pan) >= 12 else 0
    return pan[:shown] + "•" * (len(pan) - shown - 4) + pan[-4:]


class Secret:
    """Text whose `repr` and `str` say nothing; `reveal()` is the one way to the value, easy to search for."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(•)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not written out")


class Pin(Secret):
    """A clear PIN: only on its way from the keypad into a PIN block."""

    __slots__ = ()


class Pan(Secret):
    """A card number; its text is the masked form."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Pan({mask_pan(self.reveal())})"

    __str__ = __repr__
