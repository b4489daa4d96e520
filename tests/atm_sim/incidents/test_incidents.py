"""Each shipped incident is held to what was published; a planted wrong figure is found out."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.cli import main
from atm_sim.incidents.command import expected, words
from atm_sim.incidents.file import MODELS, IncidentError, is_incident, load_incident, parameters
from atm_sim.incidents.play import judged, results, sensitivity, what_if
from tests.docs.pages import ROOT

FOLDER = ROOT / "scenarios/incidents"
FILES = sorted(file for file in FOLDER.glob("*.yaml") if is_incident(file))
NAMES = [file.stem for file in FILES]
S1 = FOLDER / "s1_mizuho_2021.yaml"


def test_every_incident_that_is_told_of_has_its_file() -> None:
    expected = {"S1", "S1c", "S3", "S4", "S5", "S5b", "S6", "S7", "S9", "S10", "S11"}
    assert expected == {load_incident(file).id for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_an_incident_gives_its_published_figures_and_its_what_if(file: Path) -> None:
    incident = load_incident(file)
    rows = judged(incident) + what_if(incident)
    assert [] == [(row.figure.name, row.found) for row in rows if not row.met]


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_each_assumption_is_moved_and_the_fitted_ones_matter(file: Path) -> None:
    """An assumption that is fitted to a figure has to move one."""
    incident = load_incident(file).model_copy(update={"replications": 2})
    moved = list(sensitivity(incident))
    assert set(incident.assumptions) == {row.assumption for row in moved}
    for name, each in incident.assumptions.items():
        if each.from_ == "fit":
            assert any(row.lower != row.higher for row in moved if row.assumption == name), name


def test_which_incidents_validate_and_which_only_illustrate() -> None:
    illustrations = {load_incident(file).id for file in FILES if not load_incident(file).validates}
    assert {"S3", "S4", "S9", "S10"} == illustrations


def test_a_daily_limit_caps_the_forged_card_raid_at_its_cards_times_the_limit() -> None:
    incident = load_incident(FOLDER / "s5_forged_cards_2016.yaml")
    with_limit = results(incident, {"limit_jpy": 500_000.0})
    assert {1_600 * 500_000.0} == set(with_limit["loss_jpy"])
    assert min(with_limit["refused"]) > 0
    assert {0.0} == set(results(incident)["refused"])


def test_machines_with_little_cash_would_have_run_dry_in_the_raid() -> None:
    """So that `no cash-outs` is a finding and not a constant."""
    incident = load_incident(FOLDER / "s5_forged_cards_2016.yaml")
    assert min(results(incident, {"fill_jpy": 500_000.0})["cash_outs"]) > 0


def test_money_of_the_rumour_is_no_more_than_there_was() -> None:
    incident = load_incident(FOLDER / "s6_saga_bank_2003.yaml")
    given = incident.given
    most = given["usual_withdrawals"] * given["usual_ticket_jpy"] * given["reserve_days"] + given["sent_jpy"]
    assert max(results(incident)["drawn_jpy"]) <= most


def test_what_does_not_come_out_is_found_out(tmp_path: Path) -> None:
    wrong = tmp_path / "s1.yaml"
    wrong.write_text(
        S1.read_text(encoding="utf-8").replace("published: 5244", "published: 9244"), encoding="utf-8"
    )
    result = CliRunner().invoke(main, ["incident", str(wrong)])
    assert 1 == result.exit_code
    assert "OUTSIDE" in result.output


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("model: kept_cards", "model: kept_card", "did you mean 'kept_cards'"),
        ("  restart_h:", "  restarts_h:", "did you mean 'restart_h'"),
        ("  visits_day: {value: 95, because", "  # {because", "the model needs visits_day too"),
        (
            "name: items_held, published: 5244",
            "name: item_held, published: 5244",
            "did you mean 'items_held'",
        ),
        ("mark: emergent}", "mark: emergent, tolerance: 0.5}", "an emergent figure lies within 15%"),
        ("published: 5244, ", "", "nothing to compare with"),
        ("{keep_card: 0}", "{keep_cards: 0}", "did you mean 'keep_card'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, written: str, instead: str, told: str) -> None:
    text = S1.read_text(encoding="utf-8")
    assert written in text
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(IncidentError) as refused:
        load_incident(wrong)
    assert told in str(refused.value)


def test_every_model_has_an_incident() -> None:
    assert set(MODELS) == {load_incident(file).model for file in FILES}
    assert all(parameters(model) for model in MODELS)


def test_the_background_page_shows_what_comes_out() -> None:
    """docs/background/incidents.md: published against found, to the digit."""
    page = (ROOT / "docs/background/incidents.md").read_text(encoding="utf-8")
    for file in FILES:
        incident = load_incident(file)
        for row in judged(incident):
            cells = (incident.id, row.figure.name, row.figure.mark, expected(row), words(row.found.mean))
            assert f"| {' | '.join(cells)} |" in page
