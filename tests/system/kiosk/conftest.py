"""A kiosk as its own process, and Debian's Chromium in front of it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.system.kiosk.forked import ForkedKiosk

ROOT = Path(__file__).parents[3]
CHROMIUM = "/usr/bin/chromium"
FAST = "3"
"""The pace of most tests: nobody has to be caught while the notes are counted or the bank is asked. What the machine
waits for a person or the bank is as much shorter, which a busy computer has to keep up with."""


class Kiosk:
    """`atm-sim kiosk` as started by a person; stopped by the process that was started here, and no other."""

    def __init__(self, *options: str, listen: str = "127.0.0.1:0", pace: str = FAST) -> None:
        self._options = ["--listen", listen, "--web", "127.0.0.1:0", *options]
        self.told: dict[str, str] = {}
        self.start(pace)

    def start(self, pace: str = FAST) -> None:
        self._process = ForkedKiosk([*self._options, "--pace", pace])
        for line in self._process.lines():
            name, _, value = line.strip().partition(": ")
            self.told[name] = value
            if name == "Ready":
                return
        raise AssertionError(f"the kiosk does not start: {self._process.stop()}")

    @property
    def url(self) -> str:
        return self.told["ATM"]

    @property
    def database(self) -> Path:
        return Path(self.told["Database"])

    def kill(self) -> None:
        self._process.kill()

    def stop(self) -> int | None:
        return self._process.stop()


def free_port() -> int:
    """For a kiosk that starts again where its browsers look for it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def new_kiosk() -> Iterator[Callable[..., Kiosk]]:
    started: list[Kiosk] = []

    def start(*options: str, listen: str = "127.0.0.1:0", pace: str = FAST) -> Kiosk:
        started.append(Kiosk(*options, listen=listen, pace=pace))
        return started[-1]

    yield start
    for kiosk in started:
        kiosk.stop()


@pytest.fixture(scope="module")
def kiosk() -> Iterator[Kiosk]:
    """One that a file's tests share: each page that is opened has an ATM, accounts and cards of its own."""
    kiosk = Kiosk()
    yield kiosk
    kiosk.stop()


@pytest.fixture(scope="module")  # while it runs, no other test of this process can have an event loop
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Each page is a browser of its own: no cookie is shared. What goes wrong on a page fails its test."""
    contexts, wrong = [], []

    def open_page(url: str, locale: str = "ja") -> Page:
        context = chromium.new_context(
            viewport={"width": 1500, "height": 1200}, locale=locale, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{error}"))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [] == wrong
