"""The scripted issuer over real sockets: each action as a peer sees it, and what the bank has booked of it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from bank_host.cli import main
from bank_host.port.scripted import ScriptedJudge
from bank_host.script import loads
from tests.bank_host.online_bank import OnlineBank, open_bank
from tests.bank_host.port.hosts import running
from tests.bank_host.port.wire import managing, served, withdrawal

UNTOUCHED, PAID = 250_000, 240_000


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


def judge(*rules: str) -> ScriptedJudge:
    lines = "".join(f"  - {rule}\n" for rule in rules)
    return ScriptedJudge(loads(f"rules:\n{lines}".encode()))


@pytest.mark.parametrize(
    ("do", "codes", "balance_jpy"),
    [
        ("answer 91", ["91"], UNTOUCHED),
        ("answer 00", ["00"], UNTOUCHED),
        ("silent", [], UNTOUCHED),
        ("lost", [], PAID),
        ("twice", ["00", "00"], PAID),
        ("[answer 51, twice]", ["51", "51"], UNTOUCHED),
        ("late 1 ms", ["00"], PAID),
        ("[answer 91, late 1 ms]", ["91"], UNTOUCHED),
        ('{DE39: "61"}', ["61"], PAID),
    ],
)
def test_a_peer_gets_what_the_rule_says_and_the_bank_books_what_it_hears_of(
    do: str, codes: list[str], balance_jpy: int, online: OnlineBank
) -> None:
    with served(online.bank, judge=judge(f'{{when: {{mti: "0200"}}, do: {do}}}')) as port:
        peer = port.connect().sign_on()
        peer.say(withdrawal(online, 2))
        assert codes == [peer.hear()[39] for _ in codes]
        assert port.until(lambda: online.account().posted_jpy == balance_jpy)
        assert "0810" == peer.ask(managing("301", 9)).mti  # nothing else came
    assert balance_jpy == online.account().posted_jpy


def test_a_late_answer_is_overtaken_by_what_comes_after_it(online: OnlineBank) -> None:
    with served(online.bank, judge=judge("{when: {DE41: ATM00007}, do: late 2 s}")) as port:
        peer = port.connect().sign_on()
        peer.say(withdrawal(online, 2))
        assert "00" == peer.ask(withdrawal(online, 3, terminal="ATM00008"))[39]
        assert "000002" == peer.hear()[11]


def test_a_connection_is_cut_and_the_next_one_works(online: OnlineBank) -> None:
    with served(online.bank, judge=judge('{when: {mti: "0200"}, do: close, times: 1}')) as port:
        peer = port.connect().sign_on()
        peer.say(withdrawal(online, 2))
        assert peer.is_cut()
        assert UNTOUCHED == online.account().posted_jpy
        assert "00" == port.connect().sign_on().ask(withdrawal(online, 2))[39]


def test_elements_of_the_answer_are_left_out_and_garbled(online: OnlineBank) -> None:
    rules = judge('{when: {mti: "0200"}, do: [drop DE41, garble DE11]}')
    with served(online.bank, judge=rules) as port:
        answer = port.connect().sign_on().ask(withdrawal(online, 2))
    assert ("00", False) == (answer[39], 41 in answer)
    assert "000002" != answer[11]


def test_what_no_rule_strikes_is_the_real_banks(online: OnlineBank) -> None:
    with served(online.bank, judge=judge("{when: {DE41: ATM00009}, do: silent}")) as port:
        peer = port.connect().sign_on()
        assert "00" == peer.ask(withdrawal(online, 2))[39]
        assert "55" == peer.ask(withdrawal(online, 3, pin="0000"))[39]
    assert PAID == online.account().posted_jpy


def test_the_log_names_the_rule(online: OnlineBank, caplog: pytest.LogCaptureFixture) -> None:
    rules = judge("{name: seven is away, when: {DE41: ATM00007}, do: answer 91, times: 1}")
    with caplog.at_level(logging.INFO, "bank_host.port.scripted"), served(online.bank, judge=rules) as port:
        peer = port.connect().sign_on()
        assert ["91", "00"] == [peer.ask(withdrawal(online, stan))[39] for stan in (2, 3)]
    (record,) = (each for each in caplog.records if each.message == "scripted")
    expected = {"rule": "seven is away", "mti": "0200", "terminal": "ATM00007", "stan": "000002"}
    assert expected == vars(record)["facts"]


def test_a_host_serves_a_script_and_its_log_names_the_rule(online: OnlineBank, tmp_path: Path) -> None:
    (tmp_path / "away.yaml").write_text(
        "rules:\n  - {name: away, when: {DE41: ATM*}, do: answer 91}\n", "utf-8"
    )
    with running(tmp_path, "--script", "away.yaml") as host:
        assert "bank-host: 1 rules of away.yaml come before the bank\n" in host.said
        assert "91" == host.connect().sign_on().ask(withdrawal(online, 2))[39]
        lines = [json.loads(line) for line in host.log().splitlines()]
        assert ["away"] == [line["rule"] for line in lines if line["event"] == "scripted"]
        assert 0 == host.stop()


def test_a_wrong_script_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("rules:\n  - do: silnt\n", "utf-8")
    result = CliRunner().invoke(main, ["serve", "--script", str(tmp_path / "wrong.yaml")])
    assert 2 == result.exit_code
    assert "wrong.yaml:2:9: unknown action 'silnt'; did you mean 'silent'?" in result.stderr
