"""What can be wrong between a program and a card, in words, each with the next thing to do on each system.

The one table that error messages and `cardreader doctor` speak from.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

Family = Literal["debian", "fedora", "linux", "macos", "windows"]

Problem = Literal[
    "no_binding",
    "no_library",
    "no_service",
    "denied",
    "no_reader",
    "which_reader",
    "reader_gone",
    "reader_in_use",
    "no_card",
    "mute",
    "removed",
    "silent",
    "broken",
    "refused",
    "blocked",
    "my_number_card",
    "not_a_bank_card",
    "other",
]


class Advice(NamedTuple):
    """What is the matter, and what to do next; `on` where that differs from system to system."""

    what: str
    next_step: str = ""
    on: Mapping[Family, str] = {}


_AGAIN: Final = "put the card in again"
ADVICE: Final[Mapping[Problem, Advice]] = {
    "no_binding": Advice(
        "Python's binding to PC/SC is not installed",
        "install the pcsc extra: pip install 'atm-sim[pcsc]'",
    ),
    "no_library": Advice(
        "PC/SC library missing",
        on={
            "debian": "install it: sudo apt-get install libpcsclite1 pcscd",
            "fedora": "install it: sudo dnf install pcsc-lite-libs pcsc-lite",
            "linux": "install pcsc-lite with your system's package manager",
            "macos": "it is part of macOS: update the system",
            "windows": "it is part of Windows: enable the service 'Smart Card' (SCardSvr)",
        },
    ),
    "no_service": Advice(
        "smart-card service not running",
        on={
            "debian": "install and start it: sudo apt-get install pcscd && sudo systemctl start pcscd.socket",
            "fedora": "install and start it: sudo dnf install pcsc-lite && sudo systemctl start pcscd.socket",
            "linux": "install pcsc-lite and start pcscd, for example: sudo systemctl start pcscd.socket",
            "macos": "it starts when a reader is plugged in: plug one in, then try again",
            "windows": "plug a reader in, then start it in an administrator's window: net start SCardSvr",
        },
    ),
    "denied": Advice(
        "the smart-card service refuses this user",
        on={
            "debian": "log in at the machine itself, or add a polkit rule for org.debian.pcsc-lite.access_pcsc",
            "fedora": "log in at the machine itself, or add a polkit rule for org.debian.pcsc-lite.access_pcsc",
            "linux": "log in at the machine itself, or add a polkit rule for org.debian.pcsc-lite.access_pcsc",
            "macos": "allow the terminal to use smart cards in the system's privacy settings",
            "windows": "smart cards are not handed on over remote desktop: log in at the machine itself",
        },
    ),
    "no_reader": Advice(
        "no reader connected",
        on={
            "debian": "plug one in; if it stays away, install its driver: sudo apt-get install libccid",
            "fedora": "plug one in; if it stays away, install its driver: sudo dnf install pcsc-lite-ccid",
            "linux": "plug one in; if it stays away, install the CCID driver (ccid, libccid)",
            "macos": "plug one in; see whether the system information lists it under USB",
            "windows": "plug one in; see whether the device manager lists it under smart card readers",
        },
    ),
    "which_reader": Advice("several readers have a card", "name one: --reader NAME"),
    "reader_gone": Advice("reader unplugged", "plug it in, then try again"),
    "reader_in_use": Advice(
        "reader in use by another program",
        "close the program that holds the card (a browser, gpg, a bank's or a tax office's program)",
    ),
    "no_card": Advice("no card in the reader", "insert a card"),
    "mute": Advice(
        "the card does not answer to power",
        "it is probably the wrong way round: put it in with the chip up and in front",
    ),
    "removed": Advice("card removed", _AGAIN),
    "silent": Advice("card stopped answering", f"take it out, {_AGAIN}"),
    "broken": Advice("the card answers with something that is no answer", f"take it out, {_AGAIN}"),
    "refused": Advice("this command is never sent to a card", "see the safety levels in the documentation"),
    "blocked": Advice("the card is blocked", "its bank can say why"),
    "my_number_card": Advice(
        "this is a My Number card, not a bank's", "nothing of it was read; insert a bank's card"
    ),
    "not_a_bank_card": Advice(
        "not a bank card that is known here",
        "insert a payment card, or add your card's application identifier (AID) to the AID file",
    ),
    "other": Advice("PC/SC refused", "try again; if it stays so, unplug the reader and plug it in again"),
}
assert set(ADVICE) == set(get_args(Problem))


def family(platform: str = sys.platform, os_release: Path = Path("/etc/os-release")) -> Family:
    """Which of the systems this is, as far as advice differs."""
    if platform == "darwin":
        return "macos"
    if platform in ("win32", "cygwin"):
        return "windows"
    try:
        lines = os_release.read_text(encoding="utf-8").splitlines()
    except OSError:
        return "linux"
    names = " ".join(line.partition("=")[2] for line in lines if line.startswith(("ID=", "ID_LIKE=")))
    for name in names.replace('"', "").split():
        if name in ("debian", "ubuntu"):
            return "debian"
        if name in ("fedora", "rhel"):
            return "fedora"
    return "linux"


def next_step(problem: Problem, on: Family) -> str:
    advice = ADVICE[problem]
    return advice.on.get(on, advice.next_step)


class ReaderError(Exception):
    """A reader or a card cannot be used; the message says why and what to do next, and nothing of the card."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(problem, detail)
        self.problem: Problem = problem
        self.detail = detail

    @property
    def what(self) -> str:
        return ADVICE[self.problem].what + (f" ({self.detail})" if self.detail else "")

    def __str__(self) -> str:
        return f"{self.what}: {next_step(self.problem, family())}"
