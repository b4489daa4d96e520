"""A bank under a random day: requests, repeats, reversals, settings, codes, all from one seed.

Aimed at the corners where faults hide: amounts at the edge of room and balance, a limit lowered below today's use, zero
and raises in every order, reversals early, late, in part and again, acts that slip in between a charged PIN try and its
verdict, days that change. The auditor watches every commit and every answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from pyotp import HOTP

from atm_sim.checks.auditor import Auditor
from bank_host.host import Bank
from bank_host.hsm import NewPin
from bank_host.iso8583.build import (
    Acceptor,
    as_repeat,
    completion_advice,
    financial_request,
    reversal_advice,
)
from bank_host.iso8583.identity import original_data, original_key
from bank_host.iso8583.message import Message
from bank_host.jst import HOUR_US, MINUTE_US, SECOND_US, jst_date, midnight_us
from bank_host.policy import Policy, load_policy
from bank_host.rules import RULES, Rules
from bank_host.rules.facts import Account, Act, Authorisation, Card, Enrolment, Token
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore

DAY = date(2014, 1, 15)
PEOPLE = 3
PIN, WRONG_PIN = "1234FFFFFFFFFFFF", "4321FFFFFFFFFFFF"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ"  # + one letter per person
ATMS = (Acceptor("ATM00001", "", "00000000034"), Acceptor("ATM00002", "", "00000000034"))

POLICY = load_policy()


class FakeHsm:
    """PIN blocks that are the stored value itself, and a moment between charge and verdict for others to act in."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None

    def card_id(self, pan: str) -> str:
        return f"card-{pan[-4:]}"

    def verify_pin(self, tpk: str, block: str, pan: str, pvk: str, stored: str) -> bool:
        self.meanwhile()
        return block == stored

    def new_pvv(self, tpk: str, block: str, pan: str, pvk: str, *, guesses: object = ()) -> NewPin:
        return NewPin(block, False)


@dataclass
class Parts:
    """What a bank is wired from; a mutant hands in another."""

    rules: Rules = RULES
    store: Callable[[], Store] = MemoryStore
    bank: type[Bank] = Bank
    policy: Policy = POLICY


@dataclass
class Day:
    """One seeded run against one bank."""

    seed: int
    parts: Parts = field(default_factory=Parts)
    steps: int = 60

    def __post_init__(self) -> None:
        self.random = Random(f"faults/{self.seed}")
        self.now_us = midnight_us(DAY) + 18 * HOUR_US
        self.hsm = FakeHsm()
        parts = self.parts
        self.bank = parts.bank("our-bank", parts.store(), parts.policy, self.hsm, rules=parts.rules)
        self.auditor = Auditor()
        self.stan = self.acts = 0
        self.sent: list[Message] = []  # requests that may be repeated, completed or reversed
        self.advices: list[Message] = []
        self.codes: dict[int, str] = {}  # the code each person used last
        self.auditor.opened(self.bank)
        self.bank.watch = self.auditor.committed
        for person in range(PEOPLE):
            self._enrol(person)

    def _enrol(self, person: int) -> None:
        account_id = f"001000000{person}"
        standing_jpy = self.random.choice((50_000, 100_000, 500_000))
        enrolment = Enrolment(
            Account(account_id, "individual", "token", date(2010, 4, 1), standing_jpy),
            self.random.choice((60_000, 300_000, 2_000_000)),
            (Card(f"card-000{person}", f"person{person}", account_id, "1812", PIN),),
            (Token(f"TK{person}", account_id, SECRET + "ABC"[person], date(2018, 12, 31)),),
        )
        self.bank.enrol(enrolment, self.now_us)

    # ---------------------------------------------------------------- the run

    def play(self) -> Auditor:
        doings = (
            (self.withdraw, 30),
            (self.deposit, 6),
            (self.look_or_buy, 6),
            (self.set_limit, 12),
            (self.raise_limit, 10),
            (self.lock_or_release, 8),
            (self.operator_acts, 3),
            (self.repeat, 8),
            (self.reverse, 16),
            (self.reverse_early, 5),
            (self.complete, 10),
            (self.stand_in, 4),
        )
        choices = [doing for doing, weight in doings for _ in range(weight)]
        for _ in range(self.steps):
            self.now_us += self.random.choice(
                (SECOND_US, MINUTE_US, 7 * MINUTE_US, HOUR_US // 2, 5 * HOUR_US)
            )
            self.random.choice(choices)()
        self._end_everything()
        self.auditor.finish(self.now_us, [self.bank])
        return self.auditor

    def _end_everything(self) -> None:
        """As terminals do: what is still open is completed or reversed."""
        for request in self.sent:
            row = self.row_of(request)
            if row is not None and row.state == "open":
                self.ask(completion_advice(request, stan=self.next_stan(), now_us=self.now_us))

    # ---------------------------------------------------------------- at the ATM

    def withdraw(self) -> None:
        self._with_interruption(lambda: self.request("withdraw", self._aimed_amount_jpy))

    def deposit(self) -> None:
        self.request("deposit", lambda person: self.random.choice((1_000, 30_000, 500_000, 1_500)))

    def look_or_buy(self) -> None:
        service = self.random.choice(("balance", "purchase"))
        self.request(service, lambda person: 0 if service == "balance" else self._aimed_amount_jpy(person))

    def request(self, service: str, amount_jpy: Callable[[int], int]) -> None:
        message = self.build(service, amount_jpy)
        self.ask(message)
        self.sent.append(message.but({52: None}))

    def build(self, service: str, amount_jpy: Callable[[int], int]) -> Message:
        person = self.random.randrange(PEOPLE)
        acceptor = self.random.choice(ATMS)
        if service == "purchase":
            acceptor = acceptor._replace(terminal_id="SHOP0001", merchant_type="5411")
        return financial_request(
            service,
            pan=f"999999000000000{person}"[:12] + f"000{person}",
            amount_jpy=amount_jpy(person),
            stan=self.next_stan(),
            now_us=self.now_us,
            acceptor=acceptor,
            pin_block=PIN if self.random.random() < 0.88 else WRONG_PIN,
        )

    def _aimed_amount_jpy(self, person: int) -> int:
        """Often at the edge: the room, one note more, what is used, the whole limit, the balance."""
        standing = self.bank.standing(f"card-000{person}", jst_date(self.now_us))
        assert standing is not None
        used_jpy = standing.limit_jpy - standing.room_jpy
        edges = (
            standing.room_jpy,
            standing.room_jpy + 1_000,
            standing.limit_jpy,
            used_jpy,
            used_jpy + 10_000,
            standing.balance_jpy // 1_000 * 1_000,
            standing.balance_jpy // 1_000 * 1_000 + 1_000,
            self.random.randrange(1, 60) * 1_000,
            10_000,
            10_000,
            10_000,
        )
        return max(1_000, self.random.choice(edges))

    def repeat(self) -> None:
        """Something sent before comes again, now and then with another amount under the same identity."""
        earlier = self.sent + self.advices
        if not earlier:
            return
        message = as_repeat(self.random.choice(earlier[-8:]))
        if message.mti == "0201":
            message = message.but({52: PIN})
        if self.random.random() < 0.2:
            message = message.but({4: f"{int(message[4]) + 1_000:012d}"})
        self.ask(message)

    # ---------------------------------------------------------------- advices

    def reverse(self) -> None:
        if self.sent:
            self.advise(self._reversal(self.random.choice(self.sent[-12:])))

    def _reversal(self, request: Message) -> Message:
        amount_jpy = int(request[4])
        stands = self.random.choice(
            (None, None, None, 0, amount_jpy, amount_jpy // 2_000 * 1_000, amount_jpy + 1_000)
        )
        if self.random.random() < 0.05:
            request = request.but({4: f"{amount_jpy + 1_000:012d}"})
        return reversal_advice(
            request, "timeout", stan=self.next_stan(), now_us=self.now_us, dispensed_jpy=stands
        )

    def reverse_early(self) -> None:
        """The reversal overtakes its request."""
        request = self.build("withdraw", lambda person: 10_000)
        self.advise(reversal_advice(request, "timeout", stan=self.next_stan(), now_us=self.now_us))
        self.now_us += SECOND_US
        self.ask(request.but({52: PIN}))

    def complete(self) -> None:
        if self.sent:
            request = self.random.choice(self.sent[-6:])
            self.advise(completion_advice(request, stan=self.next_stan(), now_us=self.now_us))

    def stand_in(self) -> None:
        """The switch approved by itself, whatever limit and balance say; it may be told twice and taken back."""
        request = self.build("withdraw", lambda person: self.random.choice((10_000, 200_000, 400_000)))
        chance = self.random.random()
        if chance < 0.3 and self.sent:  # the request itself had reached the bank as well
            request = self.random.choice(self.sent[-8:])
        quoted = {90: original_data(request)} if chance < 0.9 else {}
        stan = f"{self.next_stan():06d}"
        self.advise(request.but(quoted | {11: stan, 52: None, 60: "stand_in"}, mti="0220"))
        if quoted:
            self.sent.append(request.but({52: None}))

    def advise(self, advice: Message) -> None:
        self.ask(advice)
        self.advices.append(advice)
        if self.random.random() < 0.2:
            self.ask(as_repeat(advice))

    # ---------------------------------------------------------------- settings

    def set_limit(self) -> None:
        person = self.random.randrange(PEOPLE)
        used_jpy = sum(
            jpy
            for account, day, _, jpy in self.bank.store.limit_uses()
            if account == f"001000000{person}" and day == jst_date(self.now_us)
        )
        below_use_jpy = used_jpy // 2_000 * 1_000
        amount_jpy = self.random.choice((0, 0, 10_000, below_use_jpy, below_use_jpy, 50_000, 500_000))
        self.act("set_limit", person, amount_jpy=min(amount_jpy, 500_000))

    def raise_limit(self) -> None:
        person = self.random.randrange(PEOPLE)
        day = jst_date(self.now_us) + timedelta(days=self.random.choice((0, 0, 0, 1, 2)))
        if self.random.random() < 0.2:
            self.act("cancel_raise", person, day=day)
            return
        amount_jpy = self.random.choice((20_000, 80_000, 600_000, 1_000_000))
        self.act("raise_limit", person, amount_jpy=amount_jpy, day=day)
        if self.random.random() < 0.3:  # and more on top, with the code that the display still shows
            self.act("raise_limit", person, code=self.codes.get(person), amount_jpy=amount_jpy * 2, day=day)

    def lock_or_release(self) -> None:
        person = self.random.randrange(PEOPLE)
        kind = self.random.choice(("lock_card", "unlock_card", "unlock_card"))
        self.act(kind, person, card_id=f"card-000{person}")

    def operator_acts(self) -> None:
        person = self.random.randrange(PEOPLE)
        kind = self.random.choice(
            ("release_pin", "release_pin", "release_otp", "report_card", "close_account")
        )
        if kind in ("report_card", "close_account") and self.random.random() < 0.8:
            kind = "release_pin"
        self.act(kind, person, channel="operator", card_id=f"card-000{person}", detail="lost")

    def act(
        self, kind: str, person: int, *, channel: str = "pc", code: str | None = None, **more: object
    ) -> None:
        self.acts += 1
        account_id = f"001000000{person}"
        otp = code or (self._code(person) if channel == "pc" else "")
        act = Act(f"act-{self.acts}", kind, account_id, channel, otp=otp, **more)  # type: ignore[arg-type]
        self.bank.act(act, self.now_us)
        if self.random.random() < 0.15:
            self.bank.act(act, self.now_us)

    def _code(self, person: int) -> str:
        """Mostly the one on the display; at times an old one again, a wrong one, or none."""
        step = self.now_us // (60 * SECOND_US)
        generator = HOTP(SECRET + "ABC"[person], digits=6)
        chance = self.random.random()
        if chance < 0.1:
            return self.codes.get(person, "000000")
        if chance < 0.2:
            return "000000"
        if chance < 0.25:
            return ""
        self.codes[person] = generator.at(step - (chance < 0.4))
        return self.codes[person]

    # ---------------------------------------------------------------- parts

    def _with_interruption(self, doing: Callable[[], None]) -> None:
        """Now and then somebody sets a lock or a limit while the PIN is being compared."""
        if self.random.random() < 0.2:

            def meanwhile() -> None:
                self.hsm.meanwhile = lambda: None
                person = self.random.randrange(PEOPLE)
                if self.random.random() < 0.7:
                    self.act("lock_card", person, card_id=f"card-000{person}")
                else:
                    self.act("set_limit", person, amount_jpy=0)

            self.hsm.meanwhile = meanwhile
        doing()
        self.hsm.meanwhile = lambda: None

    def ask(self, message: Message) -> Message | None:
        answer = self.bank.answer(message, self.now_us)
        if answer is not None:
            self.auditor.exchanged(self.bank.name, message, answer)
        return answer

    def next_stan(self) -> int:
        self.stan += 1
        return self.stan

    def row_of(self, request: Message) -> Authorisation | None:
        with self.bank.store.begin() as unit:
            return unit.authorisation(original_key(request))


def play(seed: int, parts: Parts | None = None, steps: int = 60) -> Auditor:
    return Day(seed, parts or Parts(), steps).play()
