"""The one flat row that everything that happened becomes; measures, checks and reports are views of it.

Columns are stable: new facts are new `kind`s, not new columns. `run` is a hash of scenario, seed and version,
never a time.
"""

from __future__ import annotations

from typing import NamedTuple


class EventRecord(NamedTuple):
    """One thing that happened; `time_us` is microseconds since midnight (JST) of the scenario's day."""

    run: str
    replication: int
    time_us: int
    kind: str  # arrived, inserted, sent, answered, dispensed, reversed, left, posted, act ...
    site: str = ""
    atm: str = ""
    actor: str = ""
    channel: str = ""  # atm, pc, smartphone, mobile, operator
    card_alias: str = ""  # never a PAN
    request_id: str = ""  # links the chain 0200 ... 0420 (DE41 + DE37)
    step: str = ""  # the scenario step ("3", or "3/2" for row 2 of a cases table)
    mti: str = ""
    amount_jpy: int = 0
    code: str = ""  # DE39
    reason: str = ""  # the host's or terminal's reason, lower case
    wait_us: int = 0
    service_us: int = 0
    latency_us: int = 0
    phase: str = ""  # warm_up, measured, cool_down
    service: str = ""  # withdraw, deposit, balance ...: on every row of a visit, `arrived` to `left`
