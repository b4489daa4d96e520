"""On a user's machine a missing component skips; in CI the same skip fails (tests/conftest.py)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")

SKIPPING_TESTS = """
import pytest

def test_skipped_inside():
    pytest.skip("no card reader here")

@pytest.mark.skip(reason="no browser here")
def test_skipped_by_mark():
    pass

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_failure():
    assert False
"""

SKIPPING_MODULE = 'import pytest\npytest.importorskip("no_such_component")\n'


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "test_inside.py").write_text(SKIPPING_TESTS, encoding="utf-8")
    (tmp_path / "test_whole_module.py").write_text(SKIPPING_MODULE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


def run_pytest(folder: Path, ci: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-rfE", "-p", "no:cacheprovider", *options, str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        command, cwd=folder, env=environment | {"CI": ci}, capture_output=True, text=True, check=False
    )


def test_a_skip_outside_ci_is_no_failure(suite: Path) -> None:
    result = run_pytest(suite, "")
    assert result.returncode == 0, result.stdout
    assert "3 skipped, 1 xfailed" in result.stdout


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["one process", "xdist worker"])
def test_a_skip_in_ci_fails_and_names_its_reason(suite: Path, options: tuple[str, ...]) -> None:
    result = run_pytest(suite, "true", "--continue-on-collection-errors", *options)
    assert result.returncode == 1, result.stdout
    assert "1 failed, 1 xfailed, 2 errors" in result.stdout
    for reason in ("no card reader here", "no browser here", "no_such_component"):
        assert reason in result.stdout
