"""What make says on a machine where something is missing: its name, and what to do; and what it offers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAKES = {
    "python-old": 'case "$*" in *-V*) echo Python 3.9.2 ;; *version_info*) exit 1 ;; esac',
    "python-without-venv": 'case "$*" in *ensurepip*) exit 1 ;; esac',
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile, what it looks at, and interpreters that lack something."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    for name, script in FAKES.items():
        fake = tmp_path / name
        fake.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        fake.chmod(0o755)
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("./no-such-python", "Install Python 3.11 or newer"),
        ("./python-old", "is Python 3.9.2, but 3.11 or newer is needed"),
        ("./python-without-venv", "sudo apt-get install python3-venv"),
    ],
)
@pytest.mark.parametrize("target", ["run", "test"])
def test_what_is_missing_is_named_before_anything_is_made(
    target: str, python: str, told: str, checkout: Path
) -> None:
    done = make(checkout, target, f"PYTHON={python}")
    assert 0 != done.returncode
    assert told in done.stdout + done.stderr
    assert not (checkout / ".venv").exists()


def test_make_alone_lists_every_target_and_does_nothing(checkout: Path) -> None:
    (phony,) = re.findall(
        r"^\.PHONY: (.*)$", (checkout / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    listed = re.findall(r"^  (\S+) +\S", make(checkout).stdout, re.MULTILINE)
    assert phony.split() == listed
    assert not (checkout / ".venv").exists()
