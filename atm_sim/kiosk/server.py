"""The kiosk's web side: a page, its two files, and one WebSocket for each browser. All state is in the hall."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import unicodedata
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from atm_sim.kiosk.hall import Hall, Station
from atm_sim.kiosk.reader import ReaderWatch
from atm_sim.kiosk.texts import Lang, say
from bank_host.address import is_loopback

NewReader = Callable[[Callable[[str], object], Callable[[], object]], ReaderWatch]

_HERE = Path(__file__).parent
_COOKIE: Final = "atm"
_ELSEWHERE: Final = 4001
_NO_SUCH_ATM: Final = 4004
_MOST_CHARACTERS: Final = 400
_MOST_NAME: Final = 40
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all a browser sends no Origin with its own form
    "Cache-Control": "no-store",
}


class Pages:
    """The page and its line. `join_code` is what a learner types first; '' where only this computer can come."""

    def __init__(
        self, hall: Hall, join_code: str = "", bank_url: str = "", *, has_reader: bool = False
    ) -> None:
        self._hall = hall
        self._join_code = join_code
        self._bank_url = bank_url
        self._has_reader = has_reader
        self._templates = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.door),
            Route("/join", self.join, methods=["POST"]),
            Route("/join", self.door),  # its address stays in the browser after a wrong code
            Route("/atm", self.page),
            WebSocketRoute("/line", self.line),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]

    # ------------------------------------------------------------ pages

    async def door(self, request: Request) -> Response:
        if self._hall.station(request.cookies.get(_COOKIE, "")):
            return RedirectResponse("/atm", 303)
        if self._join_code:
            return self._door(_lang(request), "")
        return await self._opened(request)

    async def join(self, request: Request) -> Response:
        origin = urlsplit(request.headers.get("origin", "")).netloc
        async with request.form(max_fields=4, max_files=0) as form:
            code, learner = (str(form.get(name, ""))[:_MOST_NAME] for name in ("code", "learner"))
        if origin != request.headers.get("host") or not self._is_code(code):
            await asyncio.sleep(1)  # nobody guesses faster than this
            return self._door(_lang(request), "wrong", 403, learner)
        return await self._opened(request, " ".join(learner.split()))

    def _is_code(self, given: str) -> bool:
        """In capitals or not, and of full width, as Japanese keyboards have it."""
        typed = unicodedata.normalize("NFKC", given).strip().upper()
        return hmac.compare_digest(typed.encode(), self._join_code.encode())

    async def _opened(self, request: Request, learner: str = "") -> Response:
        """An ATM for this browser, in the language that was chosen at the door."""
        if self._hall.is_full:
            return self._door(_lang(request), "full", 503, learner)
        station = await self._hall.open(learner, _lang(request))
        response = RedirectResponse("/atm", 303)
        response.set_cookie(_COOKIE, station.key, httponly=True, samesite="strict", max_age=86_400)
        return response

    def _door(self, lang: Lang, problem: str, status: int = 200, learner: str = "") -> Response:
        page = self._templates.get_template("door.html")
        other = "ja" if lang == "en" else "en"
        html = page.render(
            lang=lang, other=other, problem=problem, learner=learner, say=lambda key: say(key, lang)
        )
        return HTMLResponse(html, status)

    async def page(self, request: Request) -> Response:
        station = self._hall.station(request.cookies.get(_COOKIE, ""))
        if station is None or station.atm is None:
            return RedirectResponse("/", 303)
        if request.query_params.get("lang") in ("en", "ja"):
            station.atm.lang = _lang(request)
        lang = station.atm.lang
        page = self._templates.get_template("atm.html")
        return HTMLResponse(
            page.render(
                lang=lang,
                say=lambda key: say(key, lang),
                bank_url=self._bank_url,
                number=station.number,
                has_reader=self._has_reader,
            )
        )

    # ------------------------------------------------------------ the line

    async def line(self, socket: WebSocket) -> None:
        """What the browser did comes in, what it draws goes out, until either side goes away."""
        station = self._hall.station(socket.cookies.get(_COOKIE, ""))
        origin = urlsplit(socket.headers.get("origin", "")).netloc
        await socket.accept()
        if station is None or origin != socket.headers.get("host"):
            await socket.close(_NO_SUCH_ATM)
            return
        views: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        if station.look is not None:
            station.look(None)  # whoever looked before
        station.look = views.put_nowait
        if socket.client is not None and is_loopback(socket.client.host):
            self._hall.looked_at(station)
        sending = asyncio.create_task(_send(socket, views))
        station.does("look")
        try:
            while True:
                _act(station, await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            if station.look == views.put_nowait:
                station.look = None
            sending.cancel()


def _act(station: Station, text: str) -> None:
    """What a browser says that is no request of the page's is not heard."""
    if len(text) > _MOST_CHARACTERS:
        return
    with contextlib.suppress(ValueError, AttributeError):
        asked = json.loads(text)
        station.does(str(asked.get("do", "")), str(asked.get("value", "")))


async def _send(socket: WebSocket, views: asyncio.Queue[dict[str, Any] | None]) -> None:
    """The newest picture; older ones that nobody has seen yet are skipped."""
    while True:
        view = await views.get()
        while not views.empty() and view is not None:
            view = views.get_nowait()
        if view is None:
            await socket.close(_ELSEWHERE)
            return
        await socket.send_json(view)


def _lang(request: Request) -> Lang:
    """The language that was asked for, else the browser's."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "ja")
    return "en" if asked.startswith("en") else "ja"


def _shielded(app: ASGIApp) -> ASGIApp:
    """The same headers on whatever leaves."""

    async def shielded(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await app(scope, receive, with_headers if scope["type"] == "http" else send)

    return shielded


def kiosk_app(
    hall: Hall, *, join_code: str = "", bank_url: str = "", reader: NewReader | None = None
) -> ASGIApp:
    """The kiosk as an ASGI application; `reader` makes the watch over this computer's card reader."""

    @contextlib.asynccontextmanager
    async def open_hall(app: Starlette) -> AsyncIterator[None]:
        await hall.reopen()
        loop = asyncio.get_running_loop()
        watching: ReaderWatch | None = None
        if reader is not None:
            watching = reader(
                lambda card: loop.call_soon_threadsafe(hall.card_came, card),
                lambda: loop.call_soon_threadsafe(hall.card_went),
            )
        if watching is not None:
            watching.start()
        yield
        if watching is not None:
            watching.stop()
        await hall.close()

    app = Starlette(
        routes=Pages(hall, join_code, bank_url, has_reader=reader is not None).routes(), lifespan=open_hall
    )
    return _shielded(app)
