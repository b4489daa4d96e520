"""PC/SC by pyscard's bare functions. Its own monitors are not used: they end silently when the service restarts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smartcard import scard

from cardreader.pcsc import PcscError


def _ok(result: Any) -> Any:
    """What a function gives beside its status, which stands first."""
    status, *rest = result if isinstance(result, (list, tuple)) else (result,)
    if status != scard.SCARD_S_SUCCESS:
        raise PcscError(status)
    return rest[0] if len(rest) == 1 else rest


class Pyscard:
    name = "pyscard"

    def establish(self) -> int:
        context: int = _ok(scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))
        return context

    def release(self, context: int) -> None:
        _ok(scard.SCardReleaseContext(context))

    def list_readers(self, context: int) -> tuple[str, ...]:
        return tuple(_ok(scard.SCardListReaders(context, [])))

    def status_change(
        self, context: int, wait_ms: int, known: Sequence[tuple[str, int]]
    ) -> list[tuple[str, int, bytes]]:
        told = _ok(scard.SCardGetStatusChange(context, wait_ms, list(known)))
        return [(name, state & 0xFFFFFFFF, bytes(atr)) for name, state, atr in told]

    def connect(self, context: int, reader: str, protocols: int) -> tuple[int, int]:
        card, protocol = _ok(scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, protocols))
        return card, protocol

    def atr(self, card: int) -> bytes:
        return bytes(_ok(scard.SCardStatus(card))[3])

    def begin(self, card: int) -> None:
        _ok(scard.SCardBeginTransaction(card))

    def transmit(self, card: int, protocol: int, command: bytes) -> bytes:
        return bytes(_ok(scard.SCardTransmit(card, protocol, list(command))))

    def disconnect(self, card: int, disposition: int) -> None:
        scard.SCardEndTransaction(card, scard.SCARD_LEAVE_CARD)
        _ok(scard.SCardDisconnect(card, disposition))
