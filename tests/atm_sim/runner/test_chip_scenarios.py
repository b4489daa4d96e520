"""The scenarios of chip cards can fail: each fault that is planted here, one of them notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.runner.play import play
from atm_sim.scenario import load, rows
from atm_sim.terminal import asking
from bank_host import chip

CARDS = Path(__file__).parents[3] / "scenarios/cards"


def broken(name: str) -> list[str]:
    loaded = load(CARDS / name)
    (case,) = rows(loaded)
    return [str(check) for check in play(loaded, case).checks if not check.passed]


def test_a_bank_that_believes_every_cryptogram_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chip, "genuine", lambda hsm, message: True)
    assert any("05" in check for check in broken("chip_card.yaml"))


def test_a_bank_that_does_not_answer_the_card_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chip, "told", lambda hsm, message, genuine, code: {})
    assert [] != broken("chip_card.yaml")


def test_a_machine_that_takes_a_chip_cards_stripe_for_its_chip_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(asking._ENTRY_MODES, "fallback", "051")
    assert [] != broken("stripe_of_a_chip_card.yaml")
