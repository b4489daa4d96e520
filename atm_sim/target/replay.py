"""Replays a run folder against a host: message after message, each answer beside the recorded one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from atm_sim.exits import Mistake
from atm_sim.records.folder import RunFolder
from atm_sim.records.manifest import Manifest
from atm_sim.runner.files import open_scenario
from atm_sim.scenario import Case, rows
from atm_sim.scenario.vocabulary import DEFAULT_BANK
from atm_sim.target.border import Border
from atm_sim.target.profile import Profile
from atm_sim.target.recording import CannotRemake, Difference, Exchange, Remaker, differences, exchanges
from atm_sim.target.rehearse import with_own_cards
from atm_sim.target.session import Session
from atm_sim.target.suite import LATE_US, Books, give
from atm_sim.target.today import as_of
from atm_sim.world.lab import Lab, Parts
from bank_host.address import Address
from bank_host.jst import jst_date
from bank_host.policy import Policy


class RecordingError(Mistake):
    """A run folder that cannot be replayed; the text says why and what to do."""


class Recording(NamedTuple):
    """What is replayed: the exchanges of a folder, and the case that they are of."""

    seed: int
    case: Case
    exchanges: list[Exchange]


class Replayed(NamedTuple):
    """What became of one message."""

    exchange: Exchange
    differences: tuple[Difference, ...] = ()
    not_sent: str = ""  # why it could not be


def read_recording(folder: Path, scenario: Path | None, policy: Policy, replication: int = 1) -> Recording:
    """The folder with its scenario, which must be the very file that was run; RecordingError."""
    run = RunFolder.open(folder)
    manifest = run.read_manifest()
    file = scenario or _file_of(manifest)
    if not file.is_file():
        raise RecordingError(
            f"{folder}: its scenario {manifest.scenario_file} is not here; name the file with --scenario"
        )
    loaded = open_scenario(file, policy)
    if loaded.sha256 != manifest.scenario_sha256:
        raise RecordingError(
            f"{file}: not the file that was run for {folder} (its SHA-256 begins {loaded.sha256[:12]}, "
            f"the manifest says {manifest.scenario_sha256[:12]}); name the right one with --scenario, or run it again"
        )
    cases = {case.name: case for case in rows(loaded)}
    case = cases[manifest.cases[0]] if manifest.cases else next(iter(cases.values()))
    found = exchanges(run.read_message_rows(), run.read_event_rows(), replication)
    if not found:
        raise RecordingError(
            f"{folder}: no message to the bank in replication {replication}; nothing to replay"
        )
    return Recording(manifest.seed, case, found)


def _file_of(manifest: Manifest) -> Path:
    """Where it stood, as the run's command names it."""
    words = manifest.replay.split()
    return next(
        (Path(word) for word in words if Path(word).name == manifest.scenario_file),
        Path(manifest.scenario_file),
    )


def replay(
    recording: Recording, address: Address, profile: Profile, clock: Callable[[], int]
) -> Iterator[Replayed]:
    """Send what was recorded, one after the other; NotReached when the target cannot be."""
    books = Books(profile.bank_database)
    try:
        remaker = Remaker(_lab(recording, books, profile, clock))
        within_us = recording.case.scenario.timers.switch_us + LATE_US
        with Session(address, profile, clock, within_us) as session:
            border = Border(clock, session.stans)
            for exchange in recording.exchanges:
                try:
                    message = remaker.remade(exchange)
                except CannotRemake as error:
                    yield Replayed(exchange, not_sent=f"{error}")
                    continue
                answer = session.ask(message, border)
                remaker.heard(exchange, answer)
                yield Replayed(exchange, tuple(differences(exchange, answer)))
    finally:
        books.close()


def _lab(recording: Recording, books: Books, profile: Profile, clock: Callable[[], int]) -> Lab:
    """The cast as of today: with accounts in the target's books where they are open, else with the profile's cards."""
    scenario = as_of(recording.case.scenario, jst_date(clock()))
    if books.accounts:
        scenario = with_own_cards(scenario)
    parts = Parts(numbers_from=books.accounts)
    if books.store is not None:
        parts.store = lambda name: books.of(DEFAULT_BANK, name)
    lab = Lab(scenario, seed=recording.seed, replication=1, run="replay", parts=parts)
    cards = profile.card_box(recording.seed)
    for alias in dict.fromkeys(each.card_alias for each in recording.exchanges) if profile.cards else ():
        person, card = lab.people.get(alias), cards.take(alias)
        if person is None:
            continue
        if card is None:
            raise RecordingError(f"the card file has no card left for {alias}; add a line for each person")
        give(person, card)
    return lab
