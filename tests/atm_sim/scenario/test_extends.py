"""`extends:` one file of the same folder: maps merge, lists and scalars replace, faults point into the right file."""

from __future__ import annotations

import hashlib

import pytest

from atm_sim.scenario import ScenarioError, load

BASE = """\
scenario: base
version: 1
day: 2014-01-15
cast:
  hanako: {name: 山田 花子, balance: ¥10_000}
places: {shibuya: {operator: seven_bank}}
steps:
  - {at: 12:00, who: hanako, do: lock_card, via: pc}
  - {at: 12:01, who: hanako, do: unlock_card, via: pc, otp: current}
"""
OVER = """\
scenario: over
extends: base.yaml
cast:
  hanako: {balance: ¥20_000}
  taro: {name: 鈴木 太郎}
steps:
  - {at: 13:00, who: taro, do: lock_card, via: pc}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE, "utf-8")
    (tmp_path / "over.yaml").write_text(OVER, "utf-8")
    return tmp_path


def test_maps_merge_by_key_and_lists_replace(folder):
    scenario = load(folder / "over.yaml").scenario
    assert ("over", 1) == (scenario.title, scenario.version)
    assert ("山田 花子", 20_000) == (scenario.cast["hanako"].name, scenario.cast["hanako"].balance_jpy)
    assert list(scenario.cast) == ["hanako", "taro"]
    assert ["taro"] == [step.who for step in scenario.steps]


def test_the_hash_covers_both_files(folder):
    assert hashlib.sha256((OVER + BASE).encode()).hexdigest() == load(folder / "over.yaml").sha256
    assert hashlib.sha256(BASE.encode()).hexdigest() == load(folder / "base.yaml").sha256


def test_a_fault_in_the_extended_file_is_told_there(folder):
    (folder / "base.yaml").write_text(BASE.replace("seven_bank}", "seven_bank, machine: 2}"), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(folder / "over.yaml")
    (problem,) = caught.value.problems
    assert str(folder / "base.yaml") == problem.file
    assert "unknown key 'machine'; did you mean 'machines'?" in problem.text


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("extends: third.yaml\n" + BASE, "extends another file itself"),
        (None, "there is no file 'base.yaml'"),
    ],
)
def test_a_chain_or_a_missing_file_is_refused(folder, base, expected):
    (folder / "base.yaml").unlink() if base is None else (folder / "base.yaml").write_text(base, "utf-8")
    with pytest.raises(ScenarioError, match=expected):
        load(folder / "over.yaml")


def test_a_file_cannot_extend_itself(folder):
    (folder / "base.yaml").write_text("extends: base.yaml\n" + BASE, "utf-8")
    with pytest.raises(ScenarioError, match="cannot extend itself"):
        load(folder / "base.yaml")


def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "base.yaml"
    outside.write_text(BASE, "utf-8")
    (folder / "base.yaml").unlink()
    (folder / "base.yaml").symlink_to(outside)
    with pytest.raises(ScenarioError, match=r"no file 'base.yaml' in the folder"):
        load(folder / "over.yaml")
