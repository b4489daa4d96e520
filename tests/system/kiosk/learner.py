"""A person at the far end of the kiosk's WebSocket, without a browser: for many at once, and for whole lessons."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

PATIENCE_S = 60


def cookie_of(url: str, code: str, learner: str = "somebody") -> str:
    """What the browser is given at the door."""
    answer = httpx.post(f"{url}join", data={"code": code, "learner": learner}, headers={"origin": url[:-1]})
    assert 303 == answer.status_code, answer.text
    return answer.cookies["atm"]


def line_of(url: str, cookie: str, origin: str = "") -> connect:
    """The WebSocket of the ATM that the cookie stands for."""
    return connect(
        url.replace("http", "ws") + "line",
        origin=origin or url[:-1],  # type: ignore[arg-type]
        additional_headers={"cookie": f"atm={cookie}"},
    )


class Learner:
    """One of them, at the far end of a WebSocket."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self.view: dict[str, Any] = {}

    async def sees(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        """Fails with the screen that stays, should what is awaited not come."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (self.view and holds(self.view)):
                    self.view = json.loads(await self._line.recv())
        except TimeoutError:
            raise AssertionError(f"the ATM stays at {self.view.get('screen')}") from None

    async def on(self, screen: str) -> None:
        await self.sees(lambda view: view["screen"]["id"] == screen)

    async def does(self, what: str, value: str = "") -> None:
        await self._line.send(json.dumps({"do": what, "value": value}))

    async def types(self, keys: str) -> None:
        for key in keys:
            await self.does("key", key)
        await self.does("key", "confirm")

    async def withdraws(self, notes: int) -> None:
        await self.on("idle")
        await self.does("insert", "hanako")
        await self.on("enter_pin")
        await self.types("4649")
        await self.on("menu")
        await self.does("choose", "withdraw")
        await self.on("amount")
        await self.does("key", str(notes))
        await self.does("key", "man")
        await self.does("key", "confirm")
        await self.on("confirm")
        await self.does("choose", "yes")
        await self.on("take_card")
        await self.does("pull")
        await self.on("take_cash")
        assert [[10_000, notes]] == self.view["tray"]["notes"]
        await self.does("take_cash")
        await self.sees(lambda view: view["glass"]["session"][2][1] == "0" and not view["tray"]["open"])
