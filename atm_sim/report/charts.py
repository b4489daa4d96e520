"""The report's charts as SVG text to stand inside HTML: deterministic, without fonts, colours by CSS variable.

Charts carry numbers and names only; their words stand beside them in HTML, in both languages, and the same figures in a
table behind each. Colours are written as place holders that become `var(--name)`, so that one drawing serves light and
dark screens.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from math import log10
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from atm_sim.report.tables import CashLine, Hour

# Colours nobody would choose: each stands for a CSS variable of the report's style sheet.
_INK, _GRID = "#010101", "#020202"
SERIES = tuple(f"#0303{index:02x}" for index in range(1, 9))
VARIABLES = {_INK: "--ink-soft", _GRID: "--line"} | {
    colour: f"--series-{index}" for index, colour in enumerate(SERIES, 1)
}
_SETTINGS: dict[Any, Any] = {  # matplotlib types the keys as one long literal
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": _INK,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
MOST_LINES = len(SERIES)
_MINUTE_US, _HOUR_US = 60_000_000, 3_600_000_000


def histogram(name: str, times_us: Sequence[int], series: int) -> str:
    """How many of the times fall into each part of their range, as shares in percent; minutes along the axis."""
    figure, axes = new_figure(2.6, width=5.2)
    minutes = [time_us / _MINUTE_US for time_us in times_us]
    _minutes(axes, minutes, [1] * len(minutes), max(minutes) or 1.0, SERIES[series])
    return svg(name, figure)


def waits_by_second(name: str, counts: Sequence[int]) -> str:
    """Visits by how long they waited, those that waited at all, in bins of a twentieth of the longest wait."""
    figure, axes = new_figure(2.4)
    longest = max((second for second, count in enumerate(counts) if count), default=1) + 1
    minutes = [(second + 0.5) / 60 for second in range(longest)]
    _minutes(axes, minutes, counts[:longest], longest / 60, SERIES[0])
    return svg(name, figure)


def _minutes(
    axes: Axes, minutes: Sequence[float], counts: Sequence[int], longest: float, colour: str
) -> None:
    """Twenty bars: which share of all that is counted falls into which part of the minutes up to the longest."""
    share = [100 * count / max(sum(counts), 1) for count in counts]
    axes.hist(minutes, bins=20, range=(0, longest), weights=share, color=colour, rwidth=0.9)
    axes.set_xlim(0, longest)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} min"))
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.grid(axis="y")


def cash_lines(name: str, lines: Sequence[CashLine]) -> str:
    """Steps: cash in million yen over the time of day, a line for each machine."""
    figure, axes = new_figure(3.2)
    ends_us = max(line.points[-1][0] for line in lines)
    for colour, line in zip(SERIES, lines, strict=False):
        times = [time_us / _HOUR_US for time_us, _ in line.points] + [ends_us / _HOUR_US]
        cash = [amount_jpy / 1e6 for _, amount_jpy in line.points] + [line.end_jpy / 1e6]
        axes.step(times, cash, where="post", color=colour, linewidth=2)
    axes.set_ylim(bottom=0)
    changes_us = [line.points[1][0] for line in lines if len(line.points) > 1]
    axes.set_xlim(min(changes_us, default=0) // _HOUR_US, ends_us / _HOUR_US + 0.05)
    axes.xaxis.set_major_formatter(FuncFormatter(_clock))
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 3, 6, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"¥{value:g}M"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="y")
    return svg(name, figure)


def hour_bars(name: str, hours: Sequence[Hour]) -> str:
    """Two bars an hour: customers and withdrawals."""
    figure, axes = new_figure(2.8)
    at = [hour.hour for hour in hours]
    axes.bar([x - 0.2 for x in at], [hour.customers for hour in hours], 0.38, color=SERIES[0])
    axes.bar([x + 0.2 for x in at], [hour.withdrawals for hour in hours], 0.38, color=SERIES[1])
    axes.set_xlim(at[0] - 0.8, at[-1] + 0.8)
    axes.xaxis.set_major_locator(MaxNLocator(13, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(_clock))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(axis="y")
    return svg(name, figure)


def over_time(name: str, seconds: Sequence[int], lines: Sequence[Sequence[float]], unit: str) -> str:
    """A line for each series over the seconds of a run."""
    figure, axes = new_figure(2.8)
    for colour, line in zip(SERIES, lines, strict=False):
        axes.plot(seconds, line, color=colour, linewidth=2, marker="." if len(seconds) < 60 else "")
    axes.set_ylim(bottom=0)
    margin = (seconds[-1] - seconds[0]) * 0.05 or 0.5
    # the whole run, whatever a line has no points for
    axes.set_xlim(seconds[0] - margin, seconds[-1] + margin)
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} {unit}"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="y")
    return svg(name, figure)


def percentile_curve(name: str, points: Sequence[tuple[float, float]]) -> str:
    """Milliseconds by percentile; each step to the right is a tenth of the requests that are left."""
    figure, axes = new_figure(2.8)
    nines = [-log10(1 - percent / 100) for percent, _ in points]
    axes.plot(nines, [value for _, value in points], color=SERIES[0], linewidth=2, marker=".")
    axes.set_ylim(bottom=0)
    axes.set_xticks([0, 1, 2, 3, 4, 5], ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} ms"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="both")
    return svg(name, figure)


def series_colour(index: int) -> str:
    """The CSS colour of a chart's line or bar, for the legend in HTML."""
    return f"var({VARIABLES[SERIES[index]]})"


# ---------------------------------------------------------------- drawing


def new_figure(height: float, width: float = 10.4) -> tuple[Figure, Axes]:
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        axes.set_axisbelow(True)
        axes.tick_params(length=0, pad=6)
    return figure, axes


def svg(name: str, figure: Figure) -> str:
    text = io.StringIO()
    with matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure.patch.set_visible(False)
        figure.axes[0].patch.set_visible(False)
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    return _for_html(name, text.getvalue())


def _for_html(name: str, svg: str) -> str:
    """Drop what only a file needs, make ids unique on the page, and let the style sheet choose size and colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<svg [^>]*?(viewBox=\"[^\"]+\")[^>]*>", r'<svg \1 aria-hidden="true">', svg, count=1)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:)?href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    svg = re.sub(r"<style.*?</style>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r" font-family: [^;\"]*;", "", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg


def _clock(hours: float, _position: int | None = None) -> str:
    """A time of day; of the second day on with its day in front, +1d 08:00."""
    days, minutes = divmod(round(hours * 60), 24 * 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"+{days}d {text}" if days > 0 else text
