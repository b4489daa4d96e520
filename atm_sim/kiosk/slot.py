"""The card slot: a chip that may be pulled at any moment, and whose commands trainers see (masked)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace

from atm_sim.sansio.effects import CardInserted, Show
from atm_sim.terminal.card import CardData
from atm_sim.terminal.chip import Chip
from atm_sim.world.chip_card import ChipCard
from atm_sim.world.people import ENDINGS, Act, Wish
from cardreader.card import Exchange


class InSlot:
    """A chip in the slot (`atm_sim.terminal.chip.Chip`); one that is gone signs nothing and agrees to nothing, so what
    the bank approves after that is reversed."""

    def __init__(self, chip: Chip, seen: Callable[[tuple[Exchange, ...]], None]) -> None:
        self._chip = chip
        self._seen = seen
        self.gone = False

    def sign(self, terminal: Mapping[str, bytes]) -> Mapping[str, bytes] | None:
        said = None if self.gone else self._chip.sign(terminal)
        self._tell()
        return said

    def conclude(self, code: str, answer: bytes, *, approved: bool) -> bool:
        agreed = not self.gone and self._chip.conclude(code, answer, approved=approved)
        self._tell()
        return agreed

    def _tell(self) -> None:
        if isinstance(self._chip, ChipCard) and not self.gone:
            self._seen(self._chip.trace)


class Slot:
    """What is in the slot of one ATM."""

    def __init__(self, seen: Callable[[tuple[Exchange, ...]], None]) -> None:
        self._seen = seen
        self._chip: InSlot | None = None
        self.pulled = False

    def visit(
        self, card: CardData, pin: str, wish: Wish, takes_us: Callable[[str], int]
    ) -> Generator[Act | None, Show, None]:
        """Whoever puts the card in decides the rest at the machine, in a time of their own."""
        self._chip, self.pulled = None, False
        if card.chip is not None:
            self._chip = InSlot(card.chip, self._seen)
            card = replace(card, chip=self._chip)
        show = yield Act(0, CardInserted(card))
        while show.screen not in ENDINGS:
            show = yield None

    def pull(self) -> None:
        self.pulled = True
        if self._chip is not None:
            self._chip.gone = True
