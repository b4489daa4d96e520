"""A virtual card behind the vpcd reader of vsmartcard, so that every PC/SC program sees it as a card in a reader.

Frames are two bytes of length and a body. From the reader a body of one byte is a control; only the question for the
ATR is answered. Connecting is inserting, closing is pulling.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Final

from cardreader.virtual.card import Pulled
from cardreader.virtual.in_process import Answering

PORT: Final = 0x8C7B
"""Of vpcd's first reader; the next port is that of its second."""
_OFF, _ON, _RESET, _ATR = 0, 1, 2, 4
_QUICK_ACK: Final = getattr(socket, "TCP_QUICKACK", None)


def insert(port: int = PORT, host: str = "127.0.0.1", patience_s: float = 5) -> socket.socket:
    """Puts a card into the reader; `serve` then answers for it. OSError if vpcd does not listen there."""
    connection = socket.create_connection((host, port), patience_s)
    connection.settimeout(None)
    return connection


def pull(connection: socket.socket) -> None:
    """Takes the card out, whatever thread is answering for it."""
    with contextlib.suppress(OSError):  # it is out already
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def serve(connection: socket.socket, card: Answering) -> None:
    """Answers for the card until it is pulled, by whichever side."""
    try:
        while (body := _frame(connection)) is not None:
            answer = _answer(card, body)
            if answer is not None:
                connection.sendall(len(answer).to_bytes(2) + answer)
    except (Pulled, OSError):
        pass
    finally:
        pull(connection)


def _answer(card: Answering, body: bytes) -> bytes | None:
    if len(body) != 1:
        return card.answer(body)
    if body[0] == _ATR:
        return card.atr or None
    if body[0] in (_OFF, _ON, _RESET):
        card.reset()
    return None


def _frame(connection: socket.socket) -> bytes | None:
    head = _exactly(connection, 2)
    return _exactly(connection, int.from_bytes(head)) if head else None


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        if _QUICK_ACK is not None:
            # vpcd sends a frame in two pieces and waits; an acknowledgement that is put off costs 40 ms a command.
            connection.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        part = connection.recv(count - len(data))
        if not part:
            return None
        data += part
    return data
