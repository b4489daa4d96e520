"""A small synthetic run folder with everything a report can show; written without any simulation."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from atm_sim.checks.measures import setting_of
from atm_sim.checks.rows import by_replication
from atm_sim.checks.summary import summarise
from atm_sim.records.check import Check
from atm_sim.records.event import EventRecord
from atm_sim.records.folder import RunFolder
from atm_sim.records.log import MessageRow, fields_json
from atm_sim.records.manifest import Manifest, Override, PersonEntry, PlaceEntry, run_id

S = 1_000_000
NOON = 12 * 3600 * S
PAN, PIN = "4999001234567890", "4711"
MASKED = "499900••••••7890"

SCENARIO = f"""\
scenario: A payday at Shibuya
about: |
  Four people and a noon crowd at two machines. <b>One card</b> is locked, one dispenser jams.
version: 1
day: 2014-01-15
cast:
  hanako: {{name: 山田 花子, balance: ¥250_000, pin: "{PIN}", card: {{pan: "{PAN}"}}}}
steps:
  - {{at: 12:00, who: hanako, do: lock_card, via: smartphone, expect: {{outcome: done}}}}
  - {{at: 12:05, who: hanako, do: withdraw, amount: ¥30_000, atm: shibuya-01,
     expect: {{outcome: approved, code: "00", dispensed: ¥30_000}}}}
  - {{at: 12:20, who: taro, do: withdraw, amount: ¥20_000, atm: shibuya-01, device: jam,
     expect: {{outcome: failed, reversed: ¥20_000}}}}
invariants: all
"""

MANIFEST = Manifest(
    run=run_id("5f" * 32, 42, "0.1.0"),
    title="A payday at Shibuya",
    about="Four people and a noon crowd at two machines. <b>One card</b> is locked, one dispenser jams.",
    scenario_file="payday.yaml",
    scenario_sha256="5f" * 32,
    seed=42,
    day="2014-01-15",
    replications=3,
    replay="atm-sim run scenarios/tutorial/payday.yaml --seed 42",
    versions={"atm-sim": "0.1.0", "python": "3.11", "policy": "2014-01"},
    covers=("R81", "R82", "X2"),
    places={
        "shibuya-01": PlaceEntry("seven_bank", "Seven Bank, Shibuya", 2),
        "kobe": PlaceEntry("e_net", "E-net, Kobe", 1),
    },
    cast={
        "hanako": PersonEntry("山田 花子", "individual", "jnb"),
        "taro": PersonEntry("鈴木 太郎", "sole_proprietor", "jnb"),
        "crowd": PersonEntry("", "individual", "jnb", 200),
    },
    sources=("A newspaper of 2014-01-16",),
    assumptions={"crowd": "200 people share the noon hour"},
    policy={"pin.max_wrong": Override("5", "another bank's published figure")},
    scenario_text=SCENARIO,
)

REQUEST = {2: MASKED, 3: "010000", 4: "000000030000", 11: "000001", 35: "•", 41: "S0101234", 52: "•"}


class Story:
    """Writes the rows of one replication, as a driver would."""

    def __init__(self, replication: int) -> None:
        self.rows: list[EventRecord] = []
        self.messages: list[MessageRow] = []
        self.replication = replication
        self.cash = {"shibuya-01/1": 2_500_000, "shibuya-01/2": 2_500_000, "kobe/1": 1_200_000}
        for atm, amount_jpy in self.cash.items():
            self.row(0, "cassette", "", atm=atm, amount_jpy=amount_jpy, phase="")

    def row(self, time_us: int, kind: str, actor: str, **columns: object) -> None:
        values = {"card_alias": actor, "phase": "measured", **columns}
        self.rows.append(
            EventRecord(MANIFEST.run, self.replication, time_us, kind, actor=actor, **values)  # type: ignore[arg-type]
        )

    def message(
        self, time_us: int, request_id: str, mti: str, step: str, way: tuple[str, str], **extra: str
    ) -> None:
        fields = REQUEST | {int(de.removeprefix("de")): value for de, value in extra.items()}
        self.messages.append(
            MessageRow(
                MANIFEST.run, self.replication, time_us, request_id, *way, step, mti, fields_json(fields)
            )
        )

    def visit(
        self,
        at_us: int,
        actor: str,
        atm: str,
        wait_us: int,
        stay_us: int,
        code: str,
        reason: str,
        step: str = "",
    ) -> None:
        site, request = atm.partition("/")[0], f"{atm}#{at_us}"
        about = {"site": site, "service": "withdraw", "channel": "atm", "step": step}
        at_machine = {**about, "atm": atm, "request_id": request}
        start_us = at_us + wait_us
        self.row(at_us, "arrived", actor, **about)
        self.row(start_us, "started", actor, wait_us=wait_us, **{**about, "atm": atm})
        self.row(start_us + 3 * S, "inserted", actor, **at_machine)
        self.row(start_us + 9 * S, "sent", actor, mti="0200", amount_jpy=30_000, **at_machine)
        self.message(start_us + 9 * S, request, "0200", step, (atm, "acquirer"))
        self.message(start_us + 9 * S, request, "0200", step, ("acquirer", "switch"))
        self.row(
            start_us + 10 * S, "decided", actor, code="00" if code == "jam" else code, reason=reason, **about
        )
        if code in ("00", "jam"):
            self.row(start_us + 10 * S, "posted", actor, amount_jpy=30_000, reason="withdrawal", **about)
            self.row(start_us + 10 * S, "fee", actor, amount_jpy=108, reason="withdrawal", **about)
        answer = "00" if code == "jam" else code
        self.message(start_us + 11 * S, request, "0210", step, ("acquirer", atm), de39=answer)
        self.row(start_us + 11 * S, "answered", actor, code=answer, latency_us=2 * S, **at_machine)
        if code == "00":
            self.cash[atm] -= 30_000
            self.row(start_us + 15 * S, "dispensed", actor, amount_jpy=30_000, **at_machine)
            self.row(start_us + 15 * S, "cassette", actor, amount_jpy=self.cash[atm], **at_machine)
            self.row(start_us + 20 * S, "completed", actor, mti="0200", **at_machine)
        elif code == "jam":
            self.row(start_us + 15 * S, "dispensed", actor, amount_jpy=0, reason="jam", **at_machine)
            self.row(
                start_us + 15 * S,
                "reversal_queued",
                actor,
                amount_jpy=30_000,
                reason="hardware_error",
                **at_machine,
            )
            self.message(start_us + 15 * S, request, "0420", step, (atm, "acquirer"), de60="hardware_error")
            self.row(start_us + 17 * S, "reversed", actor, **at_machine)
        else:
            self.row(start_us + 12 * S, "declined", actor, code=code, mti="0200", **at_machine)
        self.row(
            start_us + stay_us, "left", actor, wait_us=wait_us, service_us=stay_us, **{**about, "atm": atm}
        )


def story(replication: int) -> Story:
    told, chance = Story(replication), Random(f"report/{replication}")
    told.row(NOON, "act", "hanako", channel="smartphone", service="lock_card", code="done", step="1")
    told.visit(NOON + 300 * S, "hanako", "shibuya-01/1", 0, 40 * S, "62", "card_locked", "2")
    told.row(NOON + 340 * S, "state", "hanako", reason="balance", amount_jpy=250_000, step="2")
    told.visit(NOON + 1200 * S, "taro", "shibuya-01/1", 65 * S, 70 * S, "jam", "", "3")
    told.row(NOON + 1300 * S, "exception", "taro", reason="DISPENSE_FAILED", amount_jpy=30_000)
    arrivals = sorted(int(chance.triangular(8, 21, 12.5) * 3600 * S) for _ in range(89))
    for number, at_us in enumerate(arrivals, 1):
        code, reason = chance.choices(
            [
                ("00", ""),
                ("51", "no_funds"),
                ("61", "limit_exceeded"),
                ("55", "pin_wrong"),
                ("91", "timed_out"),
            ],
            [80, 8, 5, 4, 3],
        )[0]
        wait_us = max(0, int(chance.gauss(20, 50) * S))
        atm = chance.choice(["shibuya-01/1", "shibuya-01/2", "kobe/1"])
        told.visit(
            at_us, f"crowd/{number}", atm, wait_us, int(chance.gauss(60, 15) * S) + 20 * S, code, reason
        )
    told.rows.sort(key=lambda row: row.time_us)
    return told


def checks(request_id: str) -> list[Check]:
    step = Check("step", "outcome", "done", "done", True, step="1", line=9, column=5)
    failed = step._replace(step="2", line=10, request_id=request_id)
    return [
        step,
        failed._replace(name="outcome", expected="approved", actual="declined", passed=False),
        failed._replace(name="code", expected='"00"', actual='"62"', passed=False),
        failed._replace(name="dispensed", expected="¥30,000", actual="¥0", passed=False),
        step._replace(step="3", line=12, name="outcome", expected="failed", actual="failed"),
        Check(
            "measure",
            "wait.p95 at shibuya-01",
            "at most 1 min",
            "1 min 52 s [1 min 40 s, 2 min 4 s] over 3 replications",
            passed=False,
            line=14,
            column=5,
        ),
        Check("invariant", "I1", "every posting sums to zero", "holds, 240 postings", True),
        Check("invariant", "I22", "no PAN or PIN in any record", "holds", True),
    ]


def write(path: Path, stories: list[Story], found: list[Check]) -> Path:
    folder = RunFolder.create(path)
    folder.write_manifest(MANIFEST)
    for told in stories:
        folder.write_events(told.replication, told.rows)
        folder.write_messages(told.replication, told.messages)
    rows = [row for told in stories for row in told.rows]
    folder.write_checks(found)
    folder.write_summary(summarise(by_replication(rows), setting_of(MANIFEST)))
    return path


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with declines, a jam, failures and three replications."""
    request_id = f"shibuya-01/1#{NOON + 300 * S}"
    stories = [story(replication) for replication in (1, 2, 3)]
    return write(tmp_path_factory.mktemp("run"), stories, checks(request_id))


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which nothing happened and nothing was checked."""
    folder = RunFolder.create(tmp_path_factory.mktemp("empty"))
    folder.write_manifest(Manifest("r", "Nothing", "nothing.yaml", "0" * 64, 1, "2014-01-15"))
    folder.write_events(1, [])
    return folder.path
