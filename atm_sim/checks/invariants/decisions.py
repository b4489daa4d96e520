"""A card transaction as the bank decided it: was it allowed to approve, and does everything follow from it?

Judges I10, I11, I12, I15, I16, I17, I18, I20 from the auditor's model in commit order.
"""

from __future__ import annotations

from atm_sim.checks.invariants.answers import remember_outcome
from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import MONEY, BankModel, CardModel, Transaction
from atm_sim.checks.invariants.postings import count_use, enter
from atm_sim.checks.invariants.promises import expect_notices
from atm_sim.checks.invariants.tries import compared, pin_charged
from atm_sim.checks.invariants.written import Written
from bank_host.host import Commit
from bank_host.rules.changes import CountUse
from bank_host.rules.facts import Authorisation, CardRequest

APPROVED = "00"

NOTICES = {"withdraw": ["atm_withdrawal"], "deposit": ["atm_deposit"]}

#: refusals that come after a right PIN
_AFTER_PIN = frozenset(
    {
        "ACCOUNT_CLOSED",
        "BAD_CURRENCY",
        "NOT_OFFERED",
        "LIMIT_ZERO",
        "BAD_AMOUNT",
        "LIMIT_EXCEEDED",
        "NO_FUNDS",
    }
)


def decided(bank: BankModel, commit: Commit, written: Written, found: Findings) -> None:
    request = commit.request
    assert isinstance(request, CardRequest)
    if commit.code == "charge":
        pin_charged(bank, request.key, commit, written, found)
        return
    remember_outcome(bank, request.key, commit.code, found)
    row = written.opened[0].authorisation if written.opened else None
    approved = commit.code == APPROVED
    charged = request.key in bank.charged
    bank.charged.discard(request.key)
    if request.original_key in bank.transactions:
        _was_early(bank, request, approved, found)
    if row is None:
        if approved:
            found.breach("I12", "an authorisation row for each approval", "an approval that left none")
        enter(bank, written, found)
        return
    card = bank.cards[row.card_id]
    _pin(card, commit, written, charged, found)
    if approved:
        _may_approve(bank, card, row, commit, found)
    else:
        _may_refuse(bank, row, commit, found)
    _remember(bank, request, row)
    _money_is_the_authorised(request, written, approved, found)
    enter(bank, written, found)
    counted = approved and bank.counts(request.service, commit.at.day)
    use = CountUse(card.account_id, commit.at.day, request.medium, request.amount_jpy)
    count_use(bank, written, found, use if counted else None)
    _notices(bank, request, commit, written, approved, found)


def _was_early(bank: BankModel, request: CardRequest, approved: bool, found: Findings) -> None:
    known = bank.transactions[request.original_key]
    if known.state == "early":
        found.checked["I11"] += 1
        if approved:
            found.breach("I11", "no approval: its reversal came first", "an approval")
    elif approved:
        found.breach("I2", f"nothing new: decided before ({known.state})", "a second approval of one request")


def _pin(card: CardModel, commit: Commit, written: Written, charged: bool, found: Findings) -> None:
    """An answer that only a comparison can give needs a charged try; only a right PIN sets the count to 0."""
    if commit.code == APPROVED or commit.reason in _AFTER_PIN or commit.reason == "PIN_WRONG":
        compared(charged, "PIN", found)
    for change in written.cards:
        if change.field == "pin_fails":
            found.checked["I18"] += 1
            right = charged and commit.reason not in ("PIN_WRONG", "PIN_BLOCKED")
            if change.value < card.tries and not right:
                found.breach(
                    "I18", "the count of PIN tries stays", f"fell from {card.tries} to {change.value}"
                )
            card.tries = change.value


def _may_approve(
    bank: BankModel, card: CardModel, row: Authorisation, commit: Commit, found: Findings
) -> None:
    found.checked["I17"] += 1
    account = bank.accounts[card.account_id]
    figures = bank.policy.on(commit.at.day)
    reasons = [
        text
        for text, against in (
            ("the card is locked", card.locked),
            (f"the card is reported {card.hot}", card.hot),
            ("the account is closed", account.closed),
            ("its PIN tries are used up", card.tries > figures.pin_max_wrong),
        )
        if against
    ]
    if bank.counts(row.service, commit.at.day):
        limit_jpy = account.limit_on(commit.at.day)
        if limit_jpy == 0:
            reasons.append("its limit is 0")
        used_jpy = account.used_on(commit.at.day)
        found.checked["I16"] += 1
        if used_jpy + row.amount_jpy > limit_jpy:
            found.breach(
                "I16",
                f"at most ¥{limit_jpy:,} in all on {commit.at.day}",
                f"¥{row.amount_jpy:,} approved with ¥{used_jpy:,} used",
            )
        _fits_medium(bank, account.used.get(commit.at.day, {}), row, commit, found)
    if reasons:
        found.breach("I17", "no approval: " + " and ".join(reasons), f"an approved {row.service}")


def _fits_medium(
    bank: BankModel, used: dict[str, int], row: Authorisation, commit: Commit, found: Findings
) -> None:
    ceiling_jpy = bank.policy.on(commit.at.day).atm_medium_ceiling[row.medium]
    if ceiling_jpy is not None and used.get(row.medium, 0) + row.amount_jpy > ceiling_jpy:
        found.breach(
            "I16",
            f"at most ¥{ceiling_jpy:,} by {row.medium} on {commit.at.day}",
            f"¥{row.amount_jpy:,} approved with ¥{used.get(row.medium, 0):,} used",
        )


def _may_refuse(bank: BankModel, row: Authorisation, commit: Commit, found: Findings) -> None:
    """A refusal for the limit is a decision too: the limit in force must bear it out."""
    if commit.reason not in ("LIMIT_EXCEEDED", "LIMIT_ZERO"):
        return
    found.checked["I16"] += 1
    account, day = bank.accounts[row.account_id], commit.at.day
    limit_jpy, used_jpy = account.limit_on(day), account.used_on(day)
    if commit.reason == "LIMIT_ZERO":
        if limit_jpy:
            found.breach("I16", f"a limit of ¥{limit_jpy:,} on {day}", "refused for a limit of 0")
        return
    ceiling_jpy = bank.policy.on(day).atm_medium_ceiling[row.medium]
    of_medium_jpy = account.used.get(day, {}).get(row.medium, 0)
    over_ceiling = ceiling_jpy is not None and of_medium_jpy + row.amount_jpy > ceiling_jpy
    if used_jpy + row.amount_jpy <= limit_jpy and not over_ceiling:
        found.breach(
            "I16",
            f"room on {day}: ¥{used_jpy:,} of ¥{limit_jpy:,} used",
            f"¥{row.amount_jpy:,} refused as above the limit",
        )


def _remember(bank: BankModel, request: CardRequest, row: Authorisation) -> None:
    about = Transaction(request.key, row.state, request.service, request.amount_jpy, row.at_us)
    about.account_id, about.atm, about.medium = row.account_id, request.atm, request.medium
    about.fee_jpy, about.limit_day = row.fee_jpy, row.limit_day
    about.counted = bank.counts(request.service, row.limit_day)
    bank.transactions[request.original_key] = about
    bank.originals[request.key] = request.original_key
    bank.open_jpy[request.atm] += about.suspense_jpy


def _money_is_the_authorised(request: CardRequest, written: Written, approved: bool, found: Findings) -> None:
    """An approval moves its amount into the ATM's suspense account, a refusal moves nothing."""
    if not (approved or written.posts):
        return
    found.checked["I10"] += 1
    due_jpy = MONEY.get(request.service, 0) * request.amount_jpy if approved else 0
    book = f"suspense:{request.atm}"
    moved_jpy = sum(jpy for post in written.posts for name, jpy in post.legs if name == book)
    if moved_jpy != due_jpy or len(written.posts) != bool(due_jpy):
        found.breach(
            "I10",
            f"¥{due_jpy:,} into suspense for a {request.service}",
            f"¥{moved_jpy:,} in {len(written.posts)} postings",
        )


def _notices(
    bank: BankModel, request: CardRequest, commit: Commit, written: Written, approved: bool, found: Findings
) -> None:
    due: list[str] = []
    if approved:
        due = NOTICES.get(request.service, [])
    elif request.service == "withdraw" and bank.policy.on(commit.at.day).notice_refused_withdrawal:
        due = ["atm_withdrawal_refused"]
    expect_notices(bank, written, due, found)
