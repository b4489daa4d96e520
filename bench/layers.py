"""What each layer of the bank host costs for one withdrawal: `python -m bench.layers [--quick]` (make bench-layers).

Each layer alone, on the same messages, in batches of 32, as the processor time of this process; of a layer that
contains others, what is left without them. A store's cost is that of a batch in it less that of the batch in memory.
The last row is a real `bank-host serve` process with 32 clients on SQLite: what it takes beyond the sum is for event
loop, sockets, threads and figures. The baseline is the textbook's withdrawal on the `sqlite3` module.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import URL

from bank_host.clock import wall_clock
from bank_host.host import Bank
from bank_host.hsm import PVK, TPK, ZAK, Hsm
from bank_host.iso8583 import codec
from bank_host.iso8583.message import Message
from bank_host.issuing import pin_value
from bank_host.policy import load_policy
from bank_host.port.link import Ask, Link, LinkSettings
from bank_host.port.security import HsmSecurity
from bank_host.rules import RULES
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore
from bank_host.store.sql import SqlStore
from bench import decide
from bench.baselines import RawSqlite, postgresql
from bench.clients import DIALECT, HSM, sealed
from bench.command import quick, tell_result
from bench.customers import ATMS, PIN, open_customers, pan_of, withdrawal
from bench.host import BRIEF, Bench, Length, generator, new_database

BATCH = 32
NOW_US = wall_clock()()


class Layers:
    """One batch after the other through each layer; the processor time of each by round."""

    def __init__(self, stores: dict[str, Store], customers: int) -> None:
        self._hsm = Hsm.simulation()
        for store in stores.values():
            open_customers(store, self._hsm, customers, NOW_US)
        self.banks = {name: Bank(name, store, load_policy(), self._hsm) for name, store in stores.items()}
        self._pvv = {pan: pin_value(self._hsm, PIN, pan) for pan in map(pan_of, range(customers))}
        self._link = Link(
            DIALECT,
            LinkSettings(sign_on=False, mac_mandatory=True),
            NOW_US,
            security=HsmSecurity(self._hsm, 0),
        )
        self._stans, self._random = count(1), Random(1)
        self._request, self._facts = decide.cases()["approved"]
        self._figures = load_policy().on(decide.DAY)
        self.us: defaultdict[str, list[float]] = defaultdict(list)
        self._parts: defaultdict[str, list[float]] = defaultdict(list)

    def round(self) -> None:
        pans = self._random.sample(list(self._pvv), BATCH)
        sealed_ones = [
            sealed(withdrawal(HSM, pan, next(self._stans), NOW_US, self._random.choice(ATMS))) for pan in pans
        ]
        stream = b"".join(each.frame for each in sealed_ones)
        frames = self._timed("frame", lambda: DIALECT.framing.reader().feed(stream))
        payloads = [frame.payload for frame in frames]
        messages = self._timed("codec", lambda: [DIALECT.decode(payload) for payload in payloads])
        self._timed("MAC", lambda: [self._verified(payload) for payload in payloads])
        self._timed("PIN, card id", lambda: [self._compared(message) for message in messages])
        answers: Sequence[Message] = []
        for name, bank in self.banks.items():
            answers = self._timed(name, lambda bank=bank: bank.answer_many(messages, NOW_US))
        wrong = [answer for answer in answers if answer is None or answer[39] != "00"]
        if wrong:
            raise SystemExit("bench.layers: a withdrawal was not approved")
        self._timed("rules", self._decided)
        out = self._timed("codec", lambda: [DIALECT.encode(answer) for answer in answers])
        self._timed("kept", lambda: [codec.encode(answer) for answer in answers])
        self._timed("MAC", lambda: [self._hsm.mac(ZAK, data) for data in out])
        self._timed("frame", lambda: [DIALECT.framing.wrap(data) for data in out])
        self._timed("link", lambda: self._linked(stream, answers))
        for layer, parts in self._parts.items():
            self.us[layer].append(sum(parts))
        self._parts.clear()

    def _timed(self, layer: str, call: Callable[[], Any]) -> Any:
        begun = time.process_time()
        found = call()
        self._parts[layer].append((time.process_time() - begun) / BATCH * 1e6)
        return found

    def _verified(self, payload: bytes) -> None:
        covered = DIALECT.mac_input(payload)
        if covered is None or not self._hsm.verify_mac(ZAK, *covered):
            raise SystemExit("bench.layers: a MAC is not right")

    def _compared(self, message: Message) -> None:
        pan = message[2]
        self._hsm.card_id(pan)
        if not self._hsm.verify_pin(TPK, message[52], pan, PVK, self._pvv[pan]):
            raise SystemExit("bench.layers: a PIN is not right")

    def _decided(self) -> None:
        for _ in range(BATCH):
            RULES.precheck(self._request, self._facts, self._figures, decide.AT)
            RULES.decide(self._request, self._facts, self._figures, decide.AT)

    def _linked(self, stream: bytes, answers: Sequence[Message]) -> None:
        asked = [effect for effect in self._link.received(stream, NOW_US) if isinstance(effect, Ask)]
        for ask, answer in zip(asked, answers, strict=True):
            self._link.answered(ask.ticket, answer, NOW_US)

    def of(self, layer: str) -> float:
        return statistics.median(self.us[layer])

    def rows(self) -> dict[str, float]:
        """Each layer without the others."""
        frame, words, mac, pin, kept = map(self.of, ("frame", "codec", "MAC", "PIN, card id", "kept"))
        memory, rules = self.of("memory"), self.of("rules")
        stores = {f"storage, {name}": self.of(name) - memory for name in self.banks if name != "memory"}
        return {
            "frame: lengths read and written": frame,
            "codec: 0200 read, 0210 written, and again to be kept": words + kept,
            "crypto: MAC verified and made": mac,
            "crypto: PIN verification, card id": pin,
            "link: sign-on, tickets, bounds": self.of("link") - frame - words - mac,
            "rules: before the PIN and after it": rules,
            "bank: identity, facts, answer, two commits in memory": memory - pin - rules - kept,
            **stores,
        }


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, Store]]:
    """In memory, and on each engine that there is."""
    with ExitStack() as stack:
        server = stack.enter_context(postgresql())
        found: dict[str, Store] = {"memory": MemoryStore()}
        found["SQLite"] = SqlStore.create(URL.create("sqlite", database=f"{folder}/layers.sqlite"))
        if server is not None:
            found["PostgreSQL"] = SqlStore.create(new_database(server[0], "bench_layers"))
        yield found
        for store in found.values():
            store.close()


def whole_host(folder: Path, length: Length) -> float:
    """Processor time of a `bank-host serve` process for one withdrawal, 32 clients on SQLite."""
    bench = Bench("SQLite", URL.create("sqlite", database=f"{folder}/host.sqlite"), length)
    with generator() as executor, bench.serving(1, folder, executor):
        for _ in range(length.rounds):
            bench.measure(executor, "host", BATCH)
    if bench.faults:
        raise SystemExit(f"bench.layers: {bench.faults[0]}")
    return statistics.median(bench.host_us["host"])


def textbook(folder: Path, length: Length) -> float:
    """Processor time of the baseline's withdrawal."""
    raw, done = RawSqlite(folder / "raw.sqlite", length.customers), 0
    begun, cpu_s = time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < length.seconds:
        done += raw.withdraw()
    return (time.process_time() - cpu_s) / done * 1e6


def main(length: Length, rounds: int = 101) -> None:
    print(
        f"Processor time of one withdrawal by layer; medians of {rounds} interleaved rounds of {BATCH} messages each"
    )
    with tempfile.TemporaryDirectory(prefix="atm-sim-bench-") as name:
        folder = Path(name)
        with stores(folder) as found:
            layers = Layers(found, length.customers)
            for _ in range(rounds):
                layers.round()
        rows = layers.rows()
        host = whole_host(folder, length)
        baseline = textbook(folder, length)
    print(f"  {'':<56}{'us':>7}")
    for what, us in rows.items():
        print(f"  {what:<56}{us:>7.1f}")
    parts = sum(us for what, us in rows.items() if what != "storage, PostgreSQL")
    print(f"  {'event loop, sockets, threads, figures: the rest':<56}{host - parts:>7.1f}")
    print(f"  {'a whole host with 32 clients, on SQLite':<56}{host:>7.1f}")
    tell_result(
        "layers",
        host,
        "us of the host's processor time per withdrawal",
        baseline,
        less_is_better=True,
    )


if __name__ == "__main__":
    if quick():
        main(BRIEF, rounds=3)
    else:
        main(Length())
