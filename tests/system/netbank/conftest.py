"""A real `bank-host serve` with its web bank, and Debian's Chromium in front of it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bank_host.clock import wall_clock
from bank_host.example import Holding, open_example
from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.policy import load_policy
from bank_host.store.sql import SqlStore
from tests.bank_host.port.hosts import running

STEP_S = 60
CHROMIUM = "/usr/bin/chromium"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1100, "height": 900}


class Served:
    """The bank's address, and what its customers have in hand."""

    def __init__(self, url: str, people: dict[str, Holding]) -> None:
        self.url = url
        self.people = people
        self._codes: dict[str, Iterator[str]] = {}

    def code(self, alias: str) -> str:
        """A code that the bank still takes: it also takes the one shown before, and that of the other token."""
        return next(self._codes.setdefault(alias, self._fresh(alias)))

    def _fresh(self, alias: str) -> Iterator[str]:
        """The first token's last and present codes, then the second's. A display about to change is waited for."""
        first, second = self.people[alias].tokens
        while time.time() % STEP_S > STEP_S - 10:
            time.sleep(0.2)
        for token, back_s in ((first, STEP_S), (first, 0), (second, 0)):
            yield pyotp.TOTP(token.secret, interval=STEP_S).at(int(time.time()) - back_s)


@pytest.fixture(scope="session")  # a process of its own, for all files of this folder
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("web")
    database = folder / "bank.sqlite"
    store = SqlStore.create(f"sqlite:///{database}")
    bank = Bank("example", store, load_policy(), Hsm.simulation())
    people = {each.example.alias: each for each in open_example(bank, Random(4), wall_clock()())}
    store.close()
    with running(folder, "--database", str(database), "--web", "127.0.0.1:0") as host:
        found = re.search(r"web bank (http://localhost:\d+)/", "".join(host.said))
        assert found is not None
        yield Served(found[1], people)


@pytest.fixture(scope="module")  # while it runs, no other test of this process can have an event loop
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def asked_hosts() -> set[str]:
    """Every host that a page of the test asked for anything."""
    return set()


@pytest.fixture
def open_page(
    browser: Browser, served: Served, asked_hosts: set[str]
) -> Iterator[Callable[[str, bool], Page]]:
    """A fresh browser profile that prefers a language, on a phone or at a desk."""
    contexts = []

    def new(language: str, phone: bool) -> Page:
        context = browser.new_context(
            base_url=served.url, locale=language, viewport=PHONE if phone else DESK, java_script_enabled=False
        )
        context.on("request", lambda request: asked_hosts.add(urlsplit(request.url).hostname or ""))
        contexts.append(context)
        return context.new_page()

    yield new
    for context in contexts:
        context.close()


def shot(page: Page, name: str) -> None:
    """Kept for people to look at, when ATM_SIM_SCREENSHOTS names a folder."""
    folder = os.environ.get("ATM_SIM_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
