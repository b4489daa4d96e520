"""Commands that play nothing by themselves: the schema, a message in words, a copy of the tutorial."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from atm_sim.exits import WRONG_USAGE, stop
from atm_sim.shipped import shipped_scenarios
from bank_host.iso8583.describe import describe_hex
from bank_host.iso8583.errors import FormatError


@click.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from atm_sim.scenario import json_schema  # the only command here that needs all models

    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))


@click.command()
@click.argument("message")
@click.option("--lang", type=click.Choice(["en", "ja"]), default="en", help="Language of the words.")
def describe(message: str, lang: Any) -> None:
    """Describe an ISO 8583 MESSAGE (hexadecimal, or the ASCII text itself) in words; `-` reads standard input."""
    try:
        click.echo(describe_hex(sys.stdin.read().strip() if message == "-" else message, lang))
    except FormatError as error:
        stop(WRONG_USAGE, f"atm-sim: not a message of our dialect: {error}")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="atm-sim-demo")
@click.pass_context
def demo(context: click.Context, folder: Path) -> None:
    """Copy the tutorial scenarios to FOLDER, run the first one, and name its report."""
    if folder.exists() and any(folder.iterdir()):
        stop(WRONG_USAGE, f"atm-sim: {folder} is not empty; name another folder: atm-sim demo OTHER")
    from atm_sim.runner.run_command import run

    shutil.copytree(shipped_scenarios() / "tutorial", folder, dirs_exist_ok=True)
    click.echo(f"Copied the tutorial to {folder}. Running {folder / 'first_day.yaml'}.")
    context.invoke(run, file=folder / "first_day.yaml", out=folder / "run")
