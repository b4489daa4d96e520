"""The report of a cash plan: one HTML file in English and Japanese, from figures.csv and manifest.json alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from atm_sim.checks.intervals import Interval, interval
from atm_sim.report.html import environment
from bank_host.iso8583.describe import Lang

COLUMNS = (
    ("mean_cash_jpy", 1e-6, 1),
    ("refill_cycle_days", 1.0, 1),
    ("visits_week", 1.0, 3),
    ("near_end_alarms_week", 1.0, 3),
    ("cash_out_share", 100.0, 2),
    ("lost_withdrawals_share", 100.0, 2),
    ("availability", 100.0, 3),
    ("cost_machine_day_jpy", 1.0, 0),
)
"""Measure, factor and digits; the headings are in texts.py, cash_MEASURE."""

Intervals = Mapping[str, Mapping[str, Interval]]


class Cell(NamedTuple):
    """A mean with half of its interval, as people read them."""

    mean: str
    half: str


def render(folder: Path, lang: Lang = "en") -> str:
    """The page; `lang` is the language it opens in."""
    from atm_sim.report import cash_charts  # matplotlib is a third of the start-up of every command

    facts: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    found = intervals(folder / "figures.csv")
    curves = cash_charts.curves_of(found)
    return (
        environment()
        .get_template("cash.html")
        .render(
            lang=lang,
            facts=facts,
            measures=[measure for measure, *_ in COLUMNS],
            rows={name: _cells(measures) for name, measures in found.items()},
            met=all(each["met"] for each in facts["expectations"]),
            legend=[(name, Markup(cash_charts.series_colour(place))) for place, name in enumerate(curves)],
            held_chart=Markup(cash_charts.trade_off("held", curves, found, "visits_week", "mean_cash_jpy")),
            lost_chart=Markup(cash_charts.trade_off("lost", curves, found, "mean_cash_jpy", "lost_withdrawals_share")),
        )
    )  # fmt: skip


def intervals(figures: Path) -> dict[str, dict[str, Interval]]:
    """Every measure of every policy over its replications, policies in the order of the file."""
    values: dict[str, dict[str, list[float]]] = {}
    with figures.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            mine = values.setdefault(row["policy"], {})
            for measure, *_ in COLUMNS:
                mine.setdefault(measure, []).append(float(row[measure]))
    return {
        name: {measure: interval(each) for measure, each in measures.items()}
        for name, measures in values.items()
    }


def _cells(measures: Mapping[str, Interval]) -> list[Cell]:
    cells = []
    for measure, factor, digits in COLUMNS:
        found = measures[measure]
        half = (found.high - found.low) / 2
        cells.append(Cell(f"{found.mean * factor:,.{digits}f}", f"{half * factor:,.{digits}f}"))
    return cells
