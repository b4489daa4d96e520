"""`bank-host accounts DATABASE`: look at accounts; release one-time passwords, change the authenticator, close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bank_host.cli.acting import BankNamed, Order, account_named, acting, bank_named, do, looking, staffed
from bank_host.cli.showing import (
    MOST_ROWS,
    account_state,
    card_state,
    moment,
    print_json,
    print_list,
    print_record,
    print_table,
)
from bank_host.store.looking import AccountSeen, TokenSeen

_COLUMNS = ("account", "kind", "authenticator", "balance", "state", "holder")
_MOVEMENTS = 10


@click.group(invoke_without_command=True)
@bank_named
@click.pass_context
def accounts(context: click.Context, named: BankNamed) -> None:
    """Look at the accounts of DATABASE (a SQLite file or a URL); without a command they are listed."""
    context.obj = named
    if context.invoked_subcommand is None:
        context.invoke(list_accounts)


@accounts.command("list")
@click.option("--find", default="", help="Text in account number or name.")
@click.option("--limit", type=click.IntRange(1), default=MOST_ROWS, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.pass_obj
def list_accounts(named: BankNamed, find: str, limit: int, as_json: bool) -> None:
    """List accounts, by number."""
    with looking(named) as look:
        rows = look.accounts(find=find, limit=limit + 1)
    print_list(rows, limit, as_json, _COLUMNS, _cells)


@accounts.command()
@click.argument("account")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.pass_obj
def show(named: BankNamed, account: str, as_json: bool) -> None:
    """Show one account with its cards, its tokens, its latest movements and its open items."""
    with looking(named) as look:
        seen = account_named(look, account)
        cards = look.cards(account_id=account)
        tokens = look.tokens(account)
        movements = look.movements(account, _MOVEMENTS)
        items = look.exceptions(account_id=account, state="open")
    if as_json:
        parts: dict[str, Sequence[Any]] = {
            "cards": cards,
            "tokens": tokens,
            "movements": movements,
            "open_items": items,
        }
        rows = {name: [row._asdict() for row in part] for name, part in parts.items()}
        print_json({**seen._asdict(), **rows})
        return
    print_record(
        (
            ("account", seen.account_id),
            ("holder", seen.holder),
            ("kind", seen.kind),
            ("authenticator", seen.authenticator),
            ("opened", f"{seen.opened}"),
            ("balance", f"¥{seen.posted_jpy:,}"),
            ("held back", f"¥{seen.held_jpy:,}"),
            ("daily ATM limit", f"¥{seen.standing_jpy:,}"),
            ("wrong codes", f"{seen.otp_fails}"),
            ("state", account_state(seen)),
        )
    )
    for card in cards:
        print_record(((f"card {card.alias}", f"{card.number or card.card_id[:12]}, {card_state(card)}"),))
    for token in tokens:
        print_record(((f"{token.device.replace('_', ' ')}", f"{token.serial}, {_token_state(token)}"),))
    for item in items:
        print_record(((f"open item {item.seq}", f"{item.kind} ¥{item.amount_jpy:,}"),))
    if movements:
        click.echo()
        print_table(
            [(moment(row.at_us), f"{row.amount_jpy:+,}", row.kind) for row in movements],
            ("latest movements", "yen", "kind"),
        )


@accounts.command()
@click.argument("account")
@acting
@click.pass_obj
def unlock(named: BankNamed, account: str, order: Order) -> None:
    """Release one-time passwords that too many wrong ones have locked."""
    with staffed(named) as (bank, look):
        seen = account_named(look, account)
        act = order.act("release_otp", account)
        do(bank, order, act, f"account {account}: {seen.otp_fails} wrong one-time passwords become 0")


@accounts.command()
@click.argument("account")
@acting
@click.pass_obj
def close(named: BankNamed, account: str, order: Order) -> None:
    """Close an account: its cards and its internet banking are refused from then on."""
    with staffed(named) as (bank, look):
        seen = account_named(look, account)
        told = f"account {account}: {account_state(seen)}, balance ¥{seen.posted_jpy:,}, becomes closed"
        do(bank, order, order.act("close_account", account), told)


@accounts.command()
@click.argument("account")
@click.option("--to", "device", type=click.Choice(["token", "id_card"]), required=True)
@acting
@click.pass_obj
def authenticator(named: BankNamed, account: str, device: str, order: Order) -> None:
    """Change what the holder's codes come from; a transfer limit above the new cap is lowered to it."""
    with staffed(named) as (bank, look):
        seen = account_named(look, account)
        act = order.act("change_authenticator", account, detail=device)
        do(bank, order, act, f"account {account}: {seen.authenticator} becomes {device}")


def _cells(row: AccountSeen) -> tuple[str, ...]:
    balance = f"¥{row.posted_jpy:,}"
    return row.account_id, row.kind, row.authenticator, balance, account_state(row), row.holder


def _token_state(token: TokenSeen) -> str:
    words = f"{token.state}, until {token.expires}"
    if not token.locked:
        return words
    return f"{words}, locked" + (f" until {token.release_on}" if token.release_on else "")
