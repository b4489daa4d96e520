"""The record row that speaks about a message: one way to fill it for terminal, acquirer, switch and queue."""

from __future__ import annotations

from atm_sim.sansio.effects import Record
from bank_host.iso8583.identity import request_id
from bank_host.iso8583.message import Message


def row(kind: str, message: Message, *, code: str = "", reason: str = "", latency_us: int = 0) -> Record:
    """A Record about `message`; `code` defaults to its own DE39. Nothing of the card goes into it."""
    return Record(
        kind=kind,
        atm=message.get(41).rstrip(),
        request_id=request_id(message),
        mti=message.mti,
        amount_jpy=int(message.get(4) or 0),
        code=code or message.get(39),
        reason=reason,
        latency_us=latency_us,
    )
