"""`bank-host dialects`: the ways of speaking ISO 8583 that the host knows, and how to bring one's own."""

from __future__ import annotations

from pathlib import Path

import click

from bank_host.cli.exits import WRONG_USAGE, stop
from bank_host.iso8583.dialect_file import DialectError, read_settings, shipped
from bank_host.iso8583.dialect_text import as_toml
from bank_host.iso8583.jpos_packager import MOST_BYTES, PackagerError, import_packager


@click.group(invoke_without_command=True)
@click.pass_context
def dialects(context: click.Context) -> None:
    """List the ISO 8583 dialects that come with the product; `show` one, or `import` a jPOS packager."""
    if context.invoked_subcommand is None:
        width = max(map(len, shipped()))
        for name in shipped():
            click.echo(f"{name:{width}}  {read_settings(name).summary}")


@dialects.command(short_help="Print every setting of a dialect.")
@click.argument("name")
def show(name: str) -> None:
    """Print every setting of dialect NAME (or of a .toml file) as a whole dialect file with explanations."""
    try:
        click.echo(as_toml(read_settings(name)), nl=False)
    except DialectError as error:
        stop(WRONG_USAGE, f"{error}")


@dialects.command("import", short_help="Make a dialect file from a jPOS packager.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The dialect file to write; it must not be there yet. Without it: standard output.",
)
def import_command(file: Path, out: Path | None) -> None:
    """Make a dialect file from a jPOS GenericPackager FILE (XML), and list what it cannot express."""
    if out is not None and out.exists():
        stop(WRONG_USAGE, f"{out} is there already; name a file that is not")
    with file.open("rb") as source:
        data = source.read(MOST_BYTES + 1)
    try:
        imported = import_packager(data, file.name)
    except PackagerError as error:
        stop(WRONG_USAGE, f"{file}: {error}")
    if out is None:
        click.echo(imported.toml, nl=False)
    else:
        out.write_text(imported.toml, encoding="utf-8")
        click.echo(f"{out}: written")
    for line in imported.lost:
        click.echo(f"not expressed: {line}", err=True)
