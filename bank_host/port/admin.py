"""The address where the host is looked after: /metrics, /health, /ready, over HTTP in a thread of its own.

Here the customers' web bank will be mounted, as one more entry of `routes`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_PROBE_S = 2.0
_AT_ONCE = 64


def app(registry: CollectorRegistry, problem: Callable[[], str]) -> Starlette:
    """`problem()` says why the host is not ready, '' when it is."""

    async def health(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    async def ready(request: Request) -> PlainTextResponse:
        try:
            why = await asyncio.wait_for(asyncio.to_thread(problem), _PROBE_S)
        except TimeoutError:
            why = "the database does not answer"
        return PlainTextResponse(f"not ready: {why}\n", 503) if why else PlainTextResponse("ready\n")

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/health", health), Route("/ready", ready), Route("/metrics", metrics)]
    return Starlette(routes=routes)


class Admin:
    """The HTTP server; the address is taken when this is made, so that a taken one is told at the start."""

    def __init__(self, host: str, port: int, application: Starlette) -> None:
        self._socket = socket.create_server((host, port))
        config = uvicorn.Config(
            application, log_config=None, access_log=False, lifespan="off", limit_concurrency=_AT_ONCE
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="admin", daemon=True
        )

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(_PROBE_S)
        self._socket.close()
