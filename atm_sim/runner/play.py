"""Plays one case of a scenario, all its replications, and grades it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from atm_sim import VERSION
from atm_sim.checks.auditor import Auditor
from atm_sim.checks.invariants import canary
from atm_sim.checks.reconciliation import Reconciliation, reconcile, reconciliation_check
from atm_sim.checks.rest import rest_checks
from atm_sim.checks.rows import ReplicationRows
from atm_sim.records.check import Check, Verdict, verdict
from atm_sim.records.difference import Difference
from atm_sim.records.event import EventRecord
from atm_sim.records.log import EventLog
from atm_sim.records.manifest import run_id
from atm_sim.records.sites import SiteRow
from atm_sim.records.tally import FleetRun
from atm_sim.runner.grade import measure_checks, step_checks
from atm_sim.scenario import Case, Loaded
from atm_sim.scenario.machine_steps import SendMessage
from atm_sim.scenario.vocabulary import SWITCH
from atm_sim.world.lab import Lab, Parts
from atm_sim.world.simulate import simulate

MOST_CANARIES = 100
"""Of a cast of thousands, this many people's cards are searched for: what leaks one leaks all."""

Progress = Callable[[int, int], None]
"""Hears (replication, simulated microseconds since the scenario's midnight) now and then."""


@dataclass(slots=True)
class CaseRun:
    """One case as it was played: what happened in each replication, and what was found."""

    loaded: Loaded
    case: Case
    seed: int
    run: str
    logs: dict[int, EventLog] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    invariants: dict[str, Check] = field(default_factory=dict)
    rest: dict[str, Check] = field(default_factory=dict)  # of a scenario with `rest: required`
    reconciled: dict[str, Check] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)  # between ATM, network and bank
    fleet: dict[int, FleetRun] = field(default_factory=dict)  # of a fleet scenario, instead of logs
    measured: dict[int, dict[str, float]] = field(default_factory=dict)  # a fleet's measures, by replication
    sites: list[SiteRow] = field(default_factory=list)  # where a fleet stands
    compared: int = 0  # requests that the reconciliation had to compare
    checked: Counter[str] = field(default_factory=Counter)  # how often each invariant had something to check

    @property
    def replay(self) -> str:
        """The one command that plays exactly this again."""
        row = f" --case {self.case.row_number}" if self.case.row_number else ""
        return f"atm-sim run {_from_here(self.loaded.path)} --seed {self.seed}{row}"

    @property
    def verdict(self) -> Verdict:
        return verdict(self.checks)


def play(
    loaded: Loaded,
    case: Case,
    *,
    seed: int | None = None,
    parts: Callable[[int], Parts] = lambda replication: Parts(),
    progress: Progress = lambda replication, time_us: None,
) -> CaseRun:
    """Run every replication of a case and check it; `parts(replication)` wires each replication's lab."""
    scenario = case.scenario
    used_seed = scenario.seed if seed is None else seed
    done = CaseRun(loaded, case, used_seed, run_id(loaded.sha256, used_seed, VERSION))
    for replication in range(1, scenario.run.replications + 1):
        lab = Lab(scenario, seed=used_seed, replication=replication, run=done.run, parts=parts(replication))
        auditor = _auditor(lab)
        tell = partial(_tell, progress, replication, lab.start_us)
        done.logs[replication] = log = simulate(lab, auditor, tell)
        auditor.finish(lab.start_us + _last_us(log), lab.banks.values(), lab.queues())
        canary.scan(_written(log), _secrets(lab), auditor.found)
        _add(done.invariants, auditor.checks(scenario.invariants), log)
        done.checked.update(auditor.found.checked)
        if scenario.rest:
            _add(done.rest, _at_rest(lab, auditor, log), log)
        _take_up(done, _reconciled(lab, log), log)
    done.checks += step_checks(case, done.logs)
    done.checks += measure_checks(case, done.logs)
    done.checks += done.invariants.values()
    done.checks += done.reconciled.values()
    done.checks += done.rest.values()
    return done


def _from_here(path: Path) -> str:
    """The path as somebody standing here would type it, so that a manifest names no machine's folders."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _auditor(lab: Lab) -> Auditor:
    auditor = Auditor()
    for bank in lab.banks.values():
        auditor.opened(bank)
    for atm, terminal in lab.terminals.items():
        auditor.loaded(atm, terminal)
    return auditor


def _written(log: EventLog) -> dict[str, bytes]:
    """Everything the run wrote down, as the canary scan reads it (I22)."""
    return {
        "events": "\n".join("\t".join(map(str, row)) for row in log.events).encode(),
        "messages": "\n".join(row.fields for row in log.messages).encode(),
    }


def _secrets(lab: Lab) -> list[canary.Canary]:
    """What must stand nowhere: the numbers and tracks of the cast's cards. PINs and codes are too short to look for
    among amounts and times; the test suite searches a run with PINs of its own for them."""
    cards = [person.card for person in islice(lab.people.values(), MOST_CANARIES)]
    return [
        canary.Canary(kind, value)
        for card in cards
        for kind, value in (("PAN", card.pan), ("track 2", card.track2))
    ]


def _at_rest(lab: Lab, auditor: Auditor, log: EventLog) -> list[Check]:
    """What the replication left over."""
    stores = {name: bank.store for name, bank in lab.banks.items()}
    quiet_us = lab.until_us - lab.start_us - _last_us(log)
    ready = {name: terminal.idle for name, terminal in lab.terminals.items()}
    return rest_checks(ReplicationRows(log.events), stores, lab.queues(), ready, auditor.suspects(), quiet_us)


def _reconciled(lab: Lab, log: EventLog) -> Reconciliation:
    """Each of the three from its own record: journals of the ATMs, messages and stand-in of the network, stores."""
    return reconcile(
        {atm: terminal.journal.entries for atm, terminal in lab.terminals.items()},
        log.messages,
        {name: bank.store for name, bank in lab.banks.items()},
        lab.queues(),
        switch=SWITCH,
        stood_in={row.request_id for row in log.events if row.kind == "stood_in"},
        staged={errand.label for errand in lab.errands if isinstance(errand.step, SendMessage)},
        replication=lab.replication,
    )


def _take_up(done: CaseRun, found: Reconciliation, log: EventLog) -> None:
    """Keep the differences, each also as a row of the record, beside its request's own."""
    done.compared += found.compared
    done.differences += found.differences
    _add(done.reconciled, [reconciliation_check(found)], log)
    if found.differences:
        about = {row.request_id: row for row in reversed(log.events) if row.request_id}
        rows = [
            _row_of(each, about.get(each.request_id), done.run, _last_us(log)) for each in found.differences
        ]
        log.events += rows


def _row_of(difference: Difference, about: EventRecord | None, run: str, time_us: int) -> EventRecord:
    row = EventRecord(
        run,
        difference.replication,
        time_us,
        "difference",
        atm=difference.atm,
        request_id=difference.request_id,
        amount_jpy=difference.amount_jpy,
        reason=difference.explained_by,
        phase="measured",
        service=difference.service,
    )
    if about is None:
        return row
    return row._replace(
        site=about.site,
        actor=about.actor,
        channel=about.channel,
        card_alias=about.card_alias,
        step=about.step,
        phase=about.phase,
    )


def _add(so_far: dict[str, Check], found: Iterable[Check], log: EventLog) -> None:
    """One check a name over all replications: the first replication that breaks it speaks for all."""
    for check in found:
        known = so_far.get(check.name)
        if known is None or (known.passed and not check.passed):
            so_far[check.name] = check if check.passed else _placed(check, log)


def _placed(check: Check, log: EventLog) -> Check:
    """A broken invariant with the scenario step in whose course it broke, where a message chain leads there."""
    chain = (row.step for row in log.events if check.request_id and row.request_id == check.request_id)
    return check if check.step else check._replace(step=next(chain, ""))


def _tell(progress: Progress, replication: int, start_us: int, now_us: int) -> None:
    progress(replication, now_us - start_us)


def _last_us(log: EventLog) -> int:
    """When the last thing happened that left a row or a message."""
    return max((rows[-1].time_us for rows in (log.events, log.messages) if rows), default=0)
