"""What README.md and docs/ show is true: commands run and print what is shown, examples load, links lead somewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.cli import main
from tests.docs.pages import ROOT, Sandbox, broken_links, linked_pages, problems

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
pytestmark = pytest.mark.xdist_group("docs")  # one worker, so that the tutorial is played once


@pytest.fixture(scope="session")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of the tutorial, which pages may take for granted."""
    out = tmp_path_factory.mktemp("tutorial") / "first_day"
    scenario = ROOT / "scenarios/tutorial/first_day.yaml"
    assert CliRunner().invoke(main, ["run", str(scenario), "--out", str(out)]).exit_code == 0
    return out


@pytest.fixture
def sandbox(tmp_path: Path, first_day: Path) -> Sandbox:
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    shutil.copytree(first_day, tmp_path / "out/first_day")
    return Sandbox(tmp_path)


def name_of(page: object) -> str:
    return page.relative_to(ROOT).as_posix() if isinstance(page, Path) else ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_everything_a_page_shows_works(page: Path, sandbox: Sandbox) -> None:
    found = list(problems(page.read_text(encoding="utf-8"), sandbox))
    assert not found, "\n".join(f"{name_of(page)}:{problem}" for problem in found)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [] == broken_links(page)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = {ROOT / "README.md"}
    while ahead:
        page = ahead.pop()
        reached.add(page)
        ahead |= {other for other in linked_pages(page) if other.exists()} - reached
    assert [] == [name_of(page) for page in PAGES if page not in reached]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_folder_of_somebodys_machine(page: Path) -> None:
    assert [] == re.findall(
        r"(?<![\w.$>])/(?:home|tmp|root|work|Users)/\S*", page.read_text(encoding="utf-8")
    )
