"""The store of simulations: plain dictionaries of frozen rows behind the same contract as the SQL store.

One lock makes units of work serial; an undo log takes a failed one back. Nothing survives the process, so the
keyed hash chain (invariant I6) is left to the SQL store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple

from bank_host.ledger.posting import Post
from bank_host.rules.changes import (
    Audit,
    CancelRaise,
    Change,
    ChargeOtp,
    ChargePin,
    ConsumeStep,
    CountMonth,
    CountUse,
    Notify,
    Open,
    PutRaise,
    RaiseException,
    Resolve,
    SetAccount,
    SetCard,
    SetToken,
)
from bank_host.rules.facts import (
    Account,
    ActFacts,
    Authorisation,
    Card,
    CardFacts,
    Exchange,
    Raise,
    Token,
)
from bank_host.store.contract import (
    AuditRow,
    Conflict,
    ExceptionRow,
    JournalRow,
    OutboxRow,
    Refused,
)
from bank_host.store.writing import CUSTOMER, check_field, check_legs, check_opening

_ABSENT: Any = object()
_NO_USE: dict[str, int] = {}


class _Mark(NamedTuple):
    """Where the growing lists and the sequence stood when a unit of work began."""

    seq: int
    journal: int
    audit: int
    outbox: int
    exceptions: int


class MemoryStore:
    """A bank's storage in memory. See `bank_host.store.contract` for what each method promises."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seq = 0
        self._accounts: dict[str, Account] = {}
        self._cards: dict[str, Card] = {}
        self._tokens: dict[str, Token] = {}
        self._card_ids: dict[str, tuple[str, ...]] = {}  # by account
        self._serials: dict[str, tuple[str, ...]] = {}  # by account
        self._raises: dict[tuple[str, date], Raise] = {}
        self._raise_days: dict[str, tuple[date, ...]] = {}  # by account
        self._used: dict[tuple[str, date], dict[str, int]] = {}  # yen by medium; never changed in place
        self._month_uses: dict[tuple[str, str, str], int] = {}
        self._books: dict[str, int] = {}  # ledger accounts other than the customers'
        self._posted_keys: dict[str, int] = {}
        self._authorisations: dict[str, Authorisation] = {}
        self._exchanges: dict[str, Exchange] = {}
        self._act_results: dict[str, tuple[str, str]] = {}
        self._item_keys: dict[tuple[str, str], int] = {}  # keys of outbox rows and exception items
        self._journal: list[JournalRow] = []
        self._audit: list[AuditRow] = []
        self._outbox: list[OutboxRow] = []
        self._exceptions: list[ExceptionRow] = []

    def begin(self) -> MemoryUnit:
        return MemoryUnit(self)

    def close(self) -> None:
        """Nothing to give back: the rows go with the object."""

    # ---------------------------------------------------------------- sweeps

    def _sorted(self, rows: dict[Any, Any]) -> list[Any]:
        with self._lock:
            return sorted(rows.items())

    def accounts(self) -> Iterator[Account]:
        return (row for _, row in self._sorted(self._accounts))

    def cards(self) -> Iterator[Card]:
        return (row for _, row in self._sorted(self._cards))

    def tokens(self) -> Iterator[Token]:
        return (row for _, row in self._sorted(self._tokens))

    def balances(self) -> Iterator[tuple[str, int]]:
        with self._lock:
            customers = [(CUSTOMER + key, row.posted_jpy) for key, row in self._accounts.items()]
            return iter(sorted([*customers, *self._books.items()]))

    def journal(self) -> Iterator[JournalRow]:
        with self._lock:
            return iter(self._journal[:])

    def authorisations(self) -> Iterator[Authorisation]:
        return (row for _, row in self._sorted(self._authorisations))

    def limit_uses(self) -> Iterator[tuple[str, date, str, int]]:
        for (account_id, day), by_medium in self._sorted(self._used):
            for medium, used_jpy in sorted(by_medium.items()):
                yield account_id, day, medium, used_jpy

    def exchanges(self) -> Iterator[Exchange]:
        return (row for _, row in self._sorted(self._exchanges))

    def audit(self) -> Iterator[AuditRow]:
        with self._lock:
            return iter(self._audit[:])

    def outbox(self) -> Iterator[OutboxRow]:
        with self._lock:
            return iter(self._outbox[:])

    def exceptions(self) -> Iterator[ExceptionRow]:
        with self._lock:
            return iter(self._exceptions[:])

    def raises(self) -> Iterator[Raise]:
        return (row for _, row in self._sorted(self._raises))

    def chain_faults(self) -> Iterator[str]:
        return iter(())


class MemoryUnit:
    """One unit of work; the store's lock is held from entering to leaving it."""

    __slots__ = ("_mark", "_store", "_undo")

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __enter__(self) -> MemoryUnit:
        store = self._store
        store._lock.acquire()
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._mark = _Mark(
            store._seq, len(store._journal), len(store._audit), len(store._outbox), len(store._exceptions)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._roll_back()
        finally:
            self._store._lock.release()

    def _roll_back(self) -> None:
        store, mark = self._store, self._mark
        for rows, key, before in reversed(self._undo):
            if before is _ABSENT:
                del rows[key]
            else:
                rows[key] = before
        store._seq = mark.seq
        del store._journal[mark.journal :]
        del store._audit[mark.audit :]
        del store._outbox[mark.outbox :]
        del store._exceptions[mark.exceptions :]

    def _put(self, rows: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((rows, key, rows.get(key, _ABSENT)))
        rows[key] = value

    def _put_new(self, rows: dict[Any, Any], key: Any, value: Any, what: str) -> None:
        if key in rows:
            raise Conflict(f"{what} is there already")
        self._undo.append((rows, key, _ABSENT))
        rows[key] = value

    # ---------------------------------------------------------------- loads

    def next_seq(self) -> int:
        self._store._seq += 1
        return self._store._seq

    def exchange(self, key: str) -> Exchange | None:
        return self._store._exchanges.get(key)

    def authorisation(self, original_key: str) -> Authorisation | None:
        return self._store._authorisations.get(original_key)

    def card_facts(self, card_id: str, day: date, month: str, service: str, medium: str) -> CardFacts | None:
        store = self._store
        card = store._cards.get(card_id)
        if card is None:
            return None
        account_id = card.account_id
        used = store._used.get((account_id, day), _NO_USE)
        raised = store._raises.get((account_id, day))
        return CardFacts(
            card,
            store._accounts[account_id],
            None if raised is None or raised.cancelled else raised,
            sum(used.values()),
            used.get(medium, 0),
            store._month_uses.get((account_id, month, service), 0),
        )

    def act_facts(self, account_id: str, day: date) -> ActFacts | None:
        store = self._store
        account = store._accounts.get(account_id)
        if account is None:
            return None
        days = store._raise_days.get(account_id, ())
        return ActFacts(
            account,
            tuple(store._cards[key] for key in store._card_ids.get(account_id, ())),
            tuple(store._raises[account_id, each] for each in days if each >= day),
            tuple(store._tokens[key] for key in store._serials.get(account_id, ())),
        )

    def act_result(self, key: str) -> tuple[str, str] | None:
        return self._store._act_results.get(key)

    # ---------------------------------------------------------------- writes

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        for change in changes:
            _WRITERS[type(change)](self, change, now_us)

    def remember(self, exchange: Exchange) -> None:
        self._put_new(self._store._exchanges, exchange.key, exchange, "this message identity")

    def remember_act(self, key: str, outcome: str, reason: str) -> None:
        self._put_new(self._store._act_results, key, (outcome, reason), "this request id")

    def add_account(self, account: Account) -> None:
        check_opening(account)
        self._put_new(self._store._accounts, account.account_id, account, "this account")

    def add_card(self, card: Card) -> None:
        store = self._store
        _known(store._accounts, card.account_id, "account")
        self._put_new(store._cards, card.card_id, card, "this card")
        self._index(store._card_ids, card.account_id, card.card_id)

    def add_token(self, token: Token) -> None:
        store = self._store
        _known(store._accounts, token.account_id, "account")
        self._put_new(store._tokens, token.serial, token, "this token")
        self._index(store._serials, token.account_id, token.serial)

    def _index(self, rows: dict[str, Any], account_id: str, key: Any) -> None:
        self._put(rows, account_id, tuple(sorted((*rows.get(account_id, ()), key))))

    # ---------------------------------------------------------------- one writer per change

    def _post(self, post: Post, now_us: int) -> None:
        check_legs(post)
        store = self._store
        journal = store._journal
        seq = len(journal) + 1
        self._put_new(store._posted_keys, post.key, seq, "a posting with this key")
        for book, amount_jpy in post.legs:
            if book.startswith(CUSTOMER):
                self._move_customer(book[len(CUSTOMER) :], amount_jpy, post.forced)
            else:
                self._put(store._books, book, store._books.get(book, 0) + amount_jpy)
        journal.append(
            JournalRow(seq, post.key, post.kind, post.day, now_us, post.refers, post.forced, post.legs)
        )

    def _move_customer(self, account_id: str, amount_jpy: int, forced: bool) -> None:
        accounts = self._store._accounts
        account = _known(accounts, account_id, "account")
        posted_jpy = account.posted_jpy + amount_jpy
        if amount_jpy < 0 and not forced and posted_jpy < account.held_jpy:
            raise Conflict("the balance no longer covers an unforced posting")
        self._put(accounts, account_id, account._replace(posted_jpy=posted_jpy))

    def _count_use(self, change: CountUse, now_us: int) -> None:
        rows = self._store._used
        _known(self._store._accounts, change.account_id, "account")
        key = change.account_id, change.day
        by_medium = rows.get(key, _NO_USE)
        used_jpy = by_medium.get(change.medium, 0) + change.amount_jpy
        if used_jpy < 0:
            raise Conflict("the limit counter would fall below 0")
        self._put(rows, key, {**by_medium, change.medium: used_jpy})

    def _count_month(self, change: CountMonth, now_us: int) -> None:
        rows = self._store._month_uses
        _known(self._store._accounts, change.account_id, "account")
        key = change.account_id, change.month, change.service
        uses = rows.get(key, 0) + change.uses
        if uses < 0:
            raise Conflict("the month's number of uses would fall below 0")
        self._put(rows, key, uses)

    def _set_account(self, change: SetAccount, now_us: int) -> None:
        check_field(change)
        rows = self._store._accounts
        account = _known(rows, change.account_id, "account")
        if change.field == "held_jpy" and change.value > max(account.posted_jpy, account.held_jpy):
            raise Conflict("the balance no longer covers what is to be held")
        self._put(rows, change.account_id, account._replace(**{change.field: change.value}))

    def _set_card(self, change: SetCard, now_us: int) -> None:
        check_field(change)
        rows = self._store._cards
        card = _known(rows, change.card_id, "card")
        self._put(rows, change.card_id, card._replace(**{change.field: change.value}))

    def _set_token(self, change: SetToken, now_us: int) -> None:
        check_field(change)
        rows = self._store._tokens
        token = _known(rows, change.serial, "token")
        self._put(rows, change.serial, token._replace(**{change.field: change.value}))

    def _charge_pin(self, change: ChargePin, now_us: int) -> None:
        rows = self._store._cards
        card = _known(rows, change.card_id, "card")
        if card.pin_fails >= change.limit:
            raise Refused("the PIN tries of this card are used up")
        self._put(rows, change.card_id, card._replace(pin_fails=card.pin_fails + 1))

    def _charge_otp(self, change: ChargeOtp, now_us: int) -> None:
        rows = self._store._accounts
        account = _known(rows, change.account_id, "account")
        if account.otp_locked or account.otp_fails >= change.limit:
            raise Refused("the OTP tries of this account are used up")
        self._put(rows, change.account_id, account._replace(otp_fails=account.otp_fails + 1))

    def _consume_step(self, change: ConsumeStep, now_us: int) -> None:
        rows = self._store._tokens
        token = _known(rows, change.serial, "token")
        if token.locked or change.step <= token.last_step:
            raise Refused("this token step is spent or its token is locked")
        self._put(rows, change.serial, token._replace(last_step=change.step))

    def _put_raise(self, change: PutRaise, now_us: int) -> None:
        store = self._store
        key = change.account_id, change.day
        _known(store._accounts, change.account_id, "account")
        if key not in store._raises:
            self._index(store._raise_days, change.account_id, change.day)
        self._put(store._raises, key, Raise(change.account_id, change.day, change.amount_jpy, change.seq))

    def _cancel_raise(self, change: CancelRaise, now_us: int) -> None:
        rows = self._store._raises
        key = change.account_id, change.day
        if key not in rows:
            raise Conflict("the raise to cancel is not there")
        self._put(rows, key, rows[key]._replace(cancelled=True))

    def _open(self, change: Open, now_us: int) -> None:
        row = change.authorisation
        self._put_new(self._store._authorisations, row.original_key, row, "this authorisation")

    def _resolve(self, change: Resolve, now_us: int) -> None:
        rows = self._store._authorisations
        row = rows.get(change.original_key)
        if row is None or not row.reversed_jpy <= change.reversed_jpy <= row.amount_jpy:
            raise Conflict("the authorisation is not there, or would give back less than before or too much")
        self._put(
            rows,
            change.original_key,
            row._replace(state=change.state, reversed_jpy=change.reversed_jpy),
        )

    def _notify(self, change: Notify, now_us: int) -> None:
        store = self._store
        seq = len(store._outbox) + 1
        self._put_new(store._item_keys, ("outbox", change.key), seq, "a notice with this key")
        store._outbox.append(
            OutboxRow(seq, change.key, now_us, change.account_id, change.kind, change.amount_jpy, "waiting")
        )

    def _write_audit(self, change: Audit, now_us: int) -> None:
        rows = self._store._audit
        rows.append(AuditRow(len(rows) + 1, now_us, *change))

    def _raise_exception(self, change: RaiseException, now_us: int) -> None:
        store = self._store
        seq = len(store._exceptions) + 1
        self._put_new(store._item_keys, ("exception", change.key), seq, "an exception item with this key")
        store._exceptions.append(
            ExceptionRow(
                seq,
                change.key,
                now_us,
                change.kind,
                change.account_id,
                change.amount_jpy,
                change.detail,
                "open",
            )
        )


def _known(rows: dict[str, Any], key: str, what: str) -> Any:
    """The row, or a LookupError: rules only change what they have been shown, so its absence is a fault."""
    row = rows.get(key)
    if row is None:
        raise LookupError(f"a change names an {what} that the store does not hold")
    return row


_WRITERS: dict[type, Callable[[MemoryUnit, Any, int], None]] = {
    Post: MemoryUnit._post,
    CountUse: MemoryUnit._count_use,
    CountMonth: MemoryUnit._count_month,
    SetAccount: MemoryUnit._set_account,
    SetCard: MemoryUnit._set_card,
    SetToken: MemoryUnit._set_token,
    ChargePin: MemoryUnit._charge_pin,
    ChargeOtp: MemoryUnit._charge_otp,
    ConsumeStep: MemoryUnit._consume_step,
    PutRaise: MemoryUnit._put_raise,
    CancelRaise: MemoryUnit._cancel_raise,
    Open: MemoryUnit._open,
    Resolve: MemoryUnit._resolve,
    Notify: MemoryUnit._notify,
    Audit: MemoryUnit._write_audit,
    RaiseException: MemoryUnit._raise_exception,
}
