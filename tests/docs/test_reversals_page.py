"""The page of the truth table is the table in code, each row with a scenario that shows it."""

from __future__ import annotations

from pathlib import Path

from atm_sim.checks.truth_table import TRUTH_TABLE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/reversals.md"


def rows_of_the_page() -> list[str]:
    """The lines of the two tables as they have to stand there."""
    stories = sorted((ROOT / "scenarios/reversals").glob("*.yaml"))
    lines = []
    for row in TRUTH_TABLE:
        (story, *_) = [path for path in stories if path.stem.startswith(f"{row.id.lower()}_")]
        link = f"[{row.id}](../../scenarios/reversals/{story.name})"
        lines.append(f"| {link} | {row.case_en}<br>{row.case_ja} | {row.required_en}<br>{row.required_ja} |")
    return lines


def test_the_page_is_the_table_in_code() -> None:
    written = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| [R")]
    assert rows_of_the_page() == written
