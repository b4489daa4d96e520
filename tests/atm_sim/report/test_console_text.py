"""The console: a summary people can read, failures that say everything, a person's day."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from atm_sim.report.text import UnknownPerson, print_failures, print_summary, print_trace


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=100, highlight=False), out


def test_the_summary_names_figures_declines_cash_checks_and_the_report(run_folder: Path) -> None:
    target, out = console()
    print_summary(run_folder, target, report="out/payday/report.html")
    text = out.getvalue()
    for part in (
        "A payday at Shibuya",
        "customers",
        "not enough money in the account",
        "shibuya-01/1",
        "Expectations: 2 of 6 met",
        "Invariants: 2 of 2 met",
        "Report: out/payday/report.html",
    ):
        assert part in text


def test_the_summary_is_plain_text_when_nobody_looks_at_a_terminal(run_folder: Path) -> None:
    target, out = console()
    print_summary(run_folder, target)
    assert "\x1b" not in out.getvalue()


def test_a_failure_says_where_what_was_expected_what_came_and_how_to_see_it_again(run_folder: Path) -> None:
    target, out = console()
    print_failures(run_folder, target)
    first = out.getvalue().split("\n\n")[0].splitlines()
    assert first[0] == "payday.yaml:10:5: step 2"
    assert "expected approved, got declined" in first[1]
    assert any("0200 Financial request" in line for line in first)
    assert any("Response code: 62 locked by its holder" in line for line in first)
    assert first[-1] == "  replay: atm-sim run scenarios/tutorial/payday.yaml --seed 42"


def test_a_trace_is_a_persons_day_in_order_with_each_message_in_words(run_folder: Path) -> None:
    target, out = console()
    print_trace(run_folder, "hanako", target)
    lines = out.getvalue().splitlines()
    assert lines[0] == "山田 花子 (hanako), 2014-01-15"
    times = [line[:8] for line in lines if line[2:3] == ":" and line[5:6] == ":"]
    assert times == sorted(times)
    told = "\n".join(lines)
    order = [
        "smartphone: lock card: done",
        "comes to shibuya-01",
        "0200 Financial request",
        "0210 Financial answer",
        "the bank answers 62 locked by its holder",
        "balance stands at ¥250,000",
    ]
    assert [told.index(part) for part in order] == sorted(told.index(part) for part in order)


def test_a_trace_of_nobody_names_who_there_is(run_folder: Path) -> None:
    with pytest.raises(UnknownPerson, match=r"nobody called 'hanaka'.*known: hanako, taro, crowd/1"):
        print_trace(run_folder, "hanaka", console()[0])


def test_a_run_without_checks_says_so(empty_folder: Path) -> None:
    target, out = console()
    print_summary(empty_folder, target)
    assert "Nothing was checked" in out.getvalue()
