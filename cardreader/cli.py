"""The command `cardreader`: which readers are connected, or why none is. Exit 0 with readers, else 3."""

from __future__ import annotations

import json

import click

from cardreader.transport import PcscSystem, Pyscard, ReaderError, connected_readers

# The product's exit code for "the system could not be reached"; 2 (wrong usage) is click's own.
NOT_REACHED = 3


@click.group()
@click.version_option(package_name="atm-sim")
@click.pass_context
def main(context: click.Context) -> None:
    """Smart-card readers through PC/SC."""
    # A test passes its own system as `obj`.
    if context.obj is None:
        context.obj = Pyscard()


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@click.pass_obj
def readers(system: PcscSystem, as_json: bool) -> None:
    """List the connected card readers, one a line."""
    try:
        names = connected_readers(system)
    except ReaderError as reason:
        if as_json:
            click.echo(json.dumps({"readers": [], "reason": str(reason)}))
        else:
            click.echo(f"cardreader: {reason}", err=True)
        raise SystemExit(NOT_REACHED) from None
    click.echo(json.dumps({"readers": names}, ensure_ascii=False) if as_json else "\n".join(names))
