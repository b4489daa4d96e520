"""`atm-sim token FILE --page` in Debian's Chromium: the holder reads the code, and it goes nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect, sync_playwright

from atm_sim.world.token_device import TokenDevice

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the published test seed of RFC 6238, in base 32
PHONE, SCREEN = {"width": 360, "height": 640}, {"width": 1024, "height": 768}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("token") / "token.json"
    file.write_text(f'{{"secret": "{SECRET}", "serial": "TK0010000001"}}', encoding="utf-8")
    command = [sys.executable, "-m", "atm_sim.cli", "token", str(file), "--page", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    told = process.stdout.readline()
    assert told.startswith("Token: http://127.0.0.1:"), told + process.stdout.read()
    assert "Ready: Ctrl-C ends it\n" == process.stdout.readline()
    yield told.removeprefix("Token: ").strip()
    process.terminate()
    rest, _ = process.communicate(timeout=60)
    assert "" == rest  # no request, and so no code, was logged


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def codes_of_now() -> set[str]:
    """Those of this minute and of the one before, which a page may still show."""
    device, now_us = TokenDevice(SECRET), time.time_ns() // 1_000
    return {device.display(now_us), device.display(now_us - 60_000_000)}


@pytest.mark.parametrize(("lang", "title"), [("ja", "トークン"), ("en", "Token")])
@pytest.mark.parametrize("size", [PHONE, SCREEN], ids=["phone", "screen"])
def test_the_holder_reads_the_code_without_script_and_without_a_cookie(
    url: str, chromium: Browser, tmp_path: Path, lang: str, title: str, size: dict[str, int]
) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport=size, locale=lang)  # type: ignore[arg-type]
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    code = page.locator("output.code").inner_text()
    page.screenshot(path=tmp_path / f"token-{lang}-{size['width']}.png")
    assert code in codes_of_now()
    expect(page).to_have_title(title)
    assert page.locator("main").bounding_box()["width"] <= size["width"]  # type: ignore[index]
    assert [] == context.cookies()
    assert {"127.0.0.1"} == {urlsplit(each).hostname for each in asked}
    assert not re.search(r"\d{6}", " ".join(urlsplit(each).path + urlsplit(each).query for each in asked))
    context.close()


def test_the_display_goes_on_by_itself(url: str, chromium: Browser) -> None:
    """Within ten seconds the page has come again with another picture: a piece less, or a new code and a full bar."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    pieces = page.locator(".bar .on").count()
    expect(page.locator(".bar .on")).to_have_count(pieces - 1 or 6)
    context.close()


def test_the_other_language_stays_when_the_page_comes_again(url: str, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="ja")
    page = context.new_page()
    page.goto(url)
    page.get_by_role("link", name="English").click()
    expect(page).to_have_title("Token")
    with page.expect_event("load"):
        pass
    expect(page).to_have_title("Token")
    context.close()


def test_the_page_is_accessible(url: str, chromium: Browser) -> None:
    """Everything axe knows, but its rule against pages that come again: the time is what a token shows (WCAG 2.2.1)."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(url)
    found = Axe().run(page, options={"rules": {"meta-refresh": {"enabled": False}}})
    assert 0 == found.violations_count, found.generate_report()
    context.close()
