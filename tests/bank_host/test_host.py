"""The host ties facts, rules, PIN module and store together: what a terminal or a customer sees of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import permutations

import pyotp
import pytest

from bank_host import jst
from bank_host.host import Bank, Commit
from bank_host.hsm import CVK, PVK, TPK, Hsm
from bank_host.iso8583 import build, composite
from bank_host.iso8583.dialect import make_dialect
from bank_host.iso8583.identity import original_data
from bank_host.iso8583.message import Message
from bank_host.iso8583.settings import Link, Settings
from bank_host.policy import load_policy
from bank_host.rules.facts import Account, Act, Card, Enrolment, Token
from bank_host.store.memory import MemoryStore
from bank_host.store.verify import verify

DAY = date(2014, 1, 15)
NOON_US = jst.midnight_us(DAY) + 12 * jst.HOUR_US
PAN, PIN, ACCOUNT = "4999000000000013", "4831", "0010000001"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@dataclass
class Till:
    """One bank with one customer, and a terminal's way of asking it."""

    bank: Bank
    card_id: str
    commits: list[Commit] = field(default_factory=list)
    stan: int = 0

    def request(self, service: str, amount_jpy: int = 0, *, pin: str = PIN, **more: str) -> Message:
        self.stan += 1
        acquirer = self.bank.policy.on(DAY).partners["seven_bank"].acquirer_id
        block = self.bank.hsm.encrypt_pin_block(TPK, pin, PAN)
        return build.financial_request(
            service,
            pan=PAN,
            amount_jpy=amount_jpy,
            stan=self.stan,
            now_us=NOON_US + self.stan * jst.SECOND_US,
            acceptor=build.Acceptor("T0000001", "SHIBUYA", acquirer),
            expiry_yymm="1801",
            pin_block=block,
            **more,
        )

    def ask(self, service: str, amount_jpy: int = 0, **more: str) -> Message:
        return self.bank.answer(self.request(service, amount_jpy, **more), NOON_US)

    def balance_jpy(self) -> int:
        standing = self.bank.standing(self.card_id, DAY)
        assert standing is not None
        return standing.balance_jpy

    def act(self, kind: str, **more: object) -> tuple[str, str]:
        self.stan += 1
        act = Act(f"request-{self.stan}", kind, ACCOUNT, "pc", self.card_id)._replace(**more)
        outcome = self.bank.act(act, NOON_US)
        return outcome.outcome, outcome.reason

    def code(self) -> str:
        return pyotp.TOTP(SECRET, interval=60).at(NOON_US // jst.SECOND_US)


@pytest.fixture
def till() -> Till:
    hsm = Hsm.simulation()
    bank = Bank("jnb", MemoryStore(), load_policy(), hsm)
    card_id = hsm.card_id(PAN)
    pvv = hsm.new_pvv(TPK, hsm.encrypt_pin_block(TPK, PIN, PAN), PAN, PVK).pvv
    enrolment = Enrolment(
        Account(ACCOUNT, "individual", "token", DAY, 100_000),
        250_000,
        (Card(card_id, "hanako", ACCOUNT, "1801", pvv),),
        (Token("T1", ACCOUNT, SECRET, date(2018, 1, 1)),),
    )
    bank.enrol(enrolment, NOON_US)
    till = Till(bank, card_id)
    bank.watch = till.commits.append
    return till


def test_an_approval_tells_balance_and_approval_code_but_no_card_number(till: Till) -> None:
    answer = till.ask("withdraw", 30_000)
    assert ("0210", "00") == (answer.mti, answer[39])
    assert composite.parse_balances(answer[54])[0].amount_jpy == 220_000 == till.balance_jpy()
    assert 38 in answer
    assert not {2, 35, 52} & set(answer.fields)


def test_a_repeat_gets_the_same_answer_and_moves_nothing(till: Till) -> None:
    """Requirement X7: also the PIN of a repeat is not a try."""
    request = till.request("withdraw", 30_000)
    first = till.bank.answer(request, NOON_US)
    commits = len(till.commits)
    again = till.bank.answer(build.as_repeat(request), NOON_US + jst.SECOND_US)
    assert first == again
    assert till.balance_jpy() == 220_000
    assert len(till.commits) == commits


def test_the_same_identity_with_another_amount_is_an_error(till: Till) -> None:
    request = till.request("withdraw", 30_000)
    till.bank.answer(request, NOON_US)
    assert till.bank.answer(request.but({4: composite.amount_text(40_000)}), NOON_US)[39] == "94"
    assert till.balance_jpy() == 220_000


@pytest.mark.parametrize(
    ("setting", "restamped", "expected_jpy"),
    [
        ("local_time", {7: "0115040000"}, 220_000),
        ("local_time", {12: "130000"}, 220_000),
        ("transmission_time", {7: "0115040000"}, 190_000),
        ("transmission_time", {12: "130000"}, 220_000),
    ],
)
def test_what_tells_two_requests_apart_is_the_dialect_s_setting(
    till: Till, setting: str, restamped: dict[int, str], expected_jpy: int
) -> None:
    """A network whose terminals stamp every request anew in DE7, and one whose clock in DE12 may stand still."""
    till.bank.identify = identified_by(setting)
    request = till.request("withdraw", 30_000)
    assert "00" == till.bank.answer(request, NOON_US)[39]
    till.bank.answer(request.but(restamped), NOON_US)
    assert expected_jpy == till.balance_jpy()


@pytest.mark.parametrize(("setting", "restamped"), [("local_time", 7), ("transmission_time", 12)])
def test_a_repeat_is_known_by_the_dialect_s_setting_alone(till: Till, setting: str, restamped: int) -> None:
    till.bank.identify = identified_by(setting)
    request = till.request("withdraw", 30_000)
    again = build.as_repeat(request).but({restamped: {7: "0115040000", 12: "130000"}[restamped]})
    assert till.bank.answer(request, NOON_US) == till.bank.answer(again, NOON_US)
    assert "94" == till.bank.answer(again.but({4: composite.amount_text(40_000)}), NOON_US)[39]


def identified_by(setting: str) -> Callable[[Message], str]:
    return make_dialect("theirs", Settings(link=Link.model_validate({"identity": setting}))).identity


def test_wrong_pins_are_charged_before_they_are_compared(till: Till) -> None:
    """Requirement X1: 55, 55, 75, and then 75 for the right PIN too."""
    assert ["55", "55", "75", "75"] == [
        till.ask("withdraw", 10_000, pin=pin)[39] for pin in ("0000", "1111", "2222", PIN)
    ]
    assert ["charge", "55", "charge", "55", "charge", "75", "75"] == [c.code for c in till.commits]


def test_a_request_without_a_pin_block_is_an_error_of_form_and_no_try(till: Till) -> None:
    """Whoever knows a card's number cannot block it by leaving the PIN out; nothing was compared."""
    for service in ("withdraw", "balance", "deposit", "purchase"):
        request = till.request(service, 10_000).but({52: None, 26: None})
        assert ("30", "94") == (
            till.bank.answer(request, NOON_US)[39],
            till.bank.answer(request.but({4: composite.amount_text(20_000)}), NOON_US)[39],
        )
    assert ["30"] * 4 == [commit.code for commit in till.commits]
    assert ["55", "55", "00"] == [till.ask("withdraw", 10_000, pin=pin)[39] for pin in ("0000", "1111", PIN)]


def test_a_pin_change_without_the_new_pin_block_is_an_error_of_form(till: Till) -> None:
    assert "30" == till.ask("change_pin")[39]
    assert "00" == till.ask("withdraw", 10_000)[39]


def test_a_repeat_that_has_lost_its_pin_block_gets_the_first_answer(till: Till) -> None:
    """A store does not keep PIN blocks. Were it refused, an approval would stand that its sender does not reverse."""
    request = till.request("withdraw", 30_000)
    first = till.bank.answer(request, NOON_US)
    assert ("00", first) == (first[39], till.bank.answer(build.as_repeat(request).but({52: None}), NOON_US))


def test_an_unknown_card_is_answered_14(till: Till) -> None:
    request = till.request("balance").but({2: "4999000000000997"})
    assert till.bank.answer(request, NOON_US)[39] == "14"


@pytest.mark.parametrize(("shift", "code"), [(0, "00"), (1, "05")])
def test_a_track_whose_verification_value_is_not_its_own_is_a_forged_card(
    till: Till, shift: int, code: str
) -> None:
    value = f"{(int(till.bank.hsm.cvv(CVK, PAN, '1801', '101')) + shift) % 1000:03d}"
    assert till.ask("balance", track2=f"{PAN}=180110110000{value}")[39] == code


def test_a_full_reversal_gives_amount_and_room_back(till: Till) -> None:
    request = till.request("withdraw", 30_000)
    till.bank.answer(request, NOON_US)
    reversal = build.reversal_advice(request, "hardware_error", stan=900, now_us=NOON_US)
    assert ("0430", "00") == (
        till.bank.answer(reversal, NOON_US).mti,
        till.bank.answer(reversal, NOON_US)[39],
    )
    standing = till.bank.standing(till.card_id, DAY)
    assert standing is not None
    assert (250_000, 100_000) == (standing.balance_jpy, standing.room_jpy)


def test_a_request_overtaken_by_its_reversal_posts_nothing(till: Till) -> None:
    request = till.request("withdraw", 30_000)
    reversal = build.reversal_advice(request, "timeout", stan=900, now_us=NOON_US)
    assert till.bank.answer(reversal, NOON_US)[39] == "00"
    assert till.bank.answer(request, NOON_US)[39] == "94"
    assert till.balance_jpy() == 250_000


def test_a_completion_clears_the_suspense_account_once(till: Till) -> None:
    request = till.request("withdraw", 30_000)
    till.bank.answer(request, NOON_US)
    advice = build.completion_advice(request, stan=900, now_us=NOON_US)
    till.bank.answer(advice, NOON_US)
    till.bank.answer(build.as_repeat(advice), NOON_US)
    balances = dict(till.bank.store.balances())
    assert (0, 30_000) == (balances.get("suspense:T0000001", 0), balances["atm:T0000001"])


def test_what_stand_in_approved_is_known_under_the_request_that_its_advice_quotes(till: Till) -> None:
    """A second advice about the same request posts nothing, and its reversal finds it."""
    request = till.request("withdraw", 30_000).but({52: None})
    quoting = {60: "stand_in", 90: original_data(request)}
    for stan in ("000800", "000801"):
        advice = request.but({**quoting, 11: stan}, mti="0220")
        assert "00" == till.bank.answer(advice, NOON_US)[39]
    assert 220_000 == till.balance_jpy()
    reversal = build.reversal_advice(request, "hardware_error", stan=900, now_us=NOON_US)
    till.bank.answer(reversal, NOON_US)
    assert 250_000 == till.balance_jpy()


@pytest.mark.parametrize(
    ("told", "used"),
    [
        ("0114", {"0114": 30_000}),
        ("0115", {"0115": 30_000}),
        ("0116", {"0115": 30_000}),
        ("", {"0115": 30_000}),
    ],
)
def test_an_approval_in_stand_in_uses_the_limit_of_the_day_that_de17_tells(
    till: Till, told: str, used: dict[str, int]
) -> None:
    """R96: booked on the 15th. A day that has not come yet, or none at all, is today."""
    request = till.request("withdraw", 30_000).but({52: None})
    advice = build.stand_in_advice(request, "stand_in_timeout", approval_code="S00001", now_us=NOON_US)
    assert "00" == till.bank.answer(advice.but({17: told or None}), NOON_US)[39]
    assert used == {f"{day:%m%d}": jpy for _, day, _, jpy in till.bank.store.limit_uses()}
    assert [] == verify(till.bank.store)


def test_a_request_that_comes_after_its_stand_in_advice_is_not_posted_again(till: Till) -> None:
    request = till.request("withdraw", 30_000)
    advice = build.stand_in_advice(
        request.but({52: None}), "stand_in_timeout", approval_code="S00001", now_us=NOON_US
    )
    assert ["00", "94"] == [till.bank.answer(each, NOON_US)[39] for each in (advice, request)]
    assert 220_000 == till.balance_jpy()


@pytest.mark.parametrize("order", list(permutations(("request", "advice", "reversal"))))
@pytest.mark.parametrize("asked", [True, False], ids=["the bank was asked", "the bank was not asked"])
def test_request_stand_in_and_reversal_end_right_in_every_order(
    till: Till, order: tuple[str, ...], asked: bool
) -> None:
    """X6, X8: nothing was paid out, and nothing is posted in the end, each message coming twice."""
    request = till.request("withdraw", 30_000)
    bare = request.but({52: None})
    messages = {
        "request": request,
        "advice": build.stand_in_advice(bare, "stand_in_timeout", approval_code="S00001", now_us=NOON_US),
        "reversal": build.reversal_advice(bare, "hardware_error", stan=900, now_us=NOON_US),
    }
    for name in order:
        if asked or name != "request":
            for message in (messages[name], build.as_repeat(messages[name])):
                till.bank.answer(message, NOON_US)
    assert 250_000 == till.balance_jpy()
    assert 0 == dict(till.bank.store.balances()).get("suspense:T0000001", 0)
    assert [] == [jpy for _, _, _, jpy in till.bank.store.limit_uses() if jpy]
    assert [] == verify(till.bank.store)


def test_a_changed_pin_is_the_one_that_counts(till: Till) -> None:
    hsm = till.bank.hsm
    request = till.request("change_pin", new_pin_block=hsm.encrypt_pin_block(TPK, "7777", PAN))
    smbc = till.bank.policy.on(DAY).partners["smbc"].acquirer_id
    assert till.bank.answer(request.but({32: smbc}), NOON_US)[39] == "00"
    assert ["55", "00"] == [till.ask("balance", pin=pin)[39] for pin in (PIN, "7777")]


def test_a_new_pin_block_without_a_pin_in_it_is_an_error_of_form_and_costs_no_try(till: Till) -> None:
    smbc = till.bank.policy.on(DAY).partners["smbc"].acquirer_id
    request = till.request("change_pin", new_pin_block="0123456789ABCDEF").but({32: smbc})
    assert "55" == till.ask("balance", pin="0000")[39]
    assert "30" == till.bank.answer(request, NOON_US)[39]
    assert [0] == [card.pin_fails for card in till.bank.store.cards()]
    assert "00" == till.ask("balance", pin=PIN)[39]


def test_a_lock_acts_on_the_next_authorisation_and_its_release_asks_a_code(till: Till) -> None:
    """Requirements R115, R116, R120."""
    assert till.act("lock_card") == ("done", "")
    assert till.ask("withdraw", 10_000)[39] == "62"
    assert till.act("unlock_card") == ("refused", "OTP_REQUIRED")
    assert till.act("unlock_card", otp=till.code()) == ("done", "")
    assert till.ask("withdraw", 10_000)[39] == "00"


def test_a_repeated_act_gets_the_first_result_before_its_code_is_looked_at(till: Till) -> None:
    till.act("set_limit", amount_jpy=0)
    again = {"key": "same", "amount_jpy": 50_000, "otp": till.code()}
    assert till.act("set_limit", **again) == ("done", "")
    assert till.act("set_limit", **again) == ("done", "")
    assert till.act("set_limit", **(again | {"key": "new", "amount_jpy": 60_000})) == ("refused", "OTP_USED")


def test_five_wrong_codes_lock_what_needs_a_code_and_nothing_else(till: Till) -> None:
    """Requirements R15-R18: each try is charged in a commit of its own."""
    till.act("lock_card")
    wrong = f"{(int(till.code()) + 1) % 1_000_000:06d}"
    results = [till.act("unlock_card", otp=wrong)[1] for _ in range(5)]
    assert ["OTP_WRONG"] * 5 == results
    assert till.act("unlock_card", otp=till.code()) == ("refused", "OTP_LOCKED")
    assert till.act("set_limit", amount_jpy=0) == ("done", "")
