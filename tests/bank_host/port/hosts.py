"""Real `bank-host serve` processes, for tests that start, stop and kill them."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.bank_host.port.wire import PATIENCE_S, Peer

ROOT = Path(__file__).parents[3]
BANK_HOST = (sys.executable, "-m", "bank_host.cli", "serve", "--time-window", "0")
"""The messages of these tests are of one noon, whatever the computer's clock says."""
_OPENED = re.compile(r"listening on \S+:(\d+);.* metrics http://\S+?:(\d+)/")


class Host:
    """One process; what it prints is kept in its folder."""

    port = 0
    admin = 0

    def __init__(self, folder: Path, *words: str, program: Sequence[str] = BANK_HOST) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*program, *words],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={"PYTHONPATH": str(ROOT), "PATH": ""},
            )
        self.said: list[str] = []

    @classmethod
    def started(cls, folder: Path, *words: str, program: Sequence[str] = BANK_HOST) -> Self:
        """A host on free ports that has told where it listens."""
        free = ("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
        own = program == BANK_HOST and "--web" not in words
        host = cls(folder, *free, *(("--no-web",) if own else ()), *words, program=program)
        assert host.process.stdout is not None
        for line in host.process.stdout:
            host.said.append(line)
            if match := _OPENED.search(line):
                host.port, host.admin = int(match[1]), int(match[2])
                return host
        raise AssertionError(f"did not start, exit code {host.process.wait()}: {host.log()}")

    def connect(self) -> Peer:
        return Peer(socket.create_connection(("127.0.0.1", self.port)))

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)


@contextmanager
def running(folder: Path, *words: str) -> Iterator[Host]:
    host = Host.started(folder, *words)
    try:
        yield host
    finally:
        host.process.kill()
        host.process.wait()
        assert host.process.stdout is not None
        host.process.stdout.close()
