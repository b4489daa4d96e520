"""The allow-list: which commands may go to a card, at which safety level, in which state; everything else never goes.

A person's own card must come to no harm: no PIN try is used up, nothing on it is written or blocked, and no online
cryptogram is asked for that no bank would see. The list is applied to every reader by `cardreader.card`, the one place
that transmits; it trusts no caller and learns the state itself, from what was sent and what came back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Final, Literal, NamedTuple

from cardreader import apdu
from cardreader.apdu import Command, Response
from cardreader.emv import tlv
from cardreader.emv.processing_options import OptionsError, read_options, records_of

PSE: Final = b"1PAY.SYS.DDF01"
PPSE: Final = b"2PAY.SYS.DDF01"
MY_NUMBER_CARD: Final = bytes.fromhex("D392F000260100000001")
"""The application for public personal authentication (JPKI): no bank's, and never touched."""

COUNTERS: Final = ("9F36", "9F13", "9F17", "9F4F")
"""What GET DATA may ask for: the transaction counters, the PIN tries that are left, the layout of the log."""
_MOST_DIRECTORY_RECORDS: Final = 16


class Level(IntEnum):
    """How far a card may be read."""

    IDENTIFY = 0
    READ = 1
    CRYPTOGRAM = 2


class State(NamedTuple):
    """What the allow-list goes by. `made_here`: one of this program's own cards, which may do whole transactions."""

    level: Level = Level.IDENTIFY
    contactless: bool = False
    made_here: bool = False
    selected: Literal["nothing", "directory", "application", "not_ours"] = "nothing"
    directory_file: int = 0
    opened: bool = False  # GET PROCESSING OPTIONS was sent to the selected application
    records: frozenset[tuple[int, int]] = frozenset()  # that the card's own file locator names
    generated: int = 0  # cryptograms
    waiting: bool = False  # the card has said that an answer can be fetched


class Rule(NamedTuple):
    """One command of the list."""

    words: str
    level: Level
    when: Callable[[State, Command], bool]


def _select(state: State, command: Command) -> bool:
    return command.p1 == 0x04 and command.p2 in (0x00, 0x02) and 5 <= len(command.data) <= 16


def _get_response(state: State, command: Command) -> bool:
    return state.waiting and _plain(command) and not command.data


def _read_record(state: State, command: Command) -> bool:
    sfi = command.p2 >> 3
    if command.data or command.p2 & 0x07 != 0x04:
        return False
    if state.selected == "directory":
        return sfi == state.directory_file and 1 <= command.p1 <= _MOST_DIRECTORY_RECORDS
    return state.level >= Level.READ and (sfi, command.p1) in state.records


def _get_data(state: State, command: Command) -> bool:
    return f"{command.p1:02X}{command.p2:02X}" in COUNTERS and not command.data


def _get_uid(state: State, command: Command) -> bool:
    return state.contactless and command.p1 in (0x00, 0x01) and command.p2 == 0x00 and not command.data


def _get_options(state: State, command: Command) -> bool:
    return _plain(command) and state.selected == "application" and not state.opened


def _generate_ac(state: State, command: Command) -> bool:
    if not state.opened or command.p2 != 0x00:
        return False
    if state.made_here:
        return command.p1 in (0x00, 0x40, 0x80) and state.generated < 2
    return command.p1 == 0x00 and state.generated < 1


def _authenticate(state: State, command: Command) -> bool:
    return _plain(command) and state.opened


def _issuer_authentication(state: State, command: Command) -> bool:
    return state.made_here and _plain(command) and state.generated == 1


def _plain(command: Command) -> bool:
    return command.p1 == command.p2 == 0x00


RULES: Final[Mapping[tuple[int, int], Rule]] = {
    (0x00, apdu.SELECT): Rule("select a directory or an application by name", Level.IDENTIFY, _select),
    (0x00, apdu.GET_RESPONSE): Rule(
        "fetch the answer that the card has ready", Level.IDENTIFY, _get_response
    ),
    (0x00, apdu.READ_RECORD): Rule(
        "read a record of the directory; from level read on, records that the card itself names",
        Level.IDENTIFY,
        _read_record,
    ),
    (0x80, apdu.GET_DATA): Rule("read counters: " + ", ".join(COUNTERS), Level.IDENTIFY, _get_data),
    (0xFF, apdu.GET_UID): Rule("ask the reader for a contactless card's number", Level.IDENTIFY, _get_uid),
    (0x80, apdu.GET_PROCESSING_OPTIONS): Rule(
        "open the application; the card's transaction counter goes up by one", Level.READ, _get_options
    ),
    (0x80, apdu.GENERATE_AC): Rule(
        "ask for the cryptogram of a declined transaction (AAC), once", Level.CRYPTOGRAM, _generate_ac
    ),
    (0x00, apdu.INTERNAL_AUTHENTICATE): Rule(
        "let the card prove that it is genuine", Level.CRYPTOGRAM, _authenticate
    ),
    (0x00, apdu.GET_CHALLENGE): Rule("ask for a random number", Level.CRYPTOGRAM, _authenticate),
    (0x00, apdu.EXTERNAL_AUTHENTICATE): Rule(
        "bring the bank's answer, to this program's own cards only", Level.CRYPTOGRAM, _issuer_authentication
    ),
}
"""By class and instruction."""


def allowed(state: State, command: Command) -> bool:
    """Whether this command may go to the card now."""
    rule = RULES.get((command.cla, command.ins))
    if rule is None or state.selected == "not_ours":
        return False
    return state.level >= rule.level and rule.when(state, command)


def after(state: State, command: Command, response: Response) -> State:
    """The state after a command and its whole answer."""
    state = state._replace(waiting=False)
    match command.cla, command.ins:
        case 0x00, apdu.SELECT:
            return _selected(state, command, response)
        case 0x80, apdu.GET_PROCESSING_OPTIONS:
            return state._replace(opened=True, records=_named_records(response))
        case 0x80, apdu.GENERATE_AC:
            return state._replace(generated=state.generated + 1)
        case _:
            return state


def _selected(state: State, command: Command, response: Response) -> State:
    state = state._replace(
        selected="nothing", directory_file=0, opened=False, records=frozenset(), generated=0
    )
    if not response.ok:
        return state
    if command.data in (PSE, PPSE):
        return state._replace(selected="directory", directory_file=_directory_file(response))
    if MY_NUMBER_CARD.startswith(command.data):
        return state._replace(selected="not_ours")
    return state._replace(selected="application")


def _directory_file(response: Response) -> int:
    try:
        number = tlv.first(tlv.read(response.data, forgiving=True), "88") or b"\0"
    except tlv.TlvError:
        return 0
    return number[0] if len(number) == 1 and 1 <= number[0] <= 10 else 0


def _named_records(response: Response) -> frozenset[tuple[int, int]]:
    if not response.ok:
        return frozenset()
    try:
        return frozenset(records_of(read_options(response.data).files))
    except (OptionsError, tlv.TlvError):
        return frozenset()
