"""Whom a load run talks to: our own host, started for it on a database of its own, or a host that the user names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from atm_sim.load.people import Carrier, enrolled
from atm_sim.scenario import Scenario
from atm_sim.scenario.loading import Load
from bank_host.address import Address
from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.policy import Policy
from bank_host.store.memory import MemoryStore
from bank_host.store.sql import SqlStore

START_S: Final = 60.0
STOP_S: Final = 30.0
_LISTENING: Final = re.compile(r"listening on (\S+):([0-9]+);")


class HostBroke(Exception):
    """Our own host could not be started, or did not stop in order."""


class OwnHost(NamedTuple):
    """The host of a run. Its database may be read when `stop` was called."""

    address: Address
    database: Path
    stop: Callable[[], None]


def make_database(
    database: Path, scenario: Scenario, load: Load, seed: int, policy: Policy, now_us: int
) -> list[Carrier]:
    """A bank's database with everybody's account; what its customers carry."""
    store = SqlStore.create(f"sqlite:///{database}", durable=False)
    try:
        return enrolled(scenario, load, seed, Bank("load", store, policy, Hsm.simulation()), now_us)
    finally:
        store.close()


def carriers(scenario: Scenario, load: Load, seed: int, policy: Policy, now_us: int) -> list[Carrier]:
    """What the same customers carry, where the host has its own database."""
    return enrolled(scenario, load, seed, Bank("load", MemoryStore(), policy, Hsm.simulation()), now_us)


@contextmanager
def own_host(database: Path, *options: str) -> Iterator[OwnHost]:
    """`bank-host serve` as another process on loopback, on a free port; it ends with the block at the latest."""
    with tempfile.TemporaryDirectory(prefix="atm-sim-load-") as folder:
        said, log = Path(folder) / "said", Path(folder) / "log"
        command = [sys.executable, "-m", "bank_host.cli", "serve", "--database", str(database), *options]
        command += ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--no-web", "--log", str(log)]
        ours = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # the same code as this
        ours.pop("BANK_HOST_KEYS", None)  # its bank is made under the published test keys
        with said.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=ours, start_new_session=True
            )  # Ctrl-C is for us: a run that is interrupted settles with its host before it stops it

        def stop() -> None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        try:
            yield OwnHost(_address(process, said), database, stop)
        finally:
            stop()


def _address(process: subprocess.Popen[bytes], said: Path) -> Address:
    give_up_at = time.monotonic() + START_S
    while time.monotonic() < give_up_at:
        text = said.read_text(encoding="utf-8", errors="replace")
        if found := _LISTENING.search(text):
            return Address(found[1], int(found[2]))
        if process.poll() is not None:
            raise HostBroke(f"our own host ended with exit code {process.returncode}: {text.strip()}")
        time.sleep(0.02)
    raise HostBroke(f"our own host was not ready within {START_S:g} s")
