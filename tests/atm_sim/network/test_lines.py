"""Sign-on, echoes, keys and cut-over: business goes only where both ends have agreed on it."""

from __future__ import annotations

import pytest

from atm_sim.network.lines import Lines, LineSettings
from atm_sim.sansio.effects import Effect, Received, Record, Send, SetTimer
from bank_host.hsm.link_keys import LinkKeys
from bank_host.iso8583 import build, network
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.message import Message
from tests.atm_sim.network.small_network import NOON_US, SECOND, Switch, SwitchConfig, kinds, sent, withdrawal

SIGNED = LineSettings(sign_on=True, echo_every_us=60 * SECOND)


def fresh(count: int) -> bytes:
    return bytes(range(1, count + 1))


def keys(neighbour: str) -> LinkKeys:
    return LinkKeys.simulation(fresh)


def asked(effects: list[Effect]) -> Message:
    (message,) = [effect.message for effect in effects if isinstance(effect, Send)]
    return message


class Pair:
    """A caller and the node it calls, and what each of them recorded."""

    def __init__(self) -> None:
        self.caller = Lines(["bank"], SIGNED, keys)
        self.called = Lines([], SIGNED, keys)
        self.rows: list[Record] = []

    def talk(self, effects: list[Effect]) -> None:
        """Carry 0800s over and their answers back, as bytes, until neither has more to say."""
        while effects:
            self.rows += [effect for effect in effects if isinstance(effect, Record)]
            requests = [decode(encode(e.message)) for e in effects if isinstance(e, Send)]
            effects = []
            for request in requests:
                told = self.called.received("switch", request, NOON_US)
                self.rows += [effect for effect in told if isinstance(effect, Record)]
                effects += self.caller.received("bank", decode(encode(asked(told))), NOON_US)

    @property
    def recorded(self) -> list[str]:
        return [row.kind for row in self.rows]


def test_a_line_carries_business_once_its_sign_on_is_accepted() -> None:
    pair = Pair()
    assert (False, False) == (pair.caller.is_open("bank"), pair.called.has_signed_on("switch"))
    pair.talk(pair.caller.connected("bank", NOON_US))
    assert (True, True) == (pair.caller.is_open("bank"), pair.called.has_signed_on("switch"))
    assert ["signed_on", "signed_on"] == pair.recorded


def test_without_sign_on_a_connection_is_enough() -> None:
    lines = Lines(["bank"])
    assert lines.is_open("bank")
    assert lines.has_signed_on("anybody")
    lines.disconnected("bank")
    assert not lines.is_open("bank")
    assert [] == lines.connected("bank", NOON_US)
    assert lines.is_open("bank")


def test_a_sign_on_without_an_answer_is_tried_again_in_the_background() -> None:
    lines = Lines(["bank"], SIGNED)
    first = lines.connected("bank", NOON_US)
    (timer,) = [effect for effect in first if isinstance(effect, SetTimer)]
    assert timer.background
    vain = lines.timer_fired(timer.key, NOON_US + timer.after_us) or []
    assert ["network_unanswered"] == kinds(vain)
    (pause,) = [effect for effect in vain if isinstance(effect, SetTimer)]
    assert (SIGNED.retry_us, True) == (pause.after_us, pause.background)
    again = lines.timer_fired(pause.key, NOON_US + timer.after_us + pause.after_us)
    assert again is not None
    assert network.SIGN_ON == asked(again)[70]


def test_an_answer_that_comes_after_the_wait_still_signs_a_slow_line_on() -> None:
    """Otherwise both ends would ask and answer for ever (found by the fuzzer)."""
    pair = Pair()
    request = asked(pair.caller.connected("bank", NOON_US))
    answer = asked(pair.called.received("switch", request, NOON_US))
    pair.caller.timer_fired("line/bank", NOON_US + SIGNED.answer_wait_us)
    pair.talk(pair.caller.received("bank", answer, NOON_US + 18 * SECOND))
    assert pair.caller.is_open("bank")


def test_after_a_sign_off_business_stops_until_the_next_sign_on() -> None:
    pair = Pair()
    pair.talk(pair.caller.connected("bank", NOON_US))
    pair.talk(pair.caller.sign_off("bank", NOON_US))
    assert (False, False) == (pair.caller.is_open("bank"), pair.called.has_signed_on("switch"))
    pair.talk(pair.caller.sign_on("bank", NOON_US))
    assert (True, True) == (pair.caller.is_open("bank"), pair.called.has_signed_on("switch"))


def test_two_echoes_in_a_row_without_an_answer_close_the_line_and_it_is_signed_on_again() -> None:
    pair = Pair()
    pair.talk(pair.caller.connected("bank", NOON_US))
    codes, kinds_seen, now_us = [], [], NOON_US
    for _ in range(5):
        effects = pair.caller.timer_fired("line/bank", now_us) or []
        now_us += 60 * SECOND
        codes += [message[70] for _, message in sent(effects)]
        kinds_seen += kinds(effects)
        if "line_closed" in kinds_seen:
            break
    assert [network.ECHO, network.ECHO] == codes
    assert ["network_unanswered", "network_unanswered", "line_closed"] == kinds_seen
    assert not pair.caller.is_open("bank")
    pair.talk(pair.caller.timer_fired("line/bank", now_us) or [])
    assert pair.caller.is_open("bank")


def test_one_missing_echo_is_forgiven_by_the_next_answer() -> None:
    pair = Pair()
    pair.talk(pair.caller.connected("bank", NOON_US))
    for _ in range(4):
        pair.caller.timer_fired("line/bank", NOON_US)  # an echo leaves and is lost
        pair.talk(pair.caller.timer_fired("line/bank", NOON_US) or [])  # the next one is answered
    assert pair.caller.is_open("bank")
    assert "line_closed" not in pair.recorded


def test_keys_are_exchanged_and_verified_and_never_travel_in_the_clear() -> None:
    pair = Pair()
    pair.talk(pair.caller.connected("bank", NOON_US))
    effects = pair.caller.exchange_keys(NOON_US)
    assert fresh(16).hex().upper() not in asked(effects)[48]
    pair.talk(effects)
    assert "key_changed" == pair.recorded[-1]


@pytest.mark.parametrize("spoil", ["00" * 19, "", "no key at all"])
def test_a_key_that_does_not_check_is_refused(spoil: str) -> None:
    pair = Pair()
    pair.talk(pair.caller.connected("bank", NOON_US))
    request = asked(pair.caller.exchange_keys(NOON_US))
    spoilt = request.but({48: spoil}) if spoil else request.but({48: None})
    answer = asked(pair.called.received("switch", spoilt, NOON_US))
    assert network.SECURITY_VIOLATION == answer[39]
    assert ["key_refused"] == kinds(pair.caller.received("bank", answer, NOON_US))


def test_a_neighbour_hears_of_a_cut_over_until_it_has_confirmed_both_ends() -> None:
    lines = Lines(["bank"], SIGNED)
    lines.received("bank", build.answer(asked(lines.connected("bank", NOON_US)), "00"), NOON_US)
    begins = asked(lines.cut_over(NOON_US))
    again = asked(lines.timer_fired("line/bank", NOON_US) or [])  # its answer was lost
    assert [network.CUT_OVER_BEGINS] * 2 == [begins[70], again[70]]
    ends = asked(lines.received("bank", build.answer(again, "00"), NOON_US))
    assert network.CUT_OVER_ENDS == ends[70]
    assert ["cut_over"] == kinds(lines.received("bank", build.answer(ends, "00"), NOON_US))


def test_a_neighbour_that_was_away_hears_of_the_cut_over_when_it_signs_on() -> None:
    lines = Lines(["bank"], SIGNED)
    assert [] == lines.cut_over(NOON_US)
    told = lines.received("bank", build.answer(asked(lines.connected("bank", NOON_US)), "00"), NOON_US)
    assert network.CUT_OVER_BEGINS == asked(told)[70]


def test_an_unknown_network_code_is_answered_12() -> None:
    request = build.network_request("999", stan=1, now_us=NOON_US)
    assert network.UNKNOWN_CODE == network.CalledSide().received("switch", request)[39]


def test_business_before_the_sign_on_is_refused_and_an_advice_stays_with_its_sender() -> None:
    config = SwitchConfig(acquirers=frozenset({"seven"}), routes={"4999": "our-bank"}, lines=SIGNED)
    machine = Switch(config)
    effects = machine.handle(Received("seven", withdrawal()), NOON_US)
    assert [("seven", "91")] == [(to, message[39]) for to, message in sent(effects)]
    assert [("refused", "not_signed_on")] == [(r.kind, r.reason) for r in effects if isinstance(r, Record)]
    advice = build.completion_advice(withdrawal(), stan=2, now_us=NOON_US)
    assert [] == sent(machine.handle(Received("seven", advice), NOON_US))
