"""Coming to rest: each loose end is told under a name of its own, and an open item on somebody's desk ties it up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pytest

from atm_sim.checks.rest import HOLDS, rest_checks
from atm_sim.checks.rows import ReplicationRows
from atm_sim.records.event import EventRecord
from atm_sim.runner.play import play
from atm_sim.sansio.saf import Saf, SafSettings
from atm_sim.scenario import loads, rows
from bank_host.iso8583 import build
from bank_host.iso8583.identity import original_key
from bank_host.iso8583.message import Message
from bank_host.jst import DAY_US, HOUR_US, midnight_us
from bank_host.rules.facts import Authorisation
from bank_host.store.contract import ExceptionRow
from tests.atm_sim.world.small_world import HEAD

NOON_US = midnight_us(date(2014, 1, 15)) + 12 * HOUR_US


def request() -> Message:
    acceptor = build.Acceptor("T0000001", "SEVEN_BANK", "00000000034")
    return build.financial_request(
        "withdraw", pan="4999001234567890", amount_jpy=30_000, stan=1, now_us=NOON_US, acceptor=acceptor
    )


def approval(state: str) -> Authorisation:
    return Authorisation(
        original_key(request()), "key", "card", "account", "seven_bank", "T0000001", "withdraw", 30_000, 0,
        "chip", date(2014, 1, 15), NOON_US, "00", "", state,
    )  # fmt: skip


@dataclass
class Books:
    """A bank's store, as far as it is looked at."""

    approvals: tuple[Authorisation, ...] = ()
    items: tuple[ExceptionRow, ...] = ()
    suspense_jpy: int = 0

    def authorisations(self) -> Iterable[Authorisation]:
        return self.approvals

    def exceptions(self) -> Iterable[ExceptionRow]:
        return self.items

    def balances(self) -> Iterable[tuple[str, int]]:
        return (("customer:account", 7), ("suspense:T0000001", self.suspense_jpy))


def item(state: str = "open", key: str = "key", detail: str = "") -> ExceptionRow:
    return ExceptionRow(1, key, NOON_US, "UNRESOLVED", "account", 30_000, detail, state)


def failing(
    books: Books | None = None,
    *,
    events: Iterable[EventRecord] = (),
    queues: Iterable[Saf] = (),
    ready: Mapping[str, bool] | None = None,
    suspects: Iterable[str] = (),
    quiet_us: int = 2 * DAY_US,
) -> list[str]:
    """The names of the checks that fail."""
    stores = {"jnb": books or Books()}
    checks = rest_checks(ReplicationRows(events), stores, queues, ready or {}, frozenset(suspects), quiet_us)  # type: ignore[arg-type]
    assert list(HOLDS) == [check.name for check in checks]
    return [check.name for check in checks if not check.passed]


def queue_with_a_reversal(settings: SafSettings) -> Saf:
    queue = Saf(settings)
    queue.queue("switch", build.reversal_advice(request(), "timeout", stan=2, now_us=NOON_US), NOON_US)
    return queue


def event(kind: str, mti: str = "") -> EventRecord:
    return EventRecord("r", 1, 0, kind, request_id="chain", mti=mti)


def test_nothing_left_over_is_rest() -> None:
    ended = Books((approval("completed"), approval("reversed"), approval("declined")))
    assert [] == failing(ended, queues=[Saf()], ready={"shop": True})


def test_a_run_that_only_its_bound_ends_is_no_rest() -> None:
    assert ["rest.end"] == failing(quiet_us=DAY_US // 2)


def test_an_advice_that_waits_is_no_rest() -> None:
    assert ["rest.queues"] == failing(queues=[queue_with_a_reversal(SafSettings())])


def test_a_request_without_any_end_is_no_rest() -> None:
    assert ["rest.requests"] == failing(events=[event("sent", "0200")])


@pytest.mark.parametrize("end", ["answered", "reversal_queued", "suspect"])
def test_an_answer_a_reversal_or_people_end_a_request(end: str) -> None:
    assert [] == failing(events=[event("sent", "0200"), event(end)])


@pytest.mark.parametrize("state", ["open", "manual"])
def test_an_open_approval_on_nobodys_desk_is_no_rest(state: str) -> None:
    assert ["rest.approvals", "rest.suspense"] == failing(Books((approval(state),), suspense_jpy=30_000))


@pytest.mark.parametrize("open_item", [item(), item(key="", detail=original_key(request()))])
def test_an_open_item_about_it_ties_it_up(open_item: ExceptionRow) -> None:
    assert [] == failing(Books((approval("manual"),), (open_item,), 30_000))


def test_a_closed_item_does_not() -> None:
    assert "rest.approvals" in failing(Books((approval("manual"),), (item("closed"),), 30_000))


def test_an_advice_that_a_person_has_to_settle_ties_it_up() -> None:
    given_up = queue_with_a_reversal(SafSettings(capacity=0))
    assert [] == failing(Books((approval("open"),), suspense_jpy=30_000), queues=[given_up])


def test_cash_that_staff_still_have_to_count_ties_it_up() -> None:
    books = Books((approval("open"),), suspense_jpy=30_000)
    assert [] == failing(books, suspects=[original_key(request())])


def test_suspense_beyond_the_open_items_is_no_rest() -> None:
    assert ["rest.suspense"] == failing(Books((approval("completed"),), suspense_jpy=1))


def test_an_atm_that_nobody_can_use_is_no_rest() -> None:
    assert ["rest.machines"] == failing(ready={"shop": True, "bank/1": False})


STEP = "steps:\n  - {at: 10:00, who: hanako, do: withdraw, amount: ¥30_000, atm: shop}\n"


@pytest.mark.parametrize(("text", "expected"), [("rest: required\n", list(HOLDS)), ("", [])])
def test_only_a_scenario_that_asks_for_rest_is_judged_by_it(text: str, expected: list[str]) -> None:
    loaded = loads(HEAD + text + STEP)
    checks = play(loaded, rows(loaded)[0]).checks
    assert expected == [check.name for check in checks if check.kind == "rest"]
