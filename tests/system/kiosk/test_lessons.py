"""Lessons: every shipped one can be performed to its end, what was predicted is judged, and each learner has a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from atm_sim.runner.files import open_scenario
from atm_sim.scenario import Scenario
from atm_sim.scenario.steps import Balance, Withdraw
from atm_sim.world.people import wrong_pin
from bank_host.policy import load_policy
from tests.system.kiosk.conftest import ROOT, Kiosk
from tests.system.kiosk.learner import Learner, cookie_of, line_of
from tests.system.kiosk.person import AtTheKiosk

pytestmark = pytest.mark.xdist_group("kiosk")

LESSONS = sorted((ROOT / "scenarios" / "lessons").glob("*.yaml"))


def scenario_of(file: Path) -> Scenario:
    return open_scenario(file, load_policy()).scenario


def awaited(step: Any) -> dict[str, str]:
    """What somebody predicts who knows the scenario."""
    code = step.expect.code or "00"
    kept = "kept" if step.expect.card == "retained" else "back"
    return {"code": code, "card": kept, "balance": f"{step.expect.balance_jpy}"}


async def performs(learner: Learner, scenario: Scenario) -> None:
    """Every step, as it is asked for."""
    for step in scenario.steps:
        if isinstance(step, Withdraw | Balance):
            await learner.sees(lambda view: bool(view["lesson"]["questions"]))
            await learner.does("predict", json.dumps(awaited(step)))
            await at_the_atm(learner, scenario, step)
        await learner.sees(lambda view: bool(view["lesson"]["next"]))
        await learner.does("next")
        await learner.sees(lambda view: not view["lesson"]["next"])


async def at_the_atm(learner: Learner, scenario: Scenario, step: Any) -> None:
    pin = scenario.cast[step.who].pin
    await learner.on("idle")
    await learner.does("insert", str(step.who))
    await learner.on("enter_pin")
    first, *others = [pin if entry == "right" else wrong_pin(pin) for entry in step.pins]
    await learner.types(first)
    await learner.on("menu")
    await learner.does("choose", step.do)
    if step.do == "withdraw":
        await learner.on("amount")
        for key in (*str(step.amount_jpy // 1_000), "sen", "confirm"):
            await learner.does("key", key)
        await learner.on("confirm")
        await learner.does("choose", "yes")
    for entry in others:
        await learner.on("wrong_pin")
        await learner.types(entry)
        await learner.on("please_wait")
    await learner.sees(lambda view: view["screen"]["id"] in ("take_card", "card_retained"))
    await learner.does("pull")
    await learner.sees(lambda view: view["screen"]["id"] in ("take_cash", "thank_you"))
    if learner.view["screen"]["id"] == "take_cash":
        await learner.does("take_cash")


def test_six_lessons_ship_in_both_languages() -> None:
    scenarios = [scenario_of(file) for file in LESSONS]
    assert 6 == len(scenarios)
    assert all(each.title_ja and each.about_ja and each.about for each in scenarios)


@pytest.mark.parametrize("file", LESSONS, ids=lambda file: file.stem)
def test_a_lesson_can_be_performed_to_its_end(
    file: Path, new_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    """Who predicts what the scenario expects is right about everything, and what happened is what it expects."""
    results = tmp_path / "results"
    kiosk = new_kiosk("--join-code", "--lesson", str(file), "--results", str(results))
    cookie = cookie_of(kiosk.url, kiosk.told["Join code"], "学習者 一号")

    async def course() -> None:
        async with line_of(kiosk.url, cookie) as line:
            await performs(Learner(line), scenario_of(file))

    asyncio.run(course())
    (written,) = results.glob("*.json")
    result = json.loads(written.read_text(encoding="utf-8"))
    assert "学習者 一号" == result["learner"]
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
    page.select_option("#lesson [name=code]", "00")
    page.fill("#lesson [name=balance]", "200,000")
    assert 0 == Axe().run(page).violations_count
    page.click("#lesson form button")
    expect(page.locator("#lesson form")).to_have_count(0)
    hanako.withdraws("山田 花子", "4649", 30_000).sees("menu")
    expect(page.locator("#lesson")).to_contain_text("取引と違います")
    hanako.chooses("withdraw").sees("amount").chooses("amount:50000").sees("confirm").chooses(
        "yes"
    ).takes_card()
    expect(page.locator("#lesson")).to_contain_text("CARD_NOT_GENUINE", timeout=30_000)
    told = hanako.reads("#lesson")
    assert "× 応答コード: 05" in told
    assert "○ カード" in told
    page.click("#language")
    expect(page.locator("#lesson")).to_contain_text("The rule that decided")
