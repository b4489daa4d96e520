"""`bank-host serve` as a process: its start, its signals, its restart, and two of them on one database."""

from __future__ import annotations

import re
import signal
import sqlite3
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Barrier

import pytest
from sqlalchemy import URL

from bank_host.clock import wall_clock
from bank_host.example import Holding, open_example
from bank_host.host import Bank
from bank_host.hsm import TPK, Hsm
from bank_host.iso8583 import build
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.message import Message
from bank_host.jst import HOUR_US
from bank_host.passwords import Passwords
from bank_host.policy import load_policy
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.online_bank import NOON_US
from tests.bank_host.port.hosts import Host, running
from tests.bank_host.port.wire import ACQUIRER, PATIENCE_S, frame

HSM = Hsm.simulation()


def example_in(database: URL) -> list[Holding]:
    """The customers of an example bank, opened now in a migrated database."""
    store = SqlStore(open_engine(database))
    bank = Bank("example", store, load_policy(), HSM, passwords=Passwords.fast(b"test"))
    holdings = list(open_example(bank, Random(1), wall_clock()()))
    store.close()
    return holdings


def withdrawal(holder: Holding, stan: int, terminal: str = "ATM00007") -> Message:
    pan = holder.pan.reveal()
    return build.financial_request(
        "withdraw",
        pan=pan,
        amount_jpy=10_000,
        stan=stan,
        now_us=NOON_US,
        acceptor=build.Acceptor(terminal, "SHIBUYA", ACQUIRER),
        expiry_yymm=holder.expires,
        pin_block=HSM.encrypt_pin_block(TPK, holder.pin.reveal(), pan),
    )


def withdrawals_in(database: URL) -> Counter[str]:
    """How many withdrawals were approved, by account, in books that are in order."""
    store = SqlStore(open_engine(database))
    try:
        assert [] == list(verify(store))
        return Counter(row.account_id for row in store.authorisations() if row.code == "00")
    finally:
        store.close()


def read(host: Host, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{host.admin}{path}", timeout=PATIENCE_S) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize(("setting", "expected"), [("local_time", "94"), ("transmission_time", "00")])
def test_what_tells_requests_apart_is_the_setting_of_the_dialect_that_is_served(
    sqlite_databases: Callable[[], URL], tmp_path: Path, setting: str, expected: str
) -> None:
    """The same trace number at the same time of the terminal, and another amount; only DE7 differs."""
    database = sqlite_databases()
    holder = example_in(database)[0]
    (tmp_path / "theirs.toml").write_text(f'[link]\nidentity = "{setting}"\n', encoding="utf-8")
    with running(tmp_path, "--database", str(database.database), "--dialect", "theirs.toml") as host:
        peer = host.connect().sign_on()
        first = withdrawal(holder, 1)
        assert "00" == peer.ask(first)[39]
        assert expected == peer.ask(first.but({4: "000000020000", 7: "0115040001"}))[39]


def test_a_peer_whose_clock_is_two_hours_off_is_refused_and_the_log_says_by_how_much(
    sqlite_databases: Callable[[], URL], tmp_path: Path
) -> None:
    """The host holds DE7 against the computer's clock."""
    words = ("--database", str(sqlite_databases().database), "--time-window", "10")
    now_us = wall_clock()()
    with running(tmp_path, *words) as host:
        old = build.network_request("001", stan=1, now_us=now_us - 2 * HOUR_US)
        assert "30" == host.connect().ask(old)[39]
        assert "00" == host.connect().ask(build.network_request("001", stan=1, now_us=now_us))[39]
        assert 'bank_host_link_events_total{event="outside_window"} 1.0' in read(host, "/metrics")
        assert re.search("DE7 is 7[0-9]{3} s behind our clock", host.log())


def test_without_any_option_an_example_bank_is_served(tmp_path: Path) -> None:
    with running(tmp_path) as host:
        assert (tmp_path / "bank.sqlite").exists()
        assert (tmp_path / "bank-letters" / "hanako.letter.txt").exists()
        assert "published test keys: " in host.said[-1]
        host.connect().sign_on().close()
        assert ("ok\n", "ready\n") == (read(host, "/health"), read(host, "/ready"))
        assert 'bank_host_answers_total{code="00",mti="0810"} 1.0' in read(host, "/metrics")
        assert 0 == host.stop()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_answer_what_it_accepted(
    sqlite_databases: Callable[[], URL], tmp_path: Path, how: signal.Signals
) -> None:
    """All that was answered is posted, all that was posted was answered, and the exit code says so."""
    database = sqlite_databases()
    holder = example_in(database)[4]  # ¥12,000,000
    with running(tmp_path / "host", "--database", str(database.database)) as host:
        peer = host.connect().sign_on()
        peer.say(*(withdrawal(holder, stan) for stan in range(2, 22)))
        codes = [peer.hear()[39]]
        host.process.send_signal(how)
        codes += [peer.hear()[39] for _ in range(19)]
        assert peer.is_cut()
        peer.close()
        assert 0 == host.process.wait(PATIENCE_S)
    assert {holder.account_id: codes.count("00")} == withdrawals_in(database)


def test_neither_log_nor_figures_hold_anything_of_a_card(
    sqlite_databases: Callable[[], URL], tmp_path: Path
) -> None:
    """Good and bad business, garbage and wrong MACs, each with the card's number and PIN block in it."""
    database = sqlite_databases()
    holder = example_in(database)[0]
    message = withdrawal(holder, 2)
    data = encode(message)
    pan, block = message[2].encode(), message[52].encode()
    with running(tmp_path / "host", "--database", str(database.database)) as host:
        peer = host.connect()
        peer.say(message, build.network_request("001", stan=1, now_us=NOON_US), message)
        peer.say(message.but({64: "0" * 16}), build.answer(message, "00", {2: message[2]}))
        peer.send(frame(data.replace(b"0200", b"0299")) + frame(data.replace(block, b"x" + block[1:])))
        peer.send(frame(data + pan))
        assert ["91", "00"] == [peer.hear()[39], peer.hear()[39]]
        peer.send(pan)  # as a length this closes the link
        while peer.socket.recv(4_096):
            pass
        figures = read(host, "/metrics")
        peer.close()
        assert 0 == host.stop()
    log = host.log()
    assert {"not_signed_on", "mac_failure", "format_error", "unmatched_answer", "frame_error"} <= set(
        re.findall(r'"event": "(\w+)"', log)
    )
    for canary in (pan.decode(), pan.decode()[:12], block.decode(), holder.pin.reveal() + '"'):
        assert canary not in log + figures
    assert {holder.account_id: 1} == withdrawals_in(database)


def test_a_second_signal_ends_it_at_once(sqlite_databases: Callable[[], URL], tmp_path: Path) -> None:
    """Somebody else holds the database's lock, so that the bank cannot answer."""
    database = sqlite_databases()
    holder = example_in(database)[0]
    with running(tmp_path / "host", "--database", str(database.database)) as host:
        peer = host.connect().sign_on()
        lock = sqlite3.connect(str(database.database), isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        peer.say(withdrawal(holder, 2))
        assert "000003" == peer.ask(build.network_request("301", stan=3, now_us=NOON_US))[11]
        host.process.send_signal(signal.SIGTERM)
        while "stopping" not in host.log():
            assert host.process.poll() is None
        with pytest.raises(urllib.error.HTTPError) as not_ready:
            read(host, "/ready")
        assert (503, b"not ready: stopping\n") == (not_ready.value.code, not_ready.value.read())
        assert 3 == host.stop()
        lock.close()
        peer.close()


def test_after_a_restart_a_repeat_gets_the_same_bytes(database: URL, tmp_path: Path) -> None:
    holder = example_in(database)[0]
    address = database.render_as_string(hide_password=False)
    message = withdrawal(holder, 2)
    heard = []
    for message_now in (message, build.as_repeat(message)):
        with running(tmp_path / "host", "--database", address) as host:
            peer = host.connect().sign_on()
            peer.say(message_now)
            heard.append(peer.hear_bytes())
            peer.close()
            assert 0 == host.stop()
    assert heard[0] == heard[1]
    assert {holder.account_id: 1} == withdrawals_in(database)


def test_two_processes_on_one_postgresql_give_right_answers(
    postgresql_databases: Callable[[], URL], tmp_path: Path
) -> None:
    """Both pay from one account at once until it is empty; each message goes to both, one of them hears a repeat."""
    database = postgresql_databases()
    holder = example_in(database)[1]  # ¥80,000
    address = ("--database", database.render_as_string(hide_password=False))
    with (
        running(tmp_path / "a", *address, "--name", "a") as first,
        running(tmp_path / "b", *address, "--name", "b") as second,
        ThreadPoolExecutor(2) as pool,
    ):
        barrier = Barrier(2)

        def play(host: Host) -> list[bytes]:
            peer = host.connect().sign_on()
            barrier.wait()
            peer.say(*(withdrawal(holder, stan) for stan in range(2, 14)))
            heard = [peer.hear_bytes() for _ in range(12)]
            peer.close()
            return sorted(heard)

        answers = list(pool.map(play, (first, second)))
        assert (0, 0) == (first.stop(), second.stop())
    assert answers[0] == answers[1]
    codes = Counter(decode(data)[39] for data in answers[0])
    assert 12 == len(answers[0])
    assert {holder.account_id: codes["00"]} == withdrawals_in(database)
    assert 1 <= codes["00"] <= 8
