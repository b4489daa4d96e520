"""What every answer carries and every request has to pass, whatever page it is: headers, origin, size, last resort."""

from __future__ import annotations

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

LONGEST_BODY = 64 * 1024

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
"""Nothing is kept by caches, nothing is framed, no script runs at all (ASVS v5.0.0-3.4.1, 3.4.3, 3.4.6, 14.3.2)."""


class Shield:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = False

        async def sealed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD") and not _same_origin(scope, headers):
            log.warning("foreign_form", extra={"facts": {"path": scope["path"][:60]}})
            return await PlainTextResponse("forbidden\n", 403)(scope, receive, sealed)
        size = headers.get("content-length", "0")
        if not (size.isascii() and size.isdigit()) or int(size) > LONGEST_BODY:
            return await PlainTextResponse("too large\n", 413)(scope, receive, sealed)
        try:
            await self._app(scope, _bounded(receive), sealed)
        except Exception as error:
            # Its kind is logged, its text is not: it may quote what was typed (ASVS v5.0.0-16.5.4).
            log.error("internal_error", extra={"facts": {"error": type(error).__name__}})
            if not started:  # else the connection just ends: raised, it would be logged with its text
                await PlainTextResponse("internal error\n", 500)(scope, receive, sealed)


def _same_origin(scope: Scope, headers: Headers) -> bool:
    """Whether a form was sent from a page of this site. Calls of the API carry no cookie, so they may come from
    anywhere; a browser tells where a form comes from, by one header or by the older one (ASVS v5.0.0-3.5.1)."""
    inner = scope["path"].removeprefix(scope.get("root_path", ""))
    if inner.startswith("/api/"):
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "")
    return origin.partition("://")[2] == headers.get("host", "") != ""


def _bounded(receive: Receive) -> Receive:
    """A body without a length, or with a wrong one, ends at the bound too."""
    left = LONGEST_BODY

    async def some() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return some
