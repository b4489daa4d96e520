"""What acquirer and switch do when an answer is late, missing, doubled or wrong (RS1-RS3, RS8, X8)."""

from __future__ import annotations

import pytest

from atm_sim.network.acquirer import Acquirer, AcquirerConfig
from atm_sim.network.switch import Switch, SwitchConfig
from atm_sim.sansio.effects import (
    CancelTimer,
    Connected,
    Disconnected,
    Effect,
    PowerRestored,
    Received,
    Record,
    SetTimer,
    TimerFired,
)
from atm_sim.sansio.matching import Counts
from bank_host.iso8583 import build
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.identity import match_key
from bank_host.iso8583.message import Message
from tests.atm_sim.network.small_network import (
    ACQUIRER_IDS,
    FOREIGN_PAN,
    NOON_US,
    OTHER_PAN,
    SECOND,
    acquirer,
    kinds,
    sent,
    switch,
    withdrawal,
)


def timer_of(effects: list[Effect]) -> SetTimer:
    (timer,) = [effect for effect in effects if isinstance(effect, SetTimer)]
    return timer


def switch_after_timeout(request: Message) -> tuple[Switch, list[Effect]]:
    machine = switch()
    timer = timer_of(machine.handle(Received("seven", request), NOON_US))
    return machine, machine.handle(TimerFired(timer.key), NOON_US + timer.after_us)


# ---------------- no answer


def test_without_answer_the_switch_queues_the_reversal_first_and_then_answers_91() -> None:
    request = withdrawal()
    _, effects = switch_after_timeout(request)
    assert ["timed_out", "reversal_queued"] == kinds(effects)
    (to_bank, reversal), (to_acquirer, answer) = sent(effects)
    assert ("our-bank", "0420", "timeout") == (to_bank, reversal.mti, reversal[60])
    assert ("seven", "0210", "91") == (to_acquirer, answer.mti, answer[39])
    assert match_key(request) == match_key(answer)


def test_the_stages_wait_35_and_25_seconds() -> None:
    assert 35 * SECOND == timer_of(acquirer().handle(Received("atm-1", withdrawal()), NOON_US)).after_us
    assert 25 * SECOND == timer_of(switch().handle(Received("seven", withdrawal()), NOON_US)).after_us


def test_acquirer_and_switch_reverse_one_request_with_the_same_message() -> None:
    """The issuer then posts it once, and its answer settles both queues."""
    request = withdrawal()
    _, from_switch = switch_after_timeout(request)
    machine = acquirer()
    timer = timer_of(machine.handle(Received("atm-1", request), NOON_US))
    from_acquirer = machine.handle(TimerFired(timer.key), NOON_US + timer.after_us)
    assert sent(from_switch)[0][1] == sent(from_acquirer)[0][1]


def test_the_reversal_is_a_well_formed_message_without_track_and_pin() -> None:
    request = withdrawal().but({35: "4999001234567890=15121010000", 52: "0123456789ABCDEF", 26: "04"})
    _, effects = switch_after_timeout(request)
    reversal = sent(effects)[0][1]
    assert reversal == decode(encode(reversal))
    assert not {35, 52} & set(reversal.fields)


def test_nothing_is_reversed_where_no_amount_could_move() -> None:
    _, effects = switch_after_timeout(withdrawal().but({3: "310000", 4: "000000000000"}))
    assert [("seven", "91")] == [(to, message[39]) for to, message in sent(effects)]


def test_a_timer_that_fires_after_the_answer_does_nothing() -> None:
    machine, request = switch(), withdrawal()
    timer = timer_of(machine.handle(Received("seven", request), NOON_US))
    effects = machine.handle(Received("our-bank", build.answer(request, "00")), NOON_US + SECOND)
    assert [CancelTimer(timer.key)] == [effect for effect in effects if isinstance(effect, CancelTimer)]
    assert [] == machine.handle(TimerFired(timer.key), NOON_US + timer.after_us)


# ---------------- answers that do not count


def test_a_late_approval_is_counted_and_never_passed_on() -> None:
    request = withdrawal()
    machine, _ = switch_after_timeout(request)
    effects = machine.handle(Received("our-bank", build.answer(request, "00")), NOON_US + 26 * SECOND)
    assert ["late_answer"] == kinds(effects)
    assert [] == sent(effects)
    assert Counts(late=1) == machine.counts("our-bank")


def test_a_second_answer_is_counted_and_never_passed_on() -> None:
    machine, request = acquirer(), withdrawal()
    machine.handle(Received("atm-1", request), NOON_US)
    machine.handle(Received("switch", build.answer(request, "00")), NOON_US)
    effects = machine.handle(Received("switch", build.answer(request, "00")), NOON_US)
    assert (["duplicate_answer"], []) == (kinds(effects), sent(effects))
    assert Counts(matched=1, duplicate=1) == machine.counts


def test_an_answer_without_its_terminal_is_unmatched_and_named_again_by_the_timeout() -> None:
    machine, request = switch(), withdrawal()
    timer = timer_of(machine.handle(Received("seven", request), NOON_US))
    damaged = build.answer(request, "00").but({41: None})
    (unmatched,) = machine.handle(Received("our-bank", damaged), NOON_US)
    assert isinstance(unmatched, Record)
    assert "unmatched_answer" == unmatched.kind
    assert "DE41 absent instead of ATM-1" in unmatched.reason
    timed_out = machine.handle(TimerFired(timer.key), NOON_US + timer.after_us)[0]
    assert isinstance(timed_out, Record)
    assert f"no answer fitted: {unmatched.reason}" == timed_out.reason


def test_an_answer_from_a_bank_that_was_not_asked_does_not_count() -> None:
    """One bank cannot approve for another: each has its own waiting keys."""
    machine, request = switch(), withdrawal(pan=OTHER_PAN)
    machine.handle(Received("seven", request), NOON_US)
    effects = machine.handle(Received("our-bank", build.answer(request, "00")), NOON_US)
    assert (["unmatched_answer"], []) == (kinds(effects), sent(effects))
    effects = machine.handle(Received("other-bank", build.answer(request, "51")), NOON_US)
    assert [("seven", "51")] == [(to, message[39]) for to, message in sent(effects)]


@pytest.mark.parametrize(
    "changes", [{39: None}, {4: "000000990000"}, {3: "210000"}, {37: "000000000000"}, {49: "840"}], ids=str
)
def test_an_answer_that_contradicts_its_request_is_treated_as_none(changes: dict[int, str | None]) -> None:
    """RS3: the terminal must not pay on it, and the issuer may have posted."""
    machine, request = switch(), withdrawal()
    machine.handle(Received("seven", request), NOON_US)
    effects = machine.handle(Received("our-bank", build.answer(request, "00").but(changes)), NOON_US)
    assert ["invalid_answer", "reversal_queued"] == kinds(effects)
    (_, reversal), (_, answer) = sent(effects)
    assert ("0420", "invalid_answer", "91") == (reversal.mti, reversal[60], answer[39])


def test_a_request_from_the_issuers_side_is_unsolicited() -> None:
    machine = switch()
    assert ["unsolicited"] == kinds(machine.handle(Received("our-bank", withdrawal()), NOON_US))
    assert Counts(unsolicited=1) == machine.counts("our-bank")


# ---------------- requests that come again


def test_a_doubled_request_goes_to_the_issuer_once() -> None:
    machine, request = switch(), withdrawal()
    machine.handle(Received("seven", request), NOON_US)
    effects = machine.handle(Received("seven", request), NOON_US)
    assert (["duplicate_request"], []) == (kinds(effects), sent(effects))


def test_a_repeat_is_passed_on_while_the_request_waits_and_does_not_prolong_the_wait() -> None:
    machine, request = switch(), withdrawal()
    machine.handle(Received("seven", request), NOON_US)
    effects = machine.handle(Received("seven", build.as_repeat(request)), NOON_US + SECOND)
    assert [("our-bank", "0201")] == [(to, message.mti) for to, message in sent(effects)]
    assert [] == [effect for effect in effects if isinstance(effect, SetTimer)]


def test_a_repeat_of_an_answered_request_gets_the_issuers_answer_again() -> None:
    machine, request = switch(), withdrawal()
    machine.handle(Received("seven", request), NOON_US)
    machine.handle(Received("our-bank", build.answer(request, "00")), NOON_US)
    machine.handle(Received("seven", build.as_repeat(request)), NOON_US + SECOND)
    effects = machine.handle(Received("our-bank", build.answer(request, "00")), NOON_US + 2 * SECOND)
    assert [("seven", "00")] == [(to, message[39]) for to, message in sent(effects)]


def test_a_repeat_of_a_reversed_request_is_answered_91_again_and_goes_nowhere() -> None:
    request = withdrawal()
    machine, _ = switch_after_timeout(request)
    effects = machine.handle(Received("seven", build.as_repeat(request)), NOON_US + 30 * SECOND)
    assert [("seven", "91")] == [(to, message[39]) for to, message in sent(effects)]


# ---------------- the same reversal from two stages


def test_one_acceptance_settles_the_switchs_reversal_and_goes_back_for_the_acquirers() -> None:
    machine, effects = switch_after_timeout(withdrawal())
    reversal = sent(effects)[0][1]
    machine.handle(Received("seven", reversal), NOON_US + 36 * SECOND)
    accepted = machine.handle(Received("our-bank", build.answer(reversal, "00")), NOON_US + 37 * SECOND)
    assert ["reversed", "passed_back"] == kinds(accepted)
    assert [("seven", "0430")] == [(to, message.mti) for to, message in sent(accepted)]
    again = machine.handle(Received("our-bank", build.answer(reversal, "00")), NOON_US + 38 * SECOND)
    assert (["duplicate_answer"], []) == (kinds(again), sent(again))


def test_an_acceptance_of_the_acquirers_reversal_is_no_duplicate_of_the_switchs() -> None:
    machine, effects = switch_after_timeout(withdrawal())
    reversal = sent(effects)[0][1]
    machine.handle(Received("our-bank", build.answer(reversal, "00")), NOON_US + 26 * SECOND)
    machine.handle(Received("seven", reversal), NOON_US + 36 * SECOND)
    accepted = machine.handle(Received("our-bank", build.answer(reversal, "00")), NOON_US + 37 * SECOND)
    assert ["passed_back"] == kinds(accepted)


# ---------------- routes


def test_a_card_without_a_route_is_answered_92_and_nothing_is_reversed() -> None:
    effects = switch().handle(Received("seven", withdrawal(pan=FOREIGN_PAN)), NOON_US)
    assert ["no_route"] == kinds(effects)
    assert [("seven", "92")] == [(to, message[39]) for to, message in sent(effects)]


def test_an_advice_without_a_route_stays_with_its_sender() -> None:
    advice = build.reversal_advice(withdrawal(pan=FOREIGN_PAN), "timeout", stan=2, now_us=NOON_US)
    effects = switch().handle(Received("seven", advice), NOON_US)
    assert [("seven", "0430", "92")] == [(to, message.mti, message[39]) for to, message in sent(effects)]


@pytest.mark.parametrize(
    ("pan", "issuer"),
    [
        ("4999110000000007", "other-bank"),
        ("4999109999999990", "our-bank"),
        ("4999", "our-bank"),
        ("499", ""),
        ("", ""),
    ],
)
def test_the_longest_prefix_wins(pan: str, issuer: str) -> None:
    assert issuer == switch().route(pan)


def test_an_unreachable_issuer_is_answered_91_at_once_without_a_reversal() -> None:
    """RS8: no byte left for it. The other bank is untouched; reachable again, all is as before."""
    machine = switch()
    machine.handle(Disconnected("our-bank"), NOON_US)
    effects = machine.handle(Received("seven", withdrawal()), NOON_US)
    assert (["unreachable"], [("seven", "91")]) == (kinds(effects), [(to, m[39]) for to, m in sent(effects)])
    other = machine.handle(Received("seven", withdrawal(stan=2, pan=OTHER_PAN)), NOON_US)
    assert ["other-bank"] == [to for to, _ in sent(other)]
    machine.handle(Connected("our-bank"), NOON_US)
    again = machine.handle(Received("seven", withdrawal(stan=3)), NOON_US)
    assert ["our-bank"] == [to for to, _ in sent(again)]


def test_an_advice_for_an_unreachable_issuer_is_not_answered_so_its_sender_repeats_it() -> None:
    machine = switch()
    machine.handle(Disconnected("our-bank"), NOON_US)
    advice = build.completion_advice(withdrawal(), stan=2, now_us=NOON_US)
    effects = machine.handle(Received("seven", advice), NOON_US)
    assert (["unreachable"], []) == (kinds(effects), sent(effects))


def test_every_switch_has_routes_of_its_own() -> None:
    first = Switch(SwitchConfig(acquirers=frozenset({"a"}), routes={"4": "x"}))
    second = Switch(SwitchConfig(acquirers=frozenset({"a"}), routes={"4": "y"}))
    assert ("x", "y") == (first.route("4"), second.route("4"))


# ---------------- senders and message types


def test_an_unknown_sender_is_refused_without_an_answer() -> None:
    effects = switch().handle(Received("stranger", withdrawal()), NOON_US)
    assert [("refused", "unknown_sender")] == [(r.kind, r.reason) for r in effects if isinstance(r, Record)]
    assert [] == sent(effects)


@pytest.mark.parametrize("mti", ["0210", "0430", "0100"])
def test_a_message_type_that_is_not_for_passing_on_is_refused(mti: str) -> None:
    message = withdrawal().but(mti=mti)
    for effects in (
        acquirer().handle(Received("atm-1", message), NOON_US),
        switch().handle(Received("seven", message), NOON_US),
    ):
        assert (["refused"], []) == (kinds(effects), sent(effects))


def test_the_acquirer_adds_its_identity_and_takes_it_out_of_the_answer() -> None:
    """An answer with an element that the terminal never sent would not match its request."""
    machine, request = acquirer(), withdrawal().but({32: None})
    ((_, forwarded),) = sent(machine.handle(Received("atm-1", request), NOON_US))
    assert request.but({32: "10001"}) == forwarded
    ((to, answer),) = sent(machine.handle(Received("switch", build.answer(forwarded, "00")), NOON_US))
    assert ("atm-1", match_key(request)) == (to, match_key(answer))


def test_an_own_card_goes_to_its_bank_and_not_over_the_switch() -> None:
    """On-us: request, answer, and the reversal of an answer that never came; every other card takes the switch."""
    machine = Acquirer(AcquirerConfig("seven", ACQUIRER_IDS["seven"], own_routes={"499911": "other-bank"}))
    own, foreign = withdrawal(pan=OTHER_PAN), withdrawal(stan=2)
    ((asked, forwarded),) = sent(machine.handle(Received("atm-1", own), NOON_US))
    assert ("other-bank", "switch") == (
        asked,
        sent(machine.handle(Received("atm-1", foreign), NOON_US))[0][0],
    )
    ((to, answer),) = sent(machine.handle(Received("other-bank", build.answer(forwarded, "00")), NOON_US))
    assert ("atm-1", "00") == (to, answer[39])

    silent = withdrawal(stan=3, pan=OTHER_PAN)
    timer = next(e for e in machine.handle(Received("atm-1", silent), NOON_US) if isinstance(e, SetTimer))
    given_up = sent(machine.handle(TimerFired(timer.key), NOON_US + timer.after_us))
    assert [("other-bank", "0420"), ("atm-1", "0210")] == [(to, message.mti) for to, message in given_up]


def test_a_card_that_the_switch_sends_back_is_not_on_us() -> None:
    """A bank that was not asked cannot answer, not even for its own card."""
    machine = Acquirer(AcquirerConfig("seven", ACQUIRER_IDS["seven"], own_routes={"499911": "other-bank"}))
    ((_, forwarded),) = sent(machine.handle(Received("atm-1", withdrawal()), NOON_US))
    assert [] == sent(machine.handle(Received("other-bank", build.answer(forwarded, "00")), NOON_US))


def test_events_of_other_machines_ask_for_nothing() -> None:
    assert [] == acquirer().handle(PowerRestored(), NOON_US)
    assert [] == switch().handle(PowerRestored(), NOON_US)


def test_the_records_name_terminal_chain_and_amount_and_never_the_card() -> None:
    request = withdrawal()
    records = [one for one in switch_after_timeout(request)[1] if isinstance(one, Record)]
    about = ("ATM-1", f"ATM-1/{request[37]}", 30_000)
    assert [about, about] == [(one.atm, one.request_id, one.amount_jpy) for one in records]
    assert request[2] not in repr(records)
