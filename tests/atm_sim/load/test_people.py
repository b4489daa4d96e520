"""Who comes to a load run: the cast and generated customers, the same for the same seed; ATMs of all places."""

from __future__ import annotations

from pathlib import Path

from atm_sim.load.people import acceptors
from atm_sim.load.target import carriers, make_database
from atm_sim.scenario import loads
from bank_host.jst import jst_date
from bank_host.policy import load_policy
from bank_host.store.sql import SqlStore

NOW_US = 1_760_000_000_000_000
POLICY = load_policy()
SCENARIO = loads(
    "scenario: x\nversion: 1\nday: 2026-01-15\n"
    'cast: {hanako: {name: 花子, pin: "2580", balance: ¥5_000}, team: {name: 組, count: 2}}\n'
    "places: {a: {operator: seven_bank}, b: {operator: lawson}}\n"
    "load: {arrivals: [{rate: 1/s, for: 1 s}], customers: 3, terminals: 4, balance: ¥70_000}\n"
).scenario
LOAD = SCENARIO.load
assert LOAD is not None


def test_the_cast_comes_first_with_its_own_pins_then_generated_customers():
    people = carriers(SCENARIO, LOAD, 1, POLICY, NOW_US)
    assert 6 == len({each.pan.reveal() for each in people})
    assert "2580" == people[0].pin.reveal()
    assert all(each.pan.reveal().startswith("499900") for each in people)


def test_the_same_seed_gives_the_same_cards_and_pins_and_no_text_shows_them():
    one, again, other = (carriers(SCENARIO, LOAD, seed, POLICY, NOW_US) for seed in (1, 1, 2))
    shown = [[(each.pan.reveal(), each.pin.reveal()) for each in people] for people in (one, again, other)]
    assert shown[0] == shown[1]
    assert shown[0] != shown[2]
    assert not any(pan in repr(one) for pan, _ in shown[0])


def test_the_database_has_all_their_accounts(tmp_path: Path):
    people = make_database(tmp_path / "bank.sqlite", SCENARIO, LOAD, 1, POLICY, NOW_US)
    store = SqlStore.create(f"sqlite:///{tmp_path / 'bank.sqlite'}")
    assert [5_000, 0, 0, 70_000, 70_000, 70_000] == [account.posted_jpy for account in store.accounts()]
    assert len(people) == len(list(store.cards()))
    store.close()


def test_the_atms_are_spread_over_the_places():
    found = acceptors(SCENARIO, LOAD, POLICY.on(jst_date(NOW_US)))
    assert ["SEVEN_BANK", "LAWSON", "SEVEN_BANK", "LAWSON"] == [each.acceptor_id for each in found]
    assert 4 == len({each.terminal_id for each in found})
