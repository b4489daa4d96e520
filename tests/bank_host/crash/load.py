"""A client that loads a bank's port over several connections and writes down what it sends and hears.

What it does next is drawn from a seed, and it waits for answers, never for time. Every request is answered, one with a
PIN a commit later than an advice that came with it. An advice that the bank could not take gets no answer, and is known
to be dropped when a later request is answered.
"""

from __future__ import annotations

import select
import socket
from collections import Counter
from random import Random
from typing import NamedTuple

from sqlalchemy import URL

from bank_host.clock import wall_clock
from bank_host.host import Bank
from bank_host.hsm import TPK, Hsm
from bank_host.iso8583 import build
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.composite import service_of
from bank_host.iso8583.message import Message
from bank_host.issuing import account_number, card_expiry, card_number, pin_value
from bank_host.jst import jst_date
from bank_host.passwords import Passwords
from bank_host.policy import load_policy
from bank_host.rules.facts import Account, Card, Enrolment
from bank_host.secrets import Pan
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from tests.bank_host.crash.judge import APPROVED, LEAVES_OPEN, Heard, Log
from tests.bank_host.online_bank import NOON_US
from tests.bank_host.port.hosts import Host
from tests.bank_host.port.wire import ACQUIRER, PATIENCE_S, Peer, frame

CONNECTIONS = 3
WINDOW = 6  # messages of one connection that wait for their answers
MOST_TRIES = 50
HSM = Hsm.simulation()
AT = build.Acceptor("ATM00007", "SHIBUYA", ACQUIRER)


class Holder(NamedTuple):
    pan: str
    pin: str
    expires: str


def open_accounts(database: URL, number: int = 24) -> list[Holder]:
    """Customers with so much money and so high a limit that the load does not come to an end of it."""
    store = SqlStore(open_engine(database))
    bank = Bank("opener", store, load_policy(), HSM, passwords=Passwords.fast(b"test"))
    now_us = wall_clock()()
    today = jst_date(now_us)
    holders = []
    for n in range(1, number + 1):
        holder = Holder(card_number("499900", n), f"{4_000 + n}", card_expiry(today))
        account = Account(account_number(n), "individual", "token", today, 100_000_000)
        pvv = pin_value(HSM, holder.pin, holder.pan)
        card = Card(HSM.card_id(holder.pan), f"card{n}", account.account_id, holder.expires, pvv)
        bank.enrol(Enrolment(account, 100_000_000, (card,), (), None, (Pan(holder.pan),)), now_us)
        holders.append(holder)
    store.close()
    return holders


class Line(Peer):
    """One connection, with the trace numbers that wait for an answer."""

    def __init__(self, host: Host) -> None:
        super().__init__(socket.create_connection(("127.0.0.1", host.port)))
        self.host = host
        self.waiting: list[str] = []
        self.sign_on()

    def read(self) -> list[bytes]:
        """The messages that have come; ConnectionError at the end."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the host is gone")
        return [each.payload for each in self._stream.feed(data)]


class Load:
    """The client: its log outlives every connection and every host."""

    def __init__(self, random: Random, holders: list[Holder]) -> None:
        self.log = Log()
        self.codes: list[str] = []  # of all answers, as they came
        self.lost = 0  # sent, and the connection or the bank was gone before the answer came
        self._random = random
        self._holders = holders
        self._lines: list[Line] = []
        self._todo: dict[str, Message] = {}  # repeats, reversals and completions that wait to be sent
        self._since_start: dict[str, None] = {}  # trace numbers sent since a host was started
        self._ended: set[str] = set()  # withdrawals that were completed or taken back
        self._tries: Counter[str] = Counter()
        self._stan = 1

    # ---------------- connections

    def connect(self, host: Host) -> None:
        """To a host that has just been started: what was sent since the last start is to be sent once more."""
        for _ in range(CONNECTIONS):
            self._lines.append(Line(host))
        for stan in self._since_start:
            self._todo.setdefault(stan, build.as_repeat(self.log.sent[stan]))
        self._since_start.clear()

    def hang_up(self, host: Host) -> None:
        """The host is dead: hear what it has said, and take all else as lost."""
        for line in [line for line in self._lines if line.host is host]:
            self._lines.remove(line)
            try:
                while True:
                    self._hear(line)
            except (ConnectionError, TimeoutError):
                pass
            line.close()
            for stan in line.waiting:
                self._lose(stan)

    # ---------------- load

    def run(self, answers: int, *, only_new: bool = False) -> list[str]:
        """Keep every window full until so many answers have come; their codes."""
        before = len(self.codes)
        self._fill(only_new)
        while len(self.codes) < before + answers:
            self._listen()
            self._fill(only_new)
        return self.codes[before:]

    def look(self, times: int) -> None:
        """Hear what comes while one looks so often, and send only when all is answered: the bank is left at work."""
        for _ in range(times):
            self._hear_all(wait_s=0)
        if not any(line.waiting for line in self._lines):
            self._fill()

    def _fill(self, only_new: bool = False) -> None:
        for line in self._lines:
            while len(line.waiting) < WINDOW:
                self._send(line, self._new() if only_new else self._next())

    def come_to_rest(self) -> None:
        """Send nothing new, and hear what is still to come."""
        while any(line.waiting for line in self._lines):
            self._listen()

    def finish(self) -> None:
        """Clear up what is open, then repeat everything that was ever sent, and hear all answers."""
        self._send_all_todo()
        for stan, message in self.log.sent.items():
            self._todo[stan] = build.as_repeat(message)
        self._send_all_todo()

    def _send_all_todo(self) -> None:
        while self._todo or any(line.waiting for line in self._lines):
            for line in self._lines:
                while self._todo and len(line.waiting) < WINDOW:
                    self._send(line, self._pop_todo())
            self._listen()

    # ---------------- one message

    def _listen(self) -> None:
        """Hear what has come, and wait for the first if nothing has."""
        for line in self._lines:
            if line.waiting and not any(_is_request(self.log.sent[stan]) for stan in line.waiting):
                self._send(line, self._balance())  # advices may all be dropped, a request never is
        assert self._hear_all(PATIENCE_S), "the host neither answers nor ends"

    def _hear_all(self, wait_s: float) -> bool:
        """Whether anything was there to hear."""
        ready, _, _ = select.select([line.socket for line in self._lines], [], [], wait_s)
        for line in self._lines:
            if line.socket in ready:
                self._hear(line)
        return bool(ready)

    def _hear(self, line: Line) -> None:
        for data in line.read():
            answer = decode(data)
            stan = answer[11]
            first = self.log.answer(stan) is None
            self.log.heard.setdefault(stan, []).append(Heard(data, answer))
            self.codes.append(answer[39])
            if stan in line.waiting:
                for each in self._dropped(line, stan):
                    line.waiting.remove(each)
                    self._lose(each)
                line.waiting.remove(stan)
            if answer[39] in LEAVES_OPEN:
                self._lose(stan)
            elif first and answer[39] == APPROVED:
                self._follow_up(self.log.sent[stan], answer)

    def _dropped(self, line: Line, answered: str) -> list[str]:
        """The advices that the bank has dropped, as an answer tells."""
        if not _is_request(self.log.sent[answered]):
            return []
        earlier = line.waiting[: line.waiting.index(answered)]
        return [stan for stan in earlier if not _is_request(self.log.sent[stan])]

    def _send(self, line: Line, message: Message) -> None:
        stan = message[11]
        self.log.sent.setdefault(stan, message)
        self._since_start[stan] = None
        line.waiting.append(stan)
        line.send(frame(encode(message)))

    def _lose(self, stan: str) -> None:
        """No answer will come: an advice is repeated; a request is repeated, or a withdrawal perhaps taken back."""
        self.lost += 1
        if self.log.answer(stan) is not None:
            return
        self._tries[stan] += 1
        assert self._tries[stan] < MOST_TRIES, f"{stan} is not answered, however often it is sent"
        message = self.log.sent[stan]
        if _withdraws(message) and stan not in self._ended and self._random.random() < 0.5:
            self._reverse(message, "timeout")
        else:
            self._todo[stan] = build.as_repeat(message)

    def _follow_up(self, message: Message, answer: Message) -> None:
        """The cash is taken, or not, or nothing is heard of it."""
        stan = message[11]
        if not _withdraws(message) or stan in self._ended:
            return
        chance = self._random.random()
        if chance < 0.4:
            advice = build.completion_advice(
                message, stan=self._next_stan(), now_us=NOON_US, approval_code=answer[38]
            )
            self._todo[advice[11]] = advice
            self._ended.add(stan)
        elif chance < 0.6:
            self._reverse(message, "hardware_error")

    def _reverse(self, message: Message, reason: str) -> None:
        advice = build.reversal_advice(message, reason, stan=self._next_stan(), now_us=NOON_US)
        self._todo[advice[11]] = advice
        self._ended.add(message[11])

    # ---------------- what is sent next

    def _next(self) -> Message:
        """Half of the traffic clears up, as long as there is anything; a tenth is a repeat that nobody needs."""
        chance = self._random.random()
        if self._todo and chance < 0.5:
            return self._pop_todo()
        if self.log.sent and chance > 0.9:
            return build.as_repeat(self.log.sent[self._random.choice(list(self.log.sent))])
        return self._new()

    def _pop_todo(self) -> Message:
        return self._todo.pop(next(iter(self._todo)))

    def _new(self) -> Message:
        service = self._random.choices(("withdraw", "deposit", "balance"), (8, 1, 1))[0]
        return self._request(service, 0 if service == "balance" else 1_000 * self._random.randint(1, 9))

    def _balance(self) -> Message:
        return self._request("balance", 0)

    def _request(self, service: str, amount_jpy: int) -> Message:
        holder = self._random.choice(self._holders)
        return build.financial_request(
            service,
            pan=holder.pan,
            amount_jpy=amount_jpy,
            stan=int(self._next_stan()),
            now_us=NOON_US,
            acceptor=AT,
            expiry_yymm=holder.expires,
            pin_block=HSM.encrypt_pin_block(TPK, holder.pin, holder.pan),
        )

    def _next_stan(self) -> int:
        self._stan += 1
        return self._stan


def _is_request(message: Message) -> bool:
    return message.mti[:3] == "020"


def _withdraws(message: Message) -> bool:
    return _is_request(message) and service_of(message[3]) == "withdraw"
