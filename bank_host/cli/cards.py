"""`bank-host cards DATABASE`: look at cards; report one lost, release its PIN tries, replace it."""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom

import click

from bank_host.cli.acting import (
    BankNamed,
    Order,
    acting,
    bank_named,
    card_named,
    confirm,
    do,
    looking,
    staffed,
    tell,
)
from bank_host.cli.exits import WRONG_USAGE, stop
from bank_host.cli.keys import told
from bank_host.cli.showing import MOST_ROWS, card_state, expiry, print_json, print_list, print_record
from bank_host.issuing import IssuedCard, replacement
from bank_host.jst import jst_date
from bank_host.letters import private_file
from bank_host.rules.reasons import HOT_CODES
from bank_host.secrets import mask_pan
from bank_host.store.looking import CardSeen

_COLUMNS = ("card", "number", "account", "expires", "alias", "state", "holder")


@click.group(invoke_without_command=True)
@bank_named
@click.pass_context
def cards(context: click.Context, named: BankNamed) -> None:
    """Look at the cards of DATABASE (a SQLite file or a URL); without a command they are listed.

    A card is named by its alias or by the beginning of its id.
    """
    context.obj = named
    if context.invoked_subcommand is None:
        context.invoke(list_cards)


@cards.command("list")
@click.option("--find", default="", help="Text in alias, account number or name.")
@click.option("--ends", default="", help="The last digits of the card number, up to four.")
@click.option("--limit", type=click.IntRange(1), default=MOST_ROWS, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.pass_obj
def list_cards(named: BankNamed, find: str, ends: str, limit: int, as_json: bool) -> None:
    """List cards, by account."""
    if ends and not (len(ends) <= 4 and ends.isdigit()):
        raise click.BadParameter("one to four digits", param_hint="--ends")
    with looking(named) as look:
        rows = look.cards(find=find, ends=ends, limit=limit + 1)
    print_list(rows, limit, as_json, _COLUMNS, _cells)


@cards.command()
@click.argument("card")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.pass_obj
def show(named: BankNamed, card: str, as_json: bool) -> None:
    """Show one card."""
    with looking(named) as look:
        seen = card_named(look, card)
    if as_json:
        print_json(seen._asdict())
        return
    print_record(
        (
            ("card", seen.card_id),
            ("alias", seen.alias),
            ("number", seen.number),
            ("expires", expiry(seen.expires)),
            ("state", card_state(seen)),
            ("account", seen.account_id),
            ("holder", seen.holder),
        )
    )


@cards.command()
@click.argument("card")
@click.option("--as", "hot_as", type=click.Choice(list(HOT_CODES)), required=True, help="What was reported.")
@acting
@click.pass_obj
def hot(named: BankNamed, card: str, hot_as: str, order: Order) -> None:
    """Report a card lost or stolen: every ATM that is shown it keeps it."""
    with staffed(named) as (bank, look):
        seen = card_named(look, card)
        act = order.act("report_card", seen.account_id, card_id=seen.card_id, detail=hot_as)
        do(bank, order, act, f"{_told(seen)}: {card_state(seen)}, becomes hot: {hot_as}")


@cards.command()
@click.argument("card")
@acting
@click.pass_obj
def unlock(named: BankNamed, card: str, order: Order) -> None:
    """Release a card whose PIN tries are used up; a lock of its holder is the holder's own to release."""
    with staffed(named) as (bank, look):
        seen = card_named(look, card)
        act = order.act("release_pin", seen.account_id, card_id=seen.card_id)
        do(bank, order, act, f"{_told(seen)}: {seen.pin_fails} wrong PINs become 0")


@cards.command()
@click.argument("card")
@click.option(
    "--as", "hot_as", type=click.Choice(list(HOT_CODES)), help="What the old card becomes, unless it is hot."
)
@click.option(
    "--hand-over",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the holder's letter with number and PIN.",
)
@acting
@click.pass_obj
@told
def reissue(
    named: BankNamed,
    card: str,
    hot_as: str | None,
    folder: Path,
    order: Order,
) -> None:
    """Replace a card by one with another number, expiry and PIN; the old one is hot from then on."""
    with staffed(named) as (bank, look):
        seen = card_named(look, card)
        if not seen.hot and hot_as is None:
            raise click.UsageError("the card is not hot yet; say what it becomes: --as lost or --as stolen")
        old = look.number(seen.card_id)
        if old is None:
            stop(
                WRONG_USAGE, "the bank does not keep this card's number, so its first six digits are unknown"
            )
        if bank.hsm.card_id(old.reveal()) != seen.card_id:
            stop(WRONG_USAGE, "these are not the keys of this bank; name its key file by --keys")
        nth = len(look.cards(account_id=seen.account_id)) + 1
        new = replacement(
            bank.hsm, old, seen.alias, seen.account_id, nth, SystemRandom(), jst_date(order.now_us)
        )
        number, hot = mask_pan(new.pan.reveal()), f"hot: {seen.hot or hot_as}"
        confirm(order, f"{_told(seen)}: becomes {hot}; {new.card.alias}, {number}, takes its place")
        letter = private_file(folder / f"{new.card.alias}.{number[-4:]}.letter.txt", _letter(seen, new))
        act = order.act(
            "reissue_card",
            seen.account_id,
            card_id=seen.card_id,
            detail=hot_as or "",
            new_card=new.card,
            new_pan=new.pan,
        )
        tell(bank.act(act, order.now_us), order, letter)


def _cells(row: CardSeen) -> tuple[str, ...]:
    number = row.number or "not kept"
    return (
        row.card_id[:12],
        number,
        row.account_id,
        expiry(row.expires),
        row.alias,
        card_state(row),
        row.holder,
    )


def _told(row: CardSeen) -> str:
    return f"card {row.alias} {row.number or row.card_id[:12]} of account {row.account_id}"


def _letter(old: CardSeen, new: IssuedCard) -> str:
    return (
        f"{old.holder}\naccount {old.account_id}\n"
        f"cash card {new.pan.reveal()}, valid until {expiry(new.card.expires)}\nPIN {new.pin.reveal()}\n"
    )
