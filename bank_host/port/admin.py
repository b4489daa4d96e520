"""The pages by which the host is looked after: /metrics, /health, /ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_PROBE_S = 2.0


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
