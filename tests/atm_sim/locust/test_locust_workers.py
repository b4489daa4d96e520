"""Locust users on a master and two workers: real processes on loopback, against a host in another process."""

from __future__ import annotations

import csv
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from atm_sim.load.fleet import STANS
from atm_sim.locust import multiplexer
from atm_sim.locust.multiplexer import Multiplexer, Share
from atm_sim.runner.files import open_scenario
from bank_host.address import Address
from bank_host.iso8583.dialect import load_dialect
from bank_host.policy import load_policy
from tests.atm_sim.load.loads import ROOT, null_host

RUSH = """
scenario: Rush
version: 1
day: 2026-01-23
places: {shibuya: {operator: seven_bank}}
load: {terminals: 20, customers: 50, connections: 2, exchange_keys: false, arrivals: [{rate: 1/s, for: 1 s}]}
"""


def locust(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "docs/how-to/locustfile.py"), *options]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_workers_answer_to_one_master_and_its_report_has_their_transactions(tmp_path):
    """PIN blocks and MACs are right on both: an answer with a wrong MAC would be none."""
    (tmp_path / "rush.yaml").write_text(RUSH, encoding="utf-8")
    port = f"{free_port()}"
    with null_host() as address:
        ends = ("--headless", "--users", "6", "--spawn-rate", "6", "--run-time", "8s", "--csv", "found")
        master = locust(
            tmp_path,
            *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port),
            *("--expect-workers", "2", "--host", f"{address}", *ends),
        )
        workers = [
            locust(tmp_path, "--worker", "--master-host", "127.0.0.1", "--master-port", port)
            for _ in range(2)
        ]
        try:
            told, _ = master.communicate(timeout=120)
            said = [worker.communicate(timeout=60)[0] for worker in workers]
        finally:
            for process in (master, *workers):
                process.kill()
    assert 0 == master.returncode, told + "".join(said)
    with (tmp_path / "found_stats.csv").open(encoding="utf-8") as lines:
        rows = {row["Name"]: row for row in csv.DictReader(lines)}
    assert {"withdraw", "balance", "Aggregated"} == set(rows)
    assert ("0200", "0") == (rows["withdraw"]["Type"], rows["Aggregated"]["Failure Count"])
    assert 12 <= int(rows["Aggregated"]["Request Count"])  # each of the six users came more than once


def test_a_user_hears_at_once_that_nobody_takes_the_call(tmp_path, monkeypatch):
    """However long a host that does not answer is waited for; Locust counts it as a failure, and exits with 1."""
    monkeypatch.setattr(multiplexer, "READY_S", 3_600.0)
    (tmp_path / "rush.yaml").write_text(RUSH, encoding="utf-8")
    scenario = open_scenario(tmp_path / "rush.yaml", load_policy()).scenario
    nobody = Address("127.0.0.1", free_port())
    wires = Multiplexer(scenario, Share(0, 1), nobody, load_dialect("atm-sim"))
    try:
        assert wires.ask() is None
    finally:
        wires.stop()


def test_the_workers_trace_numbers_do_not_meet():
    parts = [Share(number, 16).stans for number in range(16)]
    assert all(before.stop == after.start for before, after in pairwise(parts))
    assert STANS.start == parts[0].start
    assert parts[-1].stop <= STANS.stop
