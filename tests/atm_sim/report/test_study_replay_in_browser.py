"""The replay in a browser, from the file alone: it plays, its slider moves the clock, and no network is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect, sync_playwright

from atm_sim.cli import main
from tests.atm_sim.study.test_study_files import plan_of

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study")
    plan_of(path, "replications: 2\nmeasures: [wait.mean]\n")
    out = path / "out"
    done = CliRunner().invoke(main, ["study", f"{path / 'study.yaml'}", "--workers", "1", "--out", f"{out}"])
    assert done.exit_code == 0, done.output
    return out / "report.html"


@pytest.fixture
def page(report: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(f"{error}"))
        page.goto(report.as_uri())
        yield page
        browser.close()
        assert ([report.as_uri()], []) == (asked, wrong)


def test_the_slider_moves_the_clock_and_the_crowd(page: Page) -> None:
    slider, clock = page.locator("#replay-at"), page.locator("#replay-clock")
    slider.fill("0")
    expect(clock).to_have_text("11:01")
    expect(page.locator("#replay-waiting")).to_have_text("0")
    slider.fill("5")
    expect(clock).to_have_text("11:06")


def test_the_replay_begins_at_the_worst_moment(page: Page) -> None:
    worst = int(page.locator("#replay-waiting").inner_text())
    frames = int(page.locator("#replay-at").get_attribute("max") or 0)
    seen = []
    for frame in range(frames + 1):
        page.locator("#replay-at").fill(f"{frame}")
        seen.append(int(page.locator("#replay-waiting").inner_text()))
    assert worst == max(seen) > 0


def test_it_plays_to_the_end_and_stops(page: Page) -> None:
    frames = int(page.locator("#replay-at").get_attribute("max") or 0)
    page.locator("#replay-at").fill(f"{frames - 2}")
    play = page.locator("#replay-play")
    play.click()
    expect(play).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#replay-at")).to_have_value(f"{frames}")


def test_the_page_speaks_japanese_when_asked(page: Page) -> None:
    page.get_by_text("日本語", exact=True).click()
    expect(page.get_by_role("heading", name="一日の再生")).to_be_visible()
    expect(page.get_by_role("heading", name="The day again")).to_be_hidden()


SITES = """\
id,lat,lon,machines,hours
ginza,35.6717,139.7650,1,24h
marunouchi,35.6812,139.7671,3,24h
shimbashi,35.6663,139.7583,2,24h
umeda,34.7025,135.4959,2,24h
"""
FLEET = """\
scenario: Four sites
version: 1
day: 2014-12-10
fleet: {operators: {seven_bank: 1}, accounts: 900, sites: sites.csv}
"""
RECORD = """
window.texts = [];
const fill = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
  window.texts.push(text);
  fill.call(this, text, ...at);
};
"""


@pytest.mark.parametrize("wide", [1280, 390])
def test_sites_that_stand_side_by_side_share_one_name(tmp_path: Path, wide: int) -> None:
    (tmp_path / "sites.csv").write_text(SITES, "utf-8")
    (tmp_path / "fleet.yaml").write_text(FLEET, "utf-8")
    done = CliRunner().invoke(main, ["run", f"{tmp_path / 'fleet.yaml'}", "--out", f"{tmp_path / 'out'}"])
    assert done.exit_code == 0, done.output
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": wide, "height": 800})
        page.add_init_script(RECORD)
        page.goto((tmp_path / "out" / "report.html").as_uri())
        names = [text for text in page.evaluate("window.texts") if text[0].islower()]
        browser.close()
    assert {"marunouchi +2", "umeda"} == set(names)
