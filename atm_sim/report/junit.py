"""junit.xml for CI: one test case a step, measure and invariant, with what people need when it fails.

A test case's class is the scenario file, its name the case and step; the failure text holds file:line,
expected and actual, the messages in words, and the command that replays the run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree

from atm_sim.records.check import Check, verdict
from atm_sim.report.text import failure_lines
from atm_sim.report.view import RunView, check_group

# XML 1.0 has no way to write these, escaped or not
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(view: RunView) -> str:
    """The document as text. Checks of one step are one test case: it fails when one of them does."""
    cases = [list(checks) for _, checks in groupby(view.checks, key=check_group)]
    failed = sum(1 for checks in cases if not verdict(checks).met)
    counts = {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": "0"}
    suites = ElementTree.Element("testsuites", {"name": "atm-sim", **counts})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": _text(view.manifest.title), **counts})
    for checks in cases:
        _add_case(suite, view, checks)
    ElementTree.indent(suites)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
    )


def checks_xml(title: str, file: str, checks: Sequence[Check]) -> str:
    """The document for checks without messages behind them, such as those of a study."""
    failed = sum(not check.passed for check in checks)
    counts = {"tests": str(len(checks)), "failures": str(failed), "errors": "0", "skipped": "0"}
    suites = ElementTree.Element("testsuites", {"name": "atm-sim", **counts})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": _text(title), **counts})
    for check in checks:
        name = f"{check.case} {check.name} {check.expected}"
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": file, "name": _text(name), "time": "0"}
        )
        if not check.passed:
            message = f"{check.name}: expected {check.expected}, got {check.actual}"
            ElementTree.SubElement(case, "failure", {"type": check.kind, "message": _text(message)})
    ElementTree.indent(suites)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
    )


def _add_case(suite: ElementTree.Element, view: RunView, checks: list[Check]) -> None:
    first = checks[0]
    name = " ".join(part for part in (first.case, check_group(first)[-1]) if part)
    attributes = {"classname": view.manifest.scenario_file, "name": _text(name), "time": "0"}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    broken = [check for check in checks if not check.passed]
    if broken:
        message = "; ".join(
            f"{check.name}: expected {check.expected}, got {check.actual}" for check in broken
        )
        failure = ElementTree.SubElement(case, "failure", {"type": first.kind, "message": _text(message)})
        failure.text = _text("\n" + "\n".join(failure_lines(view, broken)) + "\n")


def _text(value: str) -> str:
    return _NOT_XML.sub("�", value)
