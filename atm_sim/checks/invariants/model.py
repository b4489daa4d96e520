"""What the auditor remembers of one bank: its own small model, fed by requests and outcomes only.

It starts from the bank's rows and then follows what was asked and what was answered, never what the rules computed on
the way. So a limit is replayed here from the acts that set it, and a counter is the sum of the approvals behind it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from bank_host.policy import Policy
from bank_host.rules.facts import Account, Card, Customer, Enrolment, Payee, Raise, Token, Transfer
from bank_host.store.contract import Store

#: services that move money -> +1 where the ATM hands cash or goods out, -1 where it takes cash in
MONEY = {"withdraw": 1, "purchase": 1, "deposit": -1}

#: services that use up the daily limit -> the switch in policy `atm.counts`
COUNTED = {"withdraw": "withdrawal", "purchase": "j_debit"}


class LimitAct(NamedTuple):
    """One line of the event log that limits are replayed from."""

    kind: str  # set_limit | raise_limit | cancel_raise
    day: date | None
    amount_jpy: int


class AccountModel:
    """One account as the auditor sees it."""

    __slots__ = (
        "acts",
        "balance_jpy",
        "closed",
        "customer",
        "held_jpy",
        "opened_with_jpy",
        "otp_locked",
        "otp_tries",
        "used",
    )

    def __init__(
        self,
        account: Account,
        raises: list[Raise],
        used: dict[date, dict[str, int]],
        customer: Customer | None = None,
    ) -> None:
        self.customer = CustomerModel(customer or Customer(account.account_id))
        self.opened_with_jpy = account.standing_jpy
        self.acts = _acts_so_far(account, raises)
        self.balance_jpy = account.posted_jpy
        self.held_jpy = account.held_jpy
        self.closed = account.closed
        self.otp_tries = account.otp_fails
        self.otp_locked = account.otp_locked
        self.used = used  # yen by JST day and medium

    def limit_on(self, day: date | None) -> int:
        """The ATM limit in force on a day, replayed from every act in commit order; None is a day without a raise.

        A raise holds beside a standing limit above 0. A standing limit of 0 wins over each raise recorded before
        it and yields to each recorded after it.
        """
        standing_jpy, raised_jpy, raised_last = self.opened_with_jpy, None, False
        for act in self.acts:
            if act.kind == "set_limit":
                standing_jpy = act.amount_jpy
                if standing_jpy == 0:
                    raised_last = False
            elif act.day == day:
                raised_jpy = act.amount_jpy if act.kind == "raise_limit" else None
                raised_last = True
        if raised_jpy is None:
            return standing_jpy
        if standing_jpy:
            return max(standing_jpy, raised_jpy)
        return raised_jpy if raised_last else 0

    @property
    def standing_jpy(self) -> int:
        return next(
            (act.amount_jpy for act in reversed(self.acts) if act.kind == "set_limit"), self.opened_with_jpy
        )

    def last_of(self, day: date | None) -> LimitAct | None:
        """The latest act about a date's raise."""
        return next((act for act in reversed(self.acts) if act.kind != "set_limit" and act.day == day), None)

    def days(self, today: date) -> set[date | None]:
        """Every date from today on that an act names, and one that none names."""
        return {None} | {act.day for act in self.acts if act.day is not None and act.day >= today}

    def used_on(self, day: date) -> int:
        return sum(self.used.get(day, {}).values())


def _acts_so_far(account: Account, raises: list[Raise]) -> list[LimitAct]:
    """The log of an account that is already old, in the order of the host's sequence numbers."""
    log = [
        (
            entry.seq,
            LimitAct("cancel_raise" if entry.cancelled else "raise_limit", entry.day, entry.amount_jpy),
        )
        for entry in raises
    ]
    if account.zero_seq:
        log.append((account.zero_seq, LimitAct("set_limit", None, 0)))
    acts = [act for _, act in sorted(log, key=lambda item: item[0])]
    return (
        [*acts, LimitAct("set_limit", None, account.standing_jpy)] if account.standing_jpy and acts else acts
    )


class TransferModel:
    """One transfer as it was asked for, and how far it has come."""

    __slots__ = ("amount_jpy", "day", "payee", "state")

    def __init__(
        self, payee: Payee, amount_jpy: int, state: str = "pending", day: date | None = None
    ) -> None:
        self.payee = payee
        self.amount_jpy = amount_jpy
        self.state = state
        self.day = day  # of its confirmation


class CustomerModel:
    """The holder of an account: what they may transfer, where notices go, how often they failed to log in."""

    __slots__ = ("emails", "lapsed", "login_tries", "transfer_limit_jpy", "transfers")

    def __init__(self, customer: Customer) -> None:
        self.transfer_limit_jpy = customer.transfer_limit_jpy
        self.emails = customer.emails
        self.login_tries = customer.login_fails
        self.lapsed = customer.password_lapsed
        self.transfers: dict[str, TransferModel] = {}

    def took_up(self, entry: Transfer) -> None:
        self.transfers[entry.transfer_id] = TransferModel(
            entry.payee, entry.amount_jpy, entry.state, entry.day
        )

    def transferred_on(self, day: date) -> int:
        return sum(each.amount_jpy for each in self.transfers.values() if each.day == day)


class TokenModel:
    __slots__ = ("account_id", "device", "locked", "state")

    def __init__(self, token: Token, state: str) -> None:
        self.account_id = token.account_id
        self.device = token.device
        self.locked = token.locked
        self.state = state


class CardModel:
    __slots__ = ("account_id", "alias", "hot", "locked", "tries")

    def __init__(self, card: Card) -> None:
        self.account_id = card.account_id
        self.alias = card.alias
        self.locked = card.locked
        self.hot = card.hot
        self.tries = card.pin_fails


class Transaction:
    """One financial request and what became of it: declined, early, open, or how it ended."""

    __slots__ = (
        "account_id",
        "amount_jpy",
        "at_us",
        "atm",
        "cash_jpy",
        "counted",
        "fee_jpy",
        "key",
        "limit_day",
        "listed",
        "medium",
        "reversed_jpy",
        "service",
        "state",
    )

    def __init__(self, key: str, state: str, service: str = "", amount_jpy: int = 0, at_us: int = 0) -> None:
        self.key = key  # of its posting
        self.state = state
        self.service = service
        self.amount_jpy = amount_jpy
        self.at_us = at_us
        self.account_id = self.atm = self.medium = ""
        self.fee_jpy = self.reversed_jpy = 0
        self.cash_jpy = 0  # what the ledger says the ATM paid out for it
        self.limit_day = date.min
        self.counted = False
        self.listed = False  # an exception item names it

    @property
    def suspense_jpy(self) -> int:
        """What the ATM's suspense account holds for it."""
        open_ = self.state in ("open", "manual")
        return MONEY.get(self.service, 0) * self.amount_jpy if open_ else 0


class BankModel:
    """Everything the auditor remembers of one bank."""

    __slots__ = (
        "accounts",
        "answers",
        "atm_cash",
        "cards",
        "charged",
        "name",
        "notices",
        "open_jpy",
        "originals",
        "outcomes",
        "policy",
        "posted",
        "steps",
        "suspense",
        "tokens",
        "transactions",
    )

    def __init__(self, name: str, policy: Policy, store: Store) -> None:
        self.name = name
        self.policy = policy
        self.accounts: dict[str, AccountModel] = {}
        self.cards: dict[str, CardModel] = {}
        self.tokens: dict[str, TokenModel] = {}  # by serial number
        self.steps: dict[str, int] = {}  # last one accepted, by token
        self.posted: set[str] = set()  # keys of postings
        self.originals: dict[str, str] = {}  # key of a posting -> under which its transaction is known
        self.transactions: dict[str, Transaction] = {}
        self.outcomes: dict[str, str] = {}  # of messages and acts, by identity
        # Of each first answer, by identity of its request: hash of what was asked and of what was told, code.
        self.answers: dict[str, tuple[int, int, str]] = {}
        self.charged: set[str] = set()  # a try was charged for these, and not yet compared
        self.suspense: defaultdict[str, int] = defaultdict(int)  # by ATM, by legs
        self.open_jpy: defaultdict[str, int] = defaultdict(int)  # by ATM, by open transactions
        self.atm_cash: defaultdict[str, int] = defaultdict(int)  # paid out, by ATM
        self.notices: dict[str, str] = {}  # key -> kind of what was promised
        self._read_customers(store)
        self._read_books(store)
        self._read_history(store)

    def _read_customers(self, store: Store) -> None:
        raises: dict[str, list[Raise]] = defaultdict(list)
        for entry in store.raises():
            raises[entry.account_id].append(entry)
        used: dict[str, dict[date, dict[str, int]]] = defaultdict(dict)
        for account_id, day, medium, jpy in store.limit_uses():
            used[account_id].setdefault(day, {})[medium] = jpy
        holders = {customer.account_id: customer for customer in store.customers()}
        for account in store.accounts():
            of = account.account_id
            self.accounts[of] = AccountModel(account, raises[of], used[of], holders.get(of))
        for entry in store.transfers():
            self.accounts[entry.account_id].customer.took_up(entry)
        self.cards.update((card.card_id, CardModel(card)) for card in store.cards())
        for token in store.tokens():
            self.handed_out(token, token.state)

    def handed_out(self, token: Token, state: str) -> None:
        self.steps[token.serial] = token.last_step
        self.tokens[token.serial] = TokenModel(token, state)

    def enrolled(self, enrolment: Enrolment) -> None:
        """Take a new account into the model, still empty: its balance arrives as a posting."""
        account = enrolment.account
        limit_jpy = self.policy.on(account.opened).transfer_initial[account.kind]
        customer = enrolment.customer or Customer(account.account_id, transfer_limit_jpy=limit_jpy)
        self.accounts[account.account_id] = AccountModel(account, [], {}, customer)
        self.cards.update((card.card_id, CardModel(card)) for card in enrolment.cards)
        for token in enrolment.tokens:
            self.handed_out(token, token.state)

    def _read_books(self, store: Store) -> None:
        for book, jpy in store.balances():
            kind, _, atm = book.partition(":")
            if kind == "suspense":
                self.suspense[atm] = jpy
            elif kind == "atm":
                self.atm_cash[atm] = jpy

    def _read_history(self, store: Store) -> None:
        """What the bank had done before the auditor came."""
        for row in store.authorisations():
            known = Transaction(row.key, row.state, row.service, row.amount_jpy, row.at_us)
            known.account_id, known.atm, known.medium = row.account_id, row.atm, row.medium
            known.fee_jpy, known.reversed_jpy, known.limit_day = row.fee_jpy, row.reversed_jpy, row.limit_day
            known.counted = self.counts(row.service, row.limit_day)
            self.transactions[row.original_key] = known
            self.originals[row.key] = row.original_key
            self.open_jpy[row.atm] += known.suspense_jpy
        for item in store.exceptions():
            about = self.transactions.get(item.detail) or self.transactions.get(
                self.originals.get(item.key, "")
            )
            if about is not None:
                about.listed = True
        self.posted.update(row.key for row in store.journal())
        self.outcomes.update((exchange.key, "") for exchange in store.exchanges())
        self.notices.update((row.key, row.kind) for row in store.outbox())

    def counts(self, service: str, day: date) -> bool:
        """Does the service use up the daily limit of that day?"""
        return service in COUNTED and COUNTED[service] in self.policy.on(day).atm_counts
