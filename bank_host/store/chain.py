"""The keyed hash chain over journal and audit rows (invariant I6): one link per commit, one chain per writer.

A link's digest covers the digest before it and every journal and audit row of its commit. Who has no key can
neither change, add nor take away a row without a fault here; the tail's mark shows a chain cut at its end.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bank_host.store.contract import AuditRow, JournalRow

START = ""  # the digest before the first link
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Link(NamedTuple):
    chain: str
    n: int
    journal_seqs: tuple[int, ...]
    audit_seqs: tuple[int, ...]
    digest: str


class Tail(NamedTuple):
    chain: str
    n: int
    digest: str
    mark: str


def link_digest(
    key: bytes, before: str, chain: str, n: int, journal: Iterable[JournalRow], audit: Iterable[AuditRow]
) -> str:
    rows = [(*row[:3], row.day.isoformat(), *row[4:]) for row in journal]
    text = _JSON.encode([before, chain, n, rows, list(audit)])
    return hmac.digest(key, text.encode(), "sha256").hex()


def tail_mark(key: bytes, chain: str, n: int, digest: str) -> str:
    return hmac.digest(key, json.dumps(["tail", chain, n, digest]).encode(), "sha256").hex()


def faults(
    key: bytes,
    links: Sequence[Link],
    tails: Sequence[Tail],
    journal: Sequence[JournalRow],
    audit: Sequence[AuditRow],
) -> Iterator[str]:
    """Walk every chain from its start and name what does not fit."""
    journal_by_seq = {row.seq: row for row in journal}
    audit_by_seq = {row.seq: row for row in audit}
    ends: dict[str, tuple[int, str]] = {}
    for link in links:
        n, before = ends.get(link.chain, (0, START))
        missing = [
            *(f"journal row {seq}" for seq in link.journal_seqs if seq not in journal_by_seq),
            *(f"audit row {seq}" for seq in link.audit_seqs if seq not in audit_by_seq),
        ]
        yield from (f"chain {link.chain}, link {link.n}: {what} is gone" for what in missing)
        if link.n != n + 1:
            yield f"chain {link.chain}: link {n + 1} is missing before link {link.n}"
        elif not missing:
            rows = [journal_by_seq[seq] for seq in link.journal_seqs]
            acts = [audit_by_seq[seq] for seq in link.audit_seqs]
            expected = link_digest(key, before, link.chain, link.n, rows, acts)
            if not hmac.compare_digest(link.digest, expected):
                covered = [f"journal {seq}" for seq in link.journal_seqs]
                covered += [f"audit {seq}" for seq in link.audit_seqs]
                yield f"chain {link.chain}, link {link.n}: a row of it was changed ({', '.join(covered)})"
        ends[link.chain] = link.n, link.digest
    yield from _tail_faults(key, ends, tails)
    yield from _uncovered("journal", journal_by_seq, [seq for link in links for seq in link.journal_seqs])
    yield from _uncovered("audit", audit_by_seq, [seq for link in links for seq in link.audit_seqs])


def _tail_faults(key: bytes, ends: dict[str, tuple[int, str]], tails: Sequence[Tail]) -> Iterator[str]:
    marked = {tail.chain: tail for tail in tails}
    for chain in sorted({*ends, *marked}):
        tail = marked.get(chain)
        if tail is None:
            yield f"chain {chain}: its tail mark is gone"
            continue
        if not hmac.compare_digest(tail.mark, tail_mark(key, chain, tail.n, tail.digest)):
            yield f"chain {chain}: its tail mark was changed"
        n, digest = ends.get(chain, (0, START))
        if (tail.n, tail.digest) != (n, digest):
            yield f"chain {chain}: ends at link {n}, but its tail mark says link {tail.n}"


def _uncovered(table: str, rows: Iterable[int], covered: list[int]) -> Iterator[str]:
    times: dict[int, int] = {}
    for seq in covered:
        times[seq] = times.get(seq, 0) + 1
    for seq in rows:
        if times.get(seq, 0) != 1:
            yield f"{table} row {seq}: in {times.get(seq, 0)} links, not in 1"
