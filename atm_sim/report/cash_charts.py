"""The trade-off curves of a cash plan: a point a policy with its intervals, a line a curve of policies."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.ticker import FuncFormatter, MaxNLocator

from atm_sim.checks.intervals import Interval
from atm_sim.report.charts import MOST_LINES, SERIES, new_figure, series_colour, svg

__all__ = ["curves_of", "series_colour", "trade_off"]

UNITS = {
    "mean_cash_jpy": (1e-6, "¥{:g}M"),
    "visits_week": (1.0, "{:g}"),
    "lost_withdrawals_share": (100.0, "{:g} %"),
}


def curves_of(found: Mapping[str, object]) -> dict[str, list[str]]:
    """The policies of each curve: `fixed every_days=14` belongs to `fixed`."""
    curves: dict[str, list[str]] = {}
    for name in found:
        curves.setdefault(name.partition(" ")[0], []).append(name)
    return dict(list(curves.items())[:MOST_LINES])


def trade_off(
    name: str,
    curves: Mapping[str, list[str]],
    found: Mapping[str, Mapping[str, Interval]],
    across: str,
    up: str,
) -> str:
    """`up` against `across`; the whiskers are 95 % intervals."""
    figure, axes = new_figure(3.4)
    (by_x, x_words), (by_y, y_words) = UNITS[across], UNITS[up]
    for colour, names in zip(SERIES, curves.values(), strict=False):
        x, y = [found[each][across] for each in names], [found[each][up] for each in names]
        axes.errorbar(
            [at.mean * by_x for at in x],
            [at.mean * by_y for at in y],
            xerr=[(at.high - at.low) / 2 * by_x for at in x],
            yerr=[(at.high - at.low) / 2 * by_y for at in y],
            color=colour, marker="o", markersize=6, linewidth=2, elinewidth=1.2, capsize=3,
        )  # fmt: skip
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: x_words.format(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: y_words.format(value)))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="both")
    return svg(name, figure)
