"""The Locust user: comes to an ATM, waits for the answer, and tells Locust what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from locust import User, task
from locust.exception import StopUser

from atm_sim.load.record import NO_ANSWER
from atm_sim.locust.multiplexer import Multiplexer, Share
from atm_sim.runner.files import open_scenario
from bank_host.address import read_address
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.dialect import load_dialect
from bank_host.policy import load_policy


class NotApproved(Exception):
    """What Locust's table of failures shows: a decline by its code, or that nobody answered."""


class AtmUser(User):
    """A customer of the `load:` block of `scenario`; `--host HOST:PORT` says whose ATMs they are."""

    abstract = True
    scenario: ClassVar[str] = ""
    dialect: ClassVar[str] = "atm-sim"
    most_workers: ClassVar[int] = 16  # into so many parts customers and trace numbers are split
    _wires: ClassVar[dict[int, Multiplexer]] = {}  # by environment: one for each process

    def on_start(self) -> None:
        key = id(self.environment)
        if key not in self._wires:
            self._wires[key] = self._multiplexer()
            self.environment.events.test_stop.add_listener(_stops(self._wires, key))

    @task
    def visit(self) -> None:
        """One transaction."""
        wires = self._wires.get(id(self.environment))
        if wires is None:
            raise StopUser
        done = wires.ask()
        if done is None:
            self._tell("connect", 0.0, NotApproved(f"no connection to {self.host}"))
            return
        error = None
        if done.code == NO_ANSWER:
            error = NotApproved("no answer; reversed")
        elif response_code(done.code).action != "pay":
            error = NotApproved(f"{done.code} {response_code(done.code).name_en}")
        self._tell(done.deed.service, (done.answered_us - done.sent_us) / 1_000, error)

    def _tell(self, name: str, took_ms: float, error: Exception | None) -> None:
        self.environment.events.request.fire(
            request_type="0200",
            name=name,
            response_time=took_ms,
            response_length=0,
            exception=error,
            context={},
        )

    def _multiplexer(self) -> Multiplexer:
        address = read_address(self.host or "")
        if address is None:
            raise ValueError("--host HOST:PORT names the bank host, such as 127.0.0.1:8583")
        number = max(0, getattr(self.environment.runner, "worker_index", 0))
        if number >= self.most_workers:
            raise ValueError(f"worker {number + 1} of at most {self.most_workers}; raise most_workers")
        scenario = open_scenario(Path(self.scenario), load_policy()).scenario
        if scenario.load is None:
            raise ValueError(f"{self.scenario} has no load: block")
        return Multiplexer(scenario, Share(number, self.most_workers), address, load_dialect(self.dialect))


def _stops(wires: dict[int, Multiplexer], key: int) -> Any:
    def stop(**_: Any) -> None:
        if (found := wires.pop(key, None)) is not None:
            found.stop()

    return stop
