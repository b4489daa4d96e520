"""How rows are shown to staff: one a line or as JSON, card numbers masked, times in Japan's time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click

from bank_host.jst import civil
from bank_host.store.looking import AccountSeen, CardSeen, CustomerSeen

MOST_ROWS = 100


def moment(at_us: int) -> str:
    return f"{civil(at_us):%Y-%m-%d %H:%M:%S}" if at_us else "never"


def print_json(value: Any) -> None:
    """Records become maps, their times stay microseconds."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str, indent=2))


def print_table(rows: Iterable[Sequence[str]], columns: Sequence[str]) -> None:
    """Columns of equal width; the last one, which may hold Japanese text, is as wide as it is."""
    table = [columns, *rows]
    widths = [max(len(row[n]) for row in table) for n in range(len(columns) - 1)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())


def print_record(pairs: Iterable[tuple[str, str]]) -> None:
    for name, value in pairs:
        click.echo(f"{name:18} {value or '-'}")


def print_list(rows: Sequence[Any], limit: int, as_json: bool, columns: Sequence[str], cells: Any) -> None:
    """At most `limit` of the rows; one more of them was asked for, to know whether there are more."""
    shown = rows[:limit]
    if as_json:
        print_json([row._asdict() for row in shown])
        return
    if not shown:
        click.echo("none")
        return
    print_table([cells(row) for row in shown], columns)
    if len(rows) > limit:
        click.echo(f"... and more; narrow the list down, or raise --limit above {limit}")


# ---------------------------------------------------------------- words for a row


def account_state(row: AccountSeen) -> str:
    if row.closed:
        return "closed"
    return "one-time passwords locked" if row.otp_locked else "open"


def card_state(row: CardSeen) -> str:
    words = [f"hot: {row.hot}"] if row.hot else []
    words += ["locked by its holder"] if row.locked else []
    words += [f"{row.pin_fails} wrong PINs"] if row.pin_fails else []
    return ", ".join(words) or "valid"


def customer_state(row: CustomerSeen) -> str:
    if row.password_lapsed:
        return "password lapsed"
    return f"{row.login_fails} failed logins" if row.login_fails else "in order"


def expiry(yymm: str) -> str:
    return f"20{yymm[:2]}-{yymm[2:]}"
