"""How staff acts on a bank: who and why is always told, what will be done is shown first, the bank's rules decide.

Nothing is written past `Bank.act`: each act leaves its audit row with the operator's name and reason (X12).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import click

from bank_host.cli.common import clock_at, open_database
from bank_host.cli.exits import FINDING, WRONG_USAGE, stop
from bank_host.cli.keys import key_options, keys_of, store_of, told
from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.policy import load_policy
from bank_host.rules.acts import OPERATOR
from bank_host.rules.changes import Outcome
from bank_host.rules.facts import Act
from bank_host.rules.reasons import MALFUNCTION
from bank_host.store.looking import AccountSeen, CardSeen, SqlLook

_LONGEST_REASON = 200
_NAME = re.compile(r"[\w.@-]{1,64}")
_LIKE_A_CARD = re.compile(r"(?:[0-9][ -]?){11,}[0-9]")


class Order(NamedTuple):
    """Who acts, why, when, and whether they have said yes already."""

    operator: str
    because: str
    yes: bool
    request: str
    now_us: int

    def act(self, kind: str, account_id: str = "", **fields: Any) -> Act:
        act = Act(self.request, kind, account_id, OPERATOR, operator=self.operator, because=self.because)
        return act._replace(**fields)


def acting(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options that every act of staff has; it gets them as `order`."""

    @click.option(
        "--operator",
        required=True,
        envvar="BANK_HOST_OPERATOR",
        callback=_operator,
        help="Who does it; without it the environment's BANK_HOST_OPERATOR.",
    )
    @click.option("--reason", "because", required=True, callback=_reason, help="Why, for the audit.")
    @click.option("--yes", is_flag=True, help="Do it without asking.")
    @click.option("--request", default="", help="Request id of an act whose outcome was left open.")
    @click.option(
        "--at", "at", default="", help="As if it were this JST time, YYYY-MM-DD HH:MM; default: now."
    )
    @functools.wraps(function)
    def command(
        *args: Any, operator: str, because: str, yes: bool, request: str, at: str, **more: Any
    ) -> None:
        order = Order(operator, because, yes, request or f"staff:{uuid4()}", clock_at(at)())
        function(*args, order=order, **more)

    return command


def _operator(context: click.Context, param: click.Parameter, name: str) -> str:
    if not _NAME.fullmatch(name) or _LIKE_A_CARD.search(name):
        raise click.BadParameter("a name of letters, digits and . _ @ - (64 at most)")
    return name


def _reason(context: click.Context, param: click.Parameter, text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > _LONGEST_REASON:
        raise click.BadParameter(f"one line of 1 to {_LONGEST_REASON} characters")
    if _LIKE_A_CARD.search(text):
        raise click.BadParameter("this holds what looks like a card number, which no audit row may show")
    return text.strip()


class BankNamed(NamedTuple):
    """The bank that is meant: its database, as a person names it, and its keys."""

    database: str
    hsm: Hsm


def bank_named(command: Callable[..., None]) -> Callable[..., None]:
    """DATABASE, `--keys` and `--sealing-key`; the command gets them as `named`."""

    @click.argument("database")
    @key_options
    @told
    @functools.wraps(command)
    def run(*args: Any, database: str, key_file: Path | None, sealed_by: Path | None, **more: Any) -> None:
        command(*args, named=BankNamed(database, keys_of(key_file, sealed_by)), **more)

    return run


@contextmanager
def staffed(named: BankNamed) -> Iterator[tuple[Bank, SqlLook]]:
    """The bank, which staff writes to with a hash chain of its own, and a look at it."""
    with open_database(named.database, must_exist=True) as engine:
        store = store_of(engine, named.database, named.hsm, chain_name="operator")
        yield Bank("bank", store, load_policy(), named.hsm), store.look


@contextmanager
def looking(named: BankNamed) -> Iterator[SqlLook]:
    with open_database(named.database, must_exist=True) as engine:
        yield store_of(engine, named.database, named.hsm).look


def account_named(look: SqlLook, account_id: str) -> AccountSeen:
    found = look.accounts(account_id=account_id)
    if not found:
        stop(WRONG_USAGE, f"the bank has no account {_quoted(account_id)}; `accounts DATABASE` lists them")
    return found[0]


def card_named(look: SqlLook, name: str) -> CardSeen:
    """A card by its alias or by the beginning of its id."""
    found = look.cards_named(name)
    if not found:
        stop(
            WRONG_USAGE,
            f"the bank has no card {_quoted(name)}; name it by its id or alias, `cards DATABASE` lists them",
        )
    if len(found) > 1:
        ids = ", ".join(card.card_id[:12] for card in found)
        stop(WRONG_USAGE, f"{_quoted(name)} may be any of {ids}; name one by its id")
    return found[0]


def _quoted(text: str) -> str:
    """What a person typed, unless it may be a card number."""
    return "by that number" if _LIKE_A_CARD.search(text) else repr(text[:64])


def confirm(order: Order, what: str) -> None:
    """Show what will be done, and go on only if that is wanted."""
    click.echo(f"{what}\n  by {order.operator}: {order.because}")
    if order.yes:
        return
    try:
        wanted = click.confirm("Do it?")
    except click.Abort:
        stop(WRONG_USAGE, "nothing was changed; nobody could be asked, so say --yes")
    if not wanted:
        stop(FINDING, "nothing was changed")


def tell(outcome: Outcome, order: Order, letter: Path | None = None) -> None:
    """What became of an act. A letter about something that was refused is taken back."""
    if outcome.outcome == "done":
        click.echo("done" if letter is None else f"done; for the holder: {letter.as_posix()}")
        return
    if outcome.reason == MALFUNCTION:
        stop(
            FINDING,
            "the database did not say whether it was done; the same command with "
            f"--request {order.request} finds out, and does it once at most",
        )
    if letter is not None:
        letter.unlink(missing_ok=True)
    stop(FINDING, f"refused: {outcome.reason.lower().replace('_', ' ')}")


def do(bank: Bank, order: Order, act: Act, what: str) -> None:
    """Show an act, carry it out, tell what became of it."""
    confirm(order, what)
    tell(bank.act(act, order.now_us), order)
