"""The sweeps at the end of a run: books, rows, open ends, and cash against the ledgers.

The bank's own sweeps over its store are used as they are; beside them the store has to agree with what the auditor
remembers, and every difference between an ATM and the banks has to be explained by an open item.
"""

from __future__ import annotations

from collections.abc import Iterable

from atm_sim.checks.invariants.cash import AtmTransaction, Machine
from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import MONEY, AccountModel, BankModel, CustomerModel, Transaction
from atm_sim.sansio.saf import Saf
from bank_host.iso8583.identity import quoted_original_key
from bank_host.jst import HOUR_US, jst_date
from bank_host.rules.facts import Account, Customer
from bank_host.store.contract import Store
from bank_host.store.verify import SWEEPS, limit_use_is_what_was_authorised

#: what each of the bank's own sweeps judges, so that each counts as one check
_SWEPT = ("I1", "I2", "I3", "I5", "I6", "I8", "I10", "I20", "I21")


def books_are_sound(store: Store, bank: BankModel, found: Findings) -> None:
    """The bank's own sweeps; the limit counters are compared with the model, which knows what counts on which day."""
    for name in _SWEPT:
        found.checked[name] += 1
    for sweep in SWEEPS:
        if sweep is limit_use_is_what_was_authorised:
            continue
        for finding in sweep(store):
            found.where = f"{bank.name}, {finding.where}"
            found.breach(finding.invariant, "a sound store", finding.what)


def rows_are_the_model(store: Store, bank: BankModel, found: Findings) -> None:
    """What the store holds is what was committed."""
    for account in store.accounts():
        model = bank.accounts.get(account.account_id)
        if model is not None:
            found.where = f"{bank.name}, account {account.account_id}"
            _account_is(account, model, found)
    for card in store.cards():
        known = bank.cards.get(card.card_id)
        if known is not None:
            found.where = f"{bank.name}, card of {card.alias}"
            _same("I21", "hot, locked", (known.hot, known.locked), (card.hot, card.locked), found)
            _same("I18", "PIN tries", known.tries, card.pin_fails, found)
    for customer in store.customers():
        holder = bank.accounts.get(customer.account_id)
        if holder is not None:
            found.where = f"{bank.name}, customer of account {customer.account_id}"
            _customer_is(customer, holder.customer, found)
    for entry in store.transfers():
        known_entry = bank.accounts[entry.account_id].customer.transfers.get(entry.transfer_id)
        if known_entry is not None:
            found.where = f"{bank.name}, transfer {entry.transfer_id}"
            asked_for = (known_entry.payee, known_entry.amount_jpy, known_entry.state, known_entry.day)
            held_as = (entry.payee, entry.amount_jpy, entry.state, entry.day)
            _same("I21", "payee, amount, state and day", asked_for, held_as, found)
    for token in store.tokens():
        found.where = f"{bank.name}, token of account {token.account_id}"
        _same(
            "I19", "last accepted step", bank.steps.get(token.serial, token.last_step), token.last_step, found
        )
        known_token = bank.tokens.get(token.serial)
        if known_token is not None:
            now = (known_token.locked, known_token.state)
            _same("I21", "locked, state", now, (token.locked, token.state), found)
    for dated in store.raises():
        of_account = bank.accounts.get(dated.account_id)
        latest = of_account.last_of(dated.day) if of_account is not None else None
        if latest is not None:
            found.where = f"{bank.name}, raise of account {dated.account_id} on {dated.day}"
            held = ("cancel_raise" if dated.cancelled else "raise_limit", dated.amount_jpy)
            raised = latest.kind == "raise_limit"  # who cancels names no amount
            asked = (latest.kind, latest.amount_jpy if raised else dated.amount_jpy)
            _same("I21", "raise", asked, held, found)
    _counters_are(store, bank, found)
    found.where = f"{bank.name}, outbox"
    told = {row.key: row.kind for row in store.outbox()}
    _same(
        "I20",
        "notices promised and kept",
        len(bank.notices),
        sum(told.get(k) == v for k, v in bank.notices.items()),
        found,
    )


def _account_is(account: Account, model: AccountModel, found: Findings) -> None:
    _same("I3", "posted balance", model.balance_jpy, account.posted_jpy, found)
    _same("I21", "standing limit", model.standing_jpy, account.standing_jpy, found)
    _same("I21", "closed", model.closed, account.closed, found)
    _same("I18", "OTP tries", model.otp_tries, account.otp_fails, found)
    _same("I21", "held for reservations", model.held_jpy, account.held_jpy, found)


def _customer_is(customer: Customer, model: CustomerModel, found: Findings) -> None:
    _same("I18", "login tries", model.login_tries, customer.login_fails, found)
    _same("I18", "password lapsed", model.lapsed, customer.password_lapsed, found)
    _same("I21", "transfer limit", model.transfer_limit_jpy, customer.transfer_limit_jpy, found)
    _same("I21", "e-mail addresses", model.emails, customer.emails, found)


def _counters_are(store: Store, bank: BankModel, found: Findings) -> None:
    counters = {(account, day, medium): jpy for account, day, medium, jpy in store.limit_uses() if jpy}
    expected = {
        (account, day, medium): jpy
        for account, model in bank.accounts.items()
        for day, by_medium in model.used.items()
        for medium, jpy in by_medium.items()
        if jpy
    }
    for account, day, medium in sorted({*counters, *expected}):
        found.where = f"{bank.name}, account {account} on {day} ({medium})"
        of = account, day, medium
        _same("I15", "limit used", expected.get(of, 0), counters.get(of, 0), found)


def _same(invariant: str, what: str, expected: object, actual: object, found: Findings) -> None:
    found.checked[invariant] += 1
    if expected != actual:
        found.breach(invariant, f"{what}: {expected}, as committed", f"{actual} in the store")


# ---------------------------------------------------------------- how approvals ended


def advices_on_the_way(queues: Iterable[Saf]) -> frozenset[str]:
    """The transactions for which an advice still waits, or lies on a person's desk."""
    entries = [entry for queue in queues for entry in (*queue.waiting, *queue.manual)]
    return frozenset(quoted_original_key(entry.message) for entry in entries)


def approvals_have_ended(
    bank: BankModel, machines: Iterable[Machine], waiting: frozenset[str], now_us: int, found: Findings
) -> None:
    """An open approval needs somebody who will end it: an advice on the way, people, or settlement by time."""
    by_terminal = {machine.terminal_id: machine for machine in machines}
    most_us = bank.policy.on(jst_date(now_us)).settlement_after_h * HOUR_US
    for key, about in bank.transactions.items():
        if about.service not in MONEY or about.state in ("declined", "early"):
            continue
        found.checked["I12"] += 1
        if about.state != "open" or about.listed or key in waiting:
            continue
        machine = by_terminal.get(about.atm)
        known = machine.transactions.get(key) if machine is not None else None
        if machine is None or known is None or not machine.completes_by_advice:
            ends = now_us - about.at_us <= most_us
        else:
            ends = known.ending == "suspect" or machine.in_session(known)
        if not ends:
            found.where = f"{bank.name}, request {about.key}"
            chain = known.request_id if known is not None else ""
            found.breach(
                "I12",
                "an approval that is completed, reversed or in the hands of people",
                f"¥{about.amount_jpy:,} open, and nothing on the way that would end it",
                request_id=chain,
            )


# ---------------------------------------------------------------- the ATM's cash against the ledgers


def books_agree_with_cash(
    name: str, machine: Machine, banks: list[BankModel], waiting: frozenset[str], found: Findings
) -> None:
    """Book cash = cash in the machine, once the open items are taken into account, transaction by transaction."""
    found.checked["I7"] += 1
    booked_jpy = sum(bank.atm_cash[machine.terminal_id] for bank in banks)
    unbooked_jpy = 0
    for key, about in machine.transactions.items():
        held = next((bank.transactions[key] for bank in banks if key in bank.transactions), None)
        in_ledger_jpy = held.cash_jpy if held is not None else 0
        unbooked_jpy += about.paid_jpy - in_ledger_jpy
        if about.paid_jpy != in_ledger_jpy and not _explained(about, held, key in waiting, machine):
            found.where = name
            found.breach(
                "I7",
                f"¥{about.paid_jpy:,} paid out for {about.request_id}, or an open item",
                f"¥{in_ledger_jpy:,} in the ledger ({held.state if held is not None else 'unknown to every bank'})",
                request_id=about.request_id,
            )
    book_jpy = machine.loaded_jpy - booked_jpy - unbooked_jpy
    if book_jpy != machine.counted_jpy:
        found.where = name
        found.breach(
            "I7",
            f"¥{book_jpy:,}: loaded, less the ledgers, less open items",
            f"¥{machine.counted_jpy:,} in the machine",
        )


def _explained(about: AtmTransaction, held: Transaction | None, on_the_way: bool, machine: Machine) -> bool:
    if on_the_way or about.ending == "suspect" or machine.in_session(about):
        return True
    return held is not None and (held.listed or (held.state == "open" and not machine.completes_by_advice))
