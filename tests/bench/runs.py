"""Runs the benches in their short form, each once for all tests that read what it prints."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def told_by(bench: str) -> tuple[str, ...]:
    """The lines of `python -m bench.NAME --quick`."""
    command = [sys.executable, "-m", f"bench.{bench}", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return tuple(done.stdout.splitlines())
