"""A client made of pyiso8583 and psec talks to a real `bank-host serve`, and both read the same messages."""

from __future__ import annotations

from collections import Counter

import pytest

from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.hsm.ciphers import use_ciphers_of_today
from tests.bank_host.port.plain_client import Talk, as_we_read, in_our_terms

pytestmark = pytest.mark.xdist_group("talk")


def test_everything_is_approved_and_booked_once(talk: Talk) -> None:
    assert ["00"] * 7 == talk.codes
    first, second, third = talk.balances_jpy
    fee_jpy = 165  # of the second use in a month, below ¥30,000
    assert (first - 30_000 - fee_jpy, first - 10_000) == (second, third)
    store = SqlStore(open_engine(talk.database))
    kinds = Counter(row.kind for row in store.journal())
    found = list(verify(store))
    store.close()
    assert [] == found
    assert {"opening": 1, "withdrawal": 2, "reversal": 1} == kinds


def test_a_repeat_gets_the_same_bytes(talk: Talk) -> None:
    mac_bytes = talk.network.mac_bytes
    pairs = [
        (before.answer, again.answer)
        for before, again in zip(talk.exchanges, talk.exchanges[1:], strict=False)
        if again.sent["t"].endswith("1")
    ]
    assert 2 == len(pairs)
    for before, again in pairs:
        assert before[: len(before) - mac_bytes] == again[: len(again) - mac_bytes]


def test_both_read_the_same_in_every_message(talk: Talk) -> None:
    for data, theirs in talk.messages():
        assert in_our_terms(theirs) == as_we_read(talk.dialect, data)


def test_the_mac_is_psecs(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10 requests the two 0800 bring none; they are answered with one only where every message has to have it."""
    use_ciphers_of_today(monkeypatch)
    network = talk.network
    sealed = [data for data, theirs in talk.messages() if theirs.keys() & {"64", "128"}]
    wanted = 0 if not network.mac else 18 if network.has_to_mac else 16
    assert wanted == len(sealed)
    for data in sealed:
        covered, mac = data[: -network.mac_bytes], data[-network.mac_bytes :]
        assert network.mac_of(covered) == mac
