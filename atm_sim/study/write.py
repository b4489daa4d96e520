"""Writes a played study as a study folder: tables, checks, manifest, then report and junit.xml made from these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow

from atm_sim import VERSION
from atm_sim.fleet.places import site_rows
from atm_sim.records.check import Check
from atm_sim.records.masking import masked
from atm_sim.records.sites import SiteRow
from atm_sim.records.study_folder import StudyFolder
from atm_sim.report.study import write_report
from atm_sim.scenario import masked_text
from atm_sim.study.plan import StudyPlan
from atm_sim.study.results import checks, difference_rows, interval_rows, value_rows
from atm_sim.study.run import Played, seed_of


def write_study(plan: StudyPlan, played: Played, folder: StudyFolder) -> list[Check]:
    """Everything a study leaves beside the event files that were written while it ran; gives its checks."""
    found = checks(plan, played)
    folder.write_table("values", list(value_rows(played)))
    folder.write_table("intervals", list(interval_rows(plan, played)))
    folder.write_table("differences", list(difference_rows(plan, played)))
    folder.write_table("sites", sites_of(plan))
    folder.write_checks(found)
    folder.write_manifest(manifest(plan, played))
    write_report(folder.path)
    return found


def sites_of(plan: StudyPlan) -> list[SiteRow]:
    """The sites of the scenario as it stands."""
    fleet = plan.base.scenario.fleet
    if fleet is not None:
        return site_rows(fleet, plan.base.path.parent, plan.seed)
    return [
        SiteRow(name, "", None, None, place.machines, place.machines * _fill_jpy(place.cassettes))
        for name, place in plan.base.scenario.places.items()
    ]


def _fill_jpy(cassettes: Mapping[int, int]) -> int:
    return sum(denomination * notes for denomination, notes in cassettes.items())


def manifest(plan: StudyPlan, played: Played) -> dict[str, Any]:
    """What was studied. No wall time, no machine path, and nothing of who ran it."""
    study, scenario = plan.study, plan.base.scenario
    return {
        "title": masked(study.title),
        "about": masked(study.about),
        "study_file": plan.path.name,
        "study_sha256": plan.sha256,
        "study_text": masked(plan.text),
        "scenario": masked(scenario.title),
        "scenario_file": Path(study.scenario).name,
        "scenario_sha256": plan.base.sha256,
        "scenario_text": masked_text(plan.base),
        "day": scenario.day.isoformat(),
        "seed": plan.seed,
        "random_numbers": study.random_numbers,
        "replications": played.replications,
        "precision_met": played.met,
        "against": study.against,
        "measures": [each.key for each in played.wanted],
        "sources": list(study.sources + scenario.sources),
        "assumptions": {**scenario.assumptions, **study.assumptions},
        "versions": {"atm-sim": VERSION, "pyarrow": pyarrow.__version__},
        "arms": [
            {
                "name": arm.name,
                "kind": arm.kind,
                "about": arm.about,
                "seed": seed_of(plan, arm),
                "places": {name: place.machines for name, place in arm.case.scenario.places.items()},
                "events_sha256": played.hashes[arm.name],
            }
            for arm in plan.arms
        ],
    }
