"""The words of the report: every name that a scenario, the terminal or the bank uses has words in both languages."""

from __future__ import annotations

import string
from typing import get_args

import pytest

from atm_sim.records.check import KINDS as KINDS_OF_CHECK
from atm_sim.report.names import NAMES, REASONS
from atm_sim.report.texts import KINDS, LABELS, name_text, reason_text
from atm_sim.scenario import vocabulary
from bank_host.rules.reasons import CODES


@pytest.mark.parametrize("table", [LABELS, KINDS, REASONS, NAMES])
def test_both_languages_are_there_and_fill_the_same_places(table: dict[str, tuple[str, str]]) -> None:
    for en, ja in table.values():
        assert en
        assert ja
        assert _places(en) == _places(ja)


def test_measures_and_outcomes_have_words() -> None:
    names = [*vocabulary.MEASURES, *get_args(vocabulary.Outcome), *get_args(vocabulary.Channel)]
    assert [name for name in names if name not in NAMES] == []


def test_every_kind_of_check_has_a_heading() -> None:
    assert [kind for kind in KINDS_OF_CHECK if f"kind_{kind}" not in LABELS] == []


def test_every_reason_of_the_bank_has_words() -> None:
    assert [reason for reason in CODES if reason.lower() not in REASONS] == []


def test_a_reason_without_words_is_shown_as_it_is() -> None:
    assert reason_text("some_new_reason").en == "some new reason"


def test_an_advice_reason_and_a_code_have_the_words_of_the_message_tables() -> None:
    assert reason_text("hardware_error").en == "nothing was dispensed"
    assert reason_text("code_41").en == "41 lost card"


def test_filters_of_a_measure_are_kept() -> None:
    assert name_text("wait.p95 at north").en == "wait, 95th percentile at north"


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
