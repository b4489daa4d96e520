"""Stand-in that is posted twice is noticed, whoever posts it twice (I7, I8, I10, I15; X8)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from atm_sim.runner.play import play
from atm_sim.sansio.effects import Effect, Event, Machine, Send
from atm_sim.scenario import load, rows
from atm_sim.world.lab import Parts
from bank_host.policy import Figures
from bank_host.rules import RULES
from bank_host.rules.changes import Decision
from bank_host.rules.facts import At, Authorisation, CardFacts, CardRequest
from bank_host.rules.reversal import decide_advice

SCENARIO = Path(__file__).parents[4] / "scenarios/standin/no_answer.yaml"


def posted_though_the_request_was(
    request: CardRequest, facts: CardFacts, original: Authorisation | None, at: At, figures: Figures
) -> Decision:
    """The bank books the advice although it had approved the request itself; the row stays what it was."""
    twice = decide_advice(request, facts, None, at, figures)
    if original is None:
        return twice
    return twice._replace(changes=tuple(each for each in twice.changes if type(each).__name__ != "Open"))


class QuotesNothing:
    """A switch whose advices do not say which request they are about."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        return [
            Send(effect.to, effect.message.but({90: None}))
            if isinstance(effect, Send)
            and effect.message.mti in ("0220", "0221")
            and effect.message.get(60).startswith("stand_in")
            else effect
            for effect in self._machine.handle(event, now_us)
        ]


def breaches(parts: Callable[[int], Parts]) -> list[str]:
    loaded = load(SCENARIO)
    done = play(loaded, rows(loaded)[0], parts=parts)
    return [check.name for check in done.invariants.values() if not check.passed]


def test_the_sound_parts_break_nothing() -> None:
    assert [] == breaches(lambda replication: Parts())


def test_a_bank_that_posts_what_it_had_approved_itself() -> None:
    rules = RULES._replace(decide_advice=posted_though_the_request_was)
    assert ["I8", "I10", "I15"] == breaches(lambda replication: Parts(rules=rules))


def test_a_switch_whose_advice_names_no_request() -> None:
    """Nothing in the books is wrong by itself: only the ATM's cash tells that one payment was posted twice."""

    def node(name: str, machine: Machine) -> Machine:
        return QuotesNothing(machine) if name == "switch" else machine

    assert ["I7"] == breaches(lambda replication: Parts(node=node))
