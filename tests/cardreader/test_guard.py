"""What may never reach a person's card: proved on all that arrives at a card, whoever sends and whatever it answers.

The judge below is written from the safety levels, not from the guard: it looks at the log of the card alone.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cardreader
from cardreader import apdu
from cardreader.apdu import Command, Response
from cardreader.card import Card
from cardreader.flow import read_card
from cardreader.guard import MY_NUMBER_CARD, PSE, Level, State, allowed
from cardreader.problems import ReaderError
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.faults import FAULTS
from tests.cardreader.cards import KNOWN, READER, TERMINAL, Scripted, application, personal, profile

NEVER = {
    "VERIFY": 0x20,
    "CHANGE REFERENCE DATA": 0x24,
    "RESET RETRY COUNTER": 0x2C,
    "EXTERNAL AUTHENTICATE": 0x82,
    "PUT DATA": 0xDA,
    "UPDATE RECORD": 0xDC,
    "CARD BLOCK": 0x16,
    "APPLICATION UNBLOCK": 0x18,
    "APPLICATION BLOCK": 0x1E,
}
LOWEST_LEVEL = {
    (0x00, 0xA4): 0,
    (0x00, 0xC0): 0,
    (0x00, 0xB2): 0,
    (0x80, 0xCA): 0,
    (0xFF, 0xCA): 0,
    (0x80, 0xA8): 1,
    (0x80, 0xAE): 2,
    (0x00, 0x88): 2,
    (0x00, 0x84): 2,
}


def harm(log: Sequence[bytes], level: Level) -> list[str]:
    """What arrived at a card and should not have."""
    found = []
    for command in log:
        cla, ins, p1 = command[0], command[1], command[2]
        lowest = LOWEST_LEVEL.get((cla, ins))
        if ins in NEVER.values() or cla & 0xFC in (0x84, 0x8C):
            found.append(f"never: {command[:4].hex()}")
        elif lowest is None or lowest > level:
            found.append(f"not at level {level}: {command[:4].hex()}")
        elif ins == 0xAE and p1 != 0x00:
            found.append(f"a cryptogram that is no AAC: {command[:4].hex()}")
    opened = sum(command[1] == 0xA8 for command in log)
    if sum(command[1] == 0xAE for command in log) > opened:
        found.append("a cryptogram without an opened application")
    return found


ANY_COMMAND = st.builds(
    Command,
    st.sampled_from([0x00, 0x80, 0x84, 0x8C, 0x04, 0x0C, 0xFF]) | st.integers(0, 255),
    st.sampled_from([*NEVER.values(), *(ins for _, ins in LOWEST_LEVEL)]) | st.integers(0, 255),
    st.sampled_from([0x00, 0x01, 0x04, 0x40, 0x80, 0x9F]) | st.integers(0, 255),
    st.sampled_from([0x00, 0x0C, 0x14, 0x36]) | st.integers(0, 255),
    st.sampled_from([b"", PSE, application().aid, bytes.fromhex("830303920014")]) | st.binary(max_size=32),
    st.none() | st.integers(1, 256),
)
ANY_ANSWER = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda data, status: data + status,
        st.binary(max_size=40)
        | st.builds(
            lambda files: b"\x80" + bytes([2 + len(files)]) + b"\x1c\x00" + files, st.binary(max_size=24)
        ),
        st.sampled_from([b"\x90\x00", b"\x61\x10", b"\x6c\x08", b"\x6a\x83", b"\x62\x83"]),
    ),
)


def drive(card: Card, commands: Sequence[Command]) -> None:
    """The flow in full, and after it whatever a careless program might send."""
    for step in (
        lambda: read_card(card, KNOWN, TERMINAL),
        *(lambda one=one: card.send(one) for one in commands),
    ):
        with suppress(ReaderError):  # refused, broken, pulled: each is an answer to what was tried
            step()


@given(
    level=st.sampled_from(Level),
    fault=st.sampled_from([None, *(name for name in FAULTS if "mute" not in name and name != "slow")]),
    protocol=st.sampled_from(["T=0", "T=1"]),
    interface=st.sampled_from(["contact", "contactless"]),
    directory=st.booleans(),
    commands=st.lists(ANY_COMMAND, max_size=12),
)
def test_no_flow_and_no_fault_brings_a_forbidden_command_to_a_card(
    level: Level, fault: str | None, protocol: str, interface: str, directory: bool, commands: list[Command]
) -> None:
    answering = VirtualCard(
        profile(protocol=protocol, interface=interface, directory=directory),  # type: ignore[arg-type]
        FAULTS[fault] if fault else None,
    )
    with Card(personal(answering), READER, level) as card:
        drive(card, commands)
    assert [] == harm(answering.log, level)


@given(
    level=st.sampled_from(Level),
    answers=st.lists(ANY_ANSWER, max_size=60),
    commands=st.lists(ANY_COMMAND, max_size=6),
)
def test_nothing_that_a_card_answers_brings_a_forbidden_command_to_it(
    level: Level, answers: list[bytes], commands: list[Command]
) -> None:
    """Wrong file locators, endless 61xx, noise: read to its end without a crash."""
    queue = iter(answers)
    answering = Scripted(lambda command: next(queue, b"\x6a\x82"))
    with Card(personal(answering), READER, level) as card:
        drive(card, commands)
    assert [] == harm(answering.log, level)


@pytest.mark.parametrize("name", NEVER)
@pytest.mark.parametrize("level", list(Level))
def test_what_changes_a_card_is_refused_at_every_level(name: str, level: Level) -> None:
    answering = VirtualCard(profile())
    with Card(personal(answering), READER, level) as card:
        read_card(card, KNOWN, TERMINAL)
        arrived = len(answering.log)
        with pytest.raises(ReaderError, match="never sent"):
            card.send(Command(0x00, NEVER[name], 0x00, 0x80, bytes.fromhex("241234FFFFFFFFFF")))
        assert arrived == len(answering.log)


def test_the_judge_finds_a_forbidden_command_when_the_guard_is_broken() -> None:
    """The planted fault: a guard that lets everything through."""
    answering = VirtualCard(profile())
    broken_guard = patch("cardreader.card.allowed", lambda state, command: True)
    with broken_guard, Card(personal(answering), READER, Level.IDENTIFY) as card:
        drive(
            card,
            [Command(0x00, NEVER["VERIFY"], 0x00, 0x80, bytes(8)), apdu.generate_ac(0x80, bytes(29))],
        )
    assert [
        "never: 00200080",
        "not at level 0: 80ae8000",
        "a cryptogram without an opened application",
    ] == harm(answering.log, Level.IDENTIFY)


def test_a_record_is_read_only_if_the_card_itself_names_it() -> None:
    with Card(personal(VirtualCard(profile())), READER, Level.READ) as card:
        card.send(apdu.select(application().aid))
        with pytest.raises(ReaderError, match="never sent"):
            card.send(apdu.read_record(1, 1))
        card.send(apdu.get_processing_options(bytes.fromhex("039214")))
        assert card.send(apdu.read_record(1, 1)).ok
        with pytest.raises(ReaderError, match="never sent"):
            card.send(apdu.read_record(1, 3))


def test_an_application_is_opened_once_and_declined_once() -> None:
    state = State(Level.CRYPTOGRAM, selected="application")
    options, decline = apdu.get_processing_options(b""), apdu.generate_ac(0x00, b"")
    assert (True, False) == (allowed(state, options), allowed(state, decline))
    opened = state._replace(opened=True)
    assert (False, True) == (allowed(opened, options), allowed(opened, decline))
    assert not allowed(opened._replace(generated=1), decline)


def test_nothing_more_goes_to_a_my_number_card() -> None:
    answering = Scripted(lambda command: b"\x90\x00" if command[5:15] == MY_NUMBER_CARD else b"\x6a\x82")
    with Card(personal(answering), READER, Level.CRYPTOGRAM) as card:
        assert "my_number_card" == read_card(card, KNOWN, TERMINAL).outcome
        arrived = len(answering.log)
        for command in (apdu.select(PSE), apdu.get_data("9F17"), apdu.read_record(1, 1)):
            with pytest.raises(ReaderError, match="never sent"):
                card.send(command)
        assert arrived == len(answering.log)


def test_only_a_card_of_this_program_may_be_asked_for_an_online_cryptogram() -> None:
    online = apdu.generate_ac(0x80, b"")
    state = State(Level.CRYPTOGRAM, selected="application", opened=True)
    assert not allowed(state, online)
    assert allowed(state._replace(made_here=True), online)
    assert not allowed(state._replace(made_here=True), Command(0x00, NEVER["VERIFY"], 0x00, 0x80))


def test_the_package_transmits_in_one_place() -> None:
    """Every call of a link's `transmit`, and where it stands: the bindings below it call PC/SC's own function."""
    package = Path(cardreader.__file__).parent
    places = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "transmit":
                places.add((str(file.relative_to(package)), ast.unparse(node)))
    assert {("card.py", "self._link.transmit"), ("pcsc/__init__.py", "self._api.transmit")} == places


def test_a_refusal_tells_the_command_and_no_data() -> None:
    with Card(personal(VirtualCard(profile())), READER) as card, pytest.raises(ReaderError) as refused:
        card.send(Command(0x00, 0x20, 0x00, 0x80, bytes.fromhex("241234FFFFFFFFFF")))
    assert "VERIFY 00 20 00 80, 8 bytes" in str(refused.value)
    assert "1234" not in str(refused.value)


def test_a_response_changes_the_state_only_after_its_command_was_allowed() -> None:
    answering = Scripted(lambda command: bytes(Response(b"", apdu.OK)))
    with Card(personal(answering), READER, Level.READ) as card, pytest.raises(ReaderError):
        card.send(apdu.get_processing_options(b""))
    assert [] == answering.log
