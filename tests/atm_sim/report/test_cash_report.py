"""The report of a cash plan is made from its folder alone, in both languages, with a point for every policy."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.cash.plan import SHIPPED
from atm_sim.cli import main
from atm_sim.report.cash import intervals, render


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cash")
    text = (SHIPPED / "half_year.yaml").read_text(encoding="utf-8")
    text = text.replace("weeks: 26", "weeks: 4").replace("machines: 200", "machines: 5")
    text = text.replace("replications: 10", "replications: 2")
    text = text[: text.index("compare:")] + "expect: [{policy: forecast, measure: visits_week, at_most: 7}]\n"
    (out / "plan.yaml").write_text(text.replace("cash: 200", "cash: <b>5"), encoding="utf-8")
    result = CliRunner().invoke(main, ["cash", str(out / "plan.yaml"), "--out", str(out / "run")])
    assert 0 == result.exit_code, result.output
    return out / "run"


def test_the_report_holds_every_policy_figure_and_source(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    for name, measures in intervals(folder / "figures.csv").items():
        assert f"<td>{name}</td>" in page
        assert f"{measures['mean_cash_jpy'].mean / 1e6:,.1f} <span" in page
    assert 2 == page.count("<svg")
    assert "トレードオフ" in page
    assert "no price of a guard&#39;s stop is published" in page
    assert "<b>5" not in page


def test_the_same_folder_gives_the_same_page(folder: Path) -> None:
    assert (folder / "report.html").read_text(encoding="utf-8") == render(folder)


def test_a_failed_expectation_is_seen_at_the_top(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["expectations"][0]["met"] = False
    copy = folder.parent / "failed"
    copy.mkdir()
    (copy / "figures.csv").write_bytes((folder / "figures.csv").read_bytes())
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert 'class="banner bad"' in render(copy)
    assert 'class="banner bad"' not in render(folder)
