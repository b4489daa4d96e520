"""`atm-sim doctor HOST:PORT`: each planted misconfiguration is the first cause it names; a correct peer gets none."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from click.testing import CliRunner, Result

from atm_sim.cli import main
from bank_host.iso8583 import build
from bank_host.iso8583.dialect_file import shipped
from tests.atm_sim.doctor.peers import MISCONFIGURED, as_host, listening, unchanged
from tests.atm_sim.doctor.samples import NOON_US


def doctor(port: int, *words: str) -> Result:
    options = ("--pause", "0.1", "--timeout", "1", *words)
    return CliRunner().invoke(main, ["doctor", f"127.0.0.1:{port}", *options])


def told(port: int, *words: str) -> dict[str, Any]:
    done = doctor(port, "--json", *words)
    assert done.exit_code in (0, 1), done.output
    data: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (1 if data["findings"] else 0)
    return data


@pytest.mark.parametrize("name", MISCONFIGURED)
def test_a_misconfigured_peer_is_told_this_cause_first_and_no_other(name: str) -> None:
    peer = MISCONFIGURED[name]
    with listening(as_host(peer)) as port:
        data = told(port, "--dialect", peer.dialect)
    assert [peer.cause] == [finding["cause"] for finding in data["findings"]], data


def test_no_setting_of_ours_is_advised_where_a_peer_writes_otherwise_than_it_reads() -> None:
    peer = MISCONFIGURED["length of answers counts itself"]
    with listening(as_host(peer)) as port:
        (finding,) = told(port, "--dialect", peer.dialect)["findings"]
    assert "have the peer write as it reads" in finding["next_step"]


@pytest.mark.parametrize("name", shipped())
def test_a_correct_peer_gets_no_finding(name: str) -> None:
    with listening(as_host(unchanged(name))) as port:
        named, unnamed = told(port, "--dialect", name), told(port)
    assert ([name], []) == (named["fits"], named["findings"])
    assert (True, []) == (name in unnamed["fits"], unnamed["findings"])


# ---------------------------------------------------------------- what is sent


def test_only_echoes_are_sent_on_at_most_twelve_connections_and_that_is_said_first() -> None:
    """A host that understands nothing: every probe comes, each a 0800 with DE70 301 in some form."""
    heard: list[bytes] = []

    def hears(data: bytes) -> tuple[bytes, bool]:
        heard.append(data)
        return b"", True

    with listening(hears) as port:
        done = doctor(port)
    assert done.output.startswith(
        f"sends to 127.0.0.1:{port} one echo (0800, DE70 301) on each of at most 12"
    )
    assert (1, 12) == (done.exit_code, len(heard))
    assert 12 == len(set(heard))
    assert all((b"0800" in data or b"\x08\x00" in data) and b"\x02\x00" not in data[2:] for data in heard)
    assert "none of 12 echoes was answered: 12 times the peer closed the connection" in done.output


def test_fewer_probes_if_asked_for() -> None:
    with listening(lambda data: (b"", True)) as port:
        assert 3 == len(told(port, "--probes", "3")["probes"])


def test_a_silent_peer_is_given_up_in_time() -> None:
    with listening(lambda data: (b"", False)) as port:
        data = told(port, "--probes", "1", "--timeout", "0.2")
    assert ["silent"] == [probe["outcome"] for probe in data["probes"]]
    assert "link.unanswered" == data["findings"][0]["cause"]


def test_a_sign_on_goes_first_if_asked_for() -> None:
    """A host that answers an echo with 91 before it has a sign-on."""
    signed_on = unchanged("atm-sim")
    before = signed_on._replace(answer=lambda answer: answer.but({39: "91" if answer[70] == "301" else "00"}))
    asked: list[str] = []

    def answers(heard: bytes) -> tuple[bytes, bool]:
        peer = signed_on if b"001" == heard[-3:] or asked else before
        asked.extend(["001"] if heard[-3:] == b"001" else [])
        return as_host(peer)(heard)

    with listening(answers) as port:
        assert ["answer.code"] == [each["cause"] for each in told(port, "--dialect", "atm-sim")["findings"]]
        assert [] == told(port, "--dialect", "atm-sim", "--sign-on")["findings"]


# ---------------------------------------------------------------- peers that call first


def _calling() -> bytes:
    """A sign-on of the peer's own."""
    dialect = unchanged("atm-sim").meant
    return dialect.framing.wrap(dialect.encode(build.network_request("001", stan=1, now_us=NOON_US)))


def test_a_peer_that_signs_on_by_itself_and_answers_gets_no_finding() -> None:
    with listening(as_host(unchanged("atm-sim")), greeting=_calling()) as port:
        assert [] == told(port, "--dialect", "atm-sim")["findings"]


def test_a_peer_that_only_talks_itself_has_not_answered() -> None:
    with listening(lambda data: (b"", False), greeting=_calling()) as port:
        data = told(port, "--dialect", "atm-sim", "--probes", "1")
    assert ["link.no_answer"] == [each["cause"] for each in data["findings"]]


# ---------------------------------------------------------------- peers that are something else


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (b"\x15\x03\x03\x00\x02\x02\x0a", "stranger.tls"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "stranger.http"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "stranger.ssh"),
        (b"what do you want?\r\n", "stranger.unknown"),
    ],
)
def test_a_peer_that_is_no_iso_8583_host_is_known_by_what_it_says(said: bytes, cause: str) -> None:
    with listening(lambda data: (said, True)) as port:
        data = told(port, "--dialect", "atm-sim", "--probes", "2")
    assert cause == data["findings"][0]["cause"]


def test_an_echo_server_is_no_host() -> None:
    with listening(lambda data: (data, False)) as port:
        data = told(port, "--dialect", "atm-sim", "--probes", "1")
    assert ["answer.reflected"] == [each["cause"] for each in data["findings"]]


def test_a_peer_that_never_stops_talking_is_read_within_bounds() -> None:
    with listening(lambda data: (b"x" * 1_000_000, True)) as port:
        data = told(port, "--dialect", "atm-sim", "--probes", "1")
    assert data["probes"][0]["bytes"] <= 8_192


def test_another_dialect_than_the_expected_is_named() -> None:
    with listening(as_host(unchanged("bcd-tpdu"))) as port:
        data = told(port, "--dialect", "atm-sim")
    assert ["dialect.other"] == [each["cause"] for each in data["findings"]]
    assert data["findings"][0]["what"].startswith("the peer speaks bcd-tpdu; atm-sim was expected")


# ---------------------------------------------------------------- a user's mistakes


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = doctor(port)
    assert (3, True) == (done.exit_code, f"127.0.0.1:{port} cannot be connected to" in done.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing-of-that-name",), "neither a file nor HOST:PORT"),
        (("127.0.0.1:99999",), "neither a file nor HOST:PORT"),
        (("127.0.0.1:1", "--dialect", "atm-sum"), "did you mean"),
        (("127.0.0.1:1", "--terminal", "TERMINAL00001"), "1 to 8 printable characters"),
        (("127.0.0.1:1", "--acquirer", "x"), "1 to 11 digits"),
        (("127.0.0.1:1", "--probes", "13"), "13 is not in the range"),
    ],
)
def test_a_mistake_is_told_and_exits_2(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(main, ["doctor", *words])
    assert (2, True) == (done.exit_code, said in done.stderr), done.output
