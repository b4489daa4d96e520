"""Network management: what 0800 and DE70 say about a link, and the side of it that answers (ISO 8583:1987).

The side that calls signs on before it sends business, and says so when it stops. The side that is called keeps in
mind who has signed on; it lets nobody else's business pass.
"""

from __future__ import annotations

from typing import Final, Protocol

from bank_host.iso8583 import build
from bank_host.iso8583.codes import NETWORK_BY_NAME
from bank_host.iso8583.message import Message

SIGN_ON: Final = "001"
SIGN_OFF: Final = "002"
KEY_EXCHANGE: Final = "161"
KEY_EXCHANGE_ELSEWHERE: Final = "101"  # as other networks number it; taken as ours
KEY_VERIFICATION: Final = "162"
CUT_OVER_BEGINS: Final = "201"
CUT_OVER_ENDS: Final = "202"
ECHO: Final = "301"

_KNOWN: Final = frozenset((*NETWORK_BY_NAME.values(), KEY_EXCHANGE_ELSEWHERE))

APPROVED, UNKNOWN_CODE, SECURITY_VIOLATION = "00", "12", "63"


class Keys(Protocol):
    """The key module at one end of a link (`bank_host.hsm.link_keys`)."""

    def make(self) -> str: ...

    def taken_over(self) -> None: ...

    def accept(self, block: str) -> bool: ...

    def check_value(self) -> str: ...

    def same(self, check_value: str) -> bool: ...


class CalledSide:
    """Who has signed on with a node; answers their 0800s."""

    __slots__ = ("signed_on",)

    def __init__(self) -> None:
        self.signed_on: set[str] = set()

    def line_closed(self, caller: str) -> None:
        """A line that was cut is one on which nobody has signed on."""
        self.signed_on.discard(caller)

    def received(self, caller: str, message: Message, keys: Keys | None = None) -> Message:
        """The answer to a 0800 or 0801 of `caller`; without `keys` no key is exchanged."""
        return build.answer(message, self._judge(caller, message.get(70), message.get(48), keys))

    def _judge(self, caller: str, told: str, key_data: str, keys: Keys | None) -> str:
        if told not in _KNOWN:
            return UNKNOWN_CODE
        if told == SIGN_ON:
            self.signed_on.add(caller)
        elif told == SIGN_OFF:
            self.signed_on.discard(caller)
        elif told in (KEY_EXCHANGE, KEY_EXCHANGE_ELSEWHERE):
            return APPROVED if keys is not None and keys.accept(key_data) else SECURITY_VIOLATION
        elif told == KEY_VERIFICATION:
            return APPROVED if keys is not None and keys.same(key_data) else SECURITY_VIOLATION
        return APPROVED
