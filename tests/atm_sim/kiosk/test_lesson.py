"""A lesson's questions: the learner answers all three himself, and nothing tells the answer before."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.kiosk.lesson import PERFORM, PREDICT, Lesson
from atm_sim.runner.files import open_scenario
from atm_sim.scenario.loader import rows
from atm_sim.shipped import shipped_scenarios
from atm_sim.world.lab import Lab
from bank_host.policy import load_policy

LESSONS = sorted((shipped_scenarios() / "lessons").glob("*.yaml"))


def lesson(name: str) -> Lesson:
    file = next(each for each in LESSONS if name in each.stem)
    (case,) = rows(open_scenario(file, load_policy()))
    lab = Lab(case.scenario, seed=1, replication=1, run="kiosk")
    begun = Lesson(case, lab, lab.steps)
    begun.begins_step()
    return begun


@pytest.mark.parametrize("code", ["61", "none"])
@pytest.mark.parametrize("balance", ["70000", "70,000", "７０，０００", "¥70,000", "70,000円"])
def test_code_card_and_balance_are_a_prediction(code: str, balance: str) -> None:
    """Nothing answered is a code too; a balance may be typed in any width."""
    begun = lesson("limit")
    begun.predicts({"code": code, "card": "back", "balance": balance})
    assert PERFORM == begun.phase


@pytest.mark.parametrize(
    "left_open", [{"code": ""}, {"card": ""}, {"balance": ""}, {"balance": "a lot"}, {"code": "99"}]
)
def test_what_is_left_open_or_is_no_answer_is_asked_again(left_open: dict[str, str]) -> None:
    begun = lesson("limit")
    begun.predicts({"code": "00", "card": "back", "balance": "70,000"} | left_open)
    assert PREDICT == begun.phase


@pytest.mark.parametrize("file", LESSONS, ids=lambda file: file.stem)
def test_the_introduction_does_not_say_what_the_bank_will_answer(file: Path) -> None:
    """The learner predicts it first; what decided is told afterwards."""
    scenario = open_scenario(file, load_policy()).scenario
    declined = {getattr(step.expect, "code", None) for step in scenario.steps} - {None, "00"}
    assert [] == [code for code in declined if code in scenario.about + scenario.about_ja]
    said = (
        *("says no", "is paid", "blocks the card", "no atm pays"),
        *("断られ", "払い出され", "引き出せません"),
    )
    assert [] == [words for words in said if words in scenario.about.lower() + scenario.about_ja]
