"""What every commit owes: the notices it promises and the audit row of its changes (I20, I21)."""

from __future__ import annotations

from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import BankModel
from atm_sim.checks.invariants.written import Written
from bank_host.host import Commit


def expect_notices(bank: BankModel, written: Written, due: list[str], found: Findings) -> None:
    """Exactly the notices that are due, each under a key of its own."""
    if not due and not written.notices:
        return
    found.checked["I20"] += 1
    kinds = [notice.kind for notice in written.notices]
    if kinds != due:
        found.breach("I20", f"notices in this commit: {_text(due)}", _text(kinds))
    for notice in written.notices:
        if notice.key in bank.notices:
            found.breach("I20", "one notice for each event", f"a second {notice.kind} under one key")
        bank.notices[notice.key] = notice.kind


def audited(commit: Commit, written: Written, found: Findings) -> None:
    """Who, when, what, why: a commit that changes anything but a charged try says so."""
    if not commit.changes or commit.code == "charge":
        return
    found.checked["I21"] += 1
    if not written.audits:
        found.breach("I21", "an audit row in each commit that changes something", "none")


def audit_tells(written: Written, what: str, before: str, after: str, found: Findings) -> None:
    """The audit row of a setting says what was and what is, so that the rows rebuild the state."""
    found.checked["I21"] += 1
    told = [(row.before, row.after) for row in written.audits if row.what == what]
    if told != [(before, after)]:
        said = " and ".join(f"{was or 'nothing'} -> {now or 'nothing'}" for was, now in told) or "no row"
        found.breach("I21", f"one audit row of {what}: {before or 'nothing'} -> {after or 'nothing'}", said)


def _text(kinds: list[str]) -> str:
    return " and ".join(kinds) or "none"
