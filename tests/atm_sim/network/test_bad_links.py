"""Messages lost, doubled, delayed, reordered: what was paid and what stands at the bank agree (I10-I13)."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from atm_sim.sansio.saf import SafSettings
from bank_host.iso8583.identity import original_key
from tests.atm_sim.network.small_network import (
    ATMS,
    OTHER_PAN,
    OUR_PAN,
    SECOND,
    Delivery,
    SmallNetwork,
    healthy,
    withdrawal,
)

MINUTE = 60 * SECOND

# Around the timers of the stages (25, 35, 45 s), and far behind them.
delays = st.sampled_from([20_000, 3 * SECOND, 24 * SECOND, 30 * SECOND, 40 * SECOND, 90 * SECOND])
fates = st.lists(st.lists(delays, max_size=2).map(tuple), max_size=80)
withdrawals = st.lists(
    st.tuples(st.sampled_from(sorted(ATMS)), st.sampled_from([OUR_PAN, OTHER_PAN]), st.booleans()),
    min_size=1,
    max_size=6,
)


def run_on_bad_links(visits: list[tuple[str, str, bool]], script: list[tuple[int, ...]]) -> SmallNetwork:
    """Every send takes the next fate of the script; when it is used up the links are well again."""
    left = iter(script)
    network = SmallNetwork(link=lambda delivery: next(left, healthy(delivery)))
    for stan, (atm, pan, broken) in enumerate(visits, 1):
        network.start(atm, withdrawal(atm, stan, pan, at_us=network.now_us), broken)
        network.pass_time(SECOND)
    network.run()
    return network


@given(visits=withdrawals, script=fates)
def test_in_the_end_exactly_what_was_paid_stands_at_the_banks(
    visits: list[tuple[str, str, bool]], script: list[tuple[int, ...]]
) -> None:
    network = run_on_bad_links(visits, script)
    paid = [original_key(request) for atm in network.atms.values() for request in atm.paid]
    standing = [key for bank in network.banks.values() for key in bank.standing]
    assert sorted(paid) == sorted(standing)


@given(visits=withdrawals, script=fates)
def test_once_the_links_are_well_every_queue_runs_empty_and_nothing_is_left_to_a_person(
    visits: list[tuple[str, str, bool]], script: list[tuple[int, ...]]
) -> None:
    assert 0 == run_on_bad_links(visits, script).queued


@given(visits=withdrawals, script=fates)
def test_every_request_that_reaches_its_acquirer_is_answered_once(
    visits: list[tuple[str, str, bool]], script: list[tuple[int, ...]]
) -> None:
    network = run_on_bad_links(visits, script)
    forwarded = [one.message[11] for one in network.log if one.to == "switch" and one.message.mti == "0200"]
    answered = [one.message[11] for one in network.log if one.to in ATMS and one.message.mti == "0210"]
    assert sorted(forwarded) == sorted(answered)


@given(visits=withdrawals, script=fates)
def test_whenever_a_stage_gave_up_a_reversal_reached_the_issuer(
    visits: list[tuple[str, str, bool]], script: list[tuple[int, ...]]
) -> None:
    network = run_on_bad_links(visits, script)
    gave_up = [record for _, record in network.records if record.kind == "timed_out"]
    reversed_chains = [record.request_id for _, record in network.records if record.kind == "reversed"]
    assert [] == [record for record in gave_up if record.request_id not in reversed_chains]
    quoted = [key.rsplit("/", 2)[1] for bank in network.banks.values() for key in bank.reversed]
    assert [] == [record for record in gave_up if record.request_id[-6:] not in quoted]


def test_a_bank_out_of_reach_leaves_the_other_banks_customers_untouched() -> None:
    """Twenty minutes without our bank: its cards get 91, others are paid; later all is taken back."""
    network = SmallNetwork()
    well_at_us = network.now_us + 20 * MINUTE

    def our_bank_answers_nothing(delivery: Delivery) -> tuple[int, ...]:
        lost = delivery.sender == "our-bank" and delivery.at_us < well_at_us
        return () if lost else healthy(delivery)

    network.link = our_bank_answers_nothing
    for stan in range(1, 21):
        atm, pan = ("atm-1", OUR_PAN) if stan % 2 else ("atm-2", OTHER_PAN)
        network.start(atm, withdrawal(atm, stan, pan, at_us=network.now_us))
        network.pass_time(MINUTE)
    assert [("atm-1", "91")] * 10 == [answer for answer in network.answers() if answer[0] == "atm-1"]
    assert [("atm-2", "00")] * 10 == [answer for answer in network.answers() if answer[0] == "atm-2"]
    assert 10 == network.switch.saf.depth("our-bank")
    network.run()
    assert (0, []) == (network.queued, network.banks["our-bank"].standing)
    assert 10 == len(network.banks["other-bank"].standing)


def test_a_recovering_bank_gets_the_queued_reversals_in_order_and_one_by_one() -> None:
    network = SmallNetwork()
    well_at_us = network.now_us + 20 * MINUTE
    network.link = lambda one: () if one.to == "our-bank" and one.at_us < well_at_us else healthy(one)
    for stan in range(1, 11):
        network.start("atm-1", withdrawal(stan=stan, at_us=network.now_us))
        network.pass_time(MINUTE)
    network.run()
    reached = [one for one in network.log if one.to == "our-bank" and one.at_us >= well_at_us]
    assert [f"{stan:06d}" for stan in range(1, 11)] == [one.message[11] for one in reached]
    gaps_us = [later.at_us - earlier.at_us for earlier, later in pairwise(reached)]
    assert SafSettings().gap_us <= min(gaps_us)
