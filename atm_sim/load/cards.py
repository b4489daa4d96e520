"""A lab's card file in a load run: its cards are the people who come, by the policy of the profile."""

from __future__ import annotations

from collections.abc import Sequence

from atm_sim.load.people import Carrier
from atm_sim.target.cards import LabCard
from atm_sim.target.profile import Profile
from bank_host.secrets import Secret


class CardTurns:
    """Whose turn it is, as numbers in the order of the file. A fleet has no roles, so every card is for everybody."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._cards: Sequence[LabCard] = [card._replace(who="") for card in profile.cards]
        self._numbers = {card.alias: number for number, card in enumerate(self._cards)}
        self._box = profile._replace(cards=tuple(self._cards)).card_box(seed)

    @property
    def people(self) -> list[Carrier]:
        """What each of them carries."""
        return [
            Carrier(card.pan, card.expires, card.track2, Secret(card.pin.reveal())) for card in self._cards
        ]

    def take(self) -> int | None:
        """The next card by the policy; None when all are out, or each was used that may be used once."""
        card = self._box.take()
        return None if card is None else self._numbers[card.alias]

    def give_back(self, number: int) -> None:
        """Its transaction is over."""
        self._box.give_back(self._cards[number])
