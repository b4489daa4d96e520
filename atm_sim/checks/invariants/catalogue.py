"""The invariants by name: what each one promises, and when it is looked at (docs/reference/invariants.md).

`C` is checked over the touched rows at every commit (or message, or movement of notes), `S` once more over everything
at the end of a run.
"""

from __future__ import annotations

from typing import NamedTuple


class Invariant(NamedTuple):
    name: str
    when: str  # C, S or C S
    holds: str


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("I1", "C S", "each posting has two legs or more, none of 0 yen, and sums to 0"),
    Invariant("I2", "C S", "one business key leads to one posting at most, and its outcome never changes"),
    Invariant("I3", "S", "all ledger accounts sum to 0, and a cached balance is the sum of its legs"),
    Invariant("I4", "C", "no available balance below 0 unless a forced posting explains it"),
    Invariant("I5", "S", "a balance is its opening plus its movements, line by line"),
    Invariant("I6", "S", "journal and audit rows are never changed or deleted"),
    Invariant(
        "I7", "C S", "an ATM's book cash is what lies in its cassettes and bins, presented notes included"
    ),
    Invariant("I8", "C S", "an ATM's suspense account is the sum of its open authorisations"),
    Invariant("I9", "C S", "no banknote appears or vanishes: machine and hands together stay the same"),
    Invariant(
        "I10", "C S", "what was authorised was posted, is given back at most once, and never more than it was"
    ),
    Invariant("I11", "C", "a request whose reversal came first never approves"),
    Invariant("I12", "C S", "every approval ends as completed, reversed or in the hands of people"),
    Invariant("I13", "C", "each request has one answer, and a repeat gets the same one"),
    Invariant("I14", "C", "an advice is never declined; what it forces through carries an exception item"),
    Invariant(
        "I15", "C S", "the limit counter of a day is what was authorised on it, less what was reversed"
    ),
    Invariant("I16", "C", "every decision fits the limit in force: the last explicit act wins"),
    Invariant(
        "I17",
        "C",
        "no approval for a locked or hot card, a closed account, a limit of 0 or used-up PIN tries",
    ),
    Invariant(
        "I18",
        "C S",
        "tries are charged before they are compared, and fall only by success or a recorded release",
    ),
    Invariant("I19", "C S", "no token step is accepted twice, and what needs a code spends exactly one"),
    Invariant("I20", "C S", "each event that promises a notice has one outbox row in its commit"),
    Invariant("I21", "C S", "each change of state has its audit row, and the rows rebuild the state"),
    Invariant("I22", "S", "no PAN, PIN, PIN block, track or one-time password in anything that was written"),
)

NAMES: tuple[str, ...] = tuple(invariant.name for invariant in INVARIANTS)
