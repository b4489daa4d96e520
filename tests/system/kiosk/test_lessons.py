"""Lessons: every shipped one can be performed to its end, what was predicted is judged, and each learner has a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from atm_sim.kiosk.texts import Lang, person_name, say
from atm_sim.runner.files import open_scenario
from atm_sim.scenario import Scenario
from atm_sim.scenario.steps import Balance, Withdraw
from atm_sim.world.people import wrong_pin
from bank_host.policy import load_policy
from tests.system.axe import violations
from tests.system.kiosk.conftest import ROOT, Kiosk
from tests.system.kiosk.person import AtTheKiosk

pytestmark = pytest.mark.xdist_group("kiosk")

LESSONS = sorted((ROOT / "scenarios" / "lessons").glob("*.yaml"))


def scenario_of(file: Path) -> Scenario:
    return open_scenario(file, load_policy()).scenario


def predicts(page: Page, step: Any) -> None:
    """As somebody who knows the scenario."""
    page.select_option("#lesson [name=code]", step.expect.code or "00")
    page.select_option("#lesson [name=card]", "kept" if step.expect.card == "retained" else "back")
    page.fill("#lesson [name=balance]", f"{step.expect.balance_jpy}")
    page.click("#lesson form button")
    page.wait_for_selector("#lesson form", state="detached")


def at_the_atm(learner: AtTheKiosk, name: str, pin: str, step: Any) -> None:
    first, *others = [pin if entry == "right" else wrong_pin(pin) for entry in step.pins]
    learner.sees("idle").inserts(name).types(first).sees("menu").chooses(step.do)
    if step.do == "withdraw":
        learner.sees("amount").keys(*f"{step.amount_jpy // 1_000}", "k", "Enter").sees("confirm").chooses(
            "yes"
        )
    for entry in others:
        learner.sees("wrong_pin").types(entry)
    if "take_card" == learner.sees_one_of("take_card", "card_retained"):
        learner.takes_card()
    if "take_cash" == learner.sees_one_of("take_cash", "thank_you", "card_retained"):
        learner.page.click("#tray")


def performs(learner: AtTheKiosk, scenario: Scenario, lang: Lang) -> None:
    """Every step, as it is asked for; what is told of each can be read by everybody."""
    for step in scenario.steps:
        if isinstance(step, Withdraw | Balance):
            person = scenario.cast[step.who]
            predicts(learner.page, step)
            at_the_atm(learner, person_name(person.name, lang), person.pin, step)
        goes_on(learner.page)


def goes_on(page: Page) -> None:
    """To the next step; a step that needs no learner may ask for the same button at once."""
    lesson, button = page.locator("#lesson"), page.locator("#lesson [data-id=next]")
    expect(button).to_be_visible()
    told = lesson.get_attribute("data-key")
    assert told is not None
    button.click()
    expect(lesson).not_to_have_attribute("data-key", told)


def test_six_lessons_ship_in_both_languages() -> None:
    scenarios = [scenario_of(file) for file in LESSONS]
    assert 6 == len(scenarios)
    assert all(each.title_ja and each.about_ja and each.about for each in scenarios)


@pytest.mark.parametrize("file", LESSONS, ids=lambda file: file.stem)
def test_a_lesson_can_be_performed_to_its_end_in_both_languages(
    file: Path, new_kiosk: Callable[..., Kiosk], new_page: Callable[..., Page], tmp_path: Path
) -> None:
    """Who predicts what the scenario expects is right about everything, and what happened is what it expects."""
    results = tmp_path / "results"
    kiosk = new_kiosk("--join-code", "--lesson", str(file), "--results", str(results))
    learners: dict[Lang, str] = {"ja": "学習者 一号", "en": "Learner Two"}
    for lang, name in learners.items():
        page = new_page(kiosk.url, locale=lang)
        page.fill("#code", kiosk.told["Join code"])
        page.fill("#learner", name)
        page.click("button")
        performs(AtTheKiosk(page), scenario_of(file), lang)
        expect(page.locator("#lesson")).to_contain_text(say("lesson.done", lang))
        assert [] == violations(page)
    written = [json.loads(each.read_text(encoding="utf-8")) for each in sorted(results.glob("*.json"))]
    assert list(learners.values()) == [result["learner"] for result in written]
    for result in written:
        assert result["finished"]
        assert result["right"] == result["asked"] > 0
        assert [] == result["unmet"]


def test_a_wrong_prediction_is_told_with_the_rule_that_decided(
    new_kiosk: Callable[..., Kiosk], new_page: Callable[[str], Page], tmp_path: Path
) -> None:
    """The card cannot be used before the prediction; another amount than the step's is not sent."""
    file = next(each for each in LESSONS if "forged" in each.stem)
    hanako = AtTheKiosk(new_page(new_kiosk("--lesson", str(file), "--results", str(tmp_path)).url))
    page = hanako.page
    page.click("#wallet button")
    expect(page.locator("#lesson")).to_contain_text("先に予想")
    assert "idle" == page.get_attribute("body", "data-screen")
    page.fill("#lesson [name=balance]", "２００，０００円")
    page.click("#lesson form button")
    expect(page.locator("#lesson select:invalid")).to_have_count(2)  # nothing is chosen for a learner
    page.select_option("#lesson [name=code]", "00")
    page.select_option("#lesson [name=card]", "back")
    assert [] == violations(page)
    page.click("#lesson form button")
    expect(page.locator("#lesson form")).to_have_count(0)
    hanako.withdraws("山田 花子", "4649", 30_000).sees("menu")
    expect(page.locator("#lesson")).to_contain_text("取引と違います")
    hanako.chooses("withdraw").sees("amount").chooses("amount:50000").sees("confirm").chooses(
        "yes"
    ).takes_card()
    expect(page.locator("#lesson")).to_contain_text("CARD_NOT_GENUINE")
    told = hanako.reads("#lesson")
    assert "× 応答コード: 05" in told
    assert "○ カード" in told
    page.click("#language")
    expect(page.locator("#lesson")).to_contain_text("The rule that decided")
    assert [] == violations(page)
