"""The virtual card as a card: its cryptograms are those of the bank, and it believes the bank only if it is right."""

from __future__ import annotations

import pytest

from cardreader import apdu
from cardreader.apdu import Command, read_response
from cardreader.card import Card
from cardreader.emv import tlv
from cardreader.emv.cryptogram import (
    METHODS,
    arpc_1,
    arpc_2,
    authenticated_data,
    cryptogram,
    transaction_key,
    version_of,
)
from cardreader.emv.dol import fill, read_dol
from cardreader.guard import Level
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.in_process import InProcess
from cardreader.virtual.profile import PURCHASE_VALUES
from tests.cardreader.cards import ISSUER_KEY, PAN, READER, TERMINAL, application, card, profile

VALUES = dict(TERMINAL) | {"9F02": bytes.fromhex("000000030000"), "9C": b"\x01", "8A": b"00"}
CDOL1 = read_dol(bytes.fromhex(PURCHASE_VALUES))
CDOL2 = read_dol(bytes.fromhex("8A02" + PURCHASE_VALUES))


class Terminal:
    """An ATM that does a whole transaction with a card of this program."""

    def __init__(self, cvn: int, protocol: str = "T=1") -> None:
        readers = InProcess(READER)
        readers.insert(READER, VirtualCard(profile(application(cvn), protocol=protocol)))  # type: ignore[arg-type]
        self.card = Card(readers, READER, Level.CRYPTOGRAM)
        self.card.send(apdu.select(application().aid))
        self.card.send(apdu.get_processing_options(bytes.fromhex("039214")))
        self.cvn = cvn

    def generate(self, kind: int, *, second: bool = False) -> dict[str, bytes]:
        answer = self.card.send(apdu.generate_ac(kind, fill(CDOL2 if second else CDOL1, VALUES)))
        assert answer.ok, answer
        return {one.tag: one.value for one in tlv.read(answer.data)[0].parts}

    def bank_answers(self, said: dict[str, bytes]) -> bytes:
        key = transaction_key(ISSUER_KEY, PAN, "01", said["9F36"], self.cvn)
        data = authenticated_data(VALUES | said | {"82": b"\x1c\x00"}, self.cvn)
        assert data is not None
        assert cryptogram(key, data, METHODS[self.cvn].padding) == said["9F26"]
        if METHODS[self.cvn].arpc == 1:
            return arpc_1(key, said["9F26"], b"00") + b"00"
        return arpc_2(key, said["9F26"], bytes(4)) + bytes(4)

    def authenticate(self, data: bytes) -> int:
        return self.card.send(Command(0x00, apdu.EXTERNAL_AUTHENTICATE, data=data)).status


@pytest.mark.parametrize("cvn", [10, 18])
@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
def test_a_whole_transaction_online(cvn: int, protocol: str) -> None:
    terminal = Terminal(cvn, protocol)
    first = terminal.generate(0x80)
    assert (b"\x80", b"\0\1", cvn, 0xA0) == (
        first["9F27"],
        first["9F36"],
        version_of(first["9F10"]),
        first["9F10"][4],
    )
    assert 0x9000 == terminal.authenticate(terminal.bank_answers(first))
    second = terminal.generate(0x40, second=True)
    assert (b"\x40", 0x60) == (second["9F27"], second["9F10"][4])


@pytest.mark.parametrize("cvn", [10, 18])
def test_an_answer_that_is_not_the_banks_is_refused_and_the_card_declines(cvn: int) -> None:
    terminal = Terminal(cvn)
    answer = terminal.bank_answers(terminal.generate(0x80))
    wrong = bytes([answer[0] ^ 1]) + answer[1:]
    assert 0x6300 == terminal.authenticate(wrong)
    second = terminal.generate(0x40, second=True)
    assert (b"\x00", 0x28) == (second["9F27"], second["9F10"][4])


def test_without_the_banks_answer_the_card_declines() -> None:
    terminal = Terminal(18)
    assert b"\x80" == terminal.generate(0x40)["9F27"]  # asked for approval, it wants to go online
    assert b"\x00" == terminal.generate(0x40, second=True)["9F27"]


def test_the_counter_goes_up_with_each_transaction_and_lasts() -> None:
    one = card()
    for expected in (1, 2, 3):
        one.reset()
        one.answer(bytes(apdu.select(application().aid)))
        one.answer(bytes(apdu.get_processing_options(bytes.fromhex("039214"))))
        answer = read_response(one.answer(bytes(apdu.get_data("9F36"))) or b"")
        assert expected == int.from_bytes(tlv.first(tlv.read(answer.data), "9F36") or b"")


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("6d00", "0020008008241234ffffffffff"),
        ("6e00", "841600000a00000000000000000000"),
        ("6a82", "00a4040005a000000003"),
        ("6a86", "00a40000023f00"),
        ("6985", "80a8000002830000"),
        ("6985", "80ae80000100"),
        ("6a83", "00b2011400"),
        ("6e00", "ffca000000"),
        ("6700", "00a404"),
        ("6985", "00c0000010"),
    ],
)
def test_what_a_card_refuses(status: str, command: str) -> None:
    answer = card().answer(bytes.fromhex(command))
    assert answer is not None
    assert status == answer.hex()


def test_a_t0_card_hands_over_in_two_steps() -> None:
    one = card("T=0")
    ready = one.answer(bytes(apdu.select(application().aid)))
    assert ready is not None
    assert 0x61 == ready[0]
    assert bytes([0x6C, ready[1]]) == one.answer(bytes.fromhex("00C0000001"))
    whole = one.answer(bytes.fromhex("00C00000") + ready[1:])
    assert whole is not None
    assert (ready[1] + 2, b"\x90\x00") == (len(whole), whole[-2:])


def test_the_key_is_in_no_repr() -> None:
    assert "Des3(16 bytes)" in repr(application())
