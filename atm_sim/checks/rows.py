"""The event rows of one replication, sorted once by kind: where measures and step results look things up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from atm_sim.records.event import EventRecord

MEASURED = "measured"

# Rows of the network that answer in the issuer's place, and the code they answer with where the row has none.
NETWORK_REFUSALS = {"no_route": "92", "unreachable": "91", "timed_out": "91", "invalid_answer": "91"}


class ReplicationRows:
    """Rows by kind in the order they happened.

    A declining answer learns its reason from the row that decided it: the latest `decided` (bank) or refusal
    (network) of the same person with the same code.
    """

    def __init__(self, rows: Iterable[EventRecord]) -> None:
        self._by_kind: dict[str, list[EventRecord]] = defaultdict(list)
        self.declined_answers: list[EventRecord] = []
        latest: dict[tuple[str, str], str] = {}  # (actor, code) -> reason
        for row in rows:
            self._by_kind[row.kind].append(row)
            if row.kind in ("decided", "stand_in_declined"):
                latest[row.actor, row.code] = row.reason
            elif row.kind in NETWORK_REFUSALS:
                latest[row.actor, row.code or NETWORK_REFUSALS[row.kind]] = row.kind
            elif row.kind == "answered" and row.code != "00" and row.reason != "invalid_answer":
                reason = row.reason or latest.get((row.actor, row.code), "")
                self.declined_answers.append(row._replace(reason=reason))

    def of(self, *kinds: str) -> list[EventRecord]:
        """Every row of these kinds, whatever its phase."""
        return [row for kind in kinds for row in self._by_kind.get(kind, ())]

    def measured(self, *kinds: str) -> list[EventRecord]:
        """The rows of these kinds that count: neither warm-up nor cool-down."""
        return [row for row in self.of(*kinds) if row.phase == MEASURED]

    def declines(self) -> Iterator[EventRecord]:
        """Every request that somebody refused, with the reason of whoever refused it.

        The bank or the network (an `answered` row other than 00), or the terminal by itself (a `declined` row
        without a message).
        """
        for row in self.declined_answers:
            if row.phase == MEASURED:
                yield row
        yield from self._refused_by_terminal()

    def requests(self) -> Iterator[tuple[EventRecord, bool]]:
        """Every request and whether it was approved in time; one that the terminal refused is one too."""
        approved = {row.request_id for row in self.of("answered") if row.code == "00" and not row.reason}
        for row in self.measured("sent"):
            yield row, row.request_id in approved
        for row in self._refused_by_terminal():
            yield row, False

    def _refused_by_terminal(self) -> list[EventRecord]:
        """Without a message: the terminal did not even ask the bank."""
        return [row for row in self.measured("declined") if not row.mti]


def by_replication(rows: Sequence[EventRecord]) -> Mapping[int, ReplicationRows]:
    """The rows of a whole run, one ReplicationRows each, in the order of the replications."""
    grouped: dict[int, list[EventRecord]] = defaultdict(list)
    for row in rows:
        grouped[row.replication].append(row)
    return {replication: ReplicationRows(grouped[replication]) for replication in sorted(grouped)}
