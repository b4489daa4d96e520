"""The closed list of message types, and the elements each must and may carry (ISO 8583:1987).

An element that is neither mandatory nor optional is forbidden. Answers are held only to what makes them an
answer: the keys that join them to a request (DE7, 32, 41) are compared by the matcher, which can say what was
not echoed.
"""

from __future__ import annotations

from typing import NamedTuple


class MessageType(NamedTuple):
    """One message type (MTI) and its elements, ascending."""

    mti: str
    name_en: str
    name_ja: str
    mandatory: tuple[int, ...]
    optional: tuple[int, ...]


_REQUEST_MUST = (2, 3, 4, 7, 11, 12, 13, 18, 22, 25, 32, 37, 41, 42, 49)
_REQUEST_MAY = (14, 15, 17, 23, 26, 28, 33, 35, 43, 48, 52, 53, 54, 55, 60, 63, 64, 102, 103, 128)

# What a message about something already done may repeat of its request: never the track or the PIN block.
_ADVICE_MAY = (14, 15, 17, 23, 26, 28, 33, 38, 39, 43, 53, 54, 55, 60, 63, 64, 102, 103, 128)

_ANSWER_MUST = (11, 39)
_ANSWER_MAY = (2, 3, 4, 7, 12, 13, 14, 15, 17, 18, 22, 23, 25, 28, 32, 33, 37, 38, 41, 42, 43)
_ANSWER_MAY_PRIVATE = (49, 53, 54, 55, 60, 63, 64, 102, 103, 128)

_NETWORK_MUST = (7, 11, 70)
_NETWORK_MAY = (12, 13, 15, 32, 33, 37, 41, 42, 48, 53, 60, 63, 64, 73, 128)


def _sorted(*groups: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(de for group in groups for de in group))


_REQUEST = (_REQUEST_MUST, _REQUEST_MAY)
_ANSWER = (_ANSWER_MUST, _sorted(_ANSWER_MAY, _ANSWER_MAY_PRIVATE))
_ADVICE = (_REQUEST_MUST, _sorted(_ADVICE_MAY, (90,)))
_REVERSAL = (_sorted(_REQUEST_MUST, (90,)), _sorted(_ADVICE_MAY, (95,)))
_ANSWER_TO_ADVICE = (_ANSWER_MUST, _sorted(_ANSWER_MAY, _ANSWER_MAY_PRIVATE, (90, 95)))

MESSAGE_TYPES: tuple[MessageType, ...] = (
    MessageType("0200", "Financial request", "取引要求", *_REQUEST),
    MessageType("0201", "Financial request, repeat", "取引要求(再送)", *_REQUEST),
    MessageType("0210", "Financial answer", "取引応答", *_ANSWER),
    MessageType("0220", "Financial advice", "取引通知", *_ADVICE),
    MessageType("0221", "Financial advice, repeat", "取引通知(再送)", *_ADVICE),
    MessageType("0230", "Financial advice answer", "取引通知応答", *_ANSWER_TO_ADVICE),
    MessageType("0420", "Reversal advice", "取消通知", *_REVERSAL),
    MessageType("0421", "Reversal advice, repeat", "取消通知(再送)", *_REVERSAL),
    MessageType("0430", "Reversal advice answer", "取消通知応答", *_ANSWER_TO_ADVICE),
    MessageType("0800", "Network request", "回線制御要求", _NETWORK_MUST, _NETWORK_MAY),
    MessageType("0810", "Network answer", "回線制御応答", _sorted(_NETWORK_MUST, (39,)), _NETWORK_MAY),
)

BY_MTI: dict[str, MessageType] = {message_type.mti: message_type for message_type in MESSAGE_TYPES}
