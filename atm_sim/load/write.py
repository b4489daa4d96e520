"""The run folder of a load run: load.json for programs, junit.xml for CI, sent.csv for the settlement, report.html."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from atm_sim import VERSION
from atm_sim.load.figures import Figures, Spread, Stretch
from atm_sim.load.judge import Verdict
from atm_sim.load.plan import planned_rate
from atm_sim.load.settle import Done, Settlement
from atm_sim.report import load as report
from atm_sim.scenario import Scenario
from atm_sim.scenario.loading import Load
from atm_sim.target.profile import Profile
from bank_host.jst import SECOND_US, civil

SUMMARY, JUNIT, SENT, REPORT = "load.json", "junit.xml", "sent.csv", "report.html"
MOST_DIFFERENCES: Final = 1_000


def summary(
    scenario: Scenario,
    load: Load,
    seed: int,
    target: str,
    figures: Figures,
    verdict: Verdict,
    settlement: Settlement | None,
    odd_details: Sequence[str],
    links: Sequence[tuple[str, str]],
    started_us: int,
    profile: Profile | None = None,
) -> dict[str, Any]:
    """Everything about the run, without any card data."""
    return {
        "title": scenario.title,
        "started": f"{civil(started_us):%Y-%m-%d %H:%M:%S} JST",
        "version": VERSION,
        "seed": seed,
        "target": target,
        "lab": None if profile is None else _lab(profile),
        "model": "closed" if load.users else "open",
        "seconds": figures.seconds,
        "terminals": load.terminals,
        "connections": load.connections,
        "exit_code": verdict.exit_code,
        "invalid": verdict.invalid,
        "checks": [check._asdict() for check in verdict.checks],
        "latency_us": _spread(figures.latency),
        "latency_us_by_service": {name: _spread(each) for name, each in figures.by_service.items()},
        "latency_us_by_code": {name or "no answer": _spread(each) for name, each in figures.by_code.items()},
        "latency_curve_us": [list(point) for point in figures.latency.curve],
        "send_lag_us": _spread(figures.send_lag) | {"allowed": load.send_lag_at_most_us},
        "counts": figures.counts,
        "approvals": {name or "all": list(pair) for name, pair in figures.approvals.items()},
        "declines": figures.declines,
        "series": [each._asdict() | {"planned_rate": _rate(load, each)} for each in figures.series],
        "unmatched": list(odd_details),
        "links_ended": [{"reason": reason, "detail": detail} for reason, detail in links],
        "settlement": None if settlement is None else _settlement(settlement),
    }


def _lab(profile: Profile) -> dict[str, Any]:
    """What came from the profile, without its cards and keys."""
    return {
        "profile": profile.path.name,
        "dialect": profile.dialect.name,
        "allow_bins": list(profile.allow_bins),
        "cards": len(profile.cards),
        "card_policy": profile.card_policy,
        "share_cards": profile.share_cards,
    }


def _spread(each: Spread) -> dict[str, int]:
    return {"number": each.number, "mean": each.mean_us, **each.percentiles, "max": each.max_us}


def _rate(load: Load, window: Stretch) -> float:
    """In its middle."""
    return round(planned_rate(load, window.at_s * SECOND_US + window.seconds * SECOND_US // 2), 3)


def _settlement(found: Settlement) -> dict[str, Any]:
    return {
        "compared": found.compared,
        "completed": found.completed,
        "reversed": found.reversed,
        "differences": [str(each) for each in found.differences[:MOST_DIFFERENCES]],
        "number_of_differences": len(found.differences),
        "cut_short": len(found.cut_short),
    }


@contextmanager
def writing(file: Path | None) -> Iterator[Callable[[Done], None]]:
    """Writes transactions into a sent.csv as they end; nothing without a file."""
    if file is None:
        yield lambda done: None
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as lines:
        rows = csv.writer(lines, lineterminator="\n")
        rows.writerow(Done._fields)
        yield rows.writerow


def write(folder: Path, facts: dict[str, Any]) -> Path:
    """Write the rest of the folder; the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUMMARY).write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / JUNIT).write_text(junit_xml(facts), encoding="utf-8")
    (folder / REPORT).write_text(report.render(facts), encoding="utf-8")
    return folder / REPORT


def junit_xml(facts: dict[str, Any]) -> str:
    """One test case for each expectation, and one for the measurement's validity, whose failure is an error."""
    failed = sum(not check["met"] for check in facts["checks"])
    counts = {
        "tests": f"{len(facts['checks']) + 1}",
        "failures": f"{failed}",
        "errors": f"{int(bool(facts['invalid']))}",
        "skipped": "0",
    }
    suites = ElementTree.Element("testsuites", {"name": "atm-sim load", **counts})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": facts["title"], **counts})
    valid = ElementTree.SubElement(
        suite, "testcase", {"classname": "load", "name": "the measurement is valid", "time": "0"}
    )
    if facts["invalid"]:
        ElementTree.SubElement(valid, "error", {"type": "measurement", "message": facts["invalid"]})
    for check in facts["checks"]:
        name = f"{check['name']} {check['expected']}"
        case = ElementTree.SubElement(suite, "testcase", {"classname": "load", "name": name, "time": "0"})
        if not check["met"]:
            ElementTree.SubElement(
                case, "failure", {"type": "expectation", "message": f"{name}: got {check['actual']}"}
            )
    ElementTree.indent(suites)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + ElementTree.tostring(suites, encoding="unicode") + "\n"
