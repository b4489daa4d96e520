"""A fleet in `fleet` detail and in `full` detail decides alike and books alike, whatever the scenario draws.

Random scenarios with a midnight, raises, locks, wrong PINs, cassettes that run dry, queues, and lines that lose
messages so that reversals go out. `make test` plays a few, `make test-long` 500 of each kind.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atm_sim.fleet.arrivals import HABIT_NAMES, WITHDRAW, Arrival
from atm_sim.fleet.drive import drive
from atm_sim.fleet.ground import Site
from atm_sim.fleet.kernel import KINDS
from atm_sim.fleet.kernel import VISIT as VISITED
from atm_sim.fleet.play import Job, Played, kernel_of, play_replication
from atm_sim.fleet.population import population
from atm_sim.fleet.rows import spelled_out
from atm_sim.fleet.visits import Visits
from atm_sim.scenario import ScenarioError, loads
from bank_host.jst import DAY_US, HOUR_US, SECOND_US, midnight_us
from bank_host.policy import load_policy

MANY, FEW = 500, 6
VISIT = [
    "time_us",
    "kind",
    "site",
    "atm",
    "actor",
    "service",
    "amount_jpy",
    "code",
    "reason",
    "wait_us",
    "service_us",
]
POSTING = ["time_us", "kind", "account", "atm", "customer_jpy", "suspense_jpy", "atm_jpy", "fees_jpy"]

SCENARIO = """\
scenario: Drawn
version: 1
day: {day}
seed: {seed}
fleet:
  operators:
    seven_bank:
      machines: {machines}
      machines_per_site: {{1: 1, 2: 1}}
      cassettes: {{10000: {notes}, 1000: {small}}}
    e_net: 1
  accounts:
    count: {accounts}
    kinds: {{individual: 6, sole_proprietor: 1, corporate: 1}}
    balance: {{choose: {{¥30_000: 1, ¥300_000: 2, ¥3_000_000: 1}}}}
    limit: {{choose: {{¥0: 1, ¥50_000: 2, ¥500_000: 3}}}}
    locked: {locked}
    raised: {{share: {raised}, amount: ¥900_000}}
  demand: {{per_atm_day: {per_day}, calendar: none}}
  customers: {{wrong_pin: {wrong_pin}, pin_tries: {tries}, balk_at: 2, patience: 60 s, neighbours: 1,
              neighbour_within_m: 50_000, metres_per_minute: 2_000}}
  days: {days}
  detail: {detail}
faults: [{faults}]
"""

shares = st.sampled_from([0, 0.1, 0.5])
drawn = st.fixed_dictionaries(
    {
        "day": st.sampled_from(["2014-01-15", "2014-04-30", "2014-12-31"]),
        "seed": st.integers(1, 10_000),
        "machines": st.integers(1, 3),
        "notes": st.sampled_from([0, 5, 40, 2_000]),
        "small": st.sampled_from([0, 3, 60]),
        "accounts": st.sampled_from([3, 12, 60]),
        "locked": shares,
        "raised": shares,
        "per_day": st.sampled_from([15, 60]),
        "wrong_pin": shares,
        "tries": st.integers(1, 4),
        "days": st.integers(1, 2),
    }
)
windows = st.builds(
    "{{from: {:02d}:00, to: {:02d}:30, {}}}".format,
    st.integers(6, 10),
    st.integers(11, 22),
    st.sampled_from(
        [
            "link: acquirer-switch, is: down",
            "link: switch-issuer, is: lossy, chance: 0.4",
            "link: switch-issuer, is: late, chance: 0.5, delay: 50 s",
            "link: atm-acquirer, is: duplicating, chance: 0.5, delay: 2 s",
        ]
    ),
)


def played(
    values: dict[str, object], detail: str, faults: str, more: str = ""
) -> tuple[Played, Counter[tuple], Counter[tuple]]:
    scenario = loads(SCENARIO.format(**values, detail=detail, faults=faults) + more).scenario
    with tempfile.TemporaryDirectory(prefix="atm-sim-fleet-") as folder:
        found = play_replication(Job(scenario, scenario.seed, 1, Path(folder)))
        events = pq.read_table(Path(folder) / "events/r001.parquet").to_pylist()
        ledger = pq.read_table(Path(folder) / "ledger/r001.parquet").to_pylist()
    visits = Counter(
        tuple(row[name] for name in VISIT)
        for row in events
        if row["kind"] in ("session", "diverted", "postponed", "lost")
    )
    return found, visits, Counter(tuple(row[name] for name in POSTING) for row in ledger)


def agree(values: dict[str, object], faults: str = "", more: str = "") -> tuple[Played, Counter[tuple]]:
    quick, visits, postings = played(values, "fleet", faults, more)
    full, visits_in_full, postings_in_full = played(values, "full", faults, more)
    assert visits == visits_in_full
    assert postings == postings_in_full
    assert quick.tally == full.tally
    assert quick.measures == full.measures
    assert {} == quick.broken == full.broken
    return quick, postings


@settings(max_examples=FEW)
@given(drawn)
def test_both_details_decide_and_book_alike(values):
    agree(values)


@settings(max_examples=FEW)
@given(drawn, windows)
def test_both_details_decide_and_book_alike_when_the_network_fails(values, fault):
    agree(values, fault)


@pytest.mark.long
@settings(max_examples=MANY)
@given(drawn)
def test_both_details_decide_and_book_alike_500_times(values):
    agree(values)


@pytest.mark.long
@settings(max_examples=MANY)
@given(drawn, windows)
def test_both_details_decide_and_book_alike_when_the_network_fails_500_times(values, fault):
    agree(values, fault)


PLAIN = {
    "day": "2014-12-31", "seed": 5, "machines": 3, "notes": 5, "small": 3, "accounts": 12, "locked": 0.1,
    "raised": 0.5, "per_day": 60, "wrong_pin": 0.1, "tries": 2, "days": 2,
}  # fmt: skip


def test_the_drawn_scenarios_hold_what_they_are_for():
    """Reversals, raises that allow more than the standing limit, locks, cash-outs, and sessions on both days."""
    fault = "{from: 09:00, to: 20:30, link: switch-issuer, is: lossy, chance: 0.4}"
    found, postings = agree(PLAIN, fault)
    kinds = {posting[1] for posting in postings}
    assert {"withdrawal", "deposit", "completion", "reversal"} <= kinds
    assert {"card_locked", "limit_exceeded", "limit_zero", "timed_out"} <= set(found.tally.declines)
    assert any("out_of_cash" in name for name in found.tally.away)
    assert {True, False} == {posting[0] < 24 * 3_600_000_000 for posting in postings}


def test_a_kernel_that_forgets_the_fee_is_found_out(monkeypatch):
    """The planted fault: what only one of the two details does wrong, the comparison notices."""
    from atm_sim.fleet import kernel

    whole = kernel.ending
    monkeypatch.setattr(
        kernel, "ending", lambda *about: (lambda end: end._replace(habits=end.habits[1:]))(whole(*about))
    )
    with pytest.raises(AssertionError):
        agree(PLAIN)


def test_a_second_day_and_a_machine_that_empties_are_seen_alike_by_both():
    """Found by drawing: yesterday's use of the limit, and notes that are on their way out."""
    agree(
        {
            **PLAIN,
            "seed": 9181,
            "machines": 2,
            "accounts": 3,
            "locked": 0,
            "raised": 0.1,
            "wrong_pin": 0,
            "tries": 3,
        }
    )


def test_a_visit_over_midnight_counts_on_the_day_of_the_banks_decision_in_both_details():
    """Found by drawing 500 scenarios: decided before midnight, left after it, and I16 took it for tomorrow's."""
    small = {"machines": 2, "small": 60, "accounts": 3, "locked": 0, "raised": 0, "wrong_pin": 0, "tries": 1}
    agree({**PLAIN, **small, "seed": 1})


def test_who_is_slower_than_the_machine_takes_the_notes_at_the_last_moment_in_both_details():
    """Found by drawing 500 scenarios: one customer in thousands took 30.4 s, and the machine pulls notes back at 30."""
    slow = "habits: {take_card: 45 s, take_cash: 45 s}\n"
    small = {"machines": 1, "small": 60, "accounts": 3, "per_day": 15, "locked": 0, "wrong_pin": 0}
    found, postings = agree({**PLAIN, **small}, more=slow)
    assert found.tally.total("withdrawals") > 0
    assert postings


ONE_NOTE = """\
scenario: One note
version: 1
day: 2014-12-18
fleet:
  operators: {seven_bank: {machines: 1, cassettes: {10000: 1}}}
  accounts: {count: 2, balance: ¥900_000}
  detail: """


@pytest.mark.parametrize(
    ("after_answer_us", "kind"), [(-1_000, "session"), (1_000, "lost")], ids=["still under way", "paid"]
)
@pytest.mark.parametrize("detail", ["fleet", "full"])
def test_a_machine_is_empty_once_the_answer_has_reached_it_and_not_while_it_is_under_way(
    detail, after_answer_us, kind
):
    """The bank decides 60 ms before the terminal counts the last note out: who comes between them joins the queue."""
    scenario = loads(ONE_NOTE + detail).scenario
    site = Site(0, "s0", "seven_bank", "tokyo", 35.69, 139.69, 1, 0)
    policy = load_policy()
    people = population(scenario.fleet.accounts, 1, 500_000, 5, 1, 1)
    kernel = kernel_of(scenario, (site,), people, policy)
    start_us = midnight_us(scenario.day)
    first = Arrival(
        start_us + 12 * HOUR_US, 0, 0, WITHDRAW, 10_000,
        *(5 * SECOND_US * done for done in range(len(HABIT_NAMES) + 1)), 0, DAY_US, False, 0,
    )  # fmt: skip
    answered_us = first.at_us + 15 * SECOND_US + sum(kernel.travel)
    late = first._replace(at_us=answered_us + after_answer_us, account=1, number=1)
    outside = (Visits(scenario, policy, kernel, 5, 1),) if detail == "full" else ()
    drive(kernel, start_us, iter([(start_us + DAY_US, [first, late])]), outside)
    rows = spelled_out(kernel.rows.take(), "visit", kernel.visits, VISITED)
    kinds = dict(zip(rows["time_us"].tolist(), rows["kind"].tolist(), strict=True))
    assert ["session", kind] == [KINDS[kinds[at]] for at in (first.at_us, late.at_us)]


QUIET = {**PLAIN, "machines": 1, "per_day": 15, "days": 1, "locked": 0, "raised": 0, "wrong_pin": 0}


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ("{at: 03:00, bank: jnb, is: database_error, call: 5}", ["database_error"]),
        ("{at: 03:00, bank: jnb, is: crashed, for: 5 min, when: after_charge}", ["crashed"]),
    ],
)
def test_a_fault_that_waits_for_the_banks_work_strikes_in_both_details_however_long_that_takes(fault, struck):
    """At night nobody comes for an hour: the fault is due long before there is anything to strike."""
    for detail in ("fleet", "full"):
        scenario = loads(SCENARIO.format(**QUIET, detail=detail, faults=fault)).scenario
        with tempfile.TemporaryDirectory(prefix="atm-sim-fleet-") as folder:
            play_replication(Job(scenario, 5, 1, Path(folder)))
            events = pq.read_table(
                Path(folder) / "events/r001.parquet", columns=["kind", "reason"]
            ).to_pylist()
        assert struck == [row["reason"] for row in events if row["kind"] == "fault"]
    agree(QUIET, fault)


def test_hours_for_which_the_bank_is_signed_off_touch_a_fleet_in_both_details():
    hours = "network: {sign_off: [{bank: jnb, from: 10:00, to: 15:00}]}\n"
    found, _ = agree({**QUIET, "machines": 2, "notes": 2_000, "accounts": 60}, more=hours)
    assert found.tally.declines["unreachable"] > 3


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            "  partitions: 2\nfaults:\n  - {at: 12:00, bank: jnb, is: database_error}\n",
            r"scenario.yaml:9:32: it waits for a moment in the work of one host.*partitions: 1",
        ),
        (
            "faults:\n  - {from: 12:00, to: 13:00, link: acquirer-issuer, is: down}\n",
            r"scenario.yaml:8:\d+: no session takes this line.*switch-issuer",
        ),
        ("banks: {jnb: {bin: '499911'}}\n", r"scenario.yaml:7:8: .*detail: full"),
    ],
)
def test_what_a_fleet_cannot_feel_is_refused_with_what_to_write(more, told):
    head = ONE_NOTE.removesuffix("  detail: ")
    with pytest.raises(ScenarioError, match=told):
        loads(head + more)
