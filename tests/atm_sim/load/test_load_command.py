"""`atm-sim load` from end to end: our own host, its books, exit codes, files; and hosts that are not there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from atm_sim.cli import main
from atm_sim.load.journal_file import read_sent
from atm_sim.load.target import own_host
from bank_host.jst import JST
from tests.atm_sim.load.loads import ROOT, null_host

HEAD = "scenario: 負荷 <test>\nversion: 1\nday: 2026-01-15\nplaces: {shop: {operator: seven_bank}}\n"


def load(tmp_path: Path, block: str, *options: str) -> tuple[Result, dict]:
    file = tmp_path / "load.yaml"
    lines = "".join(f"  {line}\n" for line in block.strip().splitlines())
    file.write_text(f"{HEAD}load:\n  customers: 20\n{lines}", encoding="utf-8")
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["load", str(file), "--out", str(out), *options])
    summary = out / "load.json"
    return result, json.loads(summary.read_text("utf-8")) if summary.exists() else {}


def _started(facts: dict) -> datetime:
    return datetime.strptime(facts["started"], "%Y-%m-%d %H:%M:%S JST").replace(tzinfo=JST)


def test_links_that_are_cut_during_the_run_leave_no_difference_with_the_books_of_our_host(tmp_path):
    """Requests in flight are lost with their links, reversed over new ones, and every approval is settled once."""
    block = """
arrivals: [{rate: 60/s, for: 3 s}]
answer_within: 3 s
repeat_after: 200 ms
exchange_keys: true
send_lag_at_most: 60 s
cut_links_at: [700 ms, 1400 ms, 2100 ms]
expect:
  - {measure: unresolved, equals: 0}
  - {measure: unmatched, equals: 0}
"""
    result, facts = load(tmp_path, block)
    assert 0 == result.exit_code, result.output
    assert 0 == facts["settlement"]["number_of_differences"]
    assert facts["settlement"]["compared"] > 20
    lost = sum(each["reason"] == "lost" for each in facts["links_ended"])
    assert facts["connections"] <= lost <= 3 * facts["connections"]
    assert f"connections that ended: {lost} × lost" in result.output
    assert f"{lost} × lost" in (tmp_path / "out/report.html").read_text("utf-8")
    assert abs(datetime.now(JST) - _started(facts)) < timedelta(minutes=10)
    assert facts["counts"]["key_exchanges"] > 2 * facts["connections"]  # again on each new connection
    assert facts["counts"]["lost"] == facts["counts"]["not_answered"]
    assert facts["counts"]["planned"] == facts["counts"]["sent"] + facts["counts"]["dropped"]


def test_a_dialect_of_new_links_has_aes_cmac_on_both_ends_and_exchanges_keys_for_it(tmp_path):
    """Our own host under the published keys takes part; what it settles is what was sent."""
    (tmp_path / "new.toml").write_text(
        'like = "atm-sim"\n[mac]\nalgorithm = "aes-cmac"\nmandatory = true\n', "utf-8"
    )
    block = "arrivals: [{rate: 30/s, for: 1 s}]\nexchange_keys: true\nsend_lag_at_most: 60 s"
    result, facts = load(tmp_path, block, "--dialect", f"{tmp_path / 'new.toml'}")
    assert 0 == result.exit_code, result.output
    counts = facts["counts"]
    assert counts["planned"] == counts["answered"] > 25
    assert 0 == counts["declines"] == counts["mac_failures"] == facts["settlement"]["number_of_differences"]
    assert 2 * facts["connections"] == counts["key_exchanges"]


def test_the_folder_has_a_report_in_two_languages_a_junit_file_and_no_card_number(tmp_path):
    block = """
arrivals: [{rate: 30/s, for: 1 s}]
send_lag_at_most: 60 s
expect:
  - {measure: latency.p99, of: withdraw, at_most: 30 s}
  - {measure: approval_rate, at_least: 1}
  - {measure: throughput, at_least: 1_000_000}
"""
    result, facts = load(tmp_path, block, "--json")
    assert 1 == result.exit_code
    assert facts["counts"] == json.loads(result.stdout)["counts"]
    report = (tmp_path / "out/report.html").read_text("utf-8")
    assert all(
        text in report for text in ("負荷 &lt;test&gt;", "Percentile curve", "パーセンタイル曲線", "<svg")
    )
    assert "http" not in report.split("Content-Security-Policy")[1].replace("http://www.w3.org", "")
    suites = ElementTree.parse(tmp_path / "out/junit.xml").getroot()
    assert ("5", "1", "0") == tuple(suites.get(name) for name in ("tests", "failures", "errors"))
    assert all("499900" not in each.read_text("utf-8") for each in (tmp_path / "out").iterdir())


def test_a_generator_that_is_late_makes_the_run_invalid_whatever_was_expected(tmp_path):
    """No generator keeps a bound of nothing."""
    block = "arrivals: [{rate: 50/s, for: 1 s}]\nsend_lag_at_most: 0 s\nmac: false\n"
    block += "expect: [{measure: sent, at_least: 1_000_000}]"
    with null_host() as address:
        result, facts = load(tmp_path, block, "--target", f"{address}")
    assert 4 == result.exit_code
    assert "the generator was late" in facts["invalid"]
    assert "1" == ElementTree.parse(tmp_path / "out/junit.xml").getroot().get("errors")


def test_arrivals_beyond_the_bound_are_dropped_and_counted(tmp_path):
    block = "arrivals: [{rate: 100/s, for: 1 s}]\nmost_waiting: 1\nsend_lag_at_most: 60 s\nmac: false\ndo: balance"
    with null_host("--freeze-at", "0", "--freeze-for", "0.5") as address:
        result, facts = load(tmp_path, block, "--target", f"{address}")
    counts = facts["counts"]
    assert 0 == result.exit_code
    assert counts["dropped"] >= 20
    assert counts["planned"] == counts["sent"] + counts["dropped"]


def test_users_who_wait_for_their_answers_are_labelled_closed(tmp_path):
    block = "users: {count: 3, think: 50 ms, for: 500 ms}\nsend_lag_at_most: 60 s\nmac: false"
    with null_host() as address:
        result, facts = load(tmp_path, block, "--target", f"{address}")
    assert 0 == result.exit_code
    assert "closed model" in result.output
    assert "closed" == facts["model"]
    assert 3 <= facts["counts"]["sent"] <= 40


def test_a_host_that_does_not_answer_in_time_is_reversed_and_its_late_answers_counted(tmp_path):
    block = """
arrivals: [{rate: 40/s, for: 1 s}]
do: withdraw
answer_within: 300 ms
repeat_after: 100 ms
send_lag_at_most: 60 s
"""
    with null_host("--freeze-at", "0.2", "--freeze-for", "1.5") as address:
        _, facts = load(tmp_path, block, "--target", f"{address}")
    counts = facts["counts"]
    assert counts["timed_out"] >= 10
    assert counts["reversals"] == counts["timed_out"]
    assert counts["late"] >= 10
    assert 0 == counts["unmatched"] == counts["unresolved"]
    assert facts["latency_us_by_code"]["no answer"]["number"] == counts["not_answered"]


def test_interrupted_is_exit_130_and_no_traceback(tmp_path):
    """Somebody presses Ctrl-C when the host has taken the connection and says nothing."""
    file = tmp_path / "load.yaml"
    file.write_text(f"{HEAD}load: {{customers: 1, arrivals: [{{rate: 1/s, for: 60 s}}]}}\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as host:
        host.settimeout(60)
        command = [sys.executable, "-m", "atm_sim.cli", "load", str(file)]
        command += ["--target", f"127.0.0.1:{host.getsockname()[1]}", "--out", str(tmp_path / "out")]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        peer, _ = host.accept()
        with peer:
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
    assert (130, "atm-sim: interrupted\n") == (process.returncode, told)


def test_a_run_that_is_interrupted_settles_what_is_open_and_tells_what_it_measured(tmp_path):
    """Ctrl-C after hours is no reason to lose them; the run is marked, and its books are compared all the same."""
    out, file = tmp_path / "out", tmp_path / "load.yaml"
    block = "customers: 20, send_lag_at_most: 60 s, arrivals: [{rate: 40/s, for: 10 min}]"
    file.write_text(f"{HEAD}load: {{{block}}}\n", encoding="utf-8")
    command = [sys.executable, "-m", "atm_sim.cli", "load", str(file), "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        give_up_at = time.monotonic() + 120
        while not (out / "sent.csv").exists() or (out / "sent.csv").stat().st_size < 500:
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everybody of the group
        told, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    facts = json.loads((out / "load.json").read_text("utf-8"))
    assert 130 == process.returncode == facts["exit_code"]
    assert "interrupted after" in told
    assert "interrupted after" in (out / "report.html").read_text("utf-8")
    assert facts["counts"]["planned"] == facts["counts"]["answered"] > 5
    assert (0, 0) == (facts["counts"]["unresolved"], facts["settlement"]["number_of_differences"])
    assert facts["settlement"]["compared"] > 5
    assert facts["seconds"] < 300


def test_a_run_against_our_host_at_an_address_is_settled_with_its_database(tmp_path):
    """What the database has from earlier runs is none of this one's; what is posted since and was not sent is told."""
    bank = tmp_path / "bank.sqlite"
    block = "arrivals: [{rate: 30/s, for: 1 s}]\ndo: withdraw\nsend_lag_at_most: 60 s"
    load(tmp_path, block, "--enrol", f"{bank}")

    def settled() -> Result:
        return CliRunner().invoke(main, ["settle", f"{tmp_path / 'out'}", "--database", f"{bank}"])

    with own_host(bank) as host:
        first, _ = load(tmp_path, block, "--target", f"{host.address}")
        (tmp_path / "out").rename(tmp_path / "first")
        second, facts = load(tmp_path, block, "--target", f"{host.address}")
        clean = settled()
    assert [0, 0, 0] == [each.exit_code for each in (first, second, clean)], clean.output
    assert f"{facts['counts']['sent']} compared" in clean.output
    sent = tmp_path / "out/sent.csv"
    runs = [{done.reference for done in read_sent(file)} for file in (sent, tmp_path / "first/sent.csv")]
    assert not runs[0] & runs[1], "references of two runs in one hour"
    header, *lines = sent.read_text("utf-8").splitlines(keepends=True)
    last = max((line for line in lines if ",completed," in line), key=lambda line: int(line.split(",")[6]))
    sent.write_text("".join([header, *(line for line in lines if line != last)]), "utf-8")
    differs = settled()
    assert 1 == differs.exit_code
    assert "in the journal, and no ATM of this run sent it" in differs.output


def test_nobody_there_is_exit_3_and_no_traceback(tmp_path):
    result, facts = load(tmp_path, "arrivals: [{rate: 1/s, for: 1 s}]", "--target", "127.0.0.1:1")
    assert (3, {}) == (result.exit_code, facts)
    assert "127.0.0.1:1 could not be used: not reached" in result.output


def test_a_file_without_a_load_block_is_told_so(tmp_path):
    file = tmp_path / "none.yaml"
    file.write_text(
        "scenario: x\nversion: 1\nday: 2026-01-15\ncast: {a: {name: 甲}}\n"
        "steps: [{at: 09:00, who: a, do: lock_card, via: pc}]\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(main, ["load", str(file)])
    assert 2 == result.exit_code
    assert "no load: block" in result.output


def test_a_file_with_nothing_but_load_is_not_played_in_simulated_time(tmp_path):
    file = tmp_path / "only.yaml"
    file.write_text(f"{HEAD}load: {{arrivals: [{{rate: 1/s, for: 1 s}}]}}\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["run", str(file), "--out", str(tmp_path / "run")])
    assert 2 == result.exit_code
    assert f"atm-sim load {file}" in result.output


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("{}", "arrivals: (open) or users: (closed)"),
        ("{arrivals: [{rate: 400, for: 1 s}]}", "a rate with its unit"),
        ("{arrivals: [{rate: 4/s, for: 1 s, by_hour: [1, 2]}]}", "24 weights"),
        ("{arrivals: [{rate: 4/s, for: 1 s}], cut_links_at: [2 s]}", "after the last arrival"),
        ("{arrivals: [{rate: 4/s, for: 1 s}], expect: [{measure: latency.p98, at_most: 1 s}]}", "latency.p9"),
        (
            "{arrivals: [{rate: 4/s, for: 1 s}], expect: [{measure: sent, of: balance, equals: 1}]}",
            "of: picks",
        ),
        ("{arrivals: [{rate: 4/s, for: 1 s}], terminal: 5}", "did you mean 'terminals'"),
    ],
)
def test_a_mistake_in_the_block_is_told_with_its_place(tmp_path, block, words):
    file = tmp_path / "wrong.yaml"
    file.write_text(f"{HEAD}load: {block}\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["load", str(file)])
    assert 2 == result.exit_code
    assert f"{file}:5:" in result.output
    assert words in result.output
