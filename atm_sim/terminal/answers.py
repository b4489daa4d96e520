"""Reading an answer of the bank: is it usable at all (RS3), what fee and balance does it tell (DE28, DE54)."""

from __future__ import annotations

from bank_host.iso8583.composite import fee_jpy, parse_balances
from bank_host.iso8583.message import Message

# What an answer repeats of its request; one that differs is about another amount or another service.
_MUST_AGREE = (3, 4, 37, 49)


def is_usable(answer: Message, request: Message) -> bool:
    """False for an answer without response code, or about something that was not asked."""
    code = answer.get(39)
    echoed = all(answer[de] == request[de] for de in _MUST_AGREE if de in answer and de in request)
    return len(code) == 2 and code.isascii() and code.isalnum() and echoed


def told_fee_jpy(answer: Message) -> int:
    """What the bank takes for the use, as DE28 tells; 0 where it tells none, or in a layout that is not ours."""
    try:
        return fee_jpy(answer.get(28))
    except ValueError:
        return 0


def available_jpy(answer: Message) -> int | None:
    """The available balance in DE54; None where the bank told none, or in a layout that is not ours."""
    if 54 not in answer:
        return None
    try:
        balances = parse_balances(answer[54])
    except ValueError:
        return None
    return next((item.amount_jpy for item in balances if item.kind == "available"), None)
