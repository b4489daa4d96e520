"""HOST:PORT, where somebody listens: as a person writes it, for the bank's own port and for whoever calls one."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

import click

_WRITTEN = re.compile(r"(\[[0-9A-Fa-f:.%a-z]+\]|[^\s:/\[\]]+):([0-9]{1,5})")
_HIGHEST_PORT = 65_535


class Address(NamedTuple):
    """Where somebody listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(text: str) -> Address | None:
    """The address of a text, an IPv6 one in brackets; None where it is none."""
    match = _WRITTEN.fullmatch(text)
    if match is None or int(match[2]) > _HIGHEST_PORT:
        return None
    return Address(match[1].strip("[]"), int(match[2]))


def is_loopback(host: str) -> bool:
    """Whether nobody but this computer can come there."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


class AddressType(click.ParamType):
    """An address on a command line; port 0 is for who listens: any that is free."""

    name = "HOST:PORT"

    def __init__(self, *, any_port: bool = False) -> None:
        self._any_port = any_port

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> Address:
        address = read_address(str(value))
        if address is None or not (address.port or self._any_port):
            self.fail("expected HOST:PORT, such as 127.0.0.1:8583", param, context)
        return address
