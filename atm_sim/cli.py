"""The command `atm-sim`: the list of its commands, and what every one of them does with an error.

Exit 0 all met, 1 an expectation or invariant failed, 2 the file or the command line is wrong, 3 the tool broke, 4 a
measurement is invalid, 130 interrupted. A user's mistake never ends in a traceback; ATM_SIM_DEBUG=1 shows those of the
tool's own.
"""

from __future__ import annotations

import os
from typing import Any, Final

import click

from atm_sim.exits import BROKEN, INTERRUPTED, WRONG_USAGE, Mistake, stop
from bank_host.lazy_group import LazyGroup, Place
from bank_host.written.problems import WrittenError
from cardreader.problems import ReaderError

COMMANDS: Final = {
    "cash": Place("atm_sim.cash.command:cash", "Compare replenishment policies over weeks."),
    "demo": Place("atm_sim.looking_up:demo", "Copy the tutorial here and run it."),
    "describe": Place("atm_sim.looking_up:describe", "Put an ISO 8583 message into words."),
    "doctor": Place("atm_sim.doctor.command:doctor", "Say why a peer and we do not understand each other."),
    "explain": Place(
        "atm_sim.study.command:explain", "Loads and expected waits from formulas, before anything runs."
    ),
    "fit": Place("atm_sim.demand.command:fit", "Fit a demand file to your own withdrawals."),
    "fuzz": Place("atm_sim.fuzz.command:fuzz", "Hunt for faults in random worlds."),
    "incident": Place(
        "atm_sim.incidents.command:incident", "Compare an incident of the past with its published figures."
    ),
    "kiosk": Place("atm_sim.kiosk.command:kiosk", "Show an ATM in the browser."),
    "load": Place("atm_sim.load.command:load", "Put a scenario's fleet as load on a host, over TCP."),
    "replay": Place("atm_sim.target.replay_command:replay", "Replay the messages of a run against a host."),
    "report": Place("atm_sim.report.command:report", "Build the report of a run again."),
    "run": Place("atm_sim.runner.run_command:run", "Run a scenario file and write its report."),
    "schema": Place("atm_sim.looking_up:schema", "Print the JSON Schema of scenario files."),
    "settle": Place("atm_sim.load.command:settle_command", "Compare a load run with a host's journal."),
    "study": Place("atm_sim.study.command:study", "Play a scenario many times and compare its variants."),
    "test": Place("atm_sim.runner.suite_command:test", "Test the scenario files of a folder."),
    "token": Place("atm_sim.token.command:token", "Show a customer's hardware token."),
    "trace": Place("atm_sim.report.command:trace", "Tell one person's day, message by message."),
}


class _Group(LazyGroup):
    """Turns every error into a message and an exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except WrittenError as error:
            stop(WRONG_USAGE, error)
        except BrokenPipeError:  # `atm-sim schema | head`: click knows what to do
            raise
        except ReaderError as error:
            stop(BROKEN, f"atm-sim: {error}")
        except OSError as error:
            where = f"{error.filename}: " if error.filename is not None else ""
            stop(WRONG_USAGE, f"atm-sim: {where}{error.strerror or error}")
        except Mistake as error:
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


@click.group(cls=_Group, places=COMMANDS)
@click.version_option(package_name="atm-sim")
def main() -> None:
    """Simulate ATMs, a card network and a bank: scenario file in, graded run out."""


if __name__ == "__main__":
    main()
