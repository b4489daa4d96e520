"""A chip card of the cast: a virtual EMV card in the ATM's reader, in simulated time.

It is made with the published test keys of the simulated banks. Its transaction counter goes on from visit to visit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from bank_host.hsm import IMK_AC
from bank_host.hsm.keys import SIMULATION_KEYS
from cardreader.card import Card, Exchange
from cardreader.emv import tlv
from cardreader.emv.cryptogram import master_key
from cardreader.emv.des import Des3
from cardreader.flow import ReadApplication
from cardreader.guard import Level
from cardreader.online import NO_ANSWER, ask_for_bank, last_word
from cardreader.problems import ReaderError
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.in_process import InProcess
from cardreader.virtual.profile import TEST_AID, Profile, payment_application
from cardreader.watchdog import Direct

SEQUENCE: Final = "00"
"""A holder's first card."""
_SLOT: Final = "ATM"
_FORGERS_KEY: Final = bytes.fromhex("FEDCBA98765432100123456789ABCDEF")
"""Whoever makes up a card does not have the bank's key."""


class ChipCard:
    """What the terminal has in its reader (`atm_sim.terminal.chip.Chip`)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._readers = InProcess(_SLOT)
        self._readers.insert(_SLOT, VirtualCard(profile))
        self._card: Card | None = None
        self._trace: list[Exchange] = []
        self._application: ReadApplication | None = None
        self._terminal: Mapping[str, bytes] = {}

    @property
    def trace(self) -> tuple[Exchange, ...]:
        """What went between machine and chip in its latest transaction: commands, lengths and status, no data."""
        return tuple(self._trace)

    def forged(self) -> ChipCard:
        """A card that says the same and has another key."""
        applications = tuple(one._replace(key=Des3(_FORGERS_KEY)) for one in self._profile.applications)
        return ChipCard(self._profile._replace(applications=applications))

    def sign(self, terminal: Mapping[str, bytes]) -> Mapping[str, bytes] | None:
        self._card = card = Card(self._readers, _SLOT, Level.CRYPTOGRAM, caller=Direct())
        self._trace = card.trace
        self._terminal = terminal
        try:
            application, _ = ask_for_bank(card, [TEST_AID], terminal)
        except ReaderError:
            application = None
        self._application = application
        if application is None or application.options is None:
            return None
        said = {one.tag: one.value for one in application.elements() if not tlv.is_template(one.tag)}
        said |= {"84": application.aid, "82": application.options.profile}
        return said | {one.tag: one.value for one in application.cryptogram}

    def conclude(self, code: str, answer: bytes, *, approved: bool) -> bool:
        card, application = self._card, self._application
        self._card = self._application = None
        if card is None or application is None:
            return False
        told = code.encode("ascii") if code else NO_ANSWER
        try:
            return last_word(card, application, self._terminal, told, answer, approved=approved)
        except ReaderError:
            return False
        finally:
            card.close()


def chip_card(pan: str, track2: str, expires: str, issued: date, cvn: int) -> ChipCard:
    """A card of one of the simulated banks. `expires` is YYMM."""
    imk = Des3(bytes.fromhex(SIMULATION_KEYS[IMK_AC].value.reveal()))
    application = payment_application(
        pan,
        Des3(master_key(imk, pan, SEQUENCE)),
        expires=_last_day(expires),
        effective=issued,
        sequence=SEQUENCE,
        cvn=cvn,
        track2=track2,
    )
    return ChipCard(Profile((application,)))


def _last_day(yymm: str) -> date:
    year, month = 2000 + int(yymm[:2]), int(yymm[2:])
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
