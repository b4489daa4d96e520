"""Who comes: the cast's own customers and generated ones, with card and PIN, and how a bank gets to know them.

Cards are test cards whose numbers follow from a number, PINs are drawn from the seed: the same for the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from atm_sim.scenario import Scenario
from atm_sim.scenario.loading import Load
from atm_sim.scenario.participants import Person as CastEntry
from atm_sim.scenario.vocabulary import DEFAULT_BANK
from atm_sim.world.cast import Cast
from atm_sim.world.chance import Chance
from bank_host.host import Bank
from bank_host.iso8583.build import Acceptor
from bank_host.policy import Figures
from bank_host.secrets import Pan, Secret


class Carrier(NamedTuple):
    """A customer at the ATM: what the reader and the keypad get."""

    pan: Pan
    expires: str  # YYMM
    track2: Secret  # '' = the request has none
    pin: Secret


def enrolled(scenario: Scenario, load: Load, seed: int, bank: Bank, now_us: int) -> list[Carrier]:
    """Open everybody's account at the bank; the cast first, then the generated customers."""
    chance, cast = Chance(seed, 1), Cast(bank.hsm)
    random = chance.stream("load/people")
    found = []
    for alias, entry in _entries(scenario, load):
        person = cast.join(alias, entry, bank, scenario.bank_bin(DEFAULT_BANK), random, now_us, online=False)
        card = person.card
        found.append(Carrier(Pan(card.pan), card.expires, Secret(card.track2), Secret(person.pin)))
    return found


def _entries(scenario: Scenario, load: Load) -> Iterator[tuple[str, CastEntry]]:
    for alias, entry in scenario.cast.items():
        if entry.bank == DEFAULT_BANK:
            names = [f"{alias}-{n}" for n in range(1, entry.count + 1)] if entry.is_group else [alias]
            yield from ((name, entry) for name in names)
    generated = CastEntry.model_construct(name="load", balance_jpy=load.balance_jpy, tokens=0)
    for number in range(1, load.customers + 1):
        yield f"load-{number}", generated


def acceptors(scenario: Scenario, load: Load, figures: Figures) -> list[Acceptor]:
    """The ATMs, spread evenly over the scenario's places."""
    places = list(scenario.places.values())
    partners = [figures.partners[place.operator] for place in places]
    found = []
    for number in range(load.terminals):
        partner = partners[number % len(partners)]
        found.append(
            Acceptor(
                terminal_id=f"L{number + 1:07d}",
                acceptor_id=partner.code.upper()[:15],
                acquirer_id=partner.acquirer_id,
                name=partner.name_en,
            )
        )
    return found
