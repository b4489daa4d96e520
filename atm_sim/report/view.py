"""A run folder, loaded once: what the HTML report, junit.xml and the console all look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from atm_sim.checks.measures import Setting, setting_of
from atm_sim.checks.rows import ReplicationRows, by_replication
from atm_sim.records.check import Check, Verdict, verdict
from atm_sim.records.difference import Difference
from atm_sim.records.event import EventRecord
from atm_sim.records.folder import RunFolder, SummaryRow
from atm_sim.records.log import MessageRow
from atm_sim.records.manifest import Manifest
from atm_sim.records.sites import SiteRow
from atm_sim.records.tally import FleetRun
from atm_sim.report.words import MessageInWords, in_words, once_each
from bank_host.iso8583.describe import Lang


@dataclass(frozen=True)
class RunView:
    """Everything the folder says. Built by `load`; tests may build one by hand."""

    manifest: Manifest
    events: Sequence[EventRecord]
    messages: Sequence[MessageRow]
    checks: Sequence[Check]
    summary: Sequence[SummaryRow]
    differences: Sequence[Difference] = ()
    fleet: Mapping[int, FleetRun] = field(default_factory=dict)  # of a fleet, whose rows are too many to hold
    sites: Sequence[SiteRow] = ()  # of a fleet
    folder: RunFolder | None = None

    @cached_property
    def verdict(self) -> Verdict:
        return verdict(self.checks)

    @cached_property
    def replications(self) -> Mapping[int, ReplicationRows]:
        return by_replication(self.events)

    @cached_property
    def setting(self) -> Setting:
        return setting_of(self.manifest)

    def visits(self, columns: Sequence[str]) -> pa.Table | None:
        """Some columns of a fleet's first replication; None where no fleet ran, or nobody wrote where it stands."""
        if self.folder is None or not self.sites:
            return None
        return self.folder.read_columns(columns)

    def first_replication(self) -> list[EventRecord]:
        """The rows of the replication that charts over time and day traces show."""
        first = min((row.replication for row in self.events), default=0)
        return [row for row in self.events if row.replication == first]

    @cached_property
    def chains(self) -> Mapping[str, Sequence[MessageRow]]:
        """Messages by request, of the first replication that has the request."""
        found: dict[str, list[MessageRow]] = {}
        for row in self.messages:
            chain = found.setdefault(row.request_id, [])
            if not chain or chain[0].replication == row.replication:
                chain.append(row)
        return found

    def messages_of(self, request_id: str, lang: Lang = "en") -> list[MessageInWords]:
        """The chain of one request in words: each message once, in the order of sending."""
        chain = self.chains.get(request_id, ()) if request_id else ()
        return [in_words(row, lang) for row in once_each(chain)]


def load(path: Path) -> RunView:
    """Read the run folder at `path`; raises RunFolderError where it is none."""
    folder = RunFolder.open(path)
    fleet = folder.read_fleet()
    return RunView(
        fleet=fleet,
        manifest=folder.read_manifest(),
        events=[] if fleet else folder.read_event_rows(),
        messages=folder.read_message_rows(),
        checks=folder.read_checks(),
        summary=folder.read_summary(),
        differences=folder.read_differences(),
        sites=folder.read_sites(),
        folder=folder,
    )


def check_group(check: Check) -> tuple[str, str, str]:
    """What a check belongs to: the checks of one step together, every measure and invariant by itself."""
    if check.kind == "step":
        return check.case, "step", f"step {check.step}"
    return check.case, check.kind, f"{check.kind} {check.name}"


def place_of(view: RunView, check: Check) -> str:
    """`file:line:column` of what is checked, as far as it has a place in the file."""
    parts = [view.manifest.scenario_file, *(str(number) for number in (check.line, check.column) if number)]
    return ":".join(parts)


def clock(time_us: int) -> str:
    """Microseconds since the scenario's midnight as people read a day: 12:05:09, from the next day on +1d 00:10:00."""
    seconds = time_us // 1_000_000
    days, seconds = divmod(seconds, 86_400)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text if days == 0 else f"{days:+}d {text}"
