"""A long run holds no more than a short one, and its folded figures are those of all its transactions.

What is held is counted, in planned time and without sockets: plan, fleet, link and record are the run's own.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

import pytest
from hdrh.histogram import HdrHistogram

from atm_sim.load.figures import PERCENTILES, Figures, figures
from atm_sim.load.fleet import Fleet, Sent
from atm_sim.load.people import acceptors
from atm_sim.load.plan import arrivals
from atm_sim.load.record import MOST_WINDOWS, NO_ANSWER, Record, Transaction
from atm_sim.load.target import carriers
from atm_sim.load.times import LONGEST_US, Times
from atm_sim.wire.keys import WireKeys
from atm_sim.wire.link import Answered, LinkSettings, NotAnswered, WireLink, Written
from bank_host.hsm import Hsm
from bank_host.iso8583 import build
from bank_host.iso8583.dialect import DEFAULT
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US, jst_date
from bank_host.policy import load_policy
from tests.atm_sim.load.loads import scenario_with

SCENARIO = scenario_with(
    "arrivals: [{rate: 10/s, for: 7 s}, {rate: 20/s, to: 30/s, for: 13 s}]\nduration: 20 min\n"
    "terminals: 50\ncustomers: 20\nmac: false\nanswer_within: 400 ms\nrepeat_after: 100 ms"
)
LOAD = SCENARIO.load
assert LOAD is not None
START_US = 1_760_000_000_000_000


class Soaked(NamedTuple):
    """A run's figures, and how many objects there were after its second and its last quarter."""

    figures: Figures
    record: Record
    objects: tuple[int, int]


def soak(over: Callable[[Transaction], None]) -> Soaked:
    """Twenty minutes against a host that answers after 1 to 450 ms: some too late, some not at all, some declined."""
    policy, random = load_policy(), Random(1)
    people = carriers(SCENARIO, LOAD, 1, policy, START_US)
    record = Record(LOAD.for_us, over)
    fleet = Fleet(LOAD, acceptors(SCENARIO, LOAD, policy.on(jst_date(START_US))), people, record)
    settings = LinkSettings(False, answer_within_us=LOAD.answer_within_us, keep_us=SECOND_US, echo_after_us=0)
    link: WireLink[Sent] = WireLink(DEFAULT, settings, WireKeys(Hsm.simulation(), 1), START_US)
    link.opened(START_US)
    coming: list[tuple[int, int, bytes]] = []
    objects = []

    def transmit(asked: Message | Written, sent: Sent, at_us: int) -> None:
        (frame,) = DEFAULT.framing.reader().feed(link.send(asked, sent, START_US + at_us))
        message = DEFAULT.decode(frame.payload)
        if random.random() < 0.98:
            answer = build.answer(message, "51" if random.random() < 0.1 else "00", {38: message[11]})
            data = DEFAULT.framing.wrap(DEFAULT.encode(answer))
            heappush(coming, (at_us + random.randrange(1, 450) * 1_000, len(coming), data))

    def pass_time(at_us: int) -> None:
        while coming and coming[0][0] <= at_us:
            then_us, _, data = heappop(coming)
            happened(link.tick(START_US + then_us), then_us)
            happened(link.received(data, START_US + then_us), then_us)
        happened(link.tick(START_US + at_us), at_us)

    def happened(effects, at_us: int) -> None:
        for effect in effects:
            if isinstance(effect, Answered):
                fleet.answered(effect.context, effect.answer, at_us, START_US + at_us)
            elif isinstance(effect, NotAnswered):
                fleet.not_answered(effect.context, effect.lost, at_us, START_US + at_us)
        while (sent := fleet.due(START_US + at_us)) is not None:
            assert sent.advice is not None
            transmit(sent.advice, sent, at_us)

    quarters = [LOAD.for_us // 2, LOAD.for_us - SECOND_US]
    for number, arrival in enumerate(arrivals(LOAD, 1, len(people))):
        if quarters and arrival.at_us >= quarters[0]:
            quarters.pop(0)
            gc.collect()
            objects.append(len(gc.get_objects()))
        pass_time(arrival.at_us)
        transaction = record.planned(arrival.at_us, arrival.deed)
        if number % 500 == 7:
            record.set_state(transaction, "dropped")
            continue
        late_us = random.randrange(3) * 100
        asked, sent = fleet.request(transaction, START_US + arrival.at_us + late_us, link)
        record.sent([transaction], arrival.at_us + late_us)
        transmit(asked, sent, arrival.at_us + late_us)
    for tenth in range(1, 100):
        pass_time(LOAD.for_us + tenth * SECOND_US // 10)
    record.close()
    return Soaked(figures(record, LOAD.for_us / SECOND_US), record, (objects[0], objects[1]))


@pytest.fixture(scope="module")
def folded() -> Soaked:
    return soak(lambda transaction: None)


@pytest.fixture(scope="module")
def kept() -> tuple[list[Transaction], Soaked]:
    transactions: list[Transaction] = []
    return transactions, soak(transactions.append)


def test_what_is_held_does_not_grow_with_the_transactions(folded):
    """Between half time and the end there are 12,000 of them; what is added are the folded windows."""
    before, after = folded.objects
    assert after - before <= MOST_WINDOWS
    assert len(folded.record.windows) <= MOST_WINDOWS + 10
    assert not folded.record.open


def test_a_run_that_keeps_its_transactions_is_seen_to_grow(kept):
    """Planted fault."""
    transactions, soaked = kept
    before, after = soaked.objects
    assert 20_000 < len(transactions)
    assert after - before > len(transactions) / 3


def test_folded_figures_are_those_of_all_transactions(folded, kept):
    transactions, soaked = kept
    assert folded.figures == soaked.figures
    found, answered = folded.figures, [each for each in transactions if each.answered_us >= 0]
    plain = HdrHistogram(1, LONGEST_US, 3)
    for each in answered:
        plain.record_value(each.answered_us - each.intended_us)
    most_us = max(each.answered_us - each.intended_us for each in answered)
    assert most_us == found.latency.at("max")
    assert {
        name: min(most_us, int(plain.get_value_at_percentile(percent)))
        for name, percent in PERCENTILES.items()
    } == found.latency.percentiles
    by_code = Counter(each.code for each in answered)
    assert by_code == {code: each.number for code, each in found.by_code.items()}
    assert {"00", "51", NO_ANSWER} == set(by_code)
    by_service = Counter(each.deed.service for each in answered)
    assert by_service == {service: each.number for service, each in found.by_service.items()}
    states = Counter(each.state for each in transactions)
    assert (len(transactions), states["dropped"], states["unresolved"], by_code["51"]) == tuple(
        found.counts[name] for name in ("planned", "dropped", "unresolved", "declines")
    )
    window_us = folded.record.window_us
    planned = Counter(each.intended_us // window_us for each in transactions)
    ended = Counter(each.answered_us // window_us for each in answered if each.code != NO_ANSWER)
    assert [(planned[n], ended[n]) for n in range(len(found.series))] == [
        (each.planned, each.answered) for each in found.series
    ]
    third = Times(
        each.answered_us - each.intended_us for each in answered if each.intended_us // window_us == 3
    )
    assert (third.nearest_rank(50), third.nearest_rank(99)) == (
        found.series[3].p50_us,
        found.series[3].p99_us,
    )
