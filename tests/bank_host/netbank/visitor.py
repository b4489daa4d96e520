"""A customer at a browser without scripts: reads pages, fills in their forms, looks at the token."""

from __future__ import annotations

import re
from html import unescape
from itertools import count
from random import Random

import httpx2
import pyotp
from fastapi.testclient import TestClient

from bank_host.example import Holding, open_example
from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.jst import MINUTE_US, SECOND_US, moment_us
from bank_host.netbank.app import create_app
from bank_host.passwords import Passwords
from bank_host.policy import load_policy
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore

BEGIN = "2014-01-15 10:30"
SITE = "https://bank.example"


class Web:
    """A web bank with a clock that a test turns, and the customers of the example."""

    def __init__(self, store: Store | None = None) -> None:
        self.now_us = moment_us(BEGIN)
        self.bank = Bank(
            "web", store or MemoryStore(), load_policy(), Hsm.simulation(), passwords=Passwords.fast(b"web")
        )
        self.people: dict[str, Holding] = {
            holding.example.alias: holding for holding in open_example(self.bank, Random(9), self.now_us)
        }
        numbers = count()
        self.app = create_app(
            self.bank,
            clock=lambda: self.now_us,
            new_secret=lambda: f"secret-{next(numbers):04d}-{'x' * 30}",
        )

    def wait(self, us: int) -> None:
        self.now_us += us

    def code(self, alias: str, number: int = 0) -> str:
        """What the customer's token shows, a minute later than before: no code is shown twice."""
        self.wait(MINUTE_US)
        token = self.people[alias].tokens[number]
        return pyotp.TOTP(token.secret, interval=60).at(self.now_us // SECOND_US)

    def visitor(self, alias: str = "hanako", language: str = "en", address: str = "192.0.2.1") -> Visitor:
        return Visitor(self, alias, language, address)


class Visitor:
    """One browser; `page` is what it shows."""

    def __init__(self, web: Web, alias: str, language: str, address: str) -> None:
        self.web, self.holding = web, web.people[alias]
        self.client = TestClient(
            web.app,
            base_url=SITE,
            follow_redirects=True,
            headers={"accept-language": language, "sec-fetch-site": "same-origin"},
            client=(address, 50_000),
        )
        self.page: httpx2.Response = self.client.get("/login")

    def get(self, path: str) -> httpx2.Response:
        self.page = self.client.get(path)
        return self.page

    def send(self, path: str, **fields: str) -> httpx2.Response:
        """The form of the shown page that goes to `path`: its hidden fields, and what was typed."""
        self.page = self.client.post(path, data={**self.hidden(path), **fields})
        return self.page

    def hidden(self, path: str) -> dict[str, str]:
        form = re.search(rf'<form[^>]*method="post"[^>]*action="{path}".*?</form>', self.page.text, re.DOTALL)
        assert form is not None, f"the page has no form to {path}"
        pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0])
        return {name: unescape(value) for name, value in pairs}

    def log_in(self, password: str | None = None) -> httpx2.Response:
        self.get("/login")
        account_id = self.holding.account_id
        return self.send(
            "/login",
            branch=account_id[:3],
            account=account_id[3:],
            password=self.holding.password.reveal() if password is None else password,
            channel="pc",
        )

    @property
    def problem(self) -> str:
        found = re.search(r'<p class="refused"[^>]*>(.*?)</p>', self.page.text)
        return unescape(found[1]) if found else ""

    @property
    def told(self) -> str:
        found = re.search(r'<p class="told"[^>]*>(.*?)</p>', self.page.text)
        return unescape(found[1]) if found else ""
