"""The one-time code that a person types: off a token or ID card, remembered, made up, or somebody else's (R8-R13)."""

from __future__ import annotations

from collections.abc import Mapping

from atm_sim.scenario.online_steps import WithCode
from atm_sim.world.cast import Person
from atm_sim.world.token_device import TokenDevice
from bank_host.host import Bank
from bank_host.jst import MINUTE_US

NO_DEVICE = "000000"


def typed(
    step: WithCode, person: Person, people: Mapping[str, Person], bank: Bank, read_us: int, *, usual: int = 1
) -> str:
    """What is typed into the field. `usual` is the number of the token that is looked at where the step names none."""
    asked = step.otp
    if asked is None:
        return ""
    if asked.isdecimal():
        return asked
    if asked == "used":
        return person.used_otp
    holder = people[step.otp_of] if step.otp_of else person
    if holder.id_card is not None:
        code = _off_the_card(holder, bank, asked, read_us)
    else:
        code = _off_the_display(token_of(holder, step.otp_token or usual), asked, read_us)
    if asked != "wrong":
        person.used_otp = code
    return code


def token_of(person: Person, number: int) -> TokenDevice | None:
    """The person's token of this number, in the order in which they came."""
    return person.tokens[number - 1] if number <= len(person.tokens) else None


def _off_the_display(token: TokenDevice | None, asked: str, read_us: int) -> str:
    if token is None:
        return NO_DEVICE
    now, before = token.display(read_us), token.display(read_us - MINUTE_US)
    match asked:
        case "previous":
            return before
        case "wrong":
            return _another_than(now, before)
    return now


def _off_the_card(holder: Person, bank: Bank, asked: str, read_us: int) -> str:
    """The codes at the positions that the bank asks for."""
    assert holder.id_card is not None, "who has no ID card reads a display"
    positions = bank.id_card_challenge(holder.account_id, read_us)
    code = holder.id_card.read(positions)
    return _another_than(code) if asked == "wrong" else code


def _another_than(*valid: str) -> str:
    """Six digits that are certainly none of these."""
    first = int(min(valid))
    return next(code for n in range(len(valid) + 1) if (code := f"{(first + n) % 10**6:06d}") not in valid)
