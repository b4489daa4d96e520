"""Every `make bench-*` prints how it measures, and as its last line one JSON object for programs."""

from __future__ import annotations

import json
import re

import pytest

from bench.command import tell_result
from tests.bench.runs import ROOT, told_by

pytestmark = pytest.mark.xdist_group("bench")  # one run of each serves all tests
TARGETS = dict(
    re.findall(
        r"^(bench-[a-z]+):.*\n\t@\$\(BIN\)/python -m bench\.([a-z]+)$",
        (ROOT / "Makefile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
)


def test_every_bench_is_a_target_and_every_target_a_bench() -> None:
    targets = re.findall(r"^bench-[a-z]+(?=:)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    commands = [
        file.stem
        for file in (ROOT / "bench").glob("*.py")
        if "    tell_result(" in file.read_text(encoding="utf-8")
    ]
    assert sorted(TARGETS) == sorted(targets)
    assert sorted(TARGETS.values()) == sorted(commands)


@pytest.mark.parametrize("target", TARGETS)
def test_method_first_and_the_result_last(target: str) -> None:
    *lines, last = told_by(TARGETS[target])
    assert re.search(r"\d+ (interleaved rounds|s a rate)", " ".join(lines[:2]))
    result = json.loads(last)
    assert ["name", "value", "unit", "baseline", "ratio"] == list(result)
    assert TARGETS[target] == result["name"]
    assert all(result[figure] > 0 for figure in ("value", "baseline", "ratio"))


@pytest.mark.parametrize(("less_is_better", "ratio"), [(False, 4.0), (True, 0.25)])
def test_the_ratio_tells_how_many_times_as_good_as_the_baseline(
    less_is_better: bool, ratio: float, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_result("some", 8.0, "per second", 2.0, less_is_better=less_is_better)
    assert {
        "name": "some",
        "value": 8.0,
        "unit": "per second",
        "baseline": 2.0,
        "ratio": ratio,
    } == json.loads(capsys.readouterr().out)
