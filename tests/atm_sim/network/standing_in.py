"""For tests of stand-in: an issuer's lists, a key module that needs no keys, a switch's memory with its disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from atm_sim.network.stand_in import StandIn, StandInSettings, Verdict
from atm_sim.sansio.effects import Effect, Forget, Keep
from bank_host.iso8583.message import Message
from bank_host.rules.card_file import CardFile, CardOnFile, Refused
from tests.atm_sim.network.small_network import NOON_US, OTHER_PAN, OUR_PAN, withdrawal

ISSUER = "our-bank"
RIGHT, WRONG = "1111111111111111", "2222222222222222"
CAPS = StandInSettings(amount_cap_jpy=50_000, count_cap=3)


class PlainCrypto:
    """A card is called by its number, and a PIN block fits the value that it begins with."""

    def card_id(self, pan: str) -> str:
        return pan

    def pin_fits(self, pin_block: str, pan: str, pvv: str) -> bool:
        return pin_block[:4] == pvv


def lists(
    as_of_us: int = NOON_US, expires: str = "1812", negative: Mapping[str, Refused] | None = None
) -> CardFile:
    cards = {OUR_PAN: CardOnFile(expires, "1111"), OTHER_PAN: CardOnFile(expires, "1111")}
    return CardFile(as_of_us, cards, negative or {})


def asking(
    amount_jpy: int = 30_000, *, stan: int = 1, pin: str = RIGHT, pan: str = OUR_PAN, at_us: int = NOON_US
) -> Message:
    return withdrawal(stan=stan, pan=pan, at_us=at_us).but({4: f"{amount_jpy:012d}", 52: pin})


def store(disk: dict[str, Any], effects: Iterable[Effect]) -> None:
    """What a driver does with what a machine keeps and forgets."""
    for effect in effects:
        if isinstance(effect, Keep):
            disk[effect.key] = effect.value
        elif isinstance(effect, Forget):
            del disk[effect.key]


class Standing:
    """A stand-in with the issuer's lists, on a disk that it can be started again from."""

    def __init__(self, settings: StandInSettings = CAPS, card_lists: CardFile | None = None) -> None:
        self.settings = settings
        self.disk: dict[str, Any] = {}
        self.restart()
        self.come(card_lists or lists())

    def restart(self) -> None:
        self.stand_in = StandIn({ISSUER: self.settings}, PlainCrypto(), self.disk)

    def come(self, card_lists: CardFile, now_us: int = NOON_US) -> None:
        store(self.disk, self.stand_in.lists_came(ISSUER, card_lists, now_us))

    def ask(self, request: Message, now_us: int = NOON_US, why: str = "sign_off") -> Verdict:
        """As the switch does: what has been answered is answered the same."""
        known = self.stand_in.answered(request)
        if known is not None:
            return known
        decided = self.stand_in.decide(ISSUER, request, why, now_us)
        assert decided is not None
        store(self.disk, decided[1])
        return decided[0]

    def approved_by_issuer(self, request: Message) -> None:
        store(self.disk, self.stand_in.approved_by_issuer(ISSUER, request))
