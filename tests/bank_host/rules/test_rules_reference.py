"""The reference page names every reason, act and question that the rules know."""

from __future__ import annotations

from pathlib import Path

from bank_host.rules import Rules
from bank_host.rules.acts import ACTS
from bank_host.rules.reasons import CODES, ORDER_OF_CHECKS

PAGE = Path(__file__).parents[3].joinpath("docs", "reference", "rules.md").read_text(encoding="utf-8")


def test_the_order_of_checks_is_the_order_of_the_page() -> None:
    table = PAGE.split("## Card transactions")[1].split("\n\n- ")[0]
    places = [table.index(f"`{reason}`") for reason in ORDER_OF_CHECKS]
    assert places == sorted(places)


def test_codes_on_the_page_are_those_of_the_rules() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "`" in line]
    for reason in ORDER_OF_CHECKS:
        row = next(line for line in rows if f"`{reason}`" in line)
        assert CODES.get(reason, "") in row, reason


def test_every_act_and_question_is_on_the_page() -> None:
    assert [name for name in (*ACTS, *Rules._fields) if f"`{name}`" not in PAGE] == []
