"""Writes a played case as a run folder: records, checks, manifest, then the report and junit.xml made from these."""

from __future__ import annotations

from pathlib import Path

from atm_sim import VERSION
from atm_sim.checks.rows import ReplicationRows
from atm_sim.checks.summary import summarise, summarise_values
from atm_sim.records.folder import RunFolder
from atm_sim.records.manifest import Manifest, Override, PersonEntry, PlaceEntry
from atm_sim.report import html, junit
from atm_sim.report.view import RunView, load
from atm_sim.runner.grade import setting_of
from atm_sim.runner.play import CaseRun
from atm_sim.scenario import masked_text
from bank_host.policy import Policy


def write_run(done: CaseRun, path: Path, policy: Policy) -> RunView:
    """Everything a run leaves, in `path`; returns the folder as it can be read back."""
    folder = (
        RunFolder(path) if done.fleet else RunFolder.create(path)
    )  # a fleet wrote its events while it ran
    folder.write_manifest(manifest_of(done, policy))
    for replication, log in done.logs.items():
        folder.write_events(replication, log.events)
        folder.write_messages(replication, log.messages)
    if done.fleet:
        folder.write_fleet(done.fleet)
        folder.write_sites(done.sites)
    folder.write_checks(done.checks)
    folder.write_differences(done.differences)
    rows = {replication: ReplicationRows(log.events) for replication, log in done.logs.items()}
    summary = summarise_values(done.measured) if done.fleet else summarise(rows, setting_of(done.case))
    folder.write_summary(summary)
    view = load(path)
    folder.write_report(html.render_view(view))
    folder.write_junit(junit.junit_xml(view))
    return view


def view_of(done: CaseRun, policy: Policy) -> RunView:
    """A played case as it would be read back from a folder, without writing one."""
    logs = done.logs.values()
    return RunView(
        manifest=manifest_of(done, policy),
        events=[row for log in logs for row in log.events],
        messages=[row for log in logs for row in log.messages],
        checks=done.checks,
        summary=[],
        differences=done.differences,
    )


def manifest_of(done: CaseRun, policy: Policy) -> Manifest:
    """What was run, for whoever opens the folder later."""
    scenario, loaded = done.case.scenario, done.loaded
    partners = policy.on(scenario.day).partners
    return Manifest(
        run=done.run,
        title=scenario.title,
        scenario_file=loaded.path.name,
        scenario_sha256=loaded.sha256,
        seed=done.seed,
        day=scenario.day.isoformat(),
        about=scenario.about,
        replications=scenario.run.replications,
        replay=done.replay,
        versions={"atm-sim": VERSION},
        covers=scenario.covers,
        places={
            name: PlaceEntry(place.operator, partners[place.operator].name_en, place.machines)
            for name, place in scenario.places.items()
        },
        operators={
            code: (partners[code].name_en, partners[code].name_ja)
            for code in (scenario.fleet.operators if scenario.fleet else ())
        },
        cast={
            alias: PersonEntry(person.name, person.kind, person.bank, person.count)
            for alias, person in scenario.cast.items()
        },
        sources=scenario.sources,
        assumptions=scenario.assumptions,
        policy={key: Override(str(entry.value), entry.because) for key, entry in scenario.policy.items()},
        cases=(done.case.name,) if done.case.row_number else (),
        scenario_text=masked_text(loaded),
    )
