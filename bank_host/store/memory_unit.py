"""One unit of work in memory: loads, guarded writes, and an undo log that takes a failed one back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple

from bank_host.ledger.posting import Post
from bank_host.named import replaced
from bank_host.rules.changes import (
    AddCard,
    AddToken,
    Audit,
    CancelRaise,
    Change,
    ChargeLogin,
    ChargeOtp,
    ChargePin,
    CloseException,
    ConsumeStep,
    CountMonth,
    CountUse,
    KeepSender,
    MoveTransfer,
    Notify,
    Open,
    OpenTransfer,
    PutRaise,
    RaiseException,
    Resolve,
    SetAccount,
    SetCard,
    SetCustomer,
    SetToken,
)
from bank_host.rules.facts import (
    Account,
    ActFacts,
    Authorisation,
    Card,
    CardFacts,
    Customer,
    Exchange,
    Raise,
    Sender,
    Token,
    Transfer,
)
from bank_host.store.contract import (
    ActResult,
    AuditRow,
    Conflict,
    ExceptionRow,
    JournalRow,
    MailRow,
    OutboxRow,
    Refused,
    Wanted,
)
from bank_host.store.writing import CUSTOMER, WAITING, check_field, check_legs, check_opening

ABSENT: Any = object()
"""What a row was before it was there."""

_NO_USE: dict[str, int] = {}


class _Mark(NamedTuple):
    """Where the growing lists and the sequence stood when a unit of work began."""

    seq: int
    journal: int
    audit: int
    outbox: int


class Tables:
    """All rows of a bank by their keys, and the lock that makes units of work serial."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.seq = 0
        self.accounts: dict[str, Account] = {}
        self.customers: dict[str, Customer] = {}
        self.cards: dict[str, Card] = {}
        self.pans: dict[str, str] = {}  # by card
        self.tokens: dict[str, Token] = {}
        self.card_ids: dict[str, tuple[str, ...]] = {}  # by account
        self.serials: dict[str, tuple[str, ...]] = {}  # by account
        self.transfers: dict[str, Transfer] = {}
        self.transfer_ids: dict[str, tuple[str, ...]] = {}  # by account
        self.senders: dict[str, Sender] = {}  # by posting key
        self.raises: dict[tuple[str, date], Raise] = {}
        self.raise_days: dict[str, tuple[date, ...]] = {}  # by account
        self.used: dict[tuple[str, date], dict[str, int]] = {}  # yen by medium; never changed in place
        self.month_uses: dict[tuple[str, str, str], int] = {}
        self.books: dict[str, int] = {}  # ledger accounts other than the customers'
        self.posted_keys: dict[str, int] = {}
        self.authorisations: dict[str, Authorisation] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.act_results: dict[str, ActResult] = {}
        self.notice_keys: dict[str, int] = {}  # keys of outbox rows
        self.journal: list[JournalRow] = []
        self.audit: list[AuditRow] = []
        self.outbox: list[OutboxRow] = []
        self.mail: dict[tuple[int, str], MailRow] = {}  # by notice and address
        self.exceptions: dict[str, ExceptionRow] = {}


class MemoryUnit:
    """One unit of work; the lock is held from entering to leaving it."""

    __slots__ = ("_mark", "_tables", "_undo")

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __enter__(self) -> MemoryUnit:
        tables = self._tables
        tables.lock.acquire()
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._mark = _Mark(tables.seq, len(tables.journal), len(tables.audit), len(tables.outbox))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._roll_back()
        finally:
            self._tables.lock.release()

    def _roll_back(self) -> None:
        tables, mark = self._tables, self._mark
        for rows, key, before in reversed(self._undo):
            if before is ABSENT:
                del rows[key]
            else:
                rows[key] = before
        tables.seq = mark.seq
        del tables.journal[mark.journal :]
        del tables.audit[mark.audit :]
        del tables.outbox[mark.outbox :]

    def _put(self, rows: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((rows, key, rows.get(key, ABSENT)))
        rows[key] = value

    def _put_new(self, rows: dict[Any, Any], key: Any, value: Any, what: str) -> None:
        if key in rows:
            raise Conflict(f"{what} is there already")
        self._undo.append((rows, key, ABSENT))
        rows[key] = value

    # ---------------------------------------------------------------- loads

    def prefetch(self, wanted: Iterable[Wanted], day: date, month: str) -> None:
        """Every row is here already."""

    def next_seq(self) -> int:
        self._tables.seq += 1
        return self._tables.seq

    def exchange(self, key: str) -> Exchange | None:
        return self._tables.exchanges.get(key)

    def authorisation(self, original_key: str) -> Authorisation | None:
        return self._tables.authorisations.get(original_key)

    def card_facts(self, card_id: str, day: date, month: str, service: str, medium: str) -> CardFacts | None:
        tables = self._tables
        card = tables.cards.get(card_id)
        if card is None:
            return None
        account_id = card.account_id
        used = tables.used.get((account_id, day), _NO_USE)
        raised = tables.raises.get((account_id, day))
        return CardFacts(
            card,
            tables.accounts[account_id],
            None if raised is None or raised.cancelled else raised,
            sum(used.values()),
            used.get(medium, 0),
            tables.month_uses.get((account_id, month, service), 0),
        )

    def act_facts(self, account_id: str, day: date, payee_id: str = "") -> ActFacts | None:
        tables = self._tables
        account = tables.accounts.get(account_id)
        if account is None:
            return None
        days = tables.raise_days.get(account_id, ())
        transfers = [tables.transfers[key] for key in tables.transfer_ids.get(account_id, ())]
        return ActFacts(
            account,
            tuple(tables.cards[key] for key in tables.card_ids.get(account_id, ())),
            tuple(tables.raises[account_id, each] for each in days if each >= day),
            tuple(tables.tokens[key] for key in tables.serials.get(account_id, ())),
            customer=tables.customers[account_id],
            transfers=tuple(each for each in transfers if each.state in WAITING),
            transferred_jpy=sum(each.amount_jpy for each in transfers if each.day == day),
            payee=tables.accounts.get(payee_id),
            numbered=tuple(key for key in tables.card_ids.get(account_id, ()) if key in tables.pans),
        )

    def act_result(self, key: str) -> ActResult | None:
        return self._tables.act_results.get(key)

    def transfer(self, transfer_id: str) -> Transfer | None:
        return self._tables.transfers.get(transfer_id)

    def serial_taken(self, serial: str) -> bool:
        return serial in self._tables.tokens

    def card_taken(self, card_id: str) -> bool:
        return card_id in self._tables.cards

    def exception_item(self, key: str) -> ExceptionRow | None:
        return self._tables.exceptions.get(key)

    def pan(self, card_id: str) -> str | None:
        return self._tables.pans.get(card_id)

    # ---------------------------------------------------------------- writes

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        for change in changes:
            WRITERS[type(change)](self, change, now_us)

    def remember(self, exchange: Exchange) -> None:
        self._put_new(self._tables.exchanges, exchange.key, exchange, "this message identity")

    def remember_act(self, key: str, result: ActResult) -> None:
        self._put_new(self._tables.act_results, key, result, "this request id")

    def add_account(self, account: Account, customer: Customer | None = None) -> None:
        check_opening(account)
        account_id = account.account_id
        self._put_new(self._tables.accounts, account_id, account, "this account")
        self._put_new(self._tables.customers, account_id, customer or Customer(account_id), "this customer")

    def add_card(self, card: Card) -> None:
        tables = self._tables
        _known(tables.accounts, card.account_id, "account")
        self._put_new(tables.cards, card.card_id, card, "this card")
        self._index(tables.card_ids, card.account_id, card.card_id)

    def add_token(self, token: Token) -> None:
        tables = self._tables
        _known(tables.accounts, token.account_id, "account")
        self._put_new(tables.tokens, token.serial, token, "this token")
        self._index(tables.serials, token.account_id, token.serial)

    def add_pan(self, card_id: str, pan: str) -> None:
        _known(self._tables.cards, card_id, "card")
        self._put_new(self._tables.pans, card_id, pan, "this card's number")

    def _index(self, rows: dict[str, Any], account_id: str, key: Any) -> None:
        self._put(rows, account_id, tuple(sorted((*rows.get(account_id, ()), key))))

    # ---------------------------------------------------------------- one writer per change

    def _post(self, post: Post, now_us: int) -> None:
        check_legs(post)
        tables = self._tables
        journal = tables.journal
        seq = len(journal) + 1
        self._put_new(tables.posted_keys, post.key, seq, "a posting with this key")
        for book, amount_jpy in post.legs:
            if book.startswith(CUSTOMER):
                self._move_customer(book[len(CUSTOMER) :], amount_jpy, post.forced)
            else:
                self._put(tables.books, book, tables.books.get(book, 0) + amount_jpy)
        journal.append(
            JournalRow(seq, post.key, post.kind, post.day, now_us, post.refers, post.forced, post.legs)
        )

    def _move_customer(self, account_id: str, amount_jpy: int, forced: bool) -> None:
        accounts = self._tables.accounts
        account = _known(accounts, account_id, "account")
        posted_jpy = account.posted_jpy + amount_jpy
        if amount_jpy < 0 and not forced and posted_jpy < account.held_jpy:
            raise Conflict("the balance no longer covers an unforced posting")
        self._put(accounts, account_id, replaced(account, "posted_jpy", posted_jpy))

    def _count_use(self, change: CountUse, now_us: int) -> None:
        rows = self._tables.used
        _known(self._tables.accounts, change.account_id, "account")
        key = change.account_id, change.day
        by_medium = rows.get(key, _NO_USE)
        used_jpy = by_medium.get(change.medium, 0) + change.amount_jpy
        if used_jpy < 0:
            raise Conflict("the limit counter would fall below 0")
        self._put(rows, key, {**by_medium, change.medium: used_jpy})

    def _count_month(self, change: CountMonth, now_us: int) -> None:
        rows = self._tables.month_uses
        _known(self._tables.accounts, change.account_id, "account")
        key = change.account_id, change.month, change.service
        uses = rows.get(key, 0) + change.uses
        if uses < 0:
            raise Conflict("the month's number of uses would fall below 0")
        self._put(rows, key, uses)

    def _set_account(self, change: SetAccount, now_us: int) -> None:
        check_field(change)
        rows = self._tables.accounts
        account = _known(rows, change.account_id, "account")
        if change.field == "held_jpy" and change.value > max(account.posted_jpy, account.held_jpy):
            raise Conflict("the balance no longer covers what is to be held")
        self._put(rows, change.account_id, replaced(account, change.field, change.value))

    def _set_card(self, change: SetCard, now_us: int) -> None:
        check_field(change)
        rows = self._tables.cards
        card = _known(rows, change.card_id, "card")
        self._put(rows, change.card_id, replaced(card, change.field, change.value))

    def _set_token(self, change: SetToken, now_us: int) -> None:
        check_field(change)
        rows = self._tables.tokens
        token = _known(rows, change.serial, "token")
        self._put(rows, change.serial, replaced(token, change.field, change.value))

    def _set_customer(self, change: SetCustomer, now_us: int) -> None:
        check_field(change)
        rows = self._tables.customers
        customer = _known(rows, change.account_id, "customer")
        self._put(rows, change.account_id, replaced(customer, change.field, change.value))

    def _add_token(self, change: AddToken, now_us: int) -> None:
        self.add_token(change.token)

    def _add_card(self, change: AddCard, now_us: int) -> None:
        self.add_card(change.card)
        self.add_pan(change.card.card_id, change.pan.reveal())

    def _open_transfer(self, change: OpenTransfer, now_us: int) -> None:
        tables, transfer = self._tables, change.transfer
        _known(tables.accounts, transfer.account_id, "account")
        self._put_new(tables.transfers, transfer.transfer_id, transfer, "this transfer")
        self._index(tables.transfer_ids, transfer.account_id, transfer.transfer_id)

    def _move_transfer(self, change: MoveTransfer, now_us: int) -> None:
        rows = self._tables.transfers
        row = _known(rows, change.transfer_id, "transfer")
        if row.state != change.was:
            raise Conflict("the transfer has moved on since it was read")
        moved = row._replace(state=change.state, day=change.day, due_us=change.due_us)
        self._put(rows, change.transfer_id, moved)

    def _keep_sender(self, change: KeepSender, now_us: int) -> None:
        sender = change.sender
        self._put_new(self._tables.senders, sender.posting_key, sender, "the sender of this posting")

    def _charge_login(self, change: ChargeLogin, now_us: int) -> None:
        rows = self._tables.customers
        customer = _known(rows, change.account_id, "customer")
        if customer.password_lapsed or customer.login_fails >= change.limit:
            raise Refused("the login tries of this account are used up")
        self._put(rows, change.account_id, customer._replace(login_fails=customer.login_fails + 1))

    def _charge_pin(self, change: ChargePin, now_us: int) -> None:
        rows = self._tables.cards
        card = _known(rows, change.card_id, "card")
        if card.pin_fails >= change.limit:
            raise Refused("the PIN tries of this card are used up")
        self._put(rows, change.card_id, replaced(card, "pin_fails", card.pin_fails + 1))

    def _charge_otp(self, change: ChargeOtp, now_us: int) -> None:
        rows = self._tables.accounts
        account = _known(rows, change.account_id, "account")
        if account.otp_locked or account.otp_fails >= change.limit:
            raise Refused("the OTP tries of this account are used up")
        self._put(rows, change.account_id, account._replace(otp_fails=account.otp_fails + 1))

    def _consume_step(self, change: ConsumeStep, now_us: int) -> None:
        rows = self._tables.tokens
        token = _known(rows, change.serial, "token")
        if token.locked or change.step <= token.last_step:
            raise Refused("this token step is spent or its token is locked")
        self._put(rows, change.serial, token._replace(last_step=change.step))

    def _put_raise(self, change: PutRaise, now_us: int) -> None:
        tables = self._tables
        key = change.account_id, change.day
        _known(tables.accounts, change.account_id, "account")
        if key not in tables.raises:
            self._index(tables.raise_days, change.account_id, change.day)
        self._put(tables.raises, key, Raise(change.account_id, change.day, change.amount_jpy, change.seq))

    def _cancel_raise(self, change: CancelRaise, now_us: int) -> None:
        rows = self._tables.raises
        key = change.account_id, change.day
        if key not in rows:
            raise Conflict("the raise to cancel is not there")
        self._put(rows, key, rows[key]._replace(cancelled=True))

    def _open(self, change: Open, now_us: int) -> None:
        row = change.authorisation
        self._put_new(self._tables.authorisations, row.original_key, row, "this authorisation")

    def _resolve(self, change: Resolve, now_us: int) -> None:
        rows = self._tables.authorisations
        row = rows.get(change.original_key)
        if row is None or not row.reversed_jpy <= change.reversed_jpy <= row.amount_jpy:
            raise Conflict("the authorisation is not there, or would give back less than before or too much")
        self._put(
            rows,
            change.original_key,
            row._replace(state=change.state, reversed_jpy=change.reversed_jpy),
        )

    def _notify(self, change: Notify, now_us: int) -> None:
        tables = self._tables
        seq = len(tables.outbox) + 1
        self._put_new(tables.notice_keys, change.key, seq, "a notice with this key")
        key, account_id, kind, amount_jpy, address = change
        tables.outbox.append(OutboxRow(seq, key, now_us, account_id, kind, amount_jpy, "waiting", address))

    def _write_audit(self, change: Audit, now_us: int) -> None:
        rows = self._tables.audit
        rows.append(AuditRow(len(rows) + 1, now_us, *change))

    def _raise_exception(self, change: RaiseException, now_us: int) -> None:
        rows = self._tables.exceptions
        key, kind, account_id, amount_jpy, detail = change
        row = ExceptionRow(len(rows) + 1, key, now_us, kind, account_id, amount_jpy, detail, "open")
        self._put_new(rows, key, row, "an exception item with this key")

    def _close_exception(self, change: CloseException, now_us: int) -> None:
        rows = self._tables.exceptions
        self._put(rows, change.key, _known(rows, change.key, "exception item")._replace(state="closed"))


def _known(rows: dict[str, Any], key: str, what: str) -> Any:
    """The row, or a LookupError: rules only change what they have been shown, so its absence is a fault."""
    row = rows.get(key)
    if row is None:
        raise LookupError(f"a change names an {what} that the store does not hold")
    return row


WRITERS: dict[type, Callable[[MemoryUnit, Any, int], None]] = {
    Post: MemoryUnit._post,
    CountUse: MemoryUnit._count_use,
    CountMonth: MemoryUnit._count_month,
    SetAccount: MemoryUnit._set_account,
    SetCard: MemoryUnit._set_card,
    SetToken: MemoryUnit._set_token,
    SetCustomer: MemoryUnit._set_customer,
    AddToken: MemoryUnit._add_token,
    AddCard: MemoryUnit._add_card,
    OpenTransfer: MemoryUnit._open_transfer,
    MoveTransfer: MemoryUnit._move_transfer,
    KeepSender: MemoryUnit._keep_sender,
    ChargePin: MemoryUnit._charge_pin,
    ChargeOtp: MemoryUnit._charge_otp,
    ChargeLogin: MemoryUnit._charge_login,
    ConsumeStep: MemoryUnit._consume_step,
    PutRaise: MemoryUnit._put_raise,
    CancelRaise: MemoryUnit._cancel_raise,
    Open: MemoryUnit._open,
    Resolve: MemoryUnit._resolve,
    Notify: MemoryUnit._notify,
    Audit: MemoryUnit._write_audit,
    RaiseException: MemoryUnit._raise_exception,
    CloseException: MemoryUnit._close_exception,
}
