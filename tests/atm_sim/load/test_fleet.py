"""What an ATM of a load run does with answers, timeouts and lost links; the same requests as the terminal's own."""

from __future__ import annotations

import pytest

from atm_sim.load.fleet import Fleet, Sent
from atm_sim.load.people import Carrier
from atm_sim.load.plan import Deed
from atm_sim.load.record import Record
from atm_sim.wire.keys import WireKeys
from atm_sim.wire.link import Answered, LinkSettings, WireLink, Written
from bank_host.hsm import TPK, Hsm
from bank_host.iso8583 import build, shapes
from bank_host.iso8583.dialect import DEFAULT, Dialect, load_dialect, make_dialect
from bank_host.iso8583.dialect_file import shipped
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US
from bank_host.secrets import Pan, Secret
from tests.atm_sim.load.loads import scenario_with

NOW_US = 1_760_000_000_123_456
PAN = "4999000000000018"
TRACK = PAN + "=300110112341234"
ATMS = [build.Acceptor(f"L{n}", "SEVEN_BANK", "00000000034", "Seven Bank") for n in (1, 2)]
CARRIER = Carrier(Pan(PAN), "3001", Secret(TRACK), Secret("2580"))
LOAD = scenario_with("arrivals: [{rate: 1/s, for: 1 s}]\nrepeats: 2\nrepeat_after: 3 s").load
WITHDRAW = Deed("withdraw", 30_000, 0, 1)


@pytest.fixture
def fleet() -> Fleet:
    assert LOAD is not None
    return Fleet(LOAD, ATMS, [CARRIER], Record())


def link_in(dialect: Dialect, *, macs: bool = False) -> WireLink[Sent]:
    return WireLink(dialect, LinkSettings(macs=macs), WireKeys(Hsm.simulation(), 1), NOW_US)


def asked(fleet: Fleet, deed: Deed = WITHDRAW) -> tuple[Message, Sent]:
    transaction = fleet.record.planned(0, deed)
    written, sent = fleet.request(transaction, NOW_US, link_in(DEFAULT))
    assert isinstance(written, Written), "the default dialect has templates"
    fleet.record.sent([transaction], 5)
    return DEFAULT.decode(written.data), sent


def answered(fleet: Fleet, sent: Sent, message: Message, code: str) -> None:
    fleet.answered(sent, build.answer(message, code, {38: "A00001"}), 10, NOW_US)


def next_due(fleet: Fleet, at_us: int = NOW_US) -> Sent:
    sent = fleet.due(at_us)
    assert sent is not None
    assert sent.advice is not None
    return sent


def test_after_a_rehearsal_no_codec_has_to_be_made_for_those_who_come_first(fleet, monkeypatch):
    """It would be their send lag. Nobody has come by it."""
    made: list[str] = []
    for name in ("make_shape", "make_filler"):
        make = getattr(shapes, name)
        monkeypatch.setattr(shapes, name, lambda *told, make=make: made.append("codec") or make(*told))
    dialect = make_dialect("nobody has spoken it", DEFAULT.settings)
    link = link_in(dialect, macs=True)
    fleet.rehearse(link, NOW_US)
    assert (0, 0, True) == (fleet.record.number, link.waiting, bool(made))
    made.clear()
    transaction = fleet.record.planned(0, WITHDRAW)
    asked, sent = fleet.request(transaction, NOW_US, link)
    data = link.send(asked, sent, NOW_US)
    assert [] == made
    message = DEFAULT.decode(data[2:])
    answer = DEFAULT.encode(build.answer(message, "00", {38: "A00001"}), mac=link.keys.mac_of)
    made.clear()
    assert [Answered] == [type(effect) for effect in link.received(DEFAULT.framing.wrap(answer), NOW_US)]
    assert [] == made


def test_a_request_is_the_one_that_a_terminal_builds(fleet):
    message, _ = asked(fleet)
    hsm = Hsm.simulation()
    expected = build.financial_request(
        "withdraw",
        pan=PAN,
        amount_jpy=30_000,
        stan=1,
        now_us=NOW_US,
        acceptor=ATMS[1],
        expiry_yymm="3001",
        track2=TRACK,
        pin_block=hsm.encrypt_pin_block(TPK, "2580", PAN),
    )
    assert expected == message
    assert list(expected.fields) == list(message.fields)


@pytest.mark.parametrize("macs", [True, False], ids=["macs", "no macs"])
@pytest.mark.parametrize("track", [TRACK, ""], ids=["track", "no track"])
@pytest.mark.parametrize("dialect", shipped())
def test_in_every_dialect_a_request_has_the_bytes_and_the_key_of_the_terminals_own(dialect, track, macs):
    """Also the second one, which finds what the first has left; bytes are compared as the host gets them."""
    assert LOAD is not None
    fleet = Fleet(LOAD, ATMS, [CARRIER._replace(track2=Secret(track))], Record())
    ours, theirs = (link_in(load_dialect(dialect), macs=macs) for _ in range(2))
    asked_for = (("withdraw", 0, 1), ("withdraw", 1, 1), ("balance", 1, 2), ("withdraw", 1, 3))
    for service, terminal, stan in asked_for:
        expected = build.financial_request(
            service,
            pan=PAN,
            amount_jpy=10_000,
            stan=stan,
            now_us=NOW_US,
            acceptor=ATMS[terminal],
            expiry_yymm="3001",
            track2=track,
            pin_block=Hsm.simulation().encrypt_pin_block(TPK, "2580", PAN),
        )
        transaction = fleet.record.planned(0, Deed(service, 10_000, 0, terminal))
        written, sent = fleet.request(transaction, NOW_US, ours)
        assert theirs.send(expected, sent, NOW_US) == ours.send(written, sent, NOW_US)
        key = written.key if isinstance(written, Written) else ours.match_key(written)
        assert theirs.match_key(expected) == key


def test_trace_numbers_count_up_at_each_atm_and_wrap(fleet):
    assert ["000001", "000002"] == [asked(fleet)[0][11], asked(fleet)[0][11]]
    assert "000001" == asked(fleet, WITHDRAW._replace(terminal=0))[0][11]
    fleet._stans[1] = 999_999
    assert "000001" == asked(fleet)[0][11]


def test_an_approval_is_completed_and_the_acknowledgement_ends_it(fleet):
    message, sent = asked(fleet)
    answered(fleet, sent, message, "00")
    assert "completing" == sent.transaction.state
    completion = next_due(fleet)
    assert (
        build.completion_advice(message, stan=2, now_us=NOW_US, approval_code="A00001") == completion.advice
    )
    assert completion.advice is not None
    answered(fleet, completion, completion.advice, "00")
    assert ("completed", 0) == (sent.transaction.state, fleet.unsettled)


def test_no_advice_holds_a_pin_block_or_a_track(fleet):
    message, sent = asked(fleet)
    fleet.not_answered(sent, False, 10, NOW_US)
    advice = next_due(fleet).advice
    assert advice is not None
    assert {35, 52}.isdisjoint(advice.fields)
    assert {35, 52} <= set(message.fields)


@pytest.mark.parametrize(("code", "state"), [("51", "declined"), ("55", "declined"), ("68", "reversing")])
def test_a_decline_ends_it_and_a_code_that_leaves_it_open_is_reversed(fleet, code, state):
    message, sent = asked(fleet)
    answered(fleet, sent, message, code)
    assert state == sent.transaction.state
    assert (state == "reversing") == bool(fleet.unsettled)


def test_a_balance_enquiry_needs_no_completion(fleet):
    message, sent = asked(fleet, Deed("balance", 0, 0, 0))
    answered(fleet, sent, message, "00")
    assert ("approved", 0) == (sent.transaction.state, fleet.unsettled)


def test_a_timeout_is_reversed_by_0420_and_repeated_as_0421_until_it_is_given_up(fleet):
    _, sent = asked(fleet)
    fleet.not_answered(sent, False, 10, NOW_US)
    types, at_us = [], NOW_US
    while fleet.unsettled:
        reversal = next_due(fleet, at_us)
        assert reversal.advice is not None
        types.append(reversal.advice.mti)
        fleet.not_answered(reversal, False, 10, at_us)
        assert fleet.due(at_us + 3 * SECOND_US - 1) is None
        at_us += 3 * SECOND_US
    assert ["0420", "0421", "0421"] == types
    assert "unresolved" == sent.transaction.state
    assert (1, 2, 1) == tuple(fleet.record.counts[name] for name in ("reversals", "repeats", "timed_out"))


def test_an_advice_whose_link_is_lost_is_repeated_at_once(fleet):
    _, sent = asked(fleet)
    fleet.not_answered(sent, True, 10, NOW_US)
    fleet.not_answered(next_due(fleet), True, 10, NOW_US)
    repeated = next_due(fleet).advice
    assert repeated is not None
    assert "0421" == repeated.mti
    assert 1 == fleet.record.counts["lost"]


def test_an_acknowledgement_that_is_none_is_no_end(fleet):
    _, sent = asked(fleet)
    fleet.not_answered(sent, False, 10, NOW_US)
    reversal = next_due(fleet)
    assert reversal.advice is not None
    answered(fleet, reversal, reversal.advice, "96")
    assert ("reversing", 1) == (sent.transaction.state, fleet.unsettled)
