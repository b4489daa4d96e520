"""The bench of the layers accounts for all that a host takes; what it measures is nobody's test."""

from __future__ import annotations

import re

import pytest

from bank_host.rules import RULES
from bank_host.rules.changes import Decision
from bank_host.store.memory import MemoryStore
from bench.layers import BATCH, Layers
from tests.bench.runs import told_by

pytestmark = pytest.mark.xdist_group("bench")


def test_frame_codec_crypto_rules_and_storage_and_their_sum() -> None:
    rows = {
        match[1]: float(match[2])
        for line in told_by("layers")
        if (match := re.fullmatch(r"  (\S.*?) +(-?[\d.]+)", line))
    }
    layers = ["frame", "codec", "crypto", "link", "rules", "bank", "storage", "event loop"]
    assert all(any(row.startswith(layer) for row in rows) for layer in layers)
    *parts, whole = (us for row, us in rows.items() if row != "storage, PostgreSQL")
    assert whole == pytest.approx(sum(parts), abs=1)


def test_a_refused_withdrawal_stops_the_bench() -> None:
    """Else a bank that refuses everything would look fast."""
    layers = Layers({"memory": MemoryStore()}, BATCH)
    layers.round()
    for bank in layers.banks.values():
        bank.rules = RULES._replace(precheck=lambda *_: Decision("91", "MALFUNCTION"))
    with pytest.raises(SystemExit, match="not approved"):
        layers.round()
