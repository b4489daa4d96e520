"""RS6: staff count the notes of suspect transactions; only then is anything credited or completed."""

from __future__ import annotations

import pytest

from atm_sim.sansio.effects import CardTaken, CashCounted, Dispensed, Effect, PowerLost, PowerRestored
from bank_host.iso8583.message import Message
from tests.atm_sim.terminal.bench import Bench, kinds, new_bench, sent, the_record

ALL, PART, NONE = ((10_000, 3),), ((10_000, 1),), ()


def left_in_the_shutter(bench: Bench) -> None:
    """An approved withdrawal of ¥30,000 whose notes are pulled back."""
    bench.withdraw(30_000)
    bench.feed(CardTaken())
    bench.fire("cash")


def power_lost_while_counting(bench: Bench) -> None:
    request = bench.choose("withdraw", 30_000)
    bench.reply(request, "00")
    bench.feed(PowerLost(), PowerRestored())
    bench.feed(CardTaken())


def not_known_by_the_device(bench: Bench) -> None:
    request = bench.choose("withdraw", 30_000)
    bench.reply(request, "00")
    bench.feed(Dispensed((), "unknown"))
    bench.feed(CardTaken())


SUSPECT = (left_in_the_shutter, power_lost_while_counting, not_known_by_the_device)


def count(bench: Bench, *bundles: tuple[tuple[int, int], ...]) -> list[Effect]:
    return bench.feed(CashCounted(bundles))


def advice(effects: list[Effect]) -> Message:
    (message,) = sent(effects)
    return message


@pytest.mark.parametrize("happens", SUSPECT)
def test_nothing_is_sent_about_a_suspect_transaction_before_the_count(happens):
    bench = new_bench()
    happens(bench)
    assert ["0200"] == [message.mti for message in sent(bench.effects)]
    assert 1 == len(bench.terminal.settlement.suspects)


@pytest.mark.parametrize("happens", SUSPECT)
@pytest.mark.parametrize(
    ("found", "mti", "stands", "outcome"),
    [
        (ALL, "0420", None, "not_paid"),
        (PART, "0420", "000000020000", "part_paid"),
        (NONE, "0220", None, "paid"),
    ],
)
def test_what_is_missing_from_the_bundle_was_paid(happens, found, mti, stands, outcome):
    bench = new_bench()
    happens(bench)
    asked = count(bench, found)
    assert mti == advice(asked).mti
    assert stands == (advice(asked)[95][:12] if stands else None)
    assert (95 in advice(asked)) == (stands is not None)
    assert outcome == the_record("counted", asked).reason
    assert () == tuple(bench.terminal.settlement.suspects)


@pytest.mark.parametrize("happens", SUSPECT)
def test_the_machine_holds_what_was_found_in_it(happens):
    bench = new_bench()
    before = bench.terminal.cash.every_note()
    happens(bench)
    assert before == bench.terminal.cash.every_note(), (
        "until it is counted, the machine vouches for all of it"
    )
    count(bench, PART)
    assert before[10_000] - 2 == bench.terminal.cash.every_note()[10_000]


def test_several_suspect_transactions_are_counted_bundle_by_bundle_oldest_first():
    bench = new_bench()
    left_in_the_shutter(bench)
    first, power_lost = sent(bench.effects)[-1], power_lost_while_counting
    power_lost(bench)
    second = sent(bench.effects)[-1]
    asked = count(bench, NONE, ALL)
    ended = [
        (record.reason, record.request_id) for record in asked if getattr(record, "kind", "") == "counted"
    ]
    assert [("paid", f"TERM0001/{first[37]}"), ("not_paid", f"TERM0001/{second[37]}")] == ended


@pytest.mark.parametrize("bundles", [(), (ALL, ALL), (((10_000, 4),),), (((1_000, 1),),)])
def test_a_count_that_cannot_be_true_settles_nothing(bundles):
    bench = new_bench()
    left_in_the_shutter(bench)
    cash = bench.terminal.cash.total_jpy()
    asked = count(bench, *bundles)
    assert [] == sent(asked)
    assert "counted" not in kinds(asked)
    assert 1 == len(bench.terminal.settlement.suspects), "the item stays open"
    assert cash == bench.terminal.cash.total_jpy()


def test_a_second_count_finds_nothing_to_settle():
    bench = new_bench()
    left_in_the_shutter(bench)
    count(bench, ALL)
    assert [] == sent(count(bench))


def test_nobody_counts_while_a_customer_is_at_the_machine():
    bench = new_bench()
    left_in_the_shutter(bench)
    bench.insert()
    assert [] == count(bench, ALL)
