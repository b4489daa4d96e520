"""A scenario of one locked card: what it becomes, and how its slips are told."""

from __future__ import annotations

from datetime import date

import pytest

from atm_sim.scenario import ScenarioError, loads
from atm_sim.scenario.online_steps import LockCard
from atm_sim.scenario.steps import Withdraw
from bank_host.jst import HOUR_US, MINUTE_US

LOCKED_CARD = """\
scenario: A locked card pays no cash
version: 1
day: 2014-01-15
seed: 42
cast:
  hanako:
    name: 山田 花子
    balance: ¥250,000
    atm_limit: ¥100,000
places:
  shibuya-01: {operator: seven_bank, cassettes: {10000: 200, 1000: 500}}
steps:
  - {at: 12:00, who: hanako, do: lock_card, via: smartphone, expect: {outcome: done}}
  - {at: 12:05, who: hanako, do: withdraw, amount: ¥30_000, atm: shibuya-01,
     expect: {outcome: declined, code: "62", reason: card_locked}}
"""


def told(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    return [problem.located for problem in caught.value.problems]


def test_amounts_times_and_days_are_read_with_their_units():
    """¥30_000 is 30,000 integer yen, 12:05 is so many microseconds after midnight."""
    scenario = loads(LOCKED_CARD).scenario
    withdrawal = scenario.steps[1]
    assert date(2014, 1, 15) == scenario.day
    assert isinstance(withdrawal, Withdraw)
    assert withdrawal.amount_jpy == 30_000
    assert 12 * HOUR_US + 5 * MINUTE_US == scenario.after_midnight_us(withdrawal.at)
    assert scenario.cast["hanako"].balance_jpy == 250_000
    assert scenario.places["shibuya-01"].cassettes == {10_000: 200, 1_000: 500}


def test_a_step_knows_its_line_and_what_it_must_lead_to():
    lock, withdrawal = loads(LOCKED_CARD).scenario.steps
    assert isinstance(lock, LockCard)
    assert (13, 14) == (lock.line, withdrawal.line)
    assert withdrawal.expect is not None
    assert ("declined", "62", "card_locked") == (
        withdrawal.expect.outcome,
        withdrawal.expect.code,
        withdrawal.expect.reason,
    )


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("lock_card, via", "lock_crad, via", "13:34: unknown action 'lock_crad'; did you mean 'lock_card'?"),
        ('"62"', "62", '15:40: a response code is two characters; write "62" in quotes'),
        ('"62"', "5", '15:40: a response code is two characters; write "05" in quotes'),
        (
            "who: hanako, do: w",
            "who: hanoko, do: w",
            "14:22: unknown person 'hanoko'; did you mean 'hanako'?",
        ),
        ("amount", "amuont", "14:44: unknown key 'amuont'; did you mean 'amount'?"),
        (
            "¥30_000",
            "¥30,000",
            '14:52: inside { } a comma ends the value, so only ¥30 is read; write ¥30_000 or quote "¥30,000"',
        ),
    ],
)
def test_a_slip_is_told_where_it_stands_with_what_to_write_instead(right, wrong, expected):
    assert [expected] == told(LOCKED_CARD.replace(right, wrong, 1))


def test_all_slips_of_a_file_are_told_at_once():
    text = (
        LOCKED_CARD.replace("seed: 42", "sed: 42")
        .replace("atm: shibuya-01", "atm: shibuya")
        .replace('"62"', "62")
    )
    assert ["4:1", "14:66", "15:40"] == [":".join(line.split(":")[:2]) for line in told(text)]
