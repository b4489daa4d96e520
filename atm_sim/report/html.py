"""report.html: one self-contained file that opens offline, in English and Japanese, rebuilt from the run folder alone.

The page asks for nothing over a network: styles, charts and the language switch stand inside it. Every text goes
through the template's autoescape; only our own SVG and the two-language spans are markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from atm_sim.checks.values import duration, in_words, yen
from atm_sim.records.check import KINDS, Check, Verdict, failures_first, verdict
from atm_sim.records.folder import SummaryRow
from atm_sim.report import day, fleet, tables, trace
from atm_sim.report.names import Text
from atm_sim.report.replay import COLUMNS
from atm_sim.report.texts import LABELS, code_text, label, name_text, reason_text
from atm_sim.report.view import RunView, check_group, clock, load, place_of
from atm_sim.report.words import MessageInWords
from bank_host.iso8583.describe import Lang

MOST_FAILURES = 40
"""Failures shown in full; a run that fails in more places has them all in the table."""

MOST_PEOPLE = 24
MOST_MACHINES = 200

_TILES = (
    "customers",
    "withdrawals",
    "dispensed",
    "approval_rate",
    "declines",
    "wait.mean",
    "utilisation",
    "reversals",
    "customers.lost",
)


class Tile(NamedTuple):
    name: Text
    value: str
    spread: str


class Failure(NamedTuple):
    """The failed checks of one step, measure or invariant, with the messages of its last request."""

    checks: tuple[Check, ...]
    place: str
    messages: tuple[tuple[MessageInWords, MessageInWords], ...]


def render(folder: Path, lang: Lang = "en") -> str:
    """The report of the run in `folder`, as HTML text; `lang` is the language it opens in."""
    return render_view(load(folder), lang)


def render_view(view: RunView, lang: Lang = "en") -> str:
    return (
        environment()
        .get_template("report.html")
        .render(
            lang=lang,
            view=view,
            manifest=view.manifest,
            verdict=view.verdict,
            tiles=_tiles(view),
            failures=_failures(view)[:MOST_FAILURES],
            checks=failures_first(view.checks),
            verdicts=_verdicts(view),
            fleet=fleet.shown(view),
            **_day(view),
            **_tables(view),
            **_charts(view),
        )
    )


def _day(view: RunView) -> Mapping[str, object]:
    visits = view.visits(COLUMNS)
    return day.NOTHING if visits is None else day.shown(visits, view.sites)


def environment() -> Environment:
    """The templates, with what they call: words in both languages, values as people read them."""
    environment = Environment(
        loader=PackageLoader("atm_sim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=_two_languages, label=label, both=_both, place_of=place_of)
    environment.filters.update(
        clock=clock,
        duration=lambda time_us: duration(round(time_us)),
        yen=yen,
        number=lambda value: in_words(value, "count"),
        reason=lambda reason: _two_languages(reason_text(reason)),
        code=lambda code: _two_languages(code_text(code)) if code else "",
        name=lambda name: _two_languages(name_text(name)),
    )
    return environment


def _two_languages(text: Text | str) -> Markup:
    """The words in both languages; the style sheet shows one of them."""
    words = LABELS[text] if isinstance(text, str) else text
    if words.en == words.ja:
        return Markup("{}").format(words.en)
    return Markup('<span lang="en">{}</span><span lang="ja">{}</span>').format(words.en, words.ja)


def _both(key: str) -> str:
    """The words for attributes, which cannot hold two spans."""
    words = LABELS[key]
    return f"{words.en} / {words.ja}"


# ---------------------------------------------------------------- what the template shows


def _tiles(view: RunView) -> list[Tile]:
    total = {row.measure: row for row in view.summary if not row.filters}
    return [_tile(total[name]) for name in _TILES if name in total]


def _tile(row: SummaryRow) -> Tile:
    unit = "duration" if row.unit == "us" else row.unit
    spread = ""
    if row.low != row.high:
        spread = f"{in_words(float(row.low), unit)} – {in_words(float(row.high), unit)}"
    value = float(row.mean)
    text = f"{100 * value:.1f} %" if unit == "ratio" else in_words(value, unit)
    if unit == "ratio" and row.low != row.high:
        spread = f"{100 * float(row.low):.1f} – {100 * float(row.high):.1f} %"
    return Tile(name_text(row.measure), text, spread)


def _verdicts(view: RunView) -> list[tuple[str, Verdict]]:
    """How many checks of each kind were met, for kinds that were checked."""
    found = ((kind, [check for check in view.checks if check.kind == kind]) for kind in KINDS)
    return [(kind, verdict(checks)) for kind, checks in found if checks]


def _failures(view: RunView) -> list[Failure]:
    broken = [check for check in view.checks if not check.passed]
    return [_failure(view, tuple(checks)) for _, checks in groupby(broken, key=check_group)]


def _failure(view: RunView, checks: tuple[Check, ...]) -> Failure:
    request = next((check.request_id for check in checks if check.request_id), "")
    messages = zip(view.messages_of(request, "en"), view.messages_of(request, "ja"), strict=True)
    return Failure(checks, place_of(view, checks[0]), tuple(messages))


def _tables(view: RunView) -> Mapping[str, object]:
    people = trace.people(view)
    return {
        "declines": tables.declines_by_reason(view),
        "waits": tables.times(tables.wait_times_us(view)),
        "services": tables.times(tables.service_times_us(view)),
        "cash": tables.cash_by_atm(view)[:MOST_MACHINES],
        "hours": tables.per_hour(view),
        "reversals": tables.reversals(view),
        "stand_in": tables.stand_in(view),
        "differences": tables.differences(view),
        "exceptions": tables.exceptions(view),
        "fees": tables.fees(view),
        "days": [trace.day_of(view, alias) for alias in people[:MOST_PEOPLE]],
        "people_left_out": max(0, len(people) - MOST_PEOPLE),
    }


def _charts(view: RunView) -> Mapping[str, object]:
    """SVG by name; '' where there is nothing to draw."""
    from atm_sim.report import (
        charts,  # matplotlib is a third of the start-up of every command, this one needs it
    )

    waits, services = tables.wait_times_us(view), tables.service_times_us(view)
    cash = sorted(tables.cash_by_atm(view), key=lambda line: (line.lowest_jpy, line.atm))[: charts.MOST_LINES]
    hours = tables.per_hour(view)
    drawn = {
        "wait_chart": charts.histogram("wait", waits, 0) if waits else "",
        "service_chart": charts.histogram("service", services, 1) if services else "",
        "cash_chart": charts.cash_lines("cash", cash) if cash else "",
        "hour_chart": charts.hour_bars("hours", hours) if hours else "",
    }
    legend = [(line.atm, charts.series_colour(index)) for index, line in enumerate(cash)]
    return {name: Markup(svg) for name, svg in drawn.items()} | {"cash_legend": legend}
