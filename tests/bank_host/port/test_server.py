"""The port over real sockets: what a terminal, a switch, a stranger and an operator see of it."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from bank_host.iso8583 import build
from bank_host.iso8583.codec import encode
from bank_host.iso8583.dialect import load_dialect
from bank_host.iso8583.dialect_file import shipped
from bank_host.port.batches import BatchSettings
from bank_host.port.server import PortSettings
from bank_host.port.verdict import Verdict
from tests.bank_host.online_bank import HANAKO, SHOP, TARO, OnlineBank, open_bank
from tests.bank_host.port.wire import PATIENT, HeldBank, bits, frame, managing, served, withdrawal

pytestmark = pytest.mark.usefixtures("loop")
SETTINGS = PortSettings(link=PATIENT)


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


# ---------------- business


def test_a_withdrawal_is_paid_and_posted(online: OnlineBank) -> None:
    with served(online.bank) as port:
        answer = port.connect().sign_on().ask(withdrawal(online, 2))
    assert ("0210", "00", "000002") == (answer.mti, answer[39], answer[11])
    assert 240_000 == online.account().posted_jpy


@pytest.mark.parametrize("name", shipped())
def test_every_dialect_that_is_shipped_is_served(online: OnlineBank, name: str) -> None:
    with served(online.bank, dialect=load_dialect(name)) as port:
        answer = port.connect().sign_on().ask(withdrawal(online, 2))
    assert ("0210", "00", "000002") == (answer.mti, answer[39], answer[11])


def test_business_before_the_sign_on_is_refused_and_counted(online: OnlineBank) -> None:
    with served(online.bank) as port:
        assert "91" == port.connect().ask(withdrawal(online, 2))[39]
        assert 1 == port.events("not_signed_on")
    assert 250_000 == online.account().posted_jpy


def test_pipelined_messages_are_all_answered(online: OnlineBank) -> None:
    with served(online.bank) as port:
        peer = port.connect()
        asked = [withdrawal(online, stan, account=who) for stan, who in enumerate((HANAKO, TARO, SHOP), 2)]
        peer.say(managing("001"), *asked)
        answers = [peer.hear() for _ in range(4)]
    assert {"000001", "000002", "000003", "000004"} == {answer[11] for answer in answers}
    assert ["00"] * 4 == [answer[39] for answer in answers]


def test_a_message_in_single_bytes_is_one_message(online: OnlineBank) -> None:
    with served(online.bank) as port:
        peer = port.connect().sign_on()
        for byte in frame(encode(withdrawal(online, 2))):
            peer.send(bytes([byte]))
        assert "00" == peer.hear()[39]


def test_a_repeat_gets_the_same_bytes_and_posts_nothing(online: OnlineBank) -> None:
    with served(online.bank) as port:
        first, second = port.connect().sign_on(), port.connect().sign_on()
        message = withdrawal(online, 2)
        first.say(message)
        answer = first.hear_bytes()
        second.say(build.as_repeat(message))
        assert answer == second.hear_bytes()
    assert 240_000 == online.account().posted_jpy


def test_what_gathers_while_the_bank_is_busy_is_decided_together(online: OnlineBank) -> None:
    held = HeldBank(online.bank)
    with served(held) as port:
        peer = port.connect().sign_on()
        peer.say(withdrawal(online, 2))
        assert held.reached.wait(20)
        peer.say(*(withdrawal(online, stan) for stan in range(3, 11)))
        peer.ask(managing("301", 99))  # an echo is answered by the link itself: what came before it is queued
        held.released.set()
        assert {"00"} == {peer.hear()[39] for _ in range(9)}
    assert [1, 8] == held.batches


# ---------------- the bounds, each where it bites


def test_a_full_link_answers_91_and_keeps_silent_to_advices(online: OnlineBank) -> None:
    held = HeldBank(online.bank)
    with served(held, settings=bits(SETTINGS, most_waiting=2)) as port:
        peer = port.connect().sign_on()
        asked = withdrawal(online, 5)
        advice = build.reversal_advice(asked, "timeout", stan=6, now_us=0)
        peer.say(withdrawal(online, 2), withdrawal(online, 3), advice, withdrawal(online, 4))
        refused = peer.hear()
        assert ("000004", "91") == (refused[11], refused[39])
        held.released.set()
        assert {"000002", "000003"} == {peer.hear()[11], peer.hear()[11]}
        assert 2 == port.events("queue_full")


def test_a_full_queue_of_the_bank_answers_91(online: OnlineBank) -> None:
    held = HeldBank(online.bank)
    with served(held, settings=SETTINGS._replace(batch=BatchSettings(most_waiting=1))) as port:
        peer = port.connect().sign_on()
        peer.say(withdrawal(online, 2))
        assert held.reached.wait(20)
        peer.say(withdrawal(online, 3), withdrawal(online, 4))
        refused = peer.hear()
        assert ("000004", "91") == (refused[11], refused[39])
        held.released.set()
        assert ["00", "00"] == [peer.hear()[39], peer.hear()[39]]


def test_one_connection_more_than_there_may_be_is_cut(online: OnlineBank) -> None:
    with served(online.bank, settings=SETTINGS._replace(most_connections=2)) as port:
        first, second = port.connect().sign_on(), port.connect().sign_on()
        assert port.connect().is_cut()
        assert port.has_closed("too_many_connections")
        assert {"00"} == {first.ask(managing("301", 2))[39], second.ask(managing("301", 2))[39]}


class Somebody:
    """A connection from an address that is not loopback."""

    peer = "192.0.2.1"
    place = 0


def test_one_address_may_have_so_many_connections_unless_it_is_loopback(online: OnlineBank) -> None:
    with served(online.bank, settings=SETTINGS._replace(most_per_peer=2)) as port:
        connections: list[Any] = [Somebody() for _ in range(3)]
        reasons = [port.port.joined(connection) for connection in connections]
        assert [None, None, "too_many_of_peer"] == reasons
        port.port.left(connections[0])
        port.port.left(connections[2])
        assert port.port.joined(connections[2]) is None
        assert ["00"] * 3 == [port.connect().ask(managing("001"))[39] for _ in range(3)]
        for connection in connections:
            port.port.left(connection)


def test_whoever_does_not_sign_on_is_cut(online: OnlineBank) -> None:
    with served(online.bank, settings=bits(SETTINGS, sign_on_within_us=20_000)) as port:
        assert port.connect().is_cut()
        assert port.has_closed("no_sign_on")


def test_a_frame_that_comes_too_slowly_is_cut_off(online: OnlineBank) -> None:
    """Slow loris: the first bytes of a message, and the rest never."""
    with served(online.bank, settings=bits(SETTINGS, whole_frame_us=20_000)) as port:
        peer = port.connect().sign_on()
        peer.send(frame(encode(withdrawal(online, 2)))[:40])
        assert peer.is_cut()
        assert port.has_closed("slow_frame")


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff", b"\x00\x00", b"\x00\x05hello", b"\x08\x01" + b"0" * 9]
)
def test_what_cannot_be_a_frame_closes_at_once(online: OnlineBank, data: bytes) -> None:
    with served(online.bank) as port:
        peer = port.connect()
        peer.send(data)
        assert peer.is_cut()
        assert port.has_closed("frame_error")


def test_a_message_cut_short_by_the_peer_is_no_message(online: OnlineBank) -> None:
    with served(online.bank) as port:
        peer = port.connect().sign_on()
        peer.send(frame(encode(withdrawal(online, 2)))[:-1])
        peer.socket.shutdown(1)
        assert peer.is_cut()
    assert 250_000 == online.account().posted_jpy


def test_a_peer_that_sends_no_more_still_gets_its_answers(online: OnlineBank) -> None:
    with served(online.bank) as port:
        peer = port.connect().sign_on()
        peer.say(withdrawal(online, 2))
        peer.socket.shutdown(1)
        assert "00" == peer.hear()[39]
        assert peer.is_cut()


def test_a_peer_that_does_not_read_is_cut(online: OnlineBank) -> None:
    """It sends echoes and never reads: what is kept for it has a bound, and so has the time."""
    with served(online.bank, settings=SETTINGS._replace(write_us=20_000)) as port:
        peer = port.connect().sign_on()
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        echoes = frame(encode(managing("301", 2))) * 200_000
        with pytest.raises(ConnectionError):
            peer.send(echoes)
        assert port.has_closed("peer_does_not_read")


def test_a_peer_that_is_quiet_is_sent_an_echo_and_cut_when_two_stay_unanswered(online: OnlineBank) -> None:
    settings = bits(SETTINGS, echo_after_us=20_000, echo_wait_us=20_000)
    with served(online.bank, settings=settings) as port:
        peer = port.connect().sign_on()
        assert [("0800", "301")] * 2 == [(echo.mti, echo[70]) for echo in (peer.hear(), peer.hear())]
        assert peer.is_cut()
        assert port.has_closed("no_answer")


# ---------------- the end


def test_a_stop_answers_what_was_accepted_and_then_closes(online: OnlineBank) -> None:
    held = HeldBank(online.bank)
    with served(held) as port:
        busy, idle = port.connect().sign_on(), port.connect().sign_on()
        busy.say(withdrawal(online, 2))
        assert held.reached.wait(20)
        stopping = port.begin_to_stop()
        assert idle.is_cut()
        busy.say(withdrawal(online, 3))
        late = busy.hear()
        assert ("000003", "91") == (late[11], late[39])
        held.released.set()
        assert ("000002", "00") == (busy.hear()[11], "00")
        assert busy.is_cut()
        assert stopping.result(20)
        with pytest.raises(ConnectionError):
            port.connect()
    assert 240_000 == online.account().posted_jpy


def test_a_bank_that_does_not_answer_in_time_does_not_keep_the_stop_waiting(online: OnlineBank) -> None:
    held = HeldBank(online.bank)
    with served(held, settings=SETTINGS._replace(stop_us=20_000)) as port:
        peer = port.connect().sign_on()
        peer.say(withdrawal(online, 2))
        assert held.reached.wait(20)
        assert not port.stop()
        assert peer.is_cut()
        held.released.set()


# ---------------- a word before the bank's


@pytest.mark.parametrize(
    ("verdict", "answers"),
    [
        (Verdict(copies=2), ["00", "00"]),
        (Verdict(delay_us=1_000), ["00"]),
        (Verdict(silent=True), []),
        (Verdict(copies=0), []),
    ],
)
def test_a_script_has_the_first_word(online: OnlineBank, verdict: Verdict, answers: list[str]) -> None:
    with served(online.bank, judge=lambda message, now_us: verdict) as port:
        peer = port.connect().sign_on()
        peer.say(withdrawal(online, 2))
        assert answers == [peer.hear()[39] for _ in answers]
        assert "000009" == peer.ask(managing("301", 9))[11]


def test_a_script_can_answer_close_and_leave_elements_out(online: OnlineBank) -> None:
    asked = withdrawal(online, 2)

    def judge(message: object, now_us: int) -> Verdict:
        return verdicts.pop(0)

    verdicts = [
        Verdict(answer=build.answer(asked, "91")),
        Verdict(answer=build.answer(asked, "91"), delay_us=1_000),
        Verdict(treat=lambda answer: answer.but({41: None})),
        Verdict(close=True),
    ]
    with served(online.bank, judge=judge) as port:
        peer = port.connect().sign_on()
        assert ["91", "91"] == [peer.ask(asked)[39], peer.ask(asked)[39]]
        assert 41 not in peer.ask(asked)
        peer.say(asked)
        assert peer.is_cut()
    assert 240_000 == online.account().posted_jpy
