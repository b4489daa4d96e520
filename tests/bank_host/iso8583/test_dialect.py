"""A dialect reads and writes messages in our terms, and says which bytes a MAC covers."""

from __future__ import annotations

import pytest

from bank_host.iso8583.build import answer, network_request
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.dialect import DEFAULT
from bank_host.iso8583.framing import FRAMINGS
from bank_host.iso8583.message import Message
from tests.bank_host.iso8583.test_codec import EVERY_KIND, NOW_US, WITHDRAWAL

MAC = "0011223344556677"


def mac_of(covered: bytes) -> str:
    """Stands for a real MAC: what matters here is what it covers."""
    return f"{len(covered):016X}"


@pytest.mark.parametrize("message", EVERY_KIND, ids=lambda message: message.mti)
def test_the_default_dialect_is_the_codecs(message: Message) -> None:
    assert encode(message) == DEFAULT.encode(message)
    assert message == DEFAULT.decode(DEFAULT.encode(message))


def test_the_default_framing_is_a_two_byte_length() -> None:
    assert FRAMINGS["len2"] == DEFAULT.framing


@pytest.mark.parametrize(
    ("element", "message"),
    [(64, WITHDRAWAL), (128, network_request("301", stan=1, now_us=NOW_US)), (64, answer(WITHDRAWAL, "00"))],
)
def test_a_mac_goes_into_the_last_element_and_covers_all_before_it(element: int, message: Message) -> None:
    sealed = DEFAULT.encode(message, mac=mac_of)
    covered, found = sealed[:-16], sealed[-16:].decode()
    assert (covered, found) == DEFAULT.mac_input(sealed)
    assert mac_of(covered) == found
    assert message.but({element: found}) == decode(sealed)


def test_a_message_without_a_mac_has_none() -> None:
    assert [None] * len(EVERY_KIND) == [DEFAULT.mac_input(encode(message)) for message in EVERY_KIND]


def test_a_mac_before_other_elements_protects_nothing_and_does_not_count() -> None:
    echo = network_request("301", stan=1, now_us=NOW_US)
    assert DEFAULT.mac_input(encode(echo.but({64: MAC}))) is None
