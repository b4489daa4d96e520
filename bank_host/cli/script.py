"""`bank-host script`: look at the script of a scripted issuer without serving it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bank_host.cli.exits import WRONG_USAGE
from bank_host.script import Script, ScriptError, load
from bank_host.script.schema import json_schema


@click.group()
def script() -> None:
    """Check the script of a scripted issuer, which `bank-host serve --script` plays."""


@script.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Read FILE; tell its rules, or everything that is wrong with it."""
    told = script_of(file)
    for number, rule in enumerate(told.rules, 1):
        often = "" if rule.times is None else f", the first {rule.times} times"
        often += "" if rule.chance == 1.0 else f", with chance {rule.chance:g}"
        click.echo(f"{number}  {rule.name}{often}")
    click.echo(f"{file.as_posix()}: {len(told.rules)} rules; what none of them strikes is the bank's")


@script.command()
def schema() -> None:
    """Print the JSON Schema of scripts, for an editor that knows the keys."""
    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))


def script_of(file: Path) -> Script:
    """The script in a file; what is wrong with it becomes a message and an exit code."""
    try:
        return load(file)
    except ScriptError as error:
        click.echo(f"{error}", err=True)
        raise SystemExit(WRONG_USAGE) from None
