"""The asking end of a link: sign-on, keys, echo, MAC, and the four kinds of answers that fit nothing."""

from __future__ import annotations

from typing import Any

from atm_sim.wire.keys import BOTH, WireKeys, kinds, published
from atm_sim.wire.link import Answered, Close, LinkSettings, NotAnswered, Odd, Opened, WireLink, Write
from bank_host.hsm import Hsm
from bank_host.iso8583 import build
from bank_host.iso8583.dialect import Dialect, load_dialect, make_dialect
from bank_host.iso8583.dialect_file import parse_settings
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US
from bank_host.port.link import Link, Send
from bank_host.port.link import LinkSettings as BankSettings
from bank_host.port.security import HsmSecurity

NOW_US = 1_760_000_000_000_000
WAIT_US = 2 * SECOND_US
PLAIN = LinkSettings(sign_on=False, answer_within_us=WAIT_US, echo_after_us=0)
DIALECT = load_dialect("atm-sim")


def link(settings: LinkSettings = PLAIN, dialect: Dialect = DIALECT) -> WireLink[str]:
    made: WireLink[str] = WireLink(dialect, settings, WireKeys(Hsm.simulation(), 1), NOW_US)
    return made


def opened(settings: LinkSettings = PLAIN) -> WireLink[str]:
    made = link(settings)
    assert made.opened(NOW_US) == [Opened()]
    return made


def request(stan: int = 1, terminal: str = "T1") -> Message:
    return build.financial_request(
        "balance",
        pan="4999000000000018",
        amount_jpy=0,
        stan=stan,
        now_us=NOW_US,
        acceptor=build.Acceptor(terminal, "SHOP", "34"),
    )


def bytes_of(message: Message, mac: Any = None) -> bytes:
    return DIALECT.framing.wrap(DIALECT.encode(message, mac=mac))


def told(effects: list[Any]) -> list[Any]:
    return [effect for effect in effects if not isinstance(effect, Write)]


def test_an_answer_comes_back_with_what_its_request_was_sent_for():
    made = opened()
    made.send(request(), "mine", NOW_US)
    answer = build.answer(request(), "00")
    assert [Answered("mine", answer)] == made.received(bytes_of(answer), NOW_US)
    assert 1 == made.counts.answers.matched


def test_a_stream_may_be_cut_anywhere():
    made = opened()
    made.send(request(), "mine", NOW_US)
    data = bytes_of(build.answer(request(), "00"))
    effects = [effect for byte in data for effect in made.received(bytes([byte]), NOW_US)]
    assert ["mine"] == [effect.context for effect in effects]


def test_without_an_answer_the_request_is_given_up_when_its_time_is_up_and_a_late_answer_counts_as_late():
    made = opened()
    made.send(request(), "mine", NOW_US)
    assert [] == made.tick(NOW_US + WAIT_US - 1)
    assert [NotAnswered("mine", "")] == made.tick(NOW_US + WAIT_US)
    assert [Odd("late")] == made.received(bytes_of(build.answer(request(), "00")), NOW_US + WAIT_US)
    assert (1, 0, 0, 0) == odd_counts(made)


def test_a_second_answer_is_a_duplicate():
    made = opened()
    made.send(request(), "mine", NOW_US)
    data = bytes_of(build.answer(request(), "00"))
    assert [Odd("duplicate")] == made.received(data + data, NOW_US)[1:]
    assert (0, 0, 1, 0) == odd_counts(made)


def test_an_unmatched_answer_tells_the_key_looked_for_the_nearest_waiting_key_and_what_differs():
    made = opened()
    made.send(request(terminal="T1"), "mine", NOW_US)
    (odd,) = made.received(bytes_of(build.answer(request(terminal="T9"), "00")), NOW_US)
    assert "unmatched" == odd.kind
    assert odd.detail.startswith("looked for 0200/34/T9/000001/")
    assert odd.detail.endswith("DE41 T9 instead of T1")
    assert (0, 1, 0, 0) == odd_counts(made)
    (missed,) = made.tick(NOW_US + WAIT_US)
    assert odd.detail == missed.near_miss


def test_a_request_of_the_host_is_unsolicited():
    made = opened()
    assert [Odd("unsolicited", "0200")] == made.received(bytes_of(request()), NOW_US)
    assert (0, 0, 0, 1) == odd_counts(made)


def odd_counts(made: WireLink[str]) -> tuple[int, int, int, int]:
    """Late, unmatched, duplicate, unsolicited."""
    answers = made.counts.answers
    return answers.late, answers.unmatched, answers.duplicate, answers.unsolicited


def test_the_match_key_is_the_dialects():
    """A network that does not echo DE7 is matched without it; in our own dialect such an answer fits nothing."""
    loose = make_dialect("loose", parse_settings('[link.match]\n"0200" = [11, 41]\n', "loose.toml"))
    answer = bytes_of(build.answer(request(), "00").but({7: "0101000000"}))
    for dialect, expected in ((loose, ["Answered"]), (DIALECT, ["Odd"])):
        made = link(dialect=dialect)
        made.opened(NOW_US)
        made.send(request(), "mine", NOW_US)
        assert expected == [type(effect).__name__ for effect in made.received(answer, NOW_US)]


def test_a_lost_link_gives_back_what_waited():
    made = opened()
    made.send(request(), "mine", NOW_US)
    assert [NotAnswered("mine", "", lost=True), Close("lost")] == made.close("lost", NOW_US)
    assert [] == made.close("lost", NOW_US)


def test_bytes_that_are_no_frame_end_the_link_and_bytes_that_are_no_message_do_not():
    made = opened()
    (odd,) = made.received(DIALECT.framing.wrap(b"x" * 40), NOW_US)
    assert "format_error" == odd.kind
    assert made.closed is None
    assert "frame_error" == made.received(b"\x00\x00", NOW_US)[-1].reason


# ---------------- MAC


MACS = PLAIN._replace(macs=True)


def test_an_answer_whose_mac_is_wrong_or_missing_is_no_answer():
    keys = WireKeys(Hsm.simulation(), 1)
    made = opened(MACS)
    data = made.send(request(), "mine", NOW_US)
    assert DIALECT.mac_input(DIALECT.framing.reader().feed(data)[0].payload) is not None
    answer = build.answer(request(), "00")
    wrong = bytes_of(answer, lambda covered: "0" * 16)
    assert ["mac_failure"] == [odd.kind for odd in made.received(wrong, NOW_US)]
    assert ["mac_missing"] == [odd.kind for odd in made.received(bytes_of(answer), NOW_US)]
    assert ["mine"] == [each.context for each in made.received(bytes_of(answer, keys.mac_of), NOW_US)]
    assert (1, 1) == (made.counts.mac_failure, made.counts.mac_missing)


# ---------------- against the bank's own end of a link


def talk(made: WireLink[str], bank: Link, first: list[Any], now_us: int = NOW_US) -> list[Any]:
    """Carry bytes between both until nobody says anything; what the asking side tells its owner."""
    found, pending = [], first
    while pending:
        effect = pending.pop(0)
        if not isinstance(effect, Write):
            found.append(effect)
            continue
        for answer in bank.received(effect.data, now_us):
            if isinstance(answer, Send):
                pending += made.received(answer.data, now_us)
    return found


def bank_end(hsm: Hsm) -> Link:
    return Link(DIALECT, BankSettings(), NOW_US, security=HsmSecurity(hsm, 1))


def test_the_link_signs_on_and_is_open_then():
    made, bank = link(PLAIN._replace(sign_on=True)), bank_end(Hsm.simulation())
    assert [Opened()] == talk(made, bank, made.opened(NOW_US))
    assert bank.is_open


def test_keys_are_exchanged_before_business_and_both_ends_use_them():
    settings = PLAIN._replace(sign_on=True, macs=True, exchange=kinds(BOTH, DIALECT))
    made, bank = link(settings), bank_end(Hsm.simulation())
    assert [Opened()] == talk(made, bank, made.opened(NOW_US))
    assert 2 == made.counts.key_exchanges
    assert made.keys is not None
    assert all((made.keys.pin, made.keys.mac))
    effects = bank.received(made.send(request(), "mine", NOW_US), NOW_US)
    assert ["Ask"] == [type(effect).__name__ for effect in effects]


def test_what_is_exchanged_follows_from_the_dialect_and_its_published_keys_carry_it():
    """A PIN key is TDES on every link, since DE52 has eight bytes. A host that has to send MACs answers the exchange
    under the new key."""
    new = make_dialect("new", parse_settings('[mac]\nalgorithm = "aes-cmac"\n', "new.toml"))
    assert (("P0T", "M3T"), ("P0T", "M6A")) == (kinds(BOTH, DIALECT), kinds(BOTH, new))
    settings = PLAIN._replace(sign_on=True, macs=True, exchange=kinds(BOTH, new))
    made: WireLink[str] = WireLink(new, settings, WireKeys(published(new), 1), NOW_US)
    security = HsmSecurity(published(new), 1, "aes-cmac")
    bank = Link(new, BankSettings(mac_mandatory=True), NOW_US, security=security)
    assert [Opened()] == talk(made, bank, made.opened(NOW_US))
    effects = bank.received(made.send(request(), "mine", NOW_US), NOW_US)
    assert ["Ask"] == [type(effect).__name__ for effect in effects]


def test_a_key_that_the_host_does_not_take_ends_the_link():
    made = link(PLAIN._replace(sign_on=True, exchange=kinds(["mac"], DIALECT)))
    bank = Link(DIALECT, BankSettings(), NOW_US)
    assert "key_refused" == talk(made, bank, made.opened(NOW_US))[-1].reason


def test_a_refused_sign_on_ends_the_link_and_says_the_code():
    made = link(PLAIN._replace(sign_on=True))
    (asked,) = made.opened(NOW_US)
    message = DIALECT.decode(DIALECT.framing.reader().feed(asked.data)[0].payload)  # type: ignore[union-attr]
    refusal = made.received(bytes_of(build.answer(message, "91")), NOW_US)
    assert [Close("sign_on_refused", "DE39 91")] == refusal


def test_silence_is_broken_by_an_echo_and_a_host_that_stays_silent_is_left():
    made = link(PLAIN._replace(sign_on=True, echo_after_us=SECOND_US, managing_within_us=SECOND_US))
    bank = bank_end(Hsm.simulation())
    talk(made, bank, made.opened(NOW_US))
    echo = made.tick(NOW_US + SECOND_US)
    assert [] == talk(made, bank, list(echo), NOW_US + SECOND_US)
    assert 1 == made.counts.echoes
    made.tick(NOW_US + 2 * SECOND_US)
    made.tick(NOW_US + 3 * SECOND_US)
    assert "no_answer" == made.tick(NOW_US + 4 * SECOND_US)[-1].reason


def test_the_hosts_own_echo_and_key_are_answered():
    made, hsm = opened(), Hsm.simulation()
    theirs = WireKeys(hsm, 7)
    for code, block in (("301", ""), ("161", theirs.make())):
        asked = build.network_request(code, stan=5, now_us=NOW_US, key_block=block)
        (written,) = made.received(bytes_of(asked), NOW_US)
        assert "00" == DIALECT.decode(DIALECT.framing.reader().feed(written.data)[0].payload)[39]
    theirs.taken_over()
    assert made.keys is not None
    assert theirs.mac_of(b"x") == made.keys.mac_of(b"x")


def test_a_link_that_is_stopped_signs_off():
    made, bank = link(PLAIN._replace(sign_on=True)), bank_end(Hsm.simulation())
    talk(made, bank, made.opened(NOW_US))
    effects = made.stop(NOW_US)
    assert [Close("stopped")] == told(effects)
    bank.received(effects[0].data, NOW_US)  # type: ignore[union-attr]
    assert not bank.is_open
