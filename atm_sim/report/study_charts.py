"""The charts of a study: intervals, pairwise differences, sweeps. Numbers and names only, in the style of charts.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from atm_sim.checks.values import duration, yen
from atm_sim.report.charts import SERIES, VARIABLES, new_figure, svg

ROW_INCHES = 0.42
WIDE, HALF = 10.4, 5.2
STEPS_S = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    14_400,
    43_200,
    86_400,
)
INK_LINE = next(colour for colour, variable in VARIABLES.items() if variable == "--ink-soft")


class Whisker(NamedTuple):
    """A name with its interval; `series` says in which colour."""

    name: str
    mean: float
    low: float
    high: float
    series: int = 0


def whiskers(name: str, rows: Sequence[Whisker], unit: str, *, wide: bool) -> str:
    """A dot with its interval a row, the first on top; `wide` is the whole page, with a line where nothing differs."""
    figure, axes = new_figure(0.75 + ROW_INCHES * len(rows), width=WIDE if wide else HALF)
    for place, row in enumerate(rows):
        colour = SERIES[row.series]
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=3, solid_capstyle="round")
        axes.plot([row.mean], [place], color=colour, marker="o", markersize=8)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    if wide:
        axes.axvline(0, color=INK_LINE, linewidth=1.2)
    elif min(row.low for row in rows) >= 0:
        axes.set_xlim(left=0)
    _scale(axes.xaxis, unit, *axes.get_xlim(), 7 if wide else 4)
    axes.grid(axis="x")
    return svg(name, figure)


def curve(name: str, points: Sequence[tuple[float, Whisker]], unit: str) -> str:
    """A measure over the values of a sweep: the mean as a line, its intervals as a band and bars."""
    figure, axes = new_figure(2.8, width=HALF)
    at = [x for x, _ in points]
    mean, low, high = ([getattr(each, key) for _, each in points] for key in ("mean", "low", "high"))
    axes.fill_between(at, low, high, color=SERIES[0], alpha=0.18, linewidth=0)
    axes.vlines(at, low, high, color=SERIES[0], linewidth=2)
    axes.plot(at, mean, color=SERIES[0], linewidth=2, marker="o", markersize=7)
    axes.set_xticks(at, [each.name for _, each in points])
    if min(low) >= 0:
        axes.set_ylim(bottom=0)
    _scale(axes.yaxis, unit, *axes.get_ylim(), 5)
    axes.grid(axis="y")
    return svg(name, figure)


def _scale(axis: Any, unit: str, low: float, high: float, most: int) -> None:
    """Ticks at values that people count in; of times, at whole seconds, minutes and hours."""
    axis.set_major_locator(MaxNLocator(most, integer=unit == "count"))
    if unit == "us":
        fits = (step for step in STEPS_S if (high - low) / (step * 1e6) <= most)
        axis.set_major_locator(MultipleLocator(next(fits, STEPS_S[-1]) * 1e6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, unit)))


def _tick(value: float, unit: str) -> str:
    match unit:
        case "us":
            return duration(round(value))
        case "yen":
            if abs(value) < 1e6:
                return yen(round(value))
            return f"{'-' if value < 0 else ''}¥{abs(value) / 1e6:g}M"
        case "ratio":
            return f"{100 * value:.4g} %"
    return f"{value:,.6g}"
