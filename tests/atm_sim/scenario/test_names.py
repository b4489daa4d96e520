"""Names resolve: within the file, and against what the policy knows."""

from __future__ import annotations

import pytest

from atm_sim.scenario import Known, ScenarioError, loads

TEXT = """\
scenario: s
version: 1
day: 2014-01-15
banks: {sakura: {bin: "499911", atms: [e_net]}}
cast:
  hanako: {name: 山田 花子}
  mules: {name: n, count: 2, bank: sakura}
places: {shibuya: {operator: seven_bank, machines: 2}}
steps:
  - {at: 12:00, who: mules/2, do: balance, atm: shibuya/2, expect: {reason: no_funds, notice: none}}
  - {at: 12:01, who: hanako, do: lock_card, via: pc}
streams:
  lunch: {at: shibuya, from: 11:00, customers: 1, interarrival: 1 min, do: balance, who: mules}
expect:
  - {measure: customers, at: shibuya, bank: sakura, equals: 2}
faults:
  - {from: 14:00, to: 14:20, link: switch-issuer, is: down, bank: sakura}
"""
KNOWN = Known(partners=("seven_bank", "e_net"), reasons=("no_funds",), notices=("atm_withdrawal",))


def test_names_that_resolve_are_no_problem():
    assert not loads(TEXT, known=KNOWN).warnings


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("who: mules/2", "who: mules/3", "the group 'mules' has the members mules/1 to mules/2"),
        ("who: mules/2", "who: mules", "'mules' is a group of 2; write mules/1 to mules/2"),
        ("who: hanako", "who: hanako/1", "'hanako' is one person; write hanako"),
        ("who: mules}", "who: mule}", "unknown person 'mule'; did you mean 'mules'?"),
        ("at: shibuya, from", "at: shibya, from", "unknown place 'shibya'; did you mean 'shibuya'?"),
        ("at: shibuya, bank", "at: ueno, bank", "unknown place 'ueno'; places: defines shibuya"),
        ("bank: sakura, equals", "bank: sakra, equals", "unknown bank 'sakra'; did you mean 'sakura'?"),
        ("down, bank: sakura", "down, bank: mizuho", "unknown bank 'mizuho'; banks: defines jnb and sakura"),
        ("seven_bank", "sevenbank", "unknown partner 'sevenbank'; did you mean 'seven_bank'?"),
        ("atms: [e_net]", "atms: [enet]", "unknown partner 'enet'; did you mean 'e_net'?"),
        ("no_funds", "no_fund", "unknown reason 'no_fund'; did you mean 'no_funds'?"),
        ("notice: none", "notice: letter", "unknown notice 'letter'; known are atm_withdrawal and none"),
    ],
)
def test_a_name_that_leads_nowhere_gets_did_you_mean_or_what_there_is(right, wrong, expected):
    with pytest.raises(ScenarioError) as caught:
        loads(TEXT.replace(right, wrong), known=KNOWN)
    assert [expected] == [problem.text for problem in caught.value.problems]


FLEET = """\
scenario: s
version: 1
day: 2014-01-15
fleet:
  operators: {seven_bank: 1}
  accounts: 9
  demand: {curve: branch}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("seven_bank", "seven_bnk", "unknown partner 'seven_bnk'; did you mean 'seven_bank'?"),
        ("branch", "brnch", "unknown demand 'brnch'; did you mean 'branch'?"),
        ("branch", "lobby", "unknown demand 'lobby'; known are convenience and branch"),
        (
            "branch",
            "ours.yaml",
            "there is no demand file 'ours.yaml' beside this file; atm-sim fit writes one",
        ),
        (
            "branch",
            "a" * 300 + ".yaml",
            f"there is no demand file '{'a' * 39}…' beside this file; atm-sim fit writes one",
        ),
    ],
)
def test_names_of_a_fleet_are_told_where_they_stand(right, wrong, expected, tmp_path):
    known = Known(partners=("seven_bank",), demands=("convenience", "branch"))
    assert loads(FLEET, tmp_path / "fleet.yaml", known).scenario.fleet
    with pytest.raises(ScenarioError) as caught:
        loads(FLEET.replace(right, wrong), tmp_path / "fleet.yaml", known)
    assert [expected] == [problem.text for problem in caught.value.problems]


def test_names_that_only_the_policy_knows_are_not_checked_without_it():
    assert loads(TEXT.replace("seven_bank", "unheard_of")).cases


def test_a_partner_that_the_file_itself_defines_is_known():
    policy = "policy:\n  partners.own_net: {value: {name_en: Own}, because: a partner of the future}\n"
    assert loads(TEXT.replace("seven_bank", "own_net") + policy, known=KNOWN).cases


def test_people_and_places_that_nobody_uses_are_warned_of():
    text = TEXT.replace("cast:", "cast:\n  taro: {name: 鈴木 太郎}")
    (warning,) = loads(text, known=KNOWN).warnings
    assert (6, 3) == (warning.line, warning.column)
    assert "'taro' is defined" in warning.text


def test_a_person_whom_only_a_row_of_cases_names_is_used():
    text = TEXT.replace("who: hanako", "who: $who") + "cases:\n  - {who: hanako}\n  - {who: taro}\n"
    text = text.replace("cast:", "cast:\n  taro: {name: 鈴木 太郎}")
    assert not loads(text, known=KNOWN).warnings
