"""docs/security.md: each departure from ASVS has its reason, compensation and owner; the figures are the code's."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from bank_host.jst import HOUR_US, MINUTE_US, SECOND_US
from bank_host.netbank import gate
from bank_host.policy import Figures, load_policy

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| v5.0.0-")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_a_departure_has_its_reason_its_compensation_and_its_owner(row: list[str]) -> None:
    assert 5 == len(row)
    assert all(len(cell.strip()) > 8 for cell in row)
    assert all(re.fullmatch(r"v5\.0\.0-\d+\.\d+\.\d+", item.strip()) for item in row[0].split(","))


def test_every_registered_departure_is_there() -> None:
    items = {item.strip() for row in ROWS for item in row[0].split(",")}
    expected = {"6.5.5", "6.3.3", "6.2.1", "6.3.4", "11.3.1", "11.3.2", "12.3.1"}
    assert {f"v5.0.0-{each}" for each in expected} == items


# ---------------------------------------------------------------- the figures


UNITS_US = {"second": SECOND_US, "minute": MINUTE_US, "hour": HOUR_US, "day": 24 * HOUR_US}
NUMBERS = {"two": 2, "three": 3, "five": 5, "twenty": 20}
_SPAN = re.compile(rf"(\d+|{'|'.join(NUMBERS)}) (second|minute|hour|day)s?")


def bound(of: str, page: str) -> str:
    """What the page's table of bounds says of something."""
    (found,) = re.findall(rf"^\| {re.escape(of)}[^|]*\|([^|]*)\|$", page, re.MULTILINE)
    return str(found)


def spans_us(text: str) -> list[int]:
    """Each span of time in a text, in its order."""
    return [int(NUMBERS.get(number, number)) * UNITS_US[unit] for number, unit in _SPAN.findall(text)]


def rate(text: str) -> gate.Rate:
    """Of "20 tries at once, then one every 30 seconds" and "300 tries at once, then five a second"."""
    burst = int(re.findall(r"(\d+) tries at once", text)[0])
    if per_second := re.findall(r"then (\w+) a second", text):
        return gate.Rate(burst, SECOND_US // NUMBERS[per_second[0]])
    return gate.Rate(burst, spans_us(text)[0])


def differences(page: str) -> list[str]:
    """Which figures of the page are not those of the code."""
    strangers = bound("strangers to one account", page).partition("; forgotten")[0]
    waits = (0, *spans_us(strangers))
    figures = load_policy().on(date(2014, 1, 15))
    lapse = re.findall(r"So (\w+) wrong logins by strangers take (\w+ hours)", page)
    kept = waits == (*gate.STRANGER_WAITS_US, gate.STRANGER_WAITS_US[-1])  # the last one "again"
    lapse_us = sum(gate.STRANGER_WAITS_US[: figures.login_max_wrong - 1])
    found = {
        "strangers": kept and "at once" in strangers,
        "forgotten": "forgotten after a day" in page and gate.FORGET_US == UNITS_US["day"],
        "address": rate(bound("one address", page)) == gate.PER_ADDRESS,
        "server": rate(bound("the whole server", page)) == gate.GLOBAL,
        "known": spans_us(bound("a browser in which", page)) == [gate.KNOWN_US],
        "lapse": [(NUMBERS[n], spans_us(span)) for n, span in lapse]
        == [(figures.login_max_wrong, [lapse_us // HOUR_US * HOUR_US])],
        "code": f"lives up to {otp_life_s(figures)} seconds" in page,
    }
    return [name for name, same in found.items() if not same]


def otp_life_s(figures: Figures) -> int:
    """The step that is shown, and those before that still count."""
    return int(figures.otp_step_s * (1 + figures.otp_window))


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    assert [] == differences(PAGE)


@pytest.mark.parametrize(
    ("figure", "text", "other"),
    [
        ("strangers", "then 1 minute", "then 2 minutes"),
        ("forgotten", "after a day", "after a week"),
        ("address", "20 tries", "10 tries"),
        ("address", "every 30 seconds", "every 20 seconds"),
        ("server", "then five a second", "then two a second"),
        ("known", "180 days", "90 days"),
        ("lapse", "take three hours", "take two hours"),
        ("code", "up to 120 seconds", "up to 60 seconds"),
    ],
)
def test_another_figure_on_the_page_is_found(figure: str, text: str, other: str) -> None:
    assert text in PAGE
    assert [figure] == differences(PAGE.replace(text, other, 1))
