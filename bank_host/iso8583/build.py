"""Well-formed messages: requests, advices, reversals, repeats, answers, link management (ISO 8583:1987).

Our dialect keeps the PAN out of answers, and the track and the PIN block out of everything but a request. The
reason of an advice or reversal travels by name in DE60. Time and trace numbers are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from bank_host import jst
from bank_host.iso8583.codes import COMPLETION
from bank_host.iso8583.composite import (
    YEN,
    amount_text,
    date_text,
    fee_text,
    place_text,
    processing_code,
    replacement_text,
)
from bank_host.iso8583.identity import original_data
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_repeat, repeat_mti, response_mti

CASH_DISPENSER = "6011"
STRIPE_AND_PIN, CHIP_AND_PIN, STRIPE_OF_CHIP_CARD = "021", "051", "801"
_CUSTOMER_OPERATED = "02"
_PIN_CAPTURE_LENGTH = "04"


class Acceptor(NamedTuple):
    """Where a request comes from: the terminal, who runs it, and the acquirer it belongs to."""

    terminal_id: str  # up to 8 characters
    acceptor_id: str  # up to 15 characters
    acquirer_id: str  # up to 11 digits
    name: str = ""  # ASCII, cut to what DE43 holds
    city: str = ""  # ASCII, the same
    country: str = "JP"
    merchant_type: str = CASH_DISPENSER


def stan_text(stan: int) -> str:
    """DE11: 000001 to 999999; the number wraps, so any positive count may be given."""
    return f"{(stan - 1) % 999_999 + 1:06d}"


def transmission_time(now_us: int) -> str:
    """DE7: UTC, month to second."""
    return jst.utc(now_us).strftime("%m%d%H%M%S")


def retrieval_reference(now_us: int, stan: int) -> str:
    """DE37: last digit of the year, day of the year, hour, trace number."""
    local = jst.civil(now_us)
    return f"{local.year % 10}{local:%j%H}{stan_text(stan)}"


def financial_request(
    service: str,
    *,
    pan: str,
    amount_jpy: int,
    stan: int,
    now_us: int,
    acceptor: Acceptor,
    expiry_yymm: str = "",
    track2: str = "",
    pin_block: str = "",
    new_pin_block: str = "",
    fee_jpy: int = 0,
    icc_data: str = "",
    card_sequence: str = "",
) -> Message:
    """0200. `amount_jpy` is 0 for balance and PIN change; `new_pin_block` (DE48) is for a PIN change only."""
    local = jst.civil(now_us)
    fields = {
        2: pan,
        3: processing_code(service),
        4: amount_text(amount_jpy),
        7: transmission_time(now_us),
        11: stan_text(stan),
        12: f"{local:%H%M%S}",
        13: f"{local:%m%d}",
        18: acceptor.merchant_type,
        22: CHIP_AND_PIN if icc_data else STRIPE_AND_PIN,
        25: _CUSTOMER_OPERATED,
        32: acceptor.acquirer_id,
        37: retrieval_reference(now_us, stan),
        41: acceptor.terminal_id.ljust(8),
        42: acceptor.acceptor_id.ljust(15),
        43: place_text((acceptor.name, acceptor.city, "", acceptor.country)),
        49: YEN,
    }
    optional = {
        14: expiry_yymm,
        23: card_sequence,
        26: _PIN_CAPTURE_LENGTH if pin_block else "",
        28: fee_text(fee_jpy) if fee_jpy else "",
        35: track2,
        48: new_pin_block,
        52: pin_block,
        55: icc_data,
    }
    return Message("0200", fields | {de: value for de, value in optional.items() if value})


# What an advice keeps of its request: DE3 stays the original's, DE37 links the chain, DE12 and DE13 are not
# stamped anew. The PIN block and the track are not among them.
_KEPT_BY_ADVICE = (2, 3, 4, 12, 13, 14, 18, 22, 23, 25, 28, 32, 33, 37, 41, 42, 43, 49, 55, 102, 103)


def _advice(mti: str, original: Message, reason: str, approval_code: str, stan: int, now_us: int) -> Message:
    kept = original.only(_KEPT_BY_ADVICE)
    own = {7: transmission_time(now_us), 11: stan_text(stan), 60: reason, 90: original_data(original)}
    approval = {38: approval_code} if approval_code else {}
    return Message(mti, kept | own | approval)


def completion_advice(original: Message, *, stan: int, now_us: int, approval_code: str = "") -> Message:
    """0220: the cash of `original` was taken (or the notes are in the vault); DE90 quotes it."""
    return _advice("0220", original, COMPLETION, approval_code, stan, now_us)


def stand_in_advice(original: Message, why: str, *, approval_code: str, now_us: int) -> Message:
    """0220: `original` was approved in the issuer's place, on the day in DE17; `why` is a DE60 reason.

    It keeps DE7 and DE11 of its original, so that however often it is built it is one and the same message.
    """
    advice = _advice("0220", original, why, approval_code, int(original[11]), now_us)
    return advice.but({7: original[7], 17: date_text(jst.jst_date(now_us))})


def reversal_advice(
    original: Message,
    reason: str,
    *,
    stan: int,
    now_us: int,
    dispensed_jpy: int | None = None,
    approval_code: str = "",
) -> Message:
    """0420: take `original` back, wholly or, with `dispensed_jpy`, down to the amount that stands (DE95)."""
    advice = _advice("0420", original, reason, approval_code, stan, now_us)
    return advice if dispensed_jpy is None else advice.but({95: replacement_text(dispensed_jpy)})


def as_repeat(message: Message) -> Message:
    """The same request or advice sent again: only the type's last digit differs."""
    return message if is_repeat(message.mti) else message.but(mti=repeat_mti(message.mti))


Picker = Callable[[Mapping[int, str], Mapping[int, str], str], dict[int, str]]
ECHOED = (3, 4, 7, 11, 12, 13, 15, 32, 33, 37, 41, 42, 49, 70)


def answer(request: Message, code: str, extra: Mapping[int, str] | None = None) -> Message:
    """The answer with DE39 = `code`: what is echoed, and `extra` (approval code, balances); never the PAN."""
    extra = extra or {}
    asked = request._fields  # not the read-only view, which costs as much as all the rest
    mti, picked = _answering(request.mti, tuple(asked), tuple(extra))
    return Message.of_ascending(mti, picked(asked, extra, code))


@lru_cache(maxsize=256)
def _answering(mti: str, asked: tuple[int, ...], extra: tuple[int, ...]) -> tuple[str, Picker]:
    """The type of the answer to a request of these elements, and what picks its elements, in ascending order."""
    sources = {de: f"asked[{de}]" for de in ECHOED if de in asked}
    sources |= {de: f"extra[{de}]" for de in extra} | {39: "code"}
    items = ", ".join(f"{de}: {sources[de]}" for de in sorted(sources))
    return response_mti(mti), eval(f"lambda asked, extra, code: {{{items}}}")


def network_request(
    code: str, *, stan: int, now_us: int, acquirer_id: str = "", key_block: str = ""
) -> Message:
    """0800: sign-on, sign-off, echo, key exchange or cut-over by DE70."""
    local = jst.civil(now_us)
    fields = {
        7: transmission_time(now_us),
        11: stan_text(stan),
        12: f"{local:%H%M%S}",
        13: f"{local:%m%d}",
        70: code,
    }
    optional = {32: acquirer_id, 48: key_block}
    return Message("0800", fields | {de: value for de, value in optional.items() if value})
