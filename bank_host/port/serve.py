"""A bank host from its start to its stop: opens its addresses, waits for a signal, closes in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.applications import Starlette

from bank_host.address import Address
from bank_host.clock import steady_clock, wall_clock
from bank_host.host import Bank
from bank_host.iso8583.dialect import Dialect
from bank_host.netbank.app import create_app
from bank_host.port.admin import app
from bank_host.port.http_server import HttpServer
from bank_host.port.link import LinkSecurity
from bank_host.port.metrics import Metrics
from bank_host.port.server import Port, PortSettings
from bank_host.port.verdict import Judge, no_judge

try:
    import uvloop
except ImportError:  # the extra `fast`
    new_event_loop = asyncio.new_event_loop
else:
    new_event_loop = uvloop.new_event_loop

log = logging.getLogger(__name__)

ALL_ANSWERED, LEFT_WORK = 0, 3

_YOUNG_OBJECTS = 50_000
"""How many may be made before the collector looks through them; by default it does so ten times in each batch, and
finds nothing, because no message leaves a cycle behind."""


class AddressError(Exception):
    """An address cannot be listened on."""

    def __init__(self, address: Address, option: str, error: OSError) -> None:
        super().__init__(
            f"{address} cannot be listened on: {error.strerror or error}; {option} names another"
        )


class Plan(NamedTuple):
    """What is to be opened, and how."""

    listen: Address | None
    call: Address | None
    admin: Address
    dialect: Dialect
    settings: PortSettings
    new_security: Callable[[int], LinkSecurity | None] = lambda place: None
    judge: Judge = no_judge
    tls: ssl.SSLContext | None = None
    calling_tls: ssl.SSLContext | None = None
    web: Address | None = None  # of the web bank
    web_tls: ssl.SSLContext | None = None


class Opened(NamedTuple):
    """The addresses that were taken."""

    listen: Address | None
    admin: Address
    web: Address | None = None


def serve(bank: Bank, plan: Plan, problem: Callable[[], str], opened: Callable[[Opened], None]) -> int:
    """Serve until a signal comes; `problem()` says why the database cannot be used, `opened` is told the addresses.

    The exit code: 0 when everything that was accepted was answered.
    """
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_serve(bank, plan, problem, opened))


async def _serve(bank: Bank, plan: Plan, problem: Callable[[], str], opened: Callable[[Opened], None]) -> int:
    metrics = Metrics()
    port = Port(
        bank,
        plan.dialect,
        settings=plan.settings,
        metrics=metrics,
        clock=steady_clock(),
        bank_clock=wall_clock(),
        new_security=plan.new_security,
        judge=plan.judge,
        tls=plan.tls,
        calling_tls=plan.calling_tls,
    )
    admin_pages = app(metrics.registry, lambda: "stopping" if port.stopping else problem())
    beside = [_http("admin", "--admin", plan.admin, admin_pages)]
    try:
        if plan.web is not None:
            beside.append(_http("web", "--web", plan.web, create_app(bank), plan.web_tls))
        listening = None if plan.listen is None else _listen(port, plan.listen)
    except AddressError:
        for each in beside:
            each.stop()
        await port.stop()
        raise
    if plan.call is not None:
        port.call(*plan.call)
    for each in beside:
        each.start()
    signals: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_last_resort)
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, signals.put_nowait, wanted.name)
    gc.collect()
    gc.freeze()  # what is there now stays: no collection looks through it again while customers wait
    gc.set_threshold(_YOUNG_OBJECTS)
    addresses = [Address(*each.address) for each in beside]
    opened(Opened(listening, *addresses))
    log.info("started", extra={"facts": {"dialect": plan.dialect.name, "listen": str(listening)}})
    log.info("stopping", extra={"facts": {"signal": await signals.get()}})
    stopping = asyncio.ensure_future(port.stop())
    again = asyncio.ensure_future(signals.get())
    await asyncio.wait((stopping, again), return_when=asyncio.FIRST_COMPLETED)
    in_order = stopping.done() and stopping.result()
    if not stopping.done():
        port.abort()
        stopping.cancel()
    again.cancel()
    for each in beside:
        each.stop()
    log.info("stopped", extra={"facts": {"in_order": in_order}})
    return ALL_ANSWERED if in_order else LEFT_WORK


def _last_resort(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A fault of ours in a callback: its kind is logged, its text is not, for it may quote a message."""
    error = context.get("exception")
    log.error("internal_error", extra={"facts": {"error": type(error).__name__ if error else "unknown"}})


def _listen(port: Port, wanted: Address) -> Address:
    try:
        return Address(*port.listen(*wanted))
    except OSError as error:
        raise AddressError(wanted, "--listen", error) from None


def _http(
    name: str, option: str, wanted: Address, pages: Starlette, tls: ssl.SSLContext | None = None
) -> HttpServer:
    try:
        return HttpServer(name, wanted.host, wanted.port, pages, tls)
    except OSError as error:
        raise AddressError(wanted, option, error) from None
