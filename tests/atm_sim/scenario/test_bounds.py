"""Scenario text is hostile until read: bounds hold, and nothing but ScenarioError comes out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atm_sim.scenario import Problem, ScenarioError, load, loads
from bank_host.written.source import MOST_BYTES

TUTORIAL = (Path(__file__).parents[3] / "scenarios/tutorial/first_day.yaml").read_text("utf-8")
SMALL = """\
scenario: s
version: 1
day: 2014-01-15
cast: {a: {name: n, balance: ¥10_000, pin: "0000"}}
places: {p: {operator: seven_bank}}
steps:
  - {at: 12:00, who: a, do: withdraw, amount: $amount, atm: p, expect: {code: "00"}}
cases:
  - {case: one, amount: ¥1_000}
expect: [{measure: declines, equals: 0}]
"""


def refused(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    return str(caught.value)


def loads_or_refuses(text: str) -> None:
    """Whatever the text, it is a scenario or it is refused with a position inside it."""
    problems: tuple[Problem, ...] = ()
    try:
        loads(text)
    except ScenarioError as error:
        problems = error.problems or pytest.fail("an error without a problem")
    lines = re.split(r"\r\n|\r|\n", text)
    for problem in problems:
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.column >= 1
        assert str(problem).startswith("scenario.yaml:")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
@example("%YAML 1.1\n---\na: 1\n")
@example("? [a, b]\n: c\n")
@example("- *a\n")
@example("{" * 60)
@example("a: !!python/object/apply:os.system [ls]\n")
@example("a: \ud800\n")
@example("\ufeff\ufeff")
@example("a: >\n\n\n  b\x85c\n")
def test_arbitrary_text_is_refused_and_never_crashes_the_loader(text):
    loads_or_refuses(text)


FRAGMENTS = st.sampled_from(
    [
        *"{}[]:,-\"'|>#%é山¥~　\n\t\0",
        ": ",
        "- ",
        "&a ",
        "*a",
        "!x ",
        "$amount",
        "${",
        "¥1,000",
        "0x1F",
        "05",
        "null",
    ]
)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_mutated_scenario_is_read_or_refused_and_never_crashes_the_loader(data):
    text = SMALL
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(FRAGMENTS) + text[at + cut :]
    loads_or_refuses(text)


def test_the_unmutated_scenario_is_right():
    assert loads(SMALL).scenario.steps


def test_more_than_a_mebibyte_is_refused_unread():
    assert f"at most {MOST_BYTES:,}" in refused("#" * (MOST_BYTES + 1))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_bounded_long_before_the_parser_would_recurse(opening):
    assert "nested more than 20 deep" in refused("scenario: s\nabout: \n  " + opening * 2_000)


def test_an_alias_bomb_of_a_few_lines_is_refused_at_its_first_anchor():
    bomb = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*a, *a]\n" for n in "bcdefgh")
    assert "scenario.yaml:1:4: anchors" in refused(bomb)


def test_a_number_of_5000_digits_is_an_ordinary_fault():
    assert "too many digits" in refused(SMALL.replace("version: 1", "version: 1\nseed: " + "9" * 5_000))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"scenario: \xff\n", "1:11: this is not UTF-8 text"),
        (b"scenario: a\x00b\n", "1:12: a character that does not belong in a text file (U+0000)"),
        ("scenario: a\u2028b\n".encode(), "1:12: a character that does not belong in a text file (U+2028)"),
        (b"", "1:1: a scenario file is a map that starts with 'scenario: title'; this file holds nothing"),
    ],
)
def test_bytes_that_are_no_text_are_named_with_their_place(tmp_path, data, message):
    path = tmp_path / "odd.yaml"
    path.write_bytes(data)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert message in str(caught.value)


def test_a_byte_order_mark_and_windows_line_ends_are_read():
    assert loads("\ufeff" + TUTORIAL.replace("\n", "\r\n")).scenario.steps


def test_yaml_1_1_surprises_stay_text():
    """`no` is a word, `12:00` no number, `on` a key: what YAML 1.1 would change is read as written."""
    step = "{at: 12:00, who: a, do: raise_limit, amount: ¥1_000, on: 2014-01-20, via: pc}"
    scenario = loads(
        SMALL.replace("name: n,", "name: no,").replace("steps:\n", f"steps:\n  - {step}\n")
    ).scenario
    assert scenario.cast["a"].name == "no"
    assert scenario.steps[0].do == "raise_limit"
