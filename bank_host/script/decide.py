"""Which rule a message meets, and what it makes of the answer: pure, with the script's memory handed in and out.

Rules are tried in their order and the first one that strikes decides. A rule whose `times` are used up, or that chance
passes over, is as if it were not there. A message that no rule strikes is the real bank's.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from bank_host.iso8583 import build
from bank_host.iso8583.garble import another_value
from bank_host.iso8583.message import Message
from bank_host.script.model import Actions, Script

_AS_THE_BANK = Actions()


class State(NamedTuple):
    """What a script remembers between messages, by the number of the rule."""

    met: tuple[tuple[int, int], ...] = ()  # how many messages fulfilled the conditions
    struck: tuple[tuple[int, int], ...] = ()  # how many it was carried out on


START = State()


class Verdict(NamedTuple):
    """What is to be done with one message."""

    rule: str = ""  # its name; '' when no rule strikes
    actions: Actions = _AS_THE_BANK
    stream: str = ""  # the random stream of what is garbled


def decide(script: Script, message: Message, state: State) -> tuple[Verdict, State]:
    """The verdict on a message from a peer, and what to remember."""
    met, struck = dict(state.met), dict(state.struck)
    verdict = Verdict()
    for number, rule in enumerate(script.rules):
        if rule.times is not None and struck.get(number, 0) >= rule.times:
            continue
        if not all(condition.holds(message) for condition in rule.when):
            continue
        met[number] = met.get(number, 0) + 1
        stream = f"{script.seed}/{number}/{met[number]}"
        if rule.chance < 1.0 and Random(stream).random() >= rule.chance:
            continue
        struck[number] = struck.get(number, 0) + 1
        verdict = Verdict(rule.name, rule.actions, stream)
        break
    return verdict, State(tuple(sorted(met.items())), tuple(sorted(struck.items())))


def own_answer(verdict: Verdict, message: Message) -> Message | None:
    """The script's answer to a message, before it is treated; None where the bank, or nobody, answers."""
    return build.answer(message, verdict.actions.code) if verdict.actions.code else None


def treated(verdict: Verdict, answer: Message) -> Message:
    """An answer, the bank's or the script's own, as the peer is to see it."""
    actions = verdict.actions
    if not (actions.elements or actions.dropped or actions.garbled):
        return answer
    changed: dict[int, str | None] = dict(actions.elements)
    for element in actions.garbled:
        value = changed.get(element) or answer.get(element)
        if value:
            changed[element] = another_value(
                element, value, Random(f"{verdict.stream}/{element}").randrange(9)
            )
    changed.update(dict.fromkeys(actions.dropped))
    return answer.but(changed)
