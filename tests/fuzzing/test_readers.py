"""Readers of strangers' bytes under coverage-guided fuzzing, for a bounded time, from the corpus that is kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORPUS = HERE.parent / "corpus"
SECONDS = 8


def hunt(reader: str, folder: Path, seconds: int = SECONDS) -> subprocess.CompletedProcess[str]:
    """Fuzz one reader in a process of its own; new inputs stay in `folder`."""
    command = [sys.executable, str(HERE / "readers.py"), reader, str(folder), f"-max_total_time={seconds}"]
    limits = ["-max_len=2100", "-seed=1", f"-artifact_prefix={folder}/"]
    root = HERE.parents[1]
    return subprocess.run(command + limits, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("reader", ["messages", "packed", "frames", "tlv", "dol"])
def test_a_reader_refuses_with_its_own_error_or_writes_back_what_it_read(reader: str, tmp_path: Path) -> None:
    folder = tmp_path / reader
    shutil.copytree(CORPUS / reader, folder)
    done = hunt(reader, folder)
    assert 0 == done.returncode, done.stderr[-3_000:]
    assert "cov:" in done.stderr, "the reader was not instrumented"


def test_a_careless_reader_is_found(tmp_path: Path) -> None:
    assert "IndexError" in hunt("careless", tmp_path).stdout
