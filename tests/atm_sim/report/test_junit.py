"""junit.xml: one test case a step, measure and invariant, readable by any CI."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from atm_sim.records.check import Check
from atm_sim.records.folder import RunFolder
from atm_sim.report.junit import junit_xml
from atm_sim.report.view import load


@pytest.fixture(scope="module")
def suite(run_folder: Path) -> ElementTree.Element:
    found = ElementTree.fromstring(junit_xml(load(run_folder)).encode()).find("testsuite")
    assert found is not None
    return found


def test_the_checks_of_a_step_are_one_test_case(suite: ElementTree.Element) -> None:
    names = [case.get("name") for case in suite]
    assert names == [
        "step 1",
        "step 2",
        "step 3",
        "measure wait.p95 at shibuya-01",
        "invariant I1",
        "invariant I22",
    ]
    assert {case.get("classname") for case in suite} == {"payday.yaml"}


def test_the_suite_counts_its_failures(suite: ElementTree.Element) -> None:
    assert ("6", "2") == (suite.get("tests"), suite.get("failures"))
    assert len(suite.findall("testcase/failure")) == 2


def test_a_failure_holds_what_the_console_says(suite: ElementTree.Element) -> None:
    failure = suite.find("testcase[@name='step 2']/failure")
    assert failure is not None
    text = failure.text or ""
    for part in ("payday.yaml:10:5", "expected approved, got declined", "0200 Financial request", "replay:"):
        assert part in text


def test_each_row_of_a_cases_table_is_a_test_of_its_own(tmp_path: Path, empty_folder: Path) -> None:
    folder = RunFolder.create(tmp_path)
    folder.write_manifest(RunFolder.open(empty_folder).read_manifest())
    row = Check("step", "code", '"00"', '"62"', False, case="row 1", step="1", line=20)
    folder.write_checks([row, row._replace(case="row 2", line=21, passed=True)])
    cases = list(ElementTree.fromstring(junit_xml(load(tmp_path)).encode()).iter("testcase"))
    assert [(case.get("name"), len(case)) for case in cases] == [("row 1 step 1", 1), ("row 2 step 1", 0)]
    assert "nothing.yaml:20" in (cases[0][0].text or "")


def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path, empty_folder: Path) -> None:
    folder = RunFolder.create(tmp_path)
    folder.write_manifest(RunFolder.open(empty_folder).read_manifest())
    folder.write_checks([Check("invariant", "I1", "holds", "broken \x00\x0b by <&>", False)])
    case = next(ElementTree.fromstring(junit_xml(load(tmp_path)).encode()).iter("testcase"))
    assert case[0].get("message") == "I1: expected holds, got broken \ufffd\ufffd by <&>"
