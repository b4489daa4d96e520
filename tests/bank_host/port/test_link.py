"""A link without sockets and clocks: what it answers, what the bank hears of, and what ends it."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.iso8583 import build
from bank_host.iso8583.bounds import MAX_BYTES
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.dialect import Dialect, load_dialect
from bank_host.iso8583.dialect_file import shipped
from bank_host.iso8583.framing import Frame
from bank_host.iso8583.message import Message
from bank_host.jst import DAY_US, SECOND_US
from bank_host.port.link import Ask, Close, Effect, Link, LinkSettings, Send, Speaker, Told
from tests.bank_host.online_bank import NOON_US
from tests.bank_host.port.wire import FRAMING, frame, managing

DIALECT = load_dialect("atm-sim")
SETTINGS = LinkSettings()


class FakeKeys:
    """A key module whose keys are their own names: enough to tell one key from another."""

    def __init__(self, key: str = "") -> None:
        self.key = key

    @property
    def in_force(self) -> bool:
        return bool(self.key)

    def mac_of(self, data: bytes) -> str:
        return hmac.new(self.key.encode(), data, hashlib.sha256).hexdigest()[:16].upper()

    def verify(self, data: bytes, mac: str) -> bool:
        return self.mac_of(data) == mac

    def at_home(self, message: Message) -> Message:
        return message

    def make(self) -> str:
        raise NotImplementedError

    def accept(self, block: str) -> bool:
        if block.startswith("key "):
            self.key = block
        return block.startswith("key ")

    def check_value(self) -> str:
        return self.key[-2:]

    def same(self, check_value: str) -> bool:
        return check_value == self.check_value()


class Line:
    """A link, and the peer's way of talking to it."""

    def __init__(self, settings: LinkSettings = SETTINGS, **how: object) -> None:
        self.keys = how.get("security")
        dialect, wall = how.pop("dialect", DIALECT), lambda: self.wall_us
        self.link = Link(dialect, settings, NOON_US, wall_clock=wall, **how)  # type: ignore[arg-type]
        self.now_us = NOON_US
        self.wall_us = NOON_US

    def signed_on(self) -> Line:
        assert "signed_on" in self.events(self.say(managing("001")))
        return self

    def hear(self, data: bytes) -> list[Effect]:
        return self.link.received(data, self.now_us)

    def say(self, message: Message, mac: FakeKeys | None = None) -> list[Effect]:
        return self.hear(frame(DIALECT.encode(message, mac=None if mac is None else mac.mac_of)))

    def later(self, us: int) -> list[Effect]:
        self.now_us += us
        return self.link.tick(self.now_us)

    @staticmethod
    def events(effects: list[Effect]) -> list[str]:
        return [effect.event for effect in effects if isinstance(effect, Told)]

    @staticmethod
    def answers(effects: list[Effect]) -> list[Message]:
        data = b"".join(effect.data for effect in effects if isinstance(effect, Send))
        return [decode(frame.payload) for frame in FRAMING.reader().feed(data)]

    @staticmethod
    def codes(effects: list[Effect]) -> list[str]:
        return [answer[39] for answer in Line.answers(effects)]

    @staticmethod
    def asked(effects: list[Effect]) -> list[Message]:
        return [effect.message for effect in effects if isinstance(effect, Ask)]

    @staticmethod
    def ended(effects: list[Effect]) -> list[str]:
        return [effect.reason for effect in effects if isinstance(effect, Close)]


def withdrawal(stan: int = 2, terminal: str = "ATM00007", acquirer: str = "34") -> Message:
    return build.financial_request(
        "withdraw",
        pan="4999000000000013",
        amount_jpy=10_000,
        stan=stan,
        now_us=NOON_US,
        acceptor=build.Acceptor(terminal, "SHIBUYA", acquirer),
    )


# ---------------- what passes

REVERSAL = build.reversal_advice(withdrawal(), "timeout", stan=3, now_us=NOON_US)
ANSWER = build.answer(withdrawal(), "00")


@pytest.mark.parametrize(
    ("message", "open_", "to_the_bank", "codes", "events"),
    [
        (managing("001"), False, 0, ["00"], ["signed_on"]),
        (managing("002"), True, 0, ["00"], ["signed_off"]),
        (managing("301"), False, 0, ["00"], []),
        (managing("301"), True, 0, ["00"], []),
        (managing("201"), True, 0, ["00"], ["cut_over"]),
        (managing("202"), True, 0, ["00"], ["cut_over"]),
        (managing("999"), True, 0, ["12"], []),
        (managing("161", key_block="key 1"), True, 0, ["63"], ["key_refused"]),  # this link has no keys
        (withdrawal(), False, 0, ["91"], ["not_signed_on"]),
        (build.as_repeat(withdrawal()), False, 0, ["91"], ["not_signed_on"]),
        (REVERSAL, False, 0, [], ["not_signed_on"]),
        (withdrawal(), True, 1, [], []),
        (build.as_repeat(withdrawal()), True, 1, [], []),
        (REVERSAL, True, 1, [], []),
        (ANSWER, True, 0, [], ["unmatched_answer"]),
        (build.answer(managing("301"), "00"), True, 0, [], ["unmatched_answer"]),
    ],
)
def test_what_becomes_of_a_message(
    message: Message, open_: bool, to_the_bank: int, codes: list[str], events: list[str]
) -> None:
    line = Line()
    effects = (line.signed_on() if open_ else line).say(message)
    assert to_the_bank == len(line.asked(effects))
    assert (codes, events, []) == (line.codes(effects), line.events(effects), line.ended(effects))


def test_after_the_sign_off_business_is_refused() -> None:
    line = Line().signed_on()
    line.say(managing("002"))
    assert ["91"] == line.codes(line.say(withdrawal()))


def test_without_the_duty_to_sign_on_business_passes_at_once_and_nobody_is_cut_for_it() -> None:
    line = Line(SETTINGS._replace(sign_on=False))
    assert 1 == len(line.asked(line.say(withdrawal())))
    assert [] == line.later(SETTINGS.sign_on_within_us)


def test_the_bank_s_answer_goes_back_once() -> None:
    line = Line().signed_on()
    line.say(withdrawal())
    assert ["00"] == line.codes(line.link.answered(1, ANSWER, line.now_us))
    assert [] == line.link.answered(1, ANSWER, line.now_us)


def test_where_the_bank_keeps_silent_so_does_the_link() -> None:
    line = Line().signed_on()
    line.say(REVERSAL)
    assert [Told("not_answered", "0420")] == line.link.answered(1, None, line.now_us)


def test_what_a_link_may_have_waiting_is_bounded() -> None:
    line = Line(SETTINGS._replace(most_waiting=1)).signed_on()
    line.say(withdrawal(2))
    assert ["91"] == line.codes(line.say(withdrawal(3)))
    line.link.answered(1, ANSWER, line.now_us)
    assert 1 == len(line.asked(line.say(withdrawal(4))))


def test_a_stopping_link_takes_no_business_and_closes_after_its_last_answer() -> None:
    line = Line().signed_on()
    line.say(withdrawal())
    assert [] == line.link.stop(line.now_us)
    assert ["91"] == line.codes(line.say(withdrawal(3)))
    assert ["stopping"] == line.ended(line.link.answered(1, ANSWER, line.now_us))


def calling() -> Line:
    """A link that we made and have signed on."""
    line = Line(calls=True)
    (sign_on,) = line.answers(line.link.opened(line.now_us))
    line.say(build.answer(sign_on, "00"))
    return line


def test_where_we_have_signed_on_we_sign_off_after_the_last_answer_and_close_when_that_is_answered() -> None:
    line = calling()
    line.say(withdrawal())
    assert [] == line.link.stop(line.now_us)
    answer, sign_off = line.answers(line.link.answered(1, ANSWER, line.now_us))
    assert ("0210", "0800", "002") == (answer.mti, sign_off.mti, sign_off[70])
    assert ["91"] == line.codes(line.say(withdrawal(3)))
    assert [Told("signed_off", "002"), Close("stopping")] == line.say(build.answer(sign_off, "00"))


def test_a_switch_that_does_not_answer_the_sign_off_is_waited_for_shortly() -> None:
    line = calling()
    line.link.stop(line.now_us)
    assert [] == line.later(SETTINGS.sign_off_wait_us - 1)
    assert [Told("answer_missing", "002"), Close("stopping")] == line.later(1)


def test_nobody_signs_off_twice_nor_where_only_the_peer_had_signed_on() -> None:
    line = calling()
    line.link.stop(line.now_us)
    assert [] == line.link.stop(line.now_us)
    assert [Close("stopping")] == Line().signed_on().link.stop(NOON_US)
    unanswered = Line(calls=True)
    unanswered.link.opened(NOON_US)
    assert [Close("stopping")] == unanswered.link.stop(NOON_US)


def test_a_switch_that_sends_no_more_is_not_waited_for() -> None:
    line = calling()
    line.link.stop(line.now_us)
    assert [Close("peer_closed")] == line.link.stop(line.now_us, "peer_closed")


# ---------------- MAC and keys


def test_a_right_mac_is_answered_with_one() -> None:
    keys = FakeKeys("key 1")
    line = Line(security=keys).signed_on()
    assert [withdrawal()] == [m.but({64: None}) for m in line.asked(line.say(withdrawal(), keys))]
    (answer,) = line.answers(line.link.answered(1, ANSWER, line.now_us))
    assert keys.mac_of(encode(answer)[:-16]) == answer[64]
    assert ANSWER == answer.but({64: None})


@pytest.mark.parametrize("held", ["", "key 2"])
def test_a_wrong_mac_is_answered_63_and_the_bank_hears_nothing(held: str) -> None:
    line = Line(security=FakeKeys(held)).signed_on()
    effects = line.say(withdrawal(), FakeKeys("key 1"))
    assert ([], ["63"], ["mac_failure"]) == (line.asked(effects), line.codes(effects), line.events(effects))


def test_a_mac_on_a_link_without_keys_is_wrong() -> None:
    line = Line().signed_on()
    assert ["63"] == line.codes(line.say(withdrawal(), FakeKeys("key 1")))


def test_the_mac_is_of_the_bytes_that_came() -> None:
    """One digit of the amount changed on the way."""
    keys = FakeKeys("key 1")
    line = Line(security=keys).signed_on()
    data = DIALECT.encode(withdrawal(), mac=keys.mac_of)
    changed = data.replace(b"000000010000", b"000000090000")
    assert ["63"] == line.codes(line.hear(frame(changed)))


def test_leaving_the_mac_out_is_no_way_round_it() -> None:
    line = Line(SETTINGS._replace(mac_mandatory=True), security=FakeKeys("key 1")).signed_on()
    effects = line.say(withdrawal())
    assert ([], ["63"], ["mac_missing"]) == (line.asked(effects), line.codes(effects), line.events(effects))


def test_so_many_wrong_macs_close_the_link() -> None:
    line = Line(SETTINGS._replace(most_violations=2), security=FakeKeys("key 2")).signed_on()
    assert [] == line.ended(line.say(withdrawal(), FakeKeys("key 1")))
    assert ["violations"] == line.ended(line.say(withdrawal(), FakeKeys("key 1")))


def test_a_key_exchange_puts_the_key_in_force_and_is_verified() -> None:
    keys = FakeKeys("key 1")
    line = Line(security=keys).signed_on()
    assert ["00"] == line.codes(line.say(managing("161", key_block="key 2")))
    assert ["00"] == line.codes(line.say(managing("162", key_block=" 2")))
    assert ["63"] == line.codes(line.say(managing("162", key_block=" 1")))
    assert ["63"] == line.codes(line.say(managing("161", key_block="no key")))
    assert ["63"] == line.codes(line.say(withdrawal(), FakeKeys("key 1")))
    assert 1 == len(line.asked(line.say(withdrawal(), FakeKeys("key 2"))))


def test_repeats_are_answered_alike_but_for_the_mac() -> None:
    """Between request and repeat the key has changed."""
    keys = FakeKeys("key 1")
    line = Line(security=keys).signed_on()
    line.say(withdrawal(), keys)
    (first,) = line.answers(line.link.answered(1, ANSWER, line.now_us))
    line.say(managing("161", key_block="key 2"))
    line.say(build.as_repeat(withdrawal()), keys)
    (again,) = line.answers(line.link.answered(2, ANSWER, line.now_us))
    assert first[64] != again[64]
    assert first.but({64: None}) == again.but({64: None})


# ---------------- in whose name


@pytest.mark.parametrize(
    ("speaker", "message", "passes"),
    [
        (Speaker(terminals=frozenset({"ATM00007"})), withdrawal(), True),
        (Speaker(terminals=frozenset({"ATM00007"})), withdrawal(terminal="ATM00008"), False),
        (Speaker(acquirers=frozenset({"34", "101"})), withdrawal(acquirer="00000000034"), True),
        (Speaker(acquirers=frozenset({"34", "101"})), withdrawal(acquirer="102"), False),
        (Speaker(acquirers=frozenset({"34"})), managing("301"), True),
        (Speaker(acquirers=frozenset({"34"})), managing("301", acquirer_id="102"), False),
    ],
)
def test_a_peer_speaks_in_its_own_name_only(speaker: Speaker, message: Message, passes: bool) -> None:
    line = Line(speaker=speaker).signed_on()
    effects = line.say(message)
    assert passes == ("other_speaker" not in line.events(effects))
    assert passes == (line.codes(effects) != ["63"])


# ---------------- when it was sent

WINDOW_US = SETTINGS.window_us


@pytest.mark.parametrize(
    ("message", "asked", "codes"),
    [
        (withdrawal(), 1, []),
        (managing("301"), 0, ["00"]),
        (build.as_repeat(withdrawal()), 1, []),
        (REVERSAL, 1, []),
        (build.completion_advice(withdrawal(), stan=4, now_us=NOON_US), 1, []),
    ],
)
@pytest.mark.parametrize(
    "clock_off_us", [WINDOW_US, -WINDOW_US, WINDOW_US + SECOND_US, -WINDOW_US - SECOND_US]
)
def test_only_a_first_request_has_to_be_of_now(
    message: Message, asked: int, codes: list[str], clock_off_us: int
) -> None:
    """To the second, behind and ahead; repeats, advices and reversals keep an old DE7 (security.md, strict parsing)."""
    line = Line().signed_on()
    line.wall_us += clock_off_us
    effects = line.say(message)
    refused = abs(clock_off_us) > WINDOW_US and message.mti in ("0200", "0800")
    expected = (0, ["30"], ["outside_window"]) if refused else (asked, codes, [])
    assert expected == (len(line.asked(effects)), line.codes(effects), line.events(effects))


@pytest.mark.parametrize(
    ("off_s", "expected"),
    [
        (9 * 3_600, "0200 DE7 is 32400 s behind our clock (UTC)"),
        (-660, "0200 DE7 is 660 s ahead of our clock (UTC)"),
    ],
)
def test_the_log_says_by_how_much_a_clock_is_off(off_s: int, expected: str) -> None:
    line = Line(SETTINGS._replace(sign_on=False))
    line.wall_us += off_s * SECOND_US
    assert Told("outside_window", expected) in line.say(withdrawal())


def test_a_sign_on_of_another_time_opens_no_link() -> None:
    line = Line()
    line.wall_us += WINDOW_US + SECOND_US
    assert ["30"] == line.codes(line.say(managing("001")))
    assert not line.link.is_open


def test_without_a_window_any_time_will_do() -> None:
    line = Line(SETTINGS._replace(window_us=0, sign_on=False))
    line.wall_us += 90 * DAY_US
    assert 1 == len(line.asked(line.say(withdrawal())))


# ---------------- what is no message


def test_a_request_that_lacks_an_element_is_answered_30() -> None:
    line = Line().signed_on()
    lacking = encode(withdrawal()).replace(b"6011", b"60")  # DE18 cut short
    assert ["format_error"] == line.events(line.hear(frame(lacking)))
    data = _without(withdrawal(), 49)
    effects = line.hear(frame(data))
    assert (["30"], ["format_error"]) == (line.codes(effects), line.events(effects))


def _without(message: Message, de: int) -> bytes:
    """The bytes of a message that lacks a mandatory element: an answer may lack it, so it is written as one."""
    return message.mti.encode() + encode(message.but({de: None, 39: "00"}, mti="0210"))[4:]


def test_a_dialect_that_drops_garbage_says_nothing() -> None:
    line = Line(SETTINGS._replace(answer_garbage=False)).signed_on()
    effects = line.hear(frame(_without(withdrawal(), 49)))
    assert ([], ["format_error"]) == (line.codes(effects), line.events(effects))


def test_so_many_format_errors_close_the_link() -> None:
    line = Line(SETTINGS._replace(most_format_errors=3)).signed_on()
    garbage = frame(b"0200" + b"F" * 40)
    assert [[], [], ["format_errors"]] == [line.ended(line.hear(garbage)) for _ in range(3)]
    assert [] == line.hear(garbage)


def test_no_word_about_garbage_quotes_it() -> None:
    line = Line().signed_on()
    data = encode(withdrawal()).replace(b"4999000000000013", b"499900000000001X")
    told = [effect for effect in line.hear(frame(data)) if isinstance(effect, Told)]
    assert [Told("format_error", "bad_value DE2")] == told


# ---------------- time


def test_whoever_does_not_sign_on_in_time_is_cut() -> None:
    line = Line()
    line.say(withdrawal())  # refused, and no excuse
    assert [] == line.later(SETTINGS.sign_on_within_us - 1)
    assert ["no_sign_on"] == line.ended(line.later(1))


def test_a_frame_has_one_deadline_however_it_drips() -> None:
    """One byte each 100 ms: the deadline runs from the frame's first byte."""
    line = Line().signed_on()
    data, ended = frame(encode(withdrawal())), []
    for byte in data:
        line.hear(bytes([byte]))
        ended = line.ended(line.later(100_000))
        if ended:
            break
    assert ["slow_frame"] == ended
    assert SETTINGS.whole_frame_us == line.now_us - NOON_US


def test_frames_in_time_are_not_cut_though_there_is_always_one_begun() -> None:
    line = Line(SETTINGS._replace(most_waiting=99)).signed_on()
    data = frame(encode(withdrawal()))
    line.hear(data[:10])
    for _ in range(20):
        assert [] == line.later(100_000)
        assert 1 == len(line.asked(line.hear(data[10:] + data[:10])))


def test_silence_is_asked_about_and_an_answer_keeps_the_link() -> None:
    line = Line().signed_on()
    for _ in range(5):
        assert [] == line.later(SETTINGS.echo_after_us - 1)
        (echo,) = line.answers(line.later(1))
        assert ("0800", "301") == (echo.mti, echo[70])
        assert [] == line.say(build.answer(echo, "00"))


def test_two_missing_answers_close_the_link() -> None:
    line = Line().signed_on()
    line.later(SETTINGS.echo_after_us)
    effects = line.later(SETTINGS.echo_wait_us)
    assert (["answer_missing"], []) == (line.events(effects), line.ended(effects))
    assert ["no_answer"] == line.ended(line.later(SETTINGS.echo_wait_us))


def test_traffic_is_no_silence() -> None:
    line = Line().signed_on()
    for _ in range(5):
        assert [] == line.later(SETTINGS.echo_after_us - 1)
        line.say(managing("301"))


def test_a_link_that_we_called_signs_on_and_is_open_when_that_is_accepted() -> None:
    line = Line(calls=True)
    (sign_on,) = line.answers(line.link.opened(line.now_us))
    assert ("0800", "001") == (sign_on.mti, sign_on[70])
    assert ["91"] == line.codes(line.say(withdrawal()))
    assert ["signed_on"] == line.events(line.say(build.answer(sign_on, "00")))
    assert 1 == len(line.asked(line.say(withdrawal())))


def test_a_sign_on_of_ours_that_is_refused_ends_the_link() -> None:
    line = Line(calls=True)
    (sign_on,) = line.answers(line.link.opened(line.now_us))
    assert ["sign_on_refused"] == line.ended(line.say(build.answer(sign_on, "91")))


def test_an_answer_that_fits_nothing_of_ours_says_what_differs() -> None:
    line = Line(calls=True)
    (sign_on,) = line.answers(line.link.opened(line.now_us))
    (told,) = line.say(build.answer(sign_on.but({11: "000077"}), "00"))
    assert isinstance(told, Told)
    assert "DE11 000077 instead of 000001" in told.detail


# ---------------- whatever comes


GOOD = [managing("001"), managing("301"), withdrawal(), REVERSAL, ANSWER, build.as_repeat(withdrawal())]


def _stream(dialect: Dialect) -> st.SearchStrategy[bytes]:
    """Good messages, messages with one byte bent, frames of anything, anything."""
    framed = st.sampled_from([dialect.framing.wrap(dialect.encode(message)) for message in GOOD])
    bent = st.tuples(framed, st.integers(0, 300), st.integers(0, 255)).map(
        lambda bend: bend[0][: bend[1]] + bytes([bend[2]]) + bend[0][bend[1] + 1 :]
    )
    raw = st.binary(min_size=12, max_size=40).map(dialect.framing.wrap)
    return st.lists(st.one_of(framed, framed, bent, raw, st.binary(max_size=30))).map(b"".join)


@pytest.mark.parametrize("name", shipped())
@given(data=st.data(), cuts=st.lists(st.integers(0, 2_000)), wait_us=st.integers(0, 2 * SECOND_US))
def test_whatever_comes_in_whatever_pieces_is_answered_dropped_or_ends_the_link(
    name: str, data: st.DataObject, cuts: list[int], wait_us: int
) -> None:
    """No error leaves the link, it keeps no more than a frame, and after a close it says nothing."""
    dialect = load_dialect(name)
    stream = data.draw(_stream(dialect))
    line = Line(dialect=dialect)
    ends = sorted({*(cut % (len(stream) + 1) for cut in cuts), len(stream)})
    begin, ended = 0, False
    for end in ends:
        effects = line.hear(stream[begin:end]) + line.later(wait_us // len(ends))
        begin = end
        assert not (ended and effects)
        ended = ended or bool(line.ended(effects))
        assert ended == bool(line.link.closed)
        assert line.link._reader.pending_bytes <= MAX_BYTES + 10
        assert line.link.waiting <= SETTINGS.most_waiting
        for ask in [effect for effect in effects if isinstance(effect, Ask)]:
            line.link.answered(ask.ticket, ANSWER, line.now_us)


@given(cuts=st.lists(st.integers(0, 1_000)))
def test_how_the_bytes_are_split_makes_no_difference(cuts: list[int]) -> None:
    messages = [managing("001"), withdrawal(2), REVERSAL, managing("301", 9), withdrawal(4)]
    data = b"".join(frame(encode(message)) for message in messages)
    whole, split = Line(), Line()
    ends = sorted({*(cut % (len(data) + 1) for cut in cuts), len(data)})
    pieces = [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    assert whole.hear(data) == [effect for piece in pieces for effect in split.hear(piece)]


# ---------------- other dialects


def test_an_answer_goes_back_to_the_address_its_request_came_from() -> None:
    """The two addresses of the transport header (TPDU) change places."""
    dialect = load_dialect("bcd-tpdu")
    line = Line(dialect=dialect)
    payload = dialect.encode(managing("001"))
    came = Frame(payload, bytes.fromhex("6012345678"))
    length = (len(payload) + 5).to_bytes(2, "big")
    (sent,) = [e.data for e in line.hear(length + came.tpdu + payload) if isinstance(e, Send)]
    (answer,) = dialect.framing.reader().feed(sent)
    assert ("6056781234", "00") == (answer.tpdu.hex(), dialect.decode(answer.payload)[39])


def test_a_keep_alive_is_echoed() -> None:
    line = Line(dialect=load_dialect("ascii-length4"))
    assert [Send(b"0000")] == line.hear(b"0000")
    assert [] == line.later(SETTINGS.sign_on_within_us - 1)
    assert ["no_sign_on"] == line.ended(line.later(1))
