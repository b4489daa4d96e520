"""What every test stands on: in CI nothing is skipped, and Hypothesis searches the same way on each run.

On a user's machine a test whose optional component is missing skips with its reason. With CI=true the machine
is supposed to have everything, so there the same skip is a failure.
"""

import os
import tempfile
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# libpcsclite reads this name once in a process. Under it there is at most a pcscd of the tests' own
# (tests/cardreader/pcsc/daemon.py), so no test ever sees a reader of this machine.
os.environ["PCSCLITE_CSOCK_NAME"] = os.path.join(tempfile.gettempdir(), f"pcscd-of-test-{os.getpid()}.socket")

IN_CI = os.environ.get("CI", "").lower() in ("true", "1")

# `make test` must give the same verdict twice; `make test-long` searches on from where nobody has looked yet.
# No deadline: two cores are shared, and a slow example is not a wrong one.
settings.register_profile(
    "short", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("long", settings.get_profile("short"), derandomize=False, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


def skip_as_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turns a skip into a failure that names the reason; an expected failure (xfail) is no skip."""
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"With CI=true a skipped test is a failure. {reason}"


# As wrappers of the report makers (not of the terminal), these run inside the pytest-xdist workers too.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    if IN_CI:
        skip_as_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    if IN_CI:
        skip_as_failure(report)
    return report
