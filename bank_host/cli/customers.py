"""`bank-host customers DATABASE`: look at customers; a new password, a token that was ordered, a released ID card."""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom
from typing import Any

import click

from bank_host.cli.acting import (
    BankNamed,
    Order,
    account_named,
    acting,
    bank_named,
    confirm,
    do,
    looking,
    staffed,
    tell,
)
from bank_host.cli.showing import MOST_ROWS, customer_state, moment, print_json, print_list, print_record
from bank_host.issuing import new_password, new_token
from bank_host.jst import jst_date
from bank_host.letters import private_file, token_file
from bank_host.store.looking import CustomerSeen

_COLUMNS = ("account", "last login", "state", "name")


def _hand_over(what: str) -> Any:
    return click.option(
        "--hand-over",
        "folder",
        required=True,
        type=click.Path(file_okay=False, path_type=Path),
        help=f"Folder for {what}.",
    )


@click.group(invoke_without_command=True)
@bank_named
@click.pass_context
def customers(context: click.Context, named: BankNamed) -> None:
    """Look at the customers of DATABASE (a SQLite file or a URL); without a command they are listed.

    A customer is named by the account's number.
    """
    context.obj = named
    if context.invoked_subcommand is None:
        context.invoke(list_customers)


@customers.command("list")
@click.option("--find", default="", help="Text in account number, name or e-mail address.")
@click.option("--limit", type=click.IntRange(1), default=MOST_ROWS, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.pass_obj
def list_customers(named: BankNamed, find: str, limit: int, as_json: bool) -> None:
    """List customers, by account."""
    with looking(named) as look:
        rows = look.customers(find=find, limit=limit + 1)
    print_list(rows, limit, as_json, _COLUMNS, _cells)


@customers.command()
@click.argument("account")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.pass_obj
def show(named: BankNamed, account: str, as_json: bool) -> None:
    """Show one customer."""
    with looking(named) as look:
        account_named(look, account)
        (seen,) = look.customers(account_id=account)
    if as_json:
        print_json(seen._asdict())
        return
    print_record(
        (
            ("account", seen.account_id),
            ("name", seen.name),
            ("address", seen.address),
            ("phone", seen.phone),
            ("e-mail", ", ".join(seen.emails)),
            ("birthday", f"{seen.birthday or ''}"),
            ("last login", moment(seen.last_login_us)),
            ("state", customer_state(seen)),
            (
                "transfer limit",
                f"¥{seen.transfer_limit_jpy:,}" if seen.transfer_limit_jpy else "transfer lock",
            ),
            ("tokens ordered", f"{seen.tokens_ordered}"),
        )
    )


@customers.command()
@click.argument("account")
@_hand_over("the letter with the password")
@acting
@click.pass_obj
def password(named: BankNamed, account: str, folder: Path, order: Order) -> None:
    """Issue a new login password by letter, which also ends a lapse."""
    with staffed(named) as (bank, look):
        seen = account_named(look, account)
        confirm(order, f"customer {account}: a new login password by letter; failed logins become 0")
        new = new_password(SystemRandom())
        text = f"{seen.holder}\naccount {account}\nlogin password {new.reveal()}\n"
        letter = private_file(folder / f"{account}.{order.now_us}.password.txt", text)
        act = order.act("reissue_password", account, password=new)
        tell(bank.act(act, order.now_us), order, letter)


@customers.command()
@click.argument("account")
@_hand_over("the token file")
@acting
@click.pass_obj
def token(named: BankNamed, account: str, folder: Path, order: Order) -> None:
    """Send a token that was ordered to its holder, who registers it."""
    with staffed(named) as (bank, look):
        account_named(look, account)
        number = sum(each.device == "token" for each in look.tokens(account)) + 1
        new = new_token(account, number, SystemRandom(), jst_date(order.now_us))
        confirm(order, f"customer {account}: token {new.serial} leaves for its holder")
        file = token_file(folder / f"{new.serial}.token", new)
        tell(bank.act(order.act("issue_token", account, token=new), order.now_us), order, file)


@customers.command("id-card")
@click.argument("account")
@acting
@click.pass_obj
def id_card(named: BankNamed, account: str, order: Order) -> None:
    """Release a locked ID card, whose holder has sent the paper: the lock ends some business days later."""
    with staffed(named) as (bank, look):
        account_named(look, account)
        do(bank, order, order.act("release_id_card", account), f"customer {account}: the ID card is released")


def _cells(row: CustomerSeen) -> tuple[str, ...]:
    return row.account_id, moment(row.last_login_us), customer_state(row), row.name
