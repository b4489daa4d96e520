"""Full sweeps over a store, for `bank-host verify` and the checks: does what it holds keep the invariants?

Each function looks at one invariant (I1-I6, I8, I10, I12-I15, I18, I20, I21) and names what breaks it. All of them see
one moment of the store, so hosts may go on writing. I19 leaves nothing to sweep: only the latest spent step is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, NamedTuple, cast

from bank_host.iso8583.codec import decode
from bank_host.iso8583.errors import FormatError
from bank_host.jst import DAY_US, HOUR_US, jst_date
from bank_host.ledger.entries import problems, signed
from bank_host.ledger.posting import OPENING, Post, clearing, customer, suspense
from bank_host.policy import Figures, Policy
from bank_host.rules.acts.transfers import digest
from bank_host.rules.card import DEBITS, KINDS, NOTICES
from bank_host.rules.facts import Authorisation
from bank_host.rules.reasons import APPROVED
from bank_host.store.contract import JournalRow, Store
from bank_host.store.writing import CUSTOMER

COUNTED = tuple(
    DEBITS
)  # services that use up the daily limit, where the policy has all its switches on (Q10)

# Approved and with money behind it; 'manual' stays in suspense until people have decided.
_IN_SUSPENSE = ("open", "manual")
_APPROVED = ("open", "completed", "settled", "reversed", "part_reversed", "manual")


class Finding(NamedTuple):
    """One broken invariant: which one, on which row, and what is wrong in plain words."""

    invariant: str
    where: str
    what: str


def postings_are_balanced(store: Store) -> Iterator[Finding]:
    """I1: two legs or more, none of 0 yen, sum 0."""
    for row in store.journal():
        for what in problems(_as_post(row)):
            yield Finding("I1", f"posting {row.seq} ({row.key})", what)


def keys_are_unique(store: Store) -> Iterator[Finding]:
    """I2: one business key, one posting at most."""
    times = Counter(row.key for row in store.journal())
    for key, count in times.items():
        if count > 1:
            yield Finding("I2", f"key {key}", f"was posted {count} times")


def cached_balances_are_the_legs(store: Store) -> Iterator[Finding]:
    """I3: a cached balance equals the sum of its legs, and all of them together are 0."""
    legs = _sums(store)
    cached = dict(store.balances())
    for book in sorted({*legs, *cached}):
        if legs[book] != cached.get(book, 0):
            yield Finding(
                "I3",
                book,
                f"the cached balance is {cached.get(book, 0)} yen, its legs sum to {legs[book]} yen",
            )
    if total := sum(cached.values()):
        yield Finding("I3", "all ledger accounts", f"sum to {total} yen, not 0")


def statements_explain_balances(store: Store) -> Iterator[Finding]:
    """I5: an account's balance is its opening posting plus its movements, and opens once, before it moves."""
    opened: dict[str, int] = {}
    moved: Counter[str] = Counter()
    for row in store.journal():
        opening = any(book == OPENING for book, _ in row.legs)
        for book, amount_jpy in row.legs:
            if not book.startswith(CUSTOMER):
                continue
            if not opening:
                moved[book] += amount_jpy
            elif book in opened or book in moved:
                yield Finding("I5", book, f"opens again with posting {row.seq} ({row.key})")
            else:
                opened[book] = amount_jpy
    for account in store.accounts():
        book = CUSTOMER + account.account_id
        explained = opened.get(book, 0) + moved[book]
        if account.posted_jpy != explained:
            yield Finding(
                "I5",
                book,
                f"opening {opened.get(book, 0)} + movements {moved[book]} = {explained} yen, "
                f"but the balance is {account.posted_jpy} yen",
            )


def history_is_unchanged(store: Store) -> Iterator[Finding]:
    """I6: the keyed chain over journal and audit rows is whole."""
    for what in store.chain_faults():
        yield Finding("I6", "hash chain", what)


def suspense_is_what_is_open(store: Store) -> Iterator[Finding]:
    """I8: an ATM's suspense account holds its open authorisations and nothing else."""
    expected: Counter[str] = Counter()
    for row in store.authorisations():
        if row.state in _IN_SUSPENSE and row.service in KINDS:
            expected[suspense(row.atm)] -= signed(KINDS[row.service], row.amount_jpy)
    held = {book: jpy for book, jpy in store.balances() if book.startswith(suspense(""))}
    for book in sorted({*expected, *held}):
        if held.get(book, 0) != expected[book]:
            yield Finding(
                "I8", book, f"holds {held.get(book, 0)} yen, its open authorisations are {expected[book]} yen"
            )


def reversals_fit_their_originals(store: Store) -> Iterator[Finding]:
    """I10: what was given back lies between 0 and the amount, fits the state, and was posted at most once."""
    reversals = Counter(row.refers for row in store.journal() if row.kind == "reversal")
    clearings = Counter(row.refers for row in store.journal() if row.kind in ("completion", "settlement"))
    for row in store.authorisations():
        where = f"authorisation {row.original_key}"
        if what := _reversal_fault(row, reversals[row.key]):
            yield Finding("I10", where, what)
        if clearings[row.key] > 1:
            yield Finding("I10", where, f"was cleared {clearings[row.key]} times")
        if clearings[row.key] and row.state == "open":
            yield Finding("I10", where, "was cleared, yet it is open")


def _reversal_fault(row: Authorisation, reversals: int) -> str:
    if not 0 <= row.reversed_jpy <= row.amount_jpy:
        return f"gave back {row.reversed_jpy} yen of {row.amount_jpy} yen"
    if row.state == "reversed" and row.reversed_jpy != row.amount_jpy:
        return f"is reversed, yet only {row.reversed_jpy} yen of {row.amount_jpy} yen went back"
    if row.state == "part_reversed" and row.reversed_jpy in (0, row.amount_jpy):
        return f"is partly reversed, yet {row.reversed_jpy} yen of {row.amount_jpy} yen went back"
    if row.reversed_jpy and row.state not in ("reversed", "part_reversed"):
        return f"gave back {row.reversed_jpy} yen, yet it is {row.state}"
    if reversals != (1 if row.reversed_jpy else 0):
        return f"gave back {row.reversed_jpy} yen in {reversals} reversal postings"
    return ""


def limit_use_is_what_was_authorised(store: Store, counted: tuple[str, ...] = COUNTED) -> Iterator[Finding]:
    """I15: used(day) = sum of amount - reversed over what counts and has that limit day."""
    expected: Counter[tuple[str, date]] = Counter()
    for row in store.authorisations():
        if row.state in _APPROVED and row.service in counted:
            expected[row.account_id, row.limit_day] += row.amount_jpy - row.reversed_jpy
    used: Counter[tuple[str, date]] = Counter()
    for account_id, day, _, used_jpy in store.limit_uses():
        used[account_id, day] += used_jpy
    for account_id, day in sorted({*expected, *used}):
        of_day = account_id, day
        if used[of_day] != expected[of_day]:
            yield Finding(
                "I15",
                f"account {account_id} on {day}",
                f"the counter says {used[of_day]} yen, its authorisations are {expected[of_day]} yen",
            )


def held_is_what_is_reserved(store: Store) -> Iterator[Finding]:
    """I3: what an account holds back is the sum of its reserved transfers."""
    reserved: Counter[str] = Counter()
    for row in store.transfers():
        if row.state == "reserved":
            reserved[row.account_id] += row.amount_jpy
    for account in store.accounts():
        expected_jpy = reserved[account.account_id]
        if account.held_jpy != expected_jpy:
            yield Finding(
                "I3",
                f"account {account.account_id}",
                f"holds {account.held_jpy} yen, its reserved transfers are {expected_jpy} yen",
            )


def transfers_are_posted_as_entered(store: Store) -> Iterator[Finding]:
    """I10: an executed transfer was posted once, as the code was given for it; no other one was posted."""
    posted = {row.key: row.legs for row in store.journal() if row.kind == "transfer"}
    for row in store.transfers():
        where = f"transfer {row.transfer_id}"
        if row.digest != digest(row.account_id, row.payee, row.amount_jpy):
            yield Finding("I10", where, "is not what was entered: its digest differs")
        legs = posted.pop(f"transfer:{row.transfer_id}", None)
        to = clearing(row.payee.bank) if row.payee.bank else customer(row.payee.account_id)
        entered = ((customer(row.account_id), -row.amount_jpy), (to, row.amount_jpy))
        if row.state == "executed" and legs is None:
            yield Finding("I10", where, "is executed, yet it was never posted")
        elif row.state == "executed" and legs != entered:
            yield Finding("I10", where, "was posted with another payee or amount")
        elif row.state != "executed" and legs is not None:
            yield Finding("I10", where, f"was posted, yet it is {row.state}")
    for key in sorted(posted):
        yield Finding("I10", f"posting {key}", "belongs to no transfer")


def shortfalls_were_forced(store: Store) -> Iterator[Finding]:
    """I4: what is available is below 0 only where a forced posting took it."""
    forced = {book for row in store.journal() if row.forced for book, jpy in row.legs if jpy < 0}
    for account in store.accounts():
        available_jpy = account.posted_jpy - account.held_jpy
        if available_jpy < 0 and customer(account.account_id) not in forced:
            yield Finding(
                "I4",
                f"account {account.account_id}",
                f"{available_jpy} yen are available, and nothing was forced",
            )


_CLEARED_AS = {"completed": ("completion", "settlement"), "settled": ("settlement",)}


def approvals_end_once(store: Store) -> Iterator[Finding]:
    """I12: an approval that was completed or settled was cleared so; what only people can end is in their hands."""
    cleared = {(row.refers, row.kind) for row in store.journal() if row.refers}
    items = {row.detail for row in store.exceptions()}
    for row in store.authorisations():
        where = f"authorisation {row.original_key}"
        moved = row.service in KINDS and row.state in _CLEARED_AS
        if moved and not any((row.key, how) in cleared for how in _CLEARED_AS[row.state]):
            yield Finding("I12", where, f"is {row.state}, yet nothing cleared it")
        if row.state == "manual" and row.original_key not in items:
            yield Finding("I12", where, "is for people to decide, yet there is no exception item")


def nothing_is_open_too_long(store: Store, figures: Figures) -> Iterator[Finding]:
    """I12: no approval is open longer than timer and store-and-forward life, and a day for settling it."""
    latest_us = newest_us(store)
    longest_us = figures.settlement_after_h * HOUR_US + DAY_US
    for row in store.authorisations():
        if row.state == "open" and latest_us - row.at_us > longest_us:
            open_h = (latest_us - row.at_us) // HOUR_US
            yield Finding("I12", f"authorisation {row.original_key}", f"has been open for {open_h} hours")


def answers_are_what_was_decided(store: Store) -> Iterator[Finding]:
    """I13: each decided message has its one answer, which tells what was decided."""
    answers = {row.key: row for row in store.exchanges()}
    for row in store.authorisations():
        where, known = f"authorisation {row.original_key}", answers.get(row.key)
        if known is None:
            yield Finding("I13", where, "its message has no answer")
            continue
        try:
            told = decode(known.answer).get(39)
        except FormatError:
            yield Finding("I13", where, "its answer cannot be read")
            continue
        if told != (row.code or APPROVED):
            yield Finding("I13", where, f"was decided {row.code or APPROVED}, yet its answer says {told}")


def forced_is_in_the_hands_of_people(store: Store) -> Iterator[Finding]:
    """I14: whatever was posted although limit or balance spoke against it has an exception item."""
    items = {(row.key, row.detail) for row in store.exceptions()}
    keys, details = {key for key, _ in items}, {detail for _, detail in items}
    originals = {row.key: row.original_key for row in store.authorisations()}
    for row in store.journal():
        if row.forced and row.key not in keys and originals.get(row.refers) not in details:
            yield Finding(
                "I14", f"posting {row.seq} ({row.key})", "was forced, yet there is no exception item"
            )


def tries_are_counted(store: Store, figures: Figures) -> Iterator[Finding]:
    """I18: nobody has more tries than there are, because each is charged before it is compared."""
    for card in store.cards():
        if card.pin_fails > figures.pin_max_wrong:
            yield Finding("I18", f"card {card.alias}", f"counts {card.pin_fails} PIN tries")
    for account in store.accounts():
        if account.otp_fails > figures.otp_max_wrong:
            yield Finding("I18", f"account {account.account_id}", f"counts {account.otp_fails} OTP tries")


def approvals_have_their_notice(store: Store) -> Iterator[Finding]:
    """I20: each approved withdrawal, deposit and transfer within the bank has its row in the outbox."""
    keys = {row.key for row in store.outbox()}
    for row in store.authorisations():
        promised = row.state in _APPROVED and row.service in NOTICES
        if promised and row.code == "00" and row.key not in keys:
            yield Finding("I20", f"authorisation {row.original_key}", "has no notice in the outbox")
    for entry in store.transfers():
        within = entry.state == "executed" and not entry.payee.bank
        if within and f"{entry.transfer_id}:incoming" not in keys:
            yield Finding("I20", f"transfer {entry.transfer_id}", "has no notice in the outbox")
    mailed = {row.seq for row in store.mail()}
    for notice in store.outbox():
        if notice.state == "addressed" and notice.seq not in mailed:
            yield Finding("I20", f"notice {notice.key}", "left the outbox, yet nothing became of it")


def changes_have_their_audit_row(store: Store) -> Iterator[Finding]:
    """I21: each authorisation row, raise and transfer was written together with an audit row of its account."""
    at = {(row.account_id, row.at_us) for row in store.audit()}
    audited = {row.account_id for row in store.audit()}
    for row in store.authorisations():
        if (row.account_id, row.at_us) not in at:
            yield Finding("I21", f"authorisation {row.original_key}", "has no audit row of its commit")
    for each in store.raises():
        if each.account_id not in audited:
            yield Finding("I21", f"raise of account {each.account_id} on {each.day}", "has no audit row")
    for entry in store.transfers():
        if (entry.account_id, entry.entered_us) not in at:
            yield Finding("I21", f"transfer {entry.transfer_id}", "has no audit row of its entry")


def state_is_what_the_audit_says(store: Store) -> Iterator[Finding]:
    """I21: limits, closed accounts and locked cards are what the latest act made of them; before any act they are what
    they were at the opening. An audit row names the account, so locks are followed where it has one card."""
    latest: dict[tuple[str, str], str] = {}
    for row in store.audit():
        if not row.reason:
            latest[row.account_id, _LOCKING.get(row.what, row.what)] = row.after
    for account in store.accounts():
        where, limit = f"account {account.account_id}", f"{account.standing_jpy}"
        told = latest.get((account.account_id, "set_limit"), limit)
        if told != limit:
            yield Finding("I21", where, f"its limit is {limit} yen, the audit says {told}")
        if not account.closed and (account.account_id, "close_account") in latest:
            yield Finding("I21", where, "is open, the audit says it was closed")
    cards = Counter(card.account_id for card in store.cards())
    for card in store.cards():
        state = "locked" if card.locked else "open"
        told = latest.get((card.account_id, "lock"), state)
        if cards[card.account_id] == 1 and told != state:
            yield Finding("I21", f"card {card.alias}", f"is {state}, the audit says {told}")


_LOCKING = {"lock_card": "lock", "unlock_card": "lock"}


SWEEPS: tuple[Callable[[Store], Iterator[Finding]], ...] = (
    postings_are_balanced,
    keys_are_unique,
    cached_balances_are_the_legs,
    held_is_what_is_reserved,
    shortfalls_were_forced,
    statements_explain_balances,
    history_is_unchanged,
    suspense_is_what_is_open,
    reversals_fit_their_originals,
    transfers_are_posted_as_entered,
    approvals_end_once,
    answers_are_what_was_decided,
    forced_is_in_the_hands_of_people,
    limit_use_is_what_was_authorised,
    approvals_have_their_notice,
    changes_have_their_audit_row,
    state_is_what_the_audit_says,
)


def verify(store: Store, policy: Policy | None = None) -> list[Finding]:
    """Everything that is wrong at one moment, in the order of the invariants; an empty list is a clean store.

    With the bank's policy also what only its figures tell: approvals open for too long, tries beyond their number.
    """
    with store.snapshot() as moment:
        once = cast(Store, _Once(moment))
        found = [finding for sweep in SWEEPS for finding in sweep(once)]
        if policy is not None:
            figures = policy.on(jst_date(newest_us(once)))
            found += [*nothing_is_open_too_long(once, figures), *tries_are_counted(once, figures)]
    return sorted(found, key=lambda finding: int(finding.invariant[1:]))


class _Once:
    """A store of which every row is read once, however many sweeps look at it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[str, list[Any]] = {}

    def __getattr__(self, name: str) -> Callable[[], list[Any]]:
        if name not in self._rows:
            self._rows[name] = list(getattr(self._store, name)())
        return lambda: self._rows[name]


def newest_us(store: Store) -> int:
    """The time by the store's own rows: a simulated bank may stand in any year."""
    return max((row.at_us for row in store.audit()), default=0)


def _as_post(row: JournalRow) -> Post:
    return Post(row.key, row.kind, row.day, row.legs, row.refers, row.forced)


def _sums(store: Store) -> Counter[str]:
    sums: Counter[str] = Counter()
    for row in store.journal():
        for book, amount_jpy in row.legs:
            sums[book] += amount_jpy
    return sums
