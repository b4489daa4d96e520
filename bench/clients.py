"""The load generator of `bench.host`: clients with one outstanding withdrawal each, over a few connections.

It runs in a process of its own. Messages differ in trace number, time, card, PIN block and MAC, and are built before
the clock starts; while it runs a message is sent and an answer kept, no more. Every answer is checked afterwards:
it is whole, its MAC is right, it approves, and it echoes what was asked.
"""

from __future__ import annotations

import gc
import selectors
import socket
import statistics
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from random import Random
from typing import NamedTuple

from bank_host.clock import wall_clock
from bank_host.hsm import ZAK, Hsm
from bank_host.iso8583 import build, network
from bank_host.iso8583.dialect import load_dialect
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.message import Message
from bench.customers import ATMS, pan_of, withdrawal

DIALECT_FILE = Path(__file__).with_name("retail-mac.toml")
DIALECT = load_dialect(str(DIALECT_FILE))
HSM = Hsm.simulation()
CONNECTIONS = 4
PATIENCE_S = 30.0
HOT_SHARE, HOT_ACCOUNTS = 0.2, 10

_STAN = slice(48, 54)
"""Where DE11 lies in an answer: behind type, bitmap, DE3, DE4 and DE7. The whole answer is read after the run."""


class Load(NamedTuple):
    """What is to be sent."""

    ports: tuple[int, ...]
    clients: int
    seconds: float
    first_stan: int
    customers: int
    hot: bool = False  # a fifth of the traffic on ten accounts

    @property
    def messages(self) -> int:
        """How many are built: more than get sent, on any machine this has been seen on."""
        return max(self.clients, round(min(1_500 * self.clients, 6_000) * self.seconds))


class Heard(NamedTuple):
    """What came of it."""

    per_s: float
    p50_ms: float
    p99_ms: float
    answers: int
    faults: tuple[str, ...]  # of answers that were not what they have to be
    cpu_share: float  # of one core, while the clock ran


class Request(NamedTuple):
    message: Message
    frame: bytes


def send(load: Load) -> Heard:
    """Send it all."""
    requests = {request.message[11].encode(): request for request in _requests(load)}
    with ExitStack() as stack:
        count = max(len(load.ports), min(CONNECTIONS, load.clients))
        ports = [port for port, _ in zip(cycle(load.ports), range(count), strict=False)]
        peers = [stack.enter_context(_Peer(port)) for port in ports]
        gc.collect()
        gc.disable()
        try:
            run = _Run(requests)
            run.go(peers, load.clients, load.seconds)
        finally:
            gc.enable()
    faults = [fault for answer in run.answers if (fault := fault_of(answer, requests))]
    if len(run.answers) != len(run.waits_s):
        faults.append("a trace number was answered twice, or never asked for")
    waits_ms = sorted(wait * 1e3 for wait in run.waits_s)
    return Heard(
        run.in_time / run.took_s,
        statistics.median(waits_ms),
        waits_ms[len(waits_ms) * 99 // 100],
        len(run.answers),
        tuple(faults),
        run.cpu_s / run.took_s,
    )


def _requests(load: Load) -> Iterator[Request]:
    random, now_us = Random(load.first_stan), wall_clock()()
    for stan in range(load.first_stan, load.first_stan + load.messages):
        hot = load.hot and random.random() < HOT_SHARE
        pan = pan_of(random.randrange(HOT_ACCOUNTS if hot else load.customers))
        yield sealed(withdrawal(HSM, pan, stan, now_us, random.choice(ATMS)))


def sealed(message: Message) -> Request:
    """The message in a frame, with its MAC."""
    payload = DIALECT.encode(message, mac=lambda data: HSM.mac(ZAK, data))
    return Request(message, DIALECT.framing.wrap(payload))


def fault_of(payload: bytes, requests: dict[bytes, Request]) -> str:
    """What is wrong with an answer, '' when it is as it has to be."""
    try:
        answer = DIALECT.decode(payload)
    except FormatError as error:
        return f"an answer cannot be read: {error}"
    covered = DIALECT.mac_input(payload)
    request = requests.get(answer.get(11).encode())
    if covered is None or not HSM.verify_mac(ZAK, *covered):
        return "an answer's MAC is not right"
    if request is None:
        return "an answer to nothing that was asked"
    asked = request.message
    if answer.mti != "0210" or answer.get(39) != "00" or 38 not in answer:
        return f"{answer.mti} with code {answer.get(39)} instead of an approval"
    wrong = [de for de in build.ECHOED if asked.get(de) != answer.get(de)]
    return f"DE{wrong[0]} is not echoed" if wrong else ""


class _Peer:
    """A connection that has signed on."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = DIALECT.framing.reader()

    def __enter__(self) -> _Peer:
        signing_on = build.network_request(network.SIGN_ON, stan=1, now_us=wall_clock()())
        self.socket.sendall(sealed(signing_on).frame)
        heard: list[bytes] = []
        while not heard:
            heard = self.hear()
        if DIALECT.decode(heard[0]).get(39) != network.APPROVED:
            raise SystemExit("bench.host: the host refused the sign-on")
        return self

    def __exit__(self, *raised: object) -> None:
        self.socket.close()

    def hear(self) -> list[bytes]:
        """The messages that the next bytes complete."""
        data = self.socket.recv(65_536)
        if not data:
            raise SystemExit("bench.host: the host closed the connection")
        return [frame.payload for frame in self._reader.feed(data)]


class _Run:
    """What happens while the clock runs."""

    def __init__(self, requests: dict[bytes, Request]) -> None:
        self._left = deque((stan, request.frame) for stan, request in requests.items())
        self._sent_s: dict[bytes, float] = {}
        self.answers: list[bytes] = []
        self.waits_s: list[float] = []
        self.in_time = 0  # answers until the time was over; those that come later are only checked
        self.took_s = self.cpu_s = 0.0

    def go(self, peers: Sequence[_Peer], clients: int, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            for peer in peers:
                selector.register(peer.socket, selectors.EVENT_READ, peer)
            cpu_s, begun = time.process_time(), time.perf_counter()
            until = begun + seconds
            for n, peer in enumerate(peers):
                self._ask(peer, len(range(n, clients, len(peers))))
            while self._sent_s:
                ready = selector.select(PATIENCE_S)
                if not ready:
                    raise SystemExit(f"bench.host: {len(self._sent_s)} requests were never answered")
                for key, _ in ready:
                    heard = key.data.hear()
                    now = time.perf_counter()
                    self._keep(heard, now)
                    if self.took_s:
                        continue
                    self.in_time += len(heard)
                    if now < until and self._left:
                        self._ask(key.data, len(heard))
                    else:  # the time is from the first request to these answers
                        self.took_s, self.cpu_s = now - begun, time.process_time() - cpu_s

    def _ask(self, peer: _Peer, count: int) -> None:
        frames: list[bytes] = []
        now = time.perf_counter()
        while self._left and len(frames) < count:
            stan, frame = self._left.popleft()
            self._sent_s[stan] = now
            frames.append(frame)
        peer.socket.sendall(b"".join(frames))

    def _keep(self, payloads: Sequence[bytes], now: float) -> None:
        for payload in payloads:
            self.answers.append(payload)
            sent = self._sent_s.pop(payload[_STAN], None)
            if sent is not None:
                self.waits_s.append(now - sent)
