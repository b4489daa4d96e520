"""`atm-sim kiosk` as a process of its own that has imported everything already: a fork of a server that did it once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection

from atm_sim.cli import main

_SERVER = get_context("forkserver")
_SERVER.set_forkserver_preload([__name__, "atm_sim.kiosk.command"])


def _serves(options: Sequence[str], said: Connection) -> None:
    os.dup2(said.fileno(), 1)
    main(["kiosk", *options])


class ForkedKiosk:
    """Started as by a person (which the docs' tests do), and in a tenth of the time."""

    def __init__(self, options: Sequence[str]) -> None:
        self._hears, said = _SERVER.Pipe(duplex=False)
        self._process = _SERVER.Process(target=_serves, args=(options, said), daemon=True)
        self._process.start()
        said.close()

    def lines(self) -> Iterator[str]:
        """What it prints, as it comes."""
        with open(self._hears.fileno(), encoding="utf-8", closefd=False) as lines:
            yield from lines

    def kill(self) -> None:
        """As a crash or a power cut."""
        self._process.kill()
        self._process.join()

    def stop(self) -> int | None:
        """As a service manager ends it; the exit code."""
        self._process.terminate()
        self._process.join(20)
        return self._process.exitcode
