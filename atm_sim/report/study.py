"""The report of a study: one self-contained HTML file in English and Japanese, from the study folder alone.

Everything stands inside it, the replay's script too; its Content-Security-Policy lets this one script run and no
request leave the page.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from atm_sim.checks.values import in_words
from atm_sim.records.check import failures_first, verdict
from atm_sim.records.folder import RunFolder
from atm_sim.records.study_folder import DifferenceRow, IntervalRow, StudyFolder
from atm_sim.report import day
from atm_sim.report.html import environment
from atm_sim.report.junit import checks_xml
from atm_sim.report.replay import COLUMNS
from bank_host.iso8583.describe import Lang

BASE = "base"
MOST_ARMS = 40
"""Variants shown in a chart; a study with more has them all in the tables."""


class Chart(NamedTuple):
    """A drawing with the measure it is about; the words stand beside it."""

    measure: str
    svg: Markup
    rows: list[Any]


def write_report(path: Path) -> Path:
    """report.html and junit.xml of the study in `path`."""
    folder = StudyFolder(path)
    facts = folder.read_manifest()
    RunFolder(path).write_junit(checks_xml(facts["title"], facts["study_file"], folder.read_checks()))
    return RunFolder(path).write_report(render(path))


def render(path: Path, lang: Lang = "en") -> str:
    """The page; `lang` is the language it opens in."""
    folder = StudyFolder(path)
    facts, checks = folder.read_manifest(), folder.read_checks()
    intervals: list[IntervalRow] = folder.read_table("intervals")
    differences: list[DifferenceRow] = folder.read_table("differences")
    pages = environment()
    pages.filters["words"] = words
    return pages.get_template("study.html").render(
        lang=lang,
        facts=facts,
        checks=failures_first(checks),
        verdict=verdict(checks),
        tiles=_tiles(intervals),
        differences=_difference_charts(differences),
        intervals=_interval_charts([row for row in intervals if row.kind != "sweep"]),
        sweeps=_sweeps([row for row in intervals if row.kind == "sweep"]),
        **day.shown(folder.read_events(BASE, COLUMNS), folder.read_table("sites")),
    )


def words(value: float, unit: str) -> str:
    """A value of a table as people read it."""
    if unit == "ratio":
        return f"{100 * value:.3g} %"
    return in_words(value, "duration" if unit == "us" else unit)


def _tiles(intervals: list[IntervalRow]) -> list[tuple[str, str, str]]:
    """The measures of the scenario as it stands."""
    return [
        (row.measure, words(row.mean, row.unit), f"{words(row.low, row.unit)} – {words(row.high, row.unit)}")
        for row in intervals
        if row.arm == BASE
    ]


def _by_measure(rows: list[Any]) -> list[tuple[str, list[Any]]]:
    """Rows by measure, in the order of the file."""
    order = list(dict.fromkeys(row.measure for row in rows))
    ranked = sorted(rows, key=lambda row: order.index(row.measure))
    return [(measure, list(found)) for measure, found in groupby(ranked, key=lambda row: row.measure)]


def _difference_charts(rows: list[DifferenceRow]) -> list[Chart]:
    from atm_sim.report import study_charts  # matplotlib is a third of the start-up of every command

    colour = {"lower": 1, "higher": 4, "unclear": 7, "same": 7}
    charts = []
    for number, (measure, found) in enumerate(_by_measure(rows)):
        drawn = [
            study_charts.Whisker(row.arm, row.mean, row.low, row.high, colour[row.verdict])
            for row in found[:MOST_ARMS]
        ]
        if all(row.verdict == "same" for row in found):
            charts.append(Chart(measure, Markup(""), found))  # a drawing of noughts
            continue
        svg = study_charts.whiskers(f"difference{number}", drawn, found[0].unit, wide=True)
        charts.append(Chart(measure, Markup(svg), found))
    return charts


def _interval_charts(rows: list[IntervalRow]) -> list[Chart]:
    from atm_sim.report import study_charts

    charts = []
    for number, (measure, found) in enumerate(_by_measure(rows)):
        drawn = [
            study_charts.Whisker(row.arm, row.mean, row.low, row.high, 0 if row.kind == "base" else 1)
            for row in found[:MOST_ARMS]
        ]
        svg = study_charts.whiskers(f"interval{number}", drawn, found[0].unit, wide=False)
        charts.append(Chart(measure, Markup(svg), found))
    return charts


def _sweeps(rows: list[IntervalRow]) -> list[tuple[str, list[Chart]]]:
    """A chart for each path and measure; values that are no numbers stand side by side."""
    from atm_sim.report import study_charts

    found: list[tuple[str, list[Chart]]] = []
    for path in dict.fromkeys(row.path for row in rows):
        charts: list[Chart] = []
        for measure, steps in _by_measure([row for row in rows if row.path == path]):
            numbers = [row.x for row in steps]
            plain = any(number is None for number in numbers)
            points = [
                (
                    float(place if plain or row.x is None else row.x),
                    study_charts.Whisker(row.at, row.mean, row.low, row.high),
                )
                for place, row in enumerate(steps)
            ]
            points.sort(key=lambda point: point[0])
            svg = study_charts.curve(f"sweep{len(found)}-{len(charts)}", points, steps[0].unit)
            charts.append(Chart(measure, Markup(svg), steps))
        found.append((path, charts))
    return found
