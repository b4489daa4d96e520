"""A host that approves everything and keeps nothing: what a load generator is measured against.

`python -m bench.null_host` prints its port. It speaks a dialect (`--dialect`) under the published keys; answers carry a
MAC where requests do. It can stand still for a while (`--freeze-at`, `--freeze-for`, seconds after the first request),
which is how one sees whether a generator notices; it then prints when it stood still, two moments of CLOCK_MONOTONIC in
seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import cast

from atm_sim.wire.keys import published
from bank_host.hsm.keys import ZAK
from bank_host.iso8583 import build
from bank_host.iso8583.dialect import DEFAULT, load_dialect
from bank_host.iso8583.message import Message

try:
    import uvloop
except ImportError:
    new_event_loop = asyncio.new_event_loop
else:
    new_event_loop = uvloop.new_event_loop


class NullHost(asyncio.Protocol):
    """One connection."""

    dialect = DEFAULT
    hsm = published(DEFAULT)
    freeze_at: float = 0.0
    freeze_for: float = 0.0
    first: float = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._reader = self.dialect.framing.reader()

    def data_received(self, data: bytes) -> None:
        answers = [self._answer(frame.payload) for frame in self._reader.feed(data)]
        self._transport.write(b"".join(answers))

    def _answer(self, payload: bytes) -> bytes:
        message = self.dialect.decode(payload)
        if message.mti[1] != "8":
            self._perhaps_freeze()
        macs = 64 in message or 128 in message
        answer = build.answer(message, "00", _approval(message))
        mac = (lambda data: self.hsm.mac(ZAK, data)) if macs else None
        return self.dialect.framing.wrap(self.dialect.encode(answer, mac=mac))

    def _perhaps_freeze(self) -> None:
        kind = type(self)
        now = time.monotonic()
        kind.first = kind.first or now
        if kind.freeze_for and now - kind.first >= kind.freeze_at:
            time.sleep(kind.freeze_for)
            kind.freeze_for = 0.0
            print(now, time.monotonic(), flush=True)


def _approval(message: Message) -> dict[int, str]:
    return {38: message[11]} if message.mti[:3] == "020" else {}


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(NullHost, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freeze-at", type=float, default=0.0)
    parser.add_argument("--freeze-for", type=float, default=0.0)
    parser.add_argument("--dialect", default=DEFAULT.name)
    options = parser.parse_args()
    NullHost.dialect = load_dialect(options.dialect)
    NullHost.hsm = published(NullHost.dialect)
    NullHost.freeze_at, NullHost.freeze_for = options.freeze_at, options.freeze_for
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve())


if __name__ == "__main__":
    main()
