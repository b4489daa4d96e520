"""The command `cardreader`: which readers there are, what happens at them, what a card says, and why it does not.

Exit 0 all well, 1 a finding, 2 the command line is wrong, 3 reader or service not reached, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Any, Final, NoReturn, get_args

import click

from cardreader.aids import AidError, KnownAid, known_aids
from cardreader.card import Card
from cardreader.choice import reader_with_card
from cardreader.doctor import MACHINE_STAGES, examine
from cardreader.flow import Reading, read_card, terminal_values, what_is_sent
from cardreader.guard import Level
from cardreader.installation import alias_key, own_aids
from cardreader.pcsc.machine import system_transport
from cardreader.problems import Family, ReaderError, family, next_step
from cardreader.redact import alias, card_alias, pan_of
from cardreader.transport import ReaderState, Transport
from cardreader.virtual import vpcd
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.example import example_card
from cardreader.virtual.faults import FAULTS
from cardreader.virtual.in_process import InProcess
from cardreader.watch import Event
from cardreader.watch import watch as watch_readers
from cardreader.words import as_data, as_lines

FINDING: Final = 1
WRONG_USAGE: Final = 2
NOT_REACHED: Final = 3
INTERRUPTED: Final = 130
_VIRTUAL_READER: Final = "Virtual reader"
_JAPAN: Final = timedelta(hours=9)


@dataclass
class Surroundings:
    """What the commands stand on; a test passes its own as click's `obj`."""

    transport: Callable[[], Transport] = system_transport
    folder: Path = Path(click.get_app_dir("cardreader"))


class _Command(click.Group):
    """Problems become one line; an interruption has its own code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ReaderError as error:
            stop(NOT_REACHED, str(error))
        except (AidError, ValueError) as error:
            stop(WRONG_USAGE, str(error))
        except KeyboardInterrupt:
            stop(INTERRUPTED, "interrupted")


def stop(code: int, message: str) -> NoReturn:
    click.echo(f"cardreader: {message}", err=True)
    raise SystemExit(code)


@click.group(cls=_Command)
@click.version_option(package_name="atm-sim")
@click.pass_context
def main(context: click.Context) -> None:
    """Smart-card readers through PC/SC."""
    if context.obj is None:
        context.obj = Surroundings()


_JSON = click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
_READER = click.option("--reader", help="Part of the reader's name, if several have a card.")
_AIDS = click.option(
    "--aids",
    "aid_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with further application identifiers, one a line: AID, blank, name.",
)


# ---------------------------------------------------------------- list and watch


@main.command("list", short_help="List the card readers.")
@_JSON
@click.pass_obj
def list_command(surroundings: Surroundings, as_json: bool) -> None:
    """List the connected card readers, and whether a card is in them."""
    try:
        states = surroundings.transport().states()
        if not states:
            raise ReaderError("no_reader")
    except ReaderError as error:
        if as_json:
            click.echo(json.dumps({"readers": [], "reason": str(error)}, ensure_ascii=False))
            raise SystemExit(NOT_REACHED) from None
        raise
    if as_json:
        readers = [
            {"name": one.reader, "card": _card_state(one), "atr": one.atr.hex().upper()} for one in states
        ]
        click.echo(json.dumps({"readers": readers}, ensure_ascii=False))
    else:
        for one in states:
            click.echo(f"{one.reader}: {_card_state(one)}")


def _card_state(state: ReaderState) -> str:
    if not state.present:
        return "no card"
    return "mute card" if state.mute else "card in use" if state.in_use else "card"


@main.command(short_help="Tell what happens at the readers.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after this many events.")
@_JSON
@click.pass_obj
def watch(surroundings: Surroundings, count: int | None, as_json: bool) -> None:
    """Tell what happens at the readers, as it happens; Ctrl-C ends it.

    The smart-card service may stop and start, readers may come and go.
    """
    events = watch_readers(surroundings.transport(), pause=Flag().wait)
    for number, event in enumerate(events, 1):
        click.echo(json.dumps(_event_data(event), ensure_ascii=False) if as_json else _event_line(event))
        if number == count:
            return


def _event_data(event: Event) -> dict[str, str]:
    data = {"event": event.kind, "reader": event.reader, "atr": event.atr.hex().upper()}
    return {key: value for key, value in data.items() if value} | (
        {"problem": event.problem} if event.problem else {}
    )


_EVENT_WORDS: Final = {
    "service_up": "smart-card service answers",
    "reader_added": "{reader}: reader there",
    "reader_removed": "{reader}: reader gone",
    "card_inserted": "{reader}: card inserted, ATR {atr}",
    "card_mute": "{reader}: card inserted that does not answer; is it the wrong way round?",
    "card_removed": "{reader}: card removed",
}


def _event_line(event: Event) -> str:
    if event.problem is not None:
        return str(ReaderError(event.problem))
    return _EVENT_WORDS[event.kind].format(
        reader=event.reader, atr=event.atr.hex().upper() or "not seen in time"
    )


# ---------------------------------------------------------------- read


@main.command(short_help="Read a card, masked.")
@click.option(
    "--level",
    "level_name",
    type=click.Choice([level.name.lower() for level in Level]),
    default="identify",
    show_default=True,
    help="How far to go; see docs/how-to/card-reader.md.",
)
@_READER
@_AIDS
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    help="Seconds to wait for a card.",
)
@click.option("--virtual", is_flag=True, help="Read a virtual card inside this process: no reader is needed.")
@click.option("--yes", is_flag=True, help="Do not ask before the levels read and cryptogram.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option(
    "--trace", is_flag=True, help="Also print each command with lengths and status, on standard error."
)
@_JSON
@click.pass_obj
def read(
    surroundings: Surroundings,
    level_name: str,
    reader: str | None,
    aid_file: Path | None,
    wait_s: float,
    virtual: bool,
    yes: bool,
    dry_run: bool,
    trace: bool,
    as_json: bool,
) -> None:
    """Read a card and print it as a tree in words.

    Card numbers are masked; names, dates of expiry and tracks are not shown. No PIN is ever asked for or sent, and
    nothing on the card is changed but its transaction counter, from level read on.
    """
    level = Level[level_name.upper()]
    known = known_aids(aid_file or own_aids(surroundings.folder))
    if dry_run:
        for words, command in what_is_sent(level, known):
            click.echo(words + (f": {bytes(command).hex(' ').upper()}" if command else ""))
        return
    if level > Level.IDENTIFY and not (yes or virtual):
        _ask_first(level)
    transport = _virtual_transport() if virtual else surroundings.transport()
    state = reader_with_card(transport, reader, wait_s, time.monotonic, _say_waiting)
    with Card(transport, state.reader, level) as card, _told(card, trace):
        reading = read_card(card, known, _terminal())
    name = None if virtual else _alias(reading, surroundings.folder)
    data = {"reader": state.reader, "level": level_name} | as_data(reading, known, name)
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join((f"{state.reader}: " + "\n".join(as_lines(data))).splitlines()))
    if reading.outcome != "read":
        stop(FINDING, str(ReaderError(reading.outcome)))


def _say_waiting() -> None:
    click.echo("Insert a card, or lay it on the reader.", err=True)


def _terminal() -> dict[str, bytes]:
    """An ATM in Japan, now."""
    return terminal_values((datetime.now(UTC) + _JAPAN).date(), secrets.token_bytes(4))


def _ask_first(level: Level) -> None:
    words = "The card's transaction counter will go up by one for each application."
    if level == Level.CRYPTOGRAM:
        words += " It will note one declined transaction for each."
    click.echo(words + " Nothing else on it changes, and no PIN is sent.", err=True)
    if not click.confirm("Go on?", err=True):
        stop(FINDING, "nothing was sent")


@contextlib.contextmanager
def _told(card: Card, trace: bool) -> Iterator[None]:
    """The trace is printed even if the card goes away in the middle."""
    try:
        yield
    finally:
        if trace:
            for exchange in card.trace:
                click.echo(str(exchange), err=True)


def _virtual_transport() -> Transport:
    transport = InProcess(_VIRTUAL_READER)
    transport.insert(_VIRTUAL_READER, VirtualCard(example_card()))
    return transport


def _alias(reading: Reading, folder: Path) -> str | None:
    """The card's name on this machine; none if nothing was read that tells one card from another."""
    for application in reading.applications:
        elements = application.elements()
        pan = pan_of(elements)
        if pan is not None:
            sequence = next((one.value for one in elements if one.tag == "5F34"), b"")
            return card_alias(alias_key(folder), pan, sequence)
    return alias(alias_key(folder), b"uid:" + reading.uid) if reading.uid else None


# ---------------------------------------------------------------- virtual and doctor


@main.command("virtual", short_help="Be a virtual EMV card.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=vpcd.PORT, show_default=True, help="Where vpcd listens."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="On which machine.")
@click.option(
    "--protocol", type=click.Choice(["T=0", "T=1"]), default="T=1", show_default=True, help="Of the card."
)
@click.option("--contactless", is_flag=True, help="A card without contacts.")
@click.option(
    "--cvn", type=click.Choice(["10", "18"]), default="18", show_default=True, help="Cryptogram version."
)
@click.option("--fault", type=click.Choice(sorted(FAULTS)), help="What is wrong with the card.")
@click.option(
    "--stdin", "from_stdin", is_flag=True, help="Answer commands in hexadecimal, one a line; no vpcd."
)
def virtual_command(
    port: int, host: str, protocol: Any, contactless: bool, cvn: str, fault: str | None, from_stdin: bool
) -> None:
    """Be a virtual EMV card in vpcd's reader (vsmartcard), until it is pulled or Ctrl-C is pressed.

    The card has a test number and published test keys.
    """
    profile = example_card(protocol, "contactless" if contactless else "contact", int(cvn))
    card = VirtualCard(profile, FAULTS[fault] if fault else None, secrets.token_bytes)
    if from_stdin:
        _answer_lines(card)
        return
    try:
        connection = vpcd.insert(port, host)
    except OSError:
        stop(
            NOT_REACHED,
            f"no vpcd listens on {host}:{port}: install vsmartcard's vpcd and start pcscd "
            "(Debian, Ubuntu: sudo apt-get install vsmartcard-vpcd pcscd && sudo systemctl restart pcscd)",
        )
    click.echo(f"inserted on {host}:{port}, ATR {card.atr.hex().upper()}; Ctrl-C pulls the card")
    try:
        vpcd.serve(connection, card)
    finally:
        vpcd.pull(connection)
    click.echo(f"pulled; {len(card.log)} commands arrived")


def _answer_lines(card: VirtualCard) -> None:
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            command = bytes.fromhex(line)
        except ValueError:
            stop(WRONG_USAGE, "a command is pairs of hexadecimal digits")
        answer = card.answer(command)
        click.echo("no answer" if answer is None else answer.hex(" ").upper())


@main.command(short_help="Say why no card can be read.")
@click.option("--system", type=click.Choice(get_args(Family)), help="Give the advice for this system.")
@_AIDS
@click.pass_obj
def doctor(surroundings: Surroundings, system: Family | None, aid_file: Path | None) -> None:
    """Look at library, service, reader and card, and say what to do next at the first fault.

    A card is only identified.
    """
    known: tuple[KnownAid, ...] = known_aids(aid_file or own_aids(surroundings.folder))
    terminal = _terminal()
    for check in examine(surroundings.transport, known, terminal):
        if check.problem is None:
            click.echo(f"ok    {check.stage}: {check.found}")
            continue
        click.echo(f"FAIL  {check.stage}: {check.found}")
        click.echo(f"      {next_step(check.problem, system or family())}")
        raise SystemExit(NOT_REACHED if check.stage in MACHINE_STAGES else FINDING)
    click.echo("Cards can be read.")


if __name__ == "__main__":
    main()
