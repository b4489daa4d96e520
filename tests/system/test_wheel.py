"""The other door: a wheel, installed in an empty environment outside the checkout, works alone.

The environment borrows the dependencies of this one by a .pth file, which stands after its own packages; so whatever
of the product runs is the wheel's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("wheel")  # built once, by one worker


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(build, cwd=out, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    (file,) = out.glob("atm_sim-*.whl")
    return file


class Installed:
    """An environment of its own with the wheel in it, and a folder that is nobody's checkout."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.here = folder / "somewhere"
        self.here.mkdir()
        venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
        self.packages = Path(
            sysconfig.get_path(
                "purelib", "venv", {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
            )
        )
        self.scripts = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder / "venv")}))
        install = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(self.scripts / "python"),
            "install",
            "--quiet",
        ]
        subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True, cwd=folder)
        (self.packages / "zz_dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    def call(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        return subprocess.run(
            [str(self.scripts / command), *words],
            cwd=self.here,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


def test_what_runs_is_the_wheels_and_not_the_checkouts(installed: Installed) -> None:
    script = "import atm_sim, bank_host, cardreader; print(atm_sim.__file__, bank_host.__file__, cardreader.__file__)"
    for file in installed.call("python", "-c", script).stdout.split():
        assert Path(file).is_relative_to(installed.packages)


def test_the_wheel_holds_every_file_of_the_packages_and_every_scenario(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "atm_sim", "bank_host", "cardreader", "scenarios"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"atm_sim/_scenarios/{name.removeprefix('scenarios/')}" if name.startswith("scenarios/") else name
        for name in tracked
        if (ROOT / name).exists()
    }
    assert [] == sorted(expected - packed)
    assert [] == sorted(name for name in packed if name.startswith(("tests/", "docs/", "bench/", "out/")))


def test_the_demo_runs_and_writes_its_report(installed: Installed) -> None:
    done = installed.call("atm-sim", "demo")
    assert 0 == done.returncode, done.stderr
    report = installed.here / "atm-sim-demo/run/report.html"
    assert "A first day at three ATMs" in report.read_text(encoding="utf-8")
    assert "Report: atm-sim-demo/run/report.html" in done.stdout


def test_the_schema_is_in_the_wheel(installed: Installed) -> None:
    schema = json.loads(installed.call("atm-sim", "schema").stdout)
    assert "steps" in json.dumps(schema["properties"])


def test_scenarios_of_the_wheel_are_tested_where_they_are(installed: Installed) -> None:
    shipped = installed.packages / "atm_sim/_scenarios"
    for folder in ("invalid", "rulebook/limit_zero.yaml"):
        done = installed.call("atm-sim", "test", str(shipped / folder))
        assert 0 == done.returncode, done.stdout + done.stderr
        assert " 0 failed" in done.stdout


def test_the_policy_and_the_migrations_are_in_the_wheel(installed: Installed) -> None:
    policy = installed.call("bank-host", "policy", "--on", "2014-01-15", "--key", "atm.standing.max")
    assert ["atm.standing.max", "2014-01-01", "500000"] == policy.stdout.split("\t")[:3]
    assert 0 == installed.call("bank-host", "migrate", "x.sqlite").returncode
    assert 0 == installed.call("bank-host", "verify", "x.sqlite").returncode


@pytest.mark.parametrize("command", ["atm-sim", "bank-host", "cardreader"])
def test_every_command_starts_and_knows_its_version(command: str, installed: Installed) -> None:
    assert "Usage:" in installed.call(command, "--help").stdout
    assert f"{command}, version" in installed.call(command, "--version").stdout


POSIX_ONLY = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog")
BLOCKED = f"""
import sys
blocked = {POSIX_ONLY!r}

class NotHere:
    def find_spec(self, name, path=None, target=None):
        if name in blocked:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

for name in blocked:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, NotHere())
if {{planted}}:
    import fcntl
import atm_sim.cli, bank_host.cli, cardreader.cli
"""


def start_up(planted: bool) -> subprocess.CompletedProcess[str]:
    script = BLOCKED.replace("{planted}", str(planted))
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_nothing_that_only_posix_has_is_needed_to_start() -> None:
    done = start_up(planted=False)
    assert 0 == done.returncode, done.stderr


def test_the_block_would_notice() -> None:
    assert "No module named 'fcntl'" in start_up(planted=True).stderr
