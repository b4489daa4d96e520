"""A token's display as a web page of its own: it asks nothing, sets no cookie, runs no script (R7, R10, R14, R33).

Every moment at which the picture changes, the page is asked for again. It is answered on loopback only, and only under
a name of this computer: a foreign page whose name was made to point here (DNS rebinding) cannot read the code. Its
path is a new secret each time: another user of this computer can come to the address, and sees nothing there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atm_sim.world.token_device import TokenDevice
from atm_sim.world.token_file import PIECE_S, pieces_left, seconds_left

_HERE = Path(__file__).parent
_NAMES: Final = {"127.0.0.1", "::1", "localhost"}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TEXTS: Final = {
    "ja": {
        "title": "トークン",
        "number": "製造番号",
        "bar": "あと{seconds}秒以内に次の番号に変わります",
        "once": "表示は60秒ごとに切り替わります。番号は1回だけ使えます。",
        "secret": "この番号を電話やメールで尋ねることはありません。",
        "other": "English",
    },
    "en": {
        "title": "Token",
        "number": "Serial number",
        "bar": "Changes within {seconds} seconds",
        "once": "The display changes every 60 seconds. Each code works once.",
        "secret": "Nobody will ever ask you for this code by telephone or mail.",
        "other": "日本語",
    },
}


def token_page(device: TokenDevice, now_us: Callable[[], int], secret: str) -> ASGIApp:
    """The page as an ASGI application, below `/secret/`. Its title holds no code: browsers keep titles."""
    template = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True).get_template(
        "token.html"
    )

    def display(request: Request) -> HTMLResponse:
        lang = _lang(request)
        now = now_us()
        pieces = pieces_left(device, now)
        return HTMLResponse(
            template.render(
                lang=lang,
                other="en" if lang == "ja" else "ja",
                say=_TEXTS[lang],
                code=device.display(now),
                pieces=pieces,
                within_s=pieces * PIECE_S,
                serial=device.serial,
                again_s=(seconds_left(device, now) - 1) % PIECE_S + 1,
            )
        )

    routes = [Route("/", display), Mount("/static", StaticFiles(directory=_HERE / "static"))]
    return _shielded(Starlette(routes=[Mount(f"/{secret}", Starlette(routes=routes))]))


def _lang(request: Request) -> str:
    """The language that was asked for, else the browser's."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "ja")
    return "en" if asked.startswith("en") else "ja"


def _is_here(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in _NAMES
    except ValueError:
        return False


def _shielded(app: ASGIApp) -> ASGIApp:
    """The same headers on whatever leaves, and nothing for a name that is not this computer's."""

    async def shielded(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] != "http":
            return await app(scope, receive, send)
        if not _is_here(Headers(scope=scope).get("host", "")):
            return await PlainTextResponse("not this computer\n", 421)(scope, receive, with_headers)
        await app(scope, receive, with_headers)

    return shielded
