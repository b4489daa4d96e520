"""docs/reference/cardreader.md has the allow-list, the problems, the events and the faults as the code has them."""

from __future__ import annotations

import re
from typing import get_args

from cardreader.guard import RULES
from cardreader.problems import ADVICE
from cardreader.virtual.faults import FAULTS
from cardreader.watch import Kind
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/reference/cardreader.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The table below a heading, without its first two lines."""
    section = re.split(rf"^#+ {heading}$", PAGE, flags=re.MULTILINE)[1]
    lines = section.partition("\n\n|")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_allow_list() -> None:
    assert [
        [f"{cla:02X} {ins:02X}", rule.level.name.lower(), rule.words] for (cla, ins), rule in RULES.items()
    ] == rows("What may be sent")


def test_the_problems() -> None:
    assert [[problem, advice.what] for problem, advice in ADVICE.items()] == rows("What goes wrong")


def test_the_faults() -> None:
    assert sorted(FAULTS) == sorted(row[0] for row in rows("Faults"))


def test_the_events() -> None:
    section = PAGE.partition("## Events")[2].partition(".")[0]
    assert list(get_args(Kind)) == re.findall(r"`(\w+)`", section)
