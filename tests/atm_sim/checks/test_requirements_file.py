"""The list of requirements is whole: every id once, in order, each with one line of text and a kind."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML


def listed() -> list[dict[str, Any]]:
    source = files("atm_sim.checks").joinpath("requirements.yaml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(source)
    return rows


def test_every_requirement_is_listed_once_and_in_order() -> None:
    wanted = [
        f"{letter}{n}" for letter, last in (("R", 140), ("X", 15), ("Q", 14)) for n in range(1, last + 1)
    ]
    assert wanted == [row["id"] for row in listed()]


def test_each_has_a_kind_and_one_line_of_text_and_perhaps_the_test_that_holds_it() -> None:
    for row in listed():
        assert set(row) - {"structural"} == {"id", "kind", "text"}, row["id"]
        assert row["text"].endswith("."), row["id"]
        assert "\n" not in row["text"], row["id"]


def test_no_two_requirements_read_the_same() -> None:
    texts = Counter(row["text"] for row in listed())
    assert [text for text, times in texts.items() if times > 1] == []


def test_kinds_are_those_of_the_source() -> None:
    kinds = Counter(row["kind"] for row in listed())
    assert kinds == {"stated": 114, "consequence": 21, "informational": 5, "decided": 29}
