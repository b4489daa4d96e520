"""`atm-sim token FILE`: a customer's hardware token, in the terminal or as a page of its own."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

import click
import uvicorn
from rich.console import Console
from rich.live import Live
from rich.text import Text

from atm_sim.exits import WRONG_USAGE, stop
from atm_sim.token.page import token_page
from atm_sim.world.token_device import TokenDevice
from atm_sim.world.token_file import PIECES, pieces_left, seconds_left, token_in
from bank_host.address import Address, AddressType, is_loopback
from bank_host.clock import wall_clock


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--once", is_flag=True, help="Show the code once and end; without a terminal this is what happens."
)
@click.option(
    "--at", "moment", default="", help="The JST time to show it for, YYYY-MM-DD HH:MM:SS; default: now."
)
@click.option(
    "--page",
    type=AddressType(any_port=True),
    is_flag=False,
    flag_value="127.0.0.1:8587",
    help="Show it in a browser on this computer, at 127.0.0.1:8587 or what is named, until Ctrl-C.",
)
def token(file: Path, once: bool, moment: str, page: Address | None) -> None:
    """Show the hardware token of FILE, as its holder sees it; it shares nothing with the bank but seed and time."""
    try:
        device = token_in(file)
    except ValueError as error:
        stop(WRONG_USAGE, f"atm-sim: {error}")
    now = _clock(moment)
    if page is not None:
        _serve(device, now, page)
        return
    console = Console(highlight=False)
    if once or moment or not console.is_terminal:
        click.echo(_face(device, now()))
        return
    with Live(console=console, auto_refresh=False, transient=True) as face:
        while True:
            face.update(Text(_face(device, now())), refresh=True)
            time.sleep(0.2)


def _serve(device: TokenDevice, now: Callable[[], int], listen: Address) -> None:
    """Until Ctrl-C. Requests are not logged; nobody beyond this computer and no other user of it sees a code (R14)."""
    if not is_loopback(listen.host):
        raise click.BadParameter(
            f"{listen}: a token shows its code on this computer only; name 127.0.0.1:PORT",
            param_hint="--page",
        )
    try:
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        door = socket.create_server((listen.host, listen.port), family=family)
    except OSError as error:
        raise click.BadParameter(f"{listen}: {error.strerror}", param_hint="--page") from None
    secret = secrets.token_urlsafe(16)
    config = uvicorn.Config(
        token_page(device, now, secret),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        limit_concurrency=50,
        timeout_graceful_shutdown=2,
    )
    click.echo(f"Token: http://{listen._replace(port=door.getsockname()[1])}/{secret}/")
    click.echo("Ready: Ctrl-C ends it")
    uvicorn.Server(config).run(sockets=[door])


def _face(device: TokenDevice, now_us: int) -> str:
    """Six digits, and a bar that loses a piece every ten seconds (表示は60秒ごとに切り替わります)."""
    bar = f"{'■' * pieces_left(device, now_us):□<{PIECES}}"
    return f"{device.display(now_us)}  {bar}  {seconds_left(device, now_us):2} s"


def _clock(moment: str) -> Callable[[], int]:
    try:
        return wall_clock(moment)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--at") from None
