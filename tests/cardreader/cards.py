"""Cards and readers for the tests: all data synthetic, with canaries that must never be seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from cardreader.aids import known_aids
from cardreader.card import Card
from cardreader.emv.cryptogram import master_key
from cardreader.emv.des import Des3
from cardreader.flow import Reading, read_card, terminal_values
from cardreader.guard import Level
from cardreader.transport import CardProtocol
from cardreader.virtual.card import Fault, VirtualCard
from cardreader.virtual.in_process import Answering, InProcess
from cardreader.virtual.profile import Application, Interface, Profile, payment_application

READER = "Reader A"
ISSUER_KEY = Des3(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
PAN, NAME, EXPIRES = "4999001234567894", "CANARY/HANAKO", date(2031, 5, 31)
CANARIES = (PAN, PAN[6:12], NAME, NAME.split("/")[0], "3105")
"""Of the card number all that stands between first six and last four; the name; the expiry as digits."""

KNOWN = known_aids()
TERMINAL = terminal_values(date(2026, 1, 15), bytes.fromhex("52BF4585"))


def application(cvn: int = 18, **changes: object) -> Application:
    key = Des3(master_key(ISSUER_KEY, PAN, "01"))
    made = payment_application(
        PAN, key, expires=EXPIRES, effective=date(2014, 1, 1), sequence="01", name=NAME, cvn=cvn
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def profile(
    *applications: Application,
    protocol: CardProtocol = "T=1",
    interface: Interface = "contact",
    directory: bool = True,
) -> Profile:
    return Profile(
        applications or (application(),), interface=interface, protocol=protocol, directory=directory
    )


def card(protocol: CardProtocol = "T=1", fault: Fault | None = None, **changes: object) -> VirtualCard:
    return VirtualCard(profile(protocol=protocol)._replace(**changes), fault)  # type: ignore[arg-type]


def personal(answering: Answering) -> InProcess:
    """A reader with a card that is treated as a person's own."""
    readers = InProcess(READER, made_here=False)
    readers.insert(READER, answering)
    return readers


def reading_of(
    answering: Answering,
    level: Level = Level.CRYPTOGRAM,
    patience_s: float = 60,
) -> Reading:
    with Card(personal(answering), READER, level, patience_s=patience_s) as opened:
        return read_card(opened, KNOWN, TERMINAL)


class Scripted:
    """A card that answers by a function; it too keeps what arrived."""

    protocol: CardProtocol = "T=1"

    def __init__(
        self,
        answers: Callable[[bytes], bytes | None],
        atr: bytes = bytes.fromhex("3BE500008131FE4541544D3031B7"),
    ) -> None:
        self.atr = atr
        self.log: list[bytes] = []
        self._answers = answers

    def reset(self) -> None:
        pass

    def answer(self, command: bytes) -> bytes | None:
        self.log.append(command)
        return self._answers(command)
