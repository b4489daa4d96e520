"""What was answered: one outcome for each identity, one content for each answer (I2, I13)."""

from __future__ import annotations

from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import BankModel
from bank_host.iso8583.identity import identity, request_id
from bank_host.iso8583.message import Message

#: what must be equal in a repeat: card, service, amount, currency, and what a reversal refers to
_CONTENT = (2, 3, 4, 49, 90, 95)
_COMPUTED_PER_LINK = (64, 128)
_NOT_KEPT = frozenset({"30", "96"})  # nothing was decided, so nothing was remembered


def remember_outcome(bank: BankModel, key: str, code: str, found: Findings) -> None:
    """One business key is decided once; its repeats are answered from what was kept."""
    found.checked["I2"] += 1
    if key in bank.outcomes:
        found.breach(
            "I2", f"the first outcome for ever ({bank.outcomes[key] or 'kept'})", f"decided again: {code}"
        )
    bank.outcomes[key] = code


def exchanged(bank: BankModel, request: Message, answer: Message, found: Findings) -> None:
    """Compare an answer with the first one that the same request got."""
    code = answer.get(39)
    if code in _NOT_KEPT or request.mti[1] == "8":
        return
    found.checked["I13"] += 1
    asked = hash(tuple(request.get(de) for de in _CONTENT))
    told = hash(
        (answer.mti, *((de, text) for de, text in answer.fields.items() if de not in _COMPUTED_PER_LINK))
    )
    key = identity(request)
    first = bank.answers.setdefault(key, (asked, told, code))
    if first == (asked, told, code):
        return
    if first[0] == asked:
        found.breach(
            "I13",
            f"the first answer again ({first[2]})",
            f"another one ({code})",
            request_id=request_id(request),
        )
    elif code != "94":
        found.breach("I13", "94 for an identity that was used before", code, request_id=request_id(request))
