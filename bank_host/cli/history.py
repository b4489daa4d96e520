"""`bank-host audit` and `bank-host exceptions`: who changed what, and the cases that people have to settle."""

from __future__ import annotations

import click

from bank_host.cli.acting import BankNamed, Order, acting, bank_named, confirm, looking, staffed, tell
from bank_host.cli.common import clock_at
from bank_host.cli.exits import WRONG_USAGE, stop
from bank_host.cli.showing import MOST_ROWS, moment, print_list
from bank_host.rules.items import CLOSE
from bank_host.store.contract import AuditRow, ExceptionRow


@click.command()
@bank_named
@click.option("--account", default="", help="Of this account only.")
@click.option("--by", "actor", default="", help="By this operator, or by: customer, operator, atm, host.")
@click.option("--what", default="", help="This act only, such as report_card.")
@click.option("--since", default="", help="From this JST time on, YYYY-MM-DD HH:MM.")
@click.option("--limit", type=click.IntRange(1), default=MOST_ROWS, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def audit(
    named: BankNamed, account: str, actor: str, what: str, since: str, limit: int, as_json: bool
) -> None:
    """Show the latest audit rows of DATABASE, oldest first: when, who, which account, what, before, after, why."""
    since_us = clock_at(since, "--since")() if since else 0
    with looking(named) as look:
        rows = look.audit(account_id=account, actor=actor, what=what, since_us=since_us, limit=limit)
    columns = ("number", "time (JST)", "who", "account", "what", "before", "after", "why")
    print_list(rows, limit, as_json, columns, _audit_cells)


@click.group(invoke_without_command=True)
@bank_named
@click.pass_context
def exceptions(context: click.Context, named: BankNamed) -> None:
    """Look at the exception items of DATABASE; without a command the open ones are listed."""
    context.obj = named
    if context.invoked_subcommand is None:
        context.invoke(list_exceptions)


@exceptions.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--account", default="", help="Of this account only.")
@click.option("--kind", default="", help="Of this kind only, such as STAND_IN_OVER_LIMIT.")
@click.option("--limit", type=click.IntRange(1), default=MOST_ROWS, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.pass_obj
def list_exceptions(
    named: BankNamed, everything: bool, account: str, kind: str, limit: int, as_json: bool
) -> None:
    """List exception items, oldest first."""
    state = "" if everything else "open"
    with looking(named) as look:
        rows = look.exceptions(state=state, account_id=account, kind=kind, limit=limit + 1)
    columns = ("number", "time (JST)", "state", "account", "yen", "kind", "original")
    print_list(rows, limit, as_json, columns, _item_cells)


@exceptions.command()
@click.argument("number", type=click.IntRange(1))
@acting
@click.pass_obj
def close(named: BankNamed, number: int, order: Order) -> None:
    """Close the item of this number: somebody has settled the case, and says how in --reason."""
    with staffed(named) as (bank, look):
        found = look.exceptions(seq=number)
        if not found:
            stop(WRONG_USAGE, f"there is no item {number}; `exceptions DATABASE list --all` lists them")
        (item,) = found
        confirm(order, f"item {item.seq}: {item.kind}, ¥{item.amount_jpy:,}, becomes closed")
        tell(bank.close_exception(order.act(CLOSE, detail=item.key), order.now_us), order)


def _audit_cells(row: AuditRow) -> tuple[str, ...]:
    cells = (row.actor, row.account_id, row.what, row.before, row.after)
    return f"{row.seq}", moment(row.at_us), *(cell or "-" for cell in cells), row.reason


def _item_cells(row: ExceptionRow) -> tuple[str, ...]:
    account = row.account_id or "-"
    return f"{row.seq}", moment(row.at_us), row.state, account, f"{row.amount_jpy:,}", row.kind, row.detail
