"""The bench of the whole host measures what it says and looks at every answer; what it measures is nobody's test."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import URL

from bank_host.iso8583 import build
from bench import clients
from bench.clients import DIALECT, HSM, Request, fault_of
from bench.customers import ATMS, pan_of, withdrawal
from bench.host import BRIEF, Bench
from tests.bench.runs import told_by

pytestmark = pytest.mark.xdist_group("bench")
NOW_US = 1_760_000_000_000_000
COLUMNS = ["1 client", "8 clients", "32 clients", "128 clients", "32 clients, hot accounts"]
ROW = re.compile(r"  (\S.*?) +([\d,]+) +(\d+\.\d\d) +(\d+\.\d\d) +(\d+\.\d\d) +(\d+)  [\d, ]+")


def section(engine: str) -> list[str]:
    """The lines about one engine."""
    lines = list(told_by("host"))
    begin = next(n for n, line in enumerate(lines) if line.startswith(engine))
    end = next(n for n, line in enumerate(lines) if n > begin and line.startswith("  so the ratio "))
    return lines[begin : end + 1]


@pytest.mark.parametrize(
    ("engine", "columns"), [("SQLite", COLUMNS), ("PostgreSQL", [*COLUMNS, "32 clients, two hosts"])]
)
def test_rate_and_waits_of_every_number_of_clients(engine: str, columns: list[str]) -> None:
    rows = [match for line in section(engine) if (match := ROW.fullmatch(line))]
    assert columns == [row[1] for row in rows]
    assert all(float(row[4]) <= float(row[5]) for row in rows)  # p50, p99


@pytest.mark.parametrize(
    ("engine", "baselines"),
    [("SQLite", ["one commit each"]), ("PostgreSQL", ["pgbench", "pgbench -M prepared"])],
)
def test_the_ratio_to_each_baseline_is_told(engine: str, baselines: list[str]) -> None:
    *_, last = section(engine)
    assert baselines == re.findall(r"[\d.]+ times ([^,]+)", last)


@pytest.mark.parametrize("engine", ["SQLite", "PostgreSQL"])
def test_whether_the_ratio_counts_follows_from_the_conditions(engine: str) -> None:
    lines = section(engine)
    told = [line for line in lines if re.match("  (held|NOT HELD) ", line)]
    lone, verified, answered = told
    share = re.search(r"([\d.]+) of [\d.]+ ms", lone)
    assert share is not None
    assert (float(share[1]) <= 2) == lone.startswith("  held")
    assert verified.startswith("  held")
    assert answered.startswith("  held")
    assert re.search(r" (\d[\d,]*) checked, 0 wrong; \1 posted", answered)
    counts = all(line.startswith("  held") for line in told)
    assert counts == lines[-1].startswith("  so the ratio counts")


def test_a_condition_that_does_not_hold_is_told(tmp_path: Path) -> None:
    file = tmp_path / "bank.sqlite"
    bench = Bench("SQLite", URL.create("sqlite", database=str(file)), BRIEF)
    bench.p50_ms |= {"bare commit": [1.0], "1": [2.0]}
    assert [True, True, True] == [condition.held for condition in bench.conditions()]
    bench.p50_ms["1"] = [2.001]
    bench.answers = 1  # which was never posted
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE account SET posted_jpy = posted_jpy + 1")
    assert [False, False, False] == [condition.held for condition in bench.conditions()]


# ---------------- no wrong answer is taken for a right one


@pytest.fixture(scope="module")
def request_() -> Request:
    return clients.sealed(withdrawal(HSM, pan_of(1), 7, NOW_US, ATMS[0]))


def answered(request: Request, code: str = "00", **changes: str) -> bytes:
    answer = build.answer(request.message, code, {38: "A00001"})
    answer = answer.but({int(de[2:]): value for de, value in changes.items()})
    return DIALECT.framing.reader().feed(clients.sealed(answer).frame)[0].payload


def fault(payload: bytes, request: Request) -> str:
    return fault_of(payload, {request.message[11].encode(): request})


def test_a_right_answer_has_no_fault(request_: Request) -> None:
    assert "" == fault(answered(request_), request_)


def test_every_fault_of_an_answer_is_found(request_: Request) -> None:
    right = answered(request_)
    assert "an answer cannot be read" in fault(right[:-1], request_)
    assert "an answer's MAC is not right" == fault(right[:-1] + bytes([right[-1] ^ 1]), request_)
    assert "an answer's MAC is not right" == fault(
        DIALECT.encode(build.answer(request_.message, "00", {38: "A00001"})), request_
    )
    assert "an answer to nothing that was asked" == fault(answered(request_, DE11="000008"), request_)
    assert "0210 with code 51 instead of an approval" == fault(answered(request_, "51"), request_)
    assert "DE4 is not echoed" == fault(answered(request_, DE4="000000002000"), request_)
    assert "DE41 is not echoed" == fault(answered(request_, DE41="T0000099"), request_)
