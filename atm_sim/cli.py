"""The command `atm-sim`: what is common to all of its commands, most of which stand with their packages.

Exit 0 all met, 1 an expectation or invariant failed, 2 the file or the command line is wrong, 3 the tool broke, 4 a
measurement is invalid, 130 interrupted. A user's mistake never ends in a traceback; ATM_SIM_DEBUG=1 shows those of the
tool's own.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from atm_sim.cash.command import cash
from atm_sim.demand.command import fit
from atm_sim.doctor.command import doctor
from atm_sim.exits import BROKEN, INTERRUPTED, WRONG_USAGE, stop
from atm_sim.fleet.ground import SitesError
from atm_sim.fuzz.command import fuzz
from atm_sim.incidents.command import incident
from atm_sim.kiosk.command import kiosk
from atm_sim.load.command import load, settle_command
from atm_sim.records.folder import RunFolderError
from atm_sim.report.command import report, trace
from atm_sim.runner.run_command import run
from atm_sim.runner.suite_command import test
from atm_sim.scenario import ScenarioError, json_schema
from atm_sim.shipped import shipped_scenarios
from atm_sim.study.command import explain, study
from atm_sim.target.replay_command import replay
from atm_sim.token.command import token
from bank_host.iso8583.describe import describe_hex
from bank_host.iso8583.errors import FormatError
from cardreader.problems import ReaderError


class _Command(click.Group):
    """Turns every error into a message and an exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (ScenarioError, SitesError) as error:
            stop(WRONG_USAGE, error)
        except BrokenPipeError:  # `atm-sim schema | head`: click knows what to do
            raise
        except ReaderError as error:
            stop(BROKEN, f"atm-sim: {error}")
        except (RunFolderError, OSError) as error:
            stop(WRONG_USAGE, f"atm-sim: {error}")
        except KeyboardInterrupt:
            stop(INTERRUPTED, "atm-sim: interrupted")
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if os.environ.get("ATM_SIM_DEBUG"):
                raise
            stop(
                BROKEN,
                f"atm-sim broke: {type(error).__name__}: {error}\n"
                "This is a fault of atm-sim, not of your file. ATM_SIM_DEBUG=1 shows where; please report it.",
            )


@click.group(cls=_Command)
@click.version_option(package_name="atm-sim")
def main() -> None:
    """Simulate ATMs, a card network and a bank: scenario file in, graded run out."""


@main.command(short_help="Print the JSON Schema of scenario files.")
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))


@main.command(short_help="Put an ISO 8583 message into words.")
@click.argument("message")
@click.option("--lang", type=click.Choice(["en", "ja"]), default="en", help="Language of the words.")
def describe(message: str, lang: Any) -> None:
    """Describe an ISO 8583 MESSAGE (hexadecimal, or the ASCII text itself) in words; `-` reads standard input."""
    try:
        click.echo(describe_hex(sys.stdin.read().strip() if message == "-" else message, lang))
    except FormatError as error:
        stop(WRONG_USAGE, f"atm-sim: not a message of our dialect: {error}")


@main.command(short_help="Copy the tutorial here and run it.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="atm-sim-demo")
@click.pass_context
def demo(context: click.Context, folder: Path) -> None:
    """Copy the tutorial scenarios to FOLDER, run the first one, and name its report."""
    if folder.exists() and any(folder.iterdir()):
        stop(WRONG_USAGE, f"atm-sim: {folder} is not empty; name another folder: atm-sim demo OTHER")
    shutil.copytree(shipped_scenarios() / "tutorial", folder, dirs_exist_ok=True)
    click.echo(f"Copied the tutorial to {folder}. Running {folder / 'first_day.yaml'}.")
    context.invoke(run, file=folder / "first_day.yaml", out=folder / "run")


for command in (
    cash,
    doctor,
    explain,
    fit,
    fuzz,
    incident,
    kiosk,
    load,
    replay,
    report,
    run,
    settle_command,
    study,
    test,
    token,
    trace,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
