"""HOST:PORT as a person writes it."""

from __future__ import annotations

import pytest

from bank_host.address import Address, read_address


@pytest.mark.parametrize("text", ["127.0.0.1:8583", "[::1]:8583", "[fe80::1%eth0]:1", "bank.example:65535"])
def test_an_address_is_written_as_it_was_read(text: str) -> None:
    assert text == str(read_address(text))


def test_any_free_port_is_0() -> None:
    assert Address("localhost", 0) == read_address("localhost:0")


@pytest.mark.parametrize(
    "text", ["", "8583", "host", "host:", ":1", "::1:8583", "host:65536", "host:-1", "a/b:80"]
)
def test_anything_else_is_no_address(text: str) -> None:
    assert read_address(text) is None
