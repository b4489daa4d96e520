"""The target in the lab's place of the bank: it is asked over the border, its customers' acts go to the books we share.

Two of them: `Rehearsed` is our own bank on the real clock in this process, `Asking` puts messages on the wire. Either
acts at the desk by the real clock; the books are those of our own host, or nobody's where the target's are closed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from atm_sim.target.border import Asked, Border
from bank_host.host import Bank, Commit
from bank_host.iso8583.identity import original_key
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_advice
from bank_host.ledger.posting import Post
from bank_host.rules.changes import Change, Notify, Outcome
from bank_host.rules.facts import Act, At, Authorisation, Transfer
from bank_host.rules.views import Safeguard
from bank_host.store.sql import SqlStore


class _OnRealClock(Bank):
    """A bank whose customers act by the real clock, whatever the lab's says."""

    def __init__(self, bank: Bank, border: Border, clock: Callable[[], int]) -> None:
        super().__init__(
            bank.name, bank.store, bank.policy, bank.hsm, rules=bank.rules, passwords=bank.passwords
        )
        self.border = border
        self.clock = clock
        self._case = f"{clock()}/"  # before request ids, which begin anew in each case, and the books go on

    def act(self, act: Act, now_us: int) -> Outcome:
        transfer = f"{self._case}{act.transfer}" if act.transfer else ""
        return super().act(act._replace(key=f"{self._case}{act.key}", transfer=transfer), self.clock())

    def transfer(self, transfer_id: str) -> Transfer | None:
        return super().transfer(f"{self._case}{transfer_id}")

    def run_due(self, now_us: int) -> int:
        return super().run_due(self.clock())

    def security_report(self, account_id: str, now_us: int) -> tuple[Safeguard, ...]:
        return super().security_report(account_id, self.clock())

    def id_card_challenge(self, account_id: str, now_us: int) -> tuple[str, ...]:
        return super().id_card_challenge(account_id, self.clock())


class Rehearsed(_OnRealClock):
    """Our own bank as it would be in the target's place."""

    def answer(self, message: Message, now_us: int) -> Message | None:
        wire = self.border.outward(message)
        answer = super().answer(wire, self.clock())
        return None if answer is None else self.border.inward(Asked(message, wire), answer)


class Asking(_OnRealClock):
    """The target: `put` sends a message, `told` hears what the books say of it once it is answered."""

    def __init__(
        self, bank: Bank, border: Border, clock: Callable[[], int], put: Callable[[Message], None]
    ) -> None:
        super().__init__(bank, border, clock)
        self._put = put

    def answer(self, message: Message, now_us: int) -> Message | None:
        self._put(message)
        return None

    def mark(self) -> tuple[int, int]:
        """How far the books are, to see what comes after."""
        return self.store.look.ends() if isinstance(self.store, SqlStore) else (0, 0)

    def told(self, asked: Asked, since: tuple[int, int]) -> None:
        """What the other process posted, noticed and decided becomes rows of the record, as if it were done here."""
        if not isinstance(self.store, SqlStore):
            return
        postings, notices = self.store.look.since(*since)
        changes: list[Change] = [Post(row.key, row.kind, row.day, row.legs) for row in postings]
        changes += [Notify(row.key, row.account_id, row.kind, row.amount_jpy) for row in notices]
        at = At(self.clock(), date.min, 0)
        if is_advice(asked.wire.mti):
            self.watch(Commit(self.name, at, asked.ours, "", "", tuple(changes)))
            return
        decided = self._decision(asked.wire)
        if decided is not None:
            request = self._request(asked.ours, self.policy.on(decided.limit_day))
            self.watch(Commit(self.name, at, request, decided.code, decided.reason, tuple(changes)))

    def _decision(self, request: Message) -> Authorisation | None:
        with self.store.begin() as unit:
            return unit.authorisation(original_key(request))
