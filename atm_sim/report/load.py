"""The report of a load run: one self-contained HTML file in English and Japanese, from load.json alone."""

from __future__ import annotations

from collections import Counter
from math import nan
from typing import Any

from markupsafe import Markup

from atm_sim.checks.values import duration
from atm_sim.report.html import environment
from bank_host.iso8583.describe import Lang

SPREAD = ("number", "mean", "p50", "p90", "p95", "p99", "p99.9", "max")
COUNTS = (
    "planned",
    "sent",
    "dropped",
    "no_card",
    "answered",
    "not_answered",
    "late",
    "unmatched",
    "duplicate",
    "unsolicited",
    "mac_failures",
    "reversals",
    "repeats",
    "unresolved",
)


def render(facts: dict[str, Any], lang: Lang = "en") -> str:
    """The page; `lang` is the language it opens in."""
    return (
        environment()
        .get_template("load.html")
        .render(
            lang=lang,
            facts=facts,
            tiles=_tiles(facts),
            spread_names=SPREAD,
            count_names=COUNTS,
            failed=[check for check in facts["checks"] if not check["met"]],
            ends=ends_in_words(facts),
            most_declines=max(facts["declines"].values(), default=1),
            **_charts(facts),
        )
    )


def ends_in_words(facts: dict[str, Any]) -> list[str]:
    """How often and why connections ended that we did not close, and calls that nobody took."""
    ends = Counter((each["reason"].replace("_", " "), each["detail"]) for each in facts["links_ended"])
    return [f"{number:,} × {': '.join(filter(None, end))}" for end, number in ends.most_common()]


def _tiles(facts: dict[str, Any]) -> list[tuple[str, str]]:
    counts, latency = facts["counts"], facts["latency_us"]
    approved, asked = facts["approvals"].get("all", (0, 0))
    return [
        ("load_sent_of_planned", f"{counts['sent']:,} / {counts['planned']:,}"),
        ("load_throughput", f"{counts['throughput']:,}/s"),
        ("load_p50", duration(latency["p50"])),
        ("load_p99", duration(latency["p99"])),
        ("load_max", duration(latency["max"])),
        ("load_approval_rate", f"{100 * approved / asked:.1f} %" if asked else "–"),
        ("load_lag_p99", duration(facts["send_lag_us"]["p99"])),
    ]


def _charts(facts: dict[str, Any]) -> dict[str, Markup]:
    """SVG by name; '' where there is nothing to draw."""
    from atm_sim.report import charts  # matplotlib is a third of the start-up of every command

    series, curve = facts["series"], facts["latency_curve_us"]
    seconds = [each["at_s"] for each in series]
    drawn = {"latency_chart": "", "curve_chart": "", "rate_chart": ""}
    if series:
        # nobody was answered in 0 ms: a second without answers has no point
        p50, p99 = ([each[name] / 1_000 or nan for each in series] for name in ("p50_us", "p99_us"))
        drawn["latency_chart"] = charts.over_time("latency", seconds, [p50, p99], "ms")
        rates = [
            [each[name] / each["seconds"] for each in series] for name in ("planned", "sent", "answered")
        ]
        drawn["rate_chart"] = charts.over_time("rate", seconds, rates, "/s")
    if curve:
        drawn["curve_chart"] = charts.percentile_curve("curve", [(at, us / 1_000) for at, us in curve])
    colours = {f"colour_{n}": charts.series_colour(n) for n in range(3)}
    return {name: Markup(svg) for name, svg in drawn.items()} | {k: Markup(v) for k, v in colours.items()}
