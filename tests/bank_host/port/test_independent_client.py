"""A client made of pyiso8583 and psec talks to a real `bank-host serve`, and both read the same messages."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import URL

from bank_host.iso8583.dialect import load_dialect
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.crash.load import open_accounts
from tests.bank_host.hsm.ciphers import use_ciphers_of_today
from tests.bank_host.port.hosts import running
from tests.bank_host.port.plain_client import NETWORKS, Document, Exchange, Network, PlainClient, mac_of

pytestmark = pytest.mark.xdist_group("independent_client")

IN_OUR_TYPES = {"0400": "0420", "0401": "0421", "0410": "0430"}
IN_OUR_SERVICES = {"301000": "311000"}


class Talk(NamedTuple):
    """What was said on one connection, and by which names."""

    dialect: str
    network: Network
    ports: tuple[int, int]
    exchanges: list[Exchange]
    codes: list[str]
    balances_jpy: list[int]
    database: URL


@pytest.fixture(scope="module", autouse=True)
def _ciphers_of_today() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_ciphers_of_today(monkeypatch)
        yield


@pytest.fixture(scope="module", params=NETWORKS)
def talk(
    request: pytest.FixtureRequest,
    _ciphers_of_today: None,
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Talk:
    """Sign-on, two withdrawals, the second one taken back, each of these repeated, balances between, an echo."""
    folder, network = tmp_path_factory.mktemp(request.param), NETWORKS[request.param]
    database = URL.create("sqlite", database=str(shutil.copy(sqlite_template, folder / "bank.sqlite")))
    holder = open_accounts(database, 1)[0]
    with running(folder / "host", "--database", f"{database}", "--dialect", request.param) as host:
        client = PlainClient(network, host, holder)
        signed_on = client.manage("001")
        balances_jpy = [client.balance_jpy()]
        answers = [signed_on, client.withdraw(10_000), client.withdraw(20_000)]
        second = client.exchanges[-1].sent
        answers.append(client.again())
        balances_jpy.append(client.balance_jpy())
        answers += [client.take_back(second), client.again(), client.manage("301")]
        balances_jpy.append(client.balance_jpy())
        client.close()
        assert 0 == host.stop()
    codes = [answer["39"] for answer in answers]
    return Talk(request.param, network, client.address, client.exchanges, codes, balances_jpy, database)


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
    digits = 16 if talk.network.has_mac else 0
    pairs = [
        (before.answer, again.answer)
        for before, again in zip(talk.exchanges, talk.exchanges[1:], strict=False)
        if again.sent["t"].endswith("1")
    ]
    assert 2 == len(pairs)
    for before, again in pairs:
        assert before[: len(before) - digits] == again[: len(again) - digits]


def test_both_read_the_same_in_every_message(talk: Talk) -> None:
    dialect = load_dialect(talk.dialect)
    for exchange in talk.exchanges:
        for data, theirs in ((exchange.request, exchange.sent), (exchange.answer, exchange.heard)):
            ours = dialect.decode(data)
            assert in_our_terms(theirs) == {"t": ours.mti} | {
                str(de): text for de, text in ours.fields.items()
            }


def test_the_mac_is_psecs_where_the_dialect_asks_for_one(talk: Talk) -> None:
    """Of the 10 requests the two 0800 bring none; every answer has one."""
    sealed = [
        data
        for exchange in talk.exchanges
        for data, document in ((exchange.request, exchange.sent), (exchange.answer, exchange.heard))
        if document.keys() & {"64", "128"}
    ]
    assert (18 if talk.network.has_mac else 0) == len(sealed)
    for data in sealed:
        assert mac_of(data[:-16]) == data[-16:]


def in_our_terms(document: Document) -> Document:
    """What pyiso8583 reads, in our names for types and services; packed signs in characters."""
    mti, found = (
        document["t"],
        {key: text for key, text in document.items() if key not in ("t", "p", "1", "h")},
    )
    if "3" in found:
        found["3"] = IN_OUR_SERVICES.get(found["3"], found["3"])
    if len(found.get("28", "")) == 10:
        found["28"] = chr(int(found["28"][:2], 16)) + found["28"][2:]
    return {"t": IN_OUR_TYPES.get(mti, mti)} | found
