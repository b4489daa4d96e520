"""The spine holds on a second clock: asyncio with real sockets and bytes decides and books what SimPy does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from atm_sim.records.event import EventRecord
from atm_sim.records.log import EventLog
from atm_sim.runner.grade import step_checks
from atm_sim.scenario import Case, load, rows
from atm_sim.world.lab import Lab
from atm_sim.world.simulate import simulate
from bank_host.host import Bank
from tests.system.asyncio_driver import Travelled, Wire, faithful, run_over_sockets

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FIRST_DAY = SCENARIOS / "tutorial" / "first_day.yaml"
RULEBOOK = sorted((SCENARIOS / "rulebook").glob("*.yaml"))
FAULTS = sorted((SCENARIOS / "faults").glob("*.yaml"))


class BothClocks(NamedTuple):
    """One case, run on either clock."""

    case: Case
    simulated: Lab
    log: EventLog
    second: Lab
    travelled: Travelled


def on_both_clocks(case: Case, wire: Wire = faithful) -> BothClocks:
    simulated, second = lab_of(case), lab_of(case)
    return BothClocks(case, simulated, simulate(simulated), second, run_over_sockets(second, wire))


def lab_of(case: Case) -> Lab:
    return Lab(case.scenario, seed=case.scenario.seed, replication=1, run="second-clock")


def books(lab: Lab) -> dict[str, list[object]]:
    """Everything that the banks have written down."""
    return {f"{name}: {book}": rows for name, bank in lab.banks.items() for book, rows in books_of(bank)}


def books_of(bank: Bank) -> Iterator[tuple[str, list[object]]]:
    store = bank.store
    yield "journal", list(store.journal())
    yield "balances", list(store.balances())
    yield "limit uses", list(store.limit_uses())
    yield "raises", list(store.raises())
    yield "authorisations", list(store.authorisations())
    yield "exchanges", list(store.exchanges())
    yield "cards", list(store.cards())
    yield "outbox", list(store.outbox())
    yield "exceptions", list(store.exceptions())
    yield "audit", list(store.audit())


def decisions(log: EventLog) -> list[EventRecord]:
    return [row for row in log if row.kind in ("decided", "act")]


# ---------------------------------------------------------------- the same run on either clock


@pytest.fixture(scope="module", params=[FIRST_DAY, *RULEBOOK, *FAULTS], ids=lambda file: file.stem)
def runs(request: pytest.FixtureRequest) -> list[BothClocks]:
    return [on_both_clocks(case) for case in rows(load(request.param))]


def test_at_least_ten_rulebook_scenarios_run_on_the_second_clock() -> None:
    assert len(RULEBOOK) >= 10


def test_the_bank_decides_and_books_the_same(runs: list[BothClocks]) -> None:
    for run in runs:
        assert decisions(run.log) == decisions(run.travelled.log), run.case.name
        assert books(run.simulated) == books(run.second), run.case.name


def test_every_row_of_the_record_is_the_same(runs: list[BothClocks]) -> None:
    for run in runs:
        assert run.log.events == run.travelled.log.events, run.case.name
        assert run.log.messages == run.travelled.log.messages, run.case.name


def test_every_message_went_through_the_socket_and_could_be_read(runs: list[BothClocks]) -> None:
    for run in runs:
        assert len(run.log.messages) + _more_or_less(run.log) == run.travelled.messages, run.case.name
        assert [] == run.travelled.refused, run.case.name


def _more_or_less(log: EventLog) -> int:
    """How many more messages travel than are sent: a line doubles some, and loses or destroys others."""
    doubled = sum((row.kind, row.reason) == ("fault", "duplicating") for row in log)
    lost = sum(row.kind == "lost" and row.reason != "down" for row in log)
    return doubled - lost - sum(row.kind == "unreadable" for row in log)


def test_every_step_meets_its_expectation_on_the_second_clock(runs: list[BothClocks]) -> None:
    for run in runs:
        checks = step_checks(run.case, {1: run.travelled.log})
        assert [] == [check for check in checks if not check.passed], run.case.name


# ---------------------------------------------------------------- and the comparison can fail


@pytest.fixture(scope="module")
def withdrawal() -> Case:
    return rows(load(FIRST_DAY))[0]


def business(wire: Wire) -> Wire:
    """A wire that leaves the sign-ons alone and counts what comes after them from 1."""
    seen = 0

    def counted(number: int, data: bytes) -> bytes | None:
        nonlocal seen
        if data.startswith(b"08"):
            return data
        seen += 1
        return wire(seen, data)

    return counted


def test_a_lost_answer_is_a_different_day(withdrawal: Case) -> None:
    """The first answer never leaves the bank: the reversal that follows stands in the books of one clock only."""
    run = on_both_clocks(withdrawal, business(lambda number, data: None if number == 4 else data))
    assert "0210" == [message.mti for message in run.log.messages if message.mti[1] != "8"][3]
    assert books(run.simulated) != books(run.second)
    assert "reversed" in {row.kind for row in run.travelled.log if row.step == "1"}


def test_one_digit_changed_on_the_way_is_a_different_decision(withdrawal: Case) -> None:
    """The first request asks for ten times the amount when it reaches the acquirer."""

    def tenfold(number: int, data: bytes) -> bytes:
        return data.replace(b"000000030000", b"000000300000") if number == 1 else data

    run = on_both_clocks(withdrawal, business(tenfold))
    assert 30_000 == decisions(run.log)[0].amount_jpy
    assert 300_000 == decisions(run.travelled.log)[0].amount_jpy
    assert books(run.simulated) != books(run.second)


def test_a_message_that_cannot_be_read_is_dropped_and_told(withdrawal: Case) -> None:
    run = on_both_clocks(withdrawal, business(lambda number, data: data[:-1] if number == 1 else data))
    assert 1 == len(run.travelled.refused)
    assert decisions(run.log)[0] not in decisions(run.travelled.log)
