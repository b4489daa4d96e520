"""Checks and breaches: one Check for each invariant, the first breach told in full, the rest counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.checks.invariants.catalogue import INVARIANTS, NAMES
from atm_sim.checks.invariants.findings import KEPT_PER_INVARIANT, Breach, Findings, invariant_checks

NOON_US = 1_389_754_800_000_000  # 2014-01-15 12:00:00 JST


def test_every_invariant_gives_one_check_that_says_how_often_it_was_looked_at() -> None:
    found = Findings()
    found.checked["I16"] = 412
    checks = invariant_checks(found)
    assert list(NAMES) == [check.name for check in checks]
    assert all(check.passed and check.kind == "invariant" for check in checks)
    by_name = {check.name: check.actual for check in checks}
    assert "held, checked 412 times" == by_name["I16"]
    assert "nothing to check" == by_name["I9"]


def test_a_scenario_may_name_the_invariants_it_wants() -> None:
    assert ["I3", "I16"] == [check.name for check in invariant_checks(Findings(), ["I16", "I3"])]


def test_an_invariant_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no invariant I99"):
        invariant_checks(Findings(), ["I3", "I99"])


def test_the_first_breach_is_told_and_the_others_are_counted() -> None:
    found = Findings()
    found.now_us, found.where = NOON_US, "our-bank, request 7"
    found.breach("I16", "at most ¥50,000 in all", "¥60,000", request_id="T0000001/401512000001")
    found.breach("I16", "at most ¥50,000 in all", "¥70,000")
    (check,) = invariant_checks(found, ["I16"])
    assert ("at most ¥50,000 in all", "¥60,000", False) == (check.expected, check.actual, check.passed)
    assert "T0000001/401512000001" == check.request_id
    for told in ("2014-01-15 12:00:00 JST", "our-bank, request 7", "1 more breach"):
        assert told in check.detail


def test_a_rule_that_breaks_at_every_commit_does_not_fill_the_memory() -> None:
    found = Findings()
    for _ in range(1_000):
        found.breach("I8", "¥0", "¥1")
    assert KEPT_PER_INVARIANT == len(found.breaches)
    assert "999 more breaches" in invariant_checks(found, ["I8"])[0].detail


def test_a_breach_is_told_at_once_and_may_be_given_its_step() -> None:
    heard: list[Breach] = []

    def hear(breach: Breach) -> Breach:
        heard.append(breach)
        return breach._replace(step="3", request_id="T0000001/401512000001")

    found = Findings(hear)
    found.breach("I4", "¥0 or more", "¥-1")
    assert ["I4"] == [breach.invariant for breach in heard]
    (check,) = invariant_checks(found, ["I4"])
    assert ("3", "T0000001/401512000001") == (check.step, check.request_id)


def test_the_reference_page_has_every_invariant_as_the_catalogue_words_it() -> None:
    page = (Path(__file__).parents[4] / "docs" / "reference" / "invariants.md").read_text(encoding="utf-8")
    missing = [
        each.name for each in INVARIANTS if f"| {each.name} | {each.when} | {each.holds} |" not in page
    ]
    assert [] == missing
