"""Sessions of the web bank: opaque ids that are kept as hashes, short lives, ended by what the bank learns.

A session ends after ten idle minutes, after eight hours, by logout, and, in whatever process it happens, when the
password or the PIN is changed, the password lapses, a token is locked, or the account is closed (ASVS v5.0.0-7.3.1,
7.3.2, 7.4.3). Its id is new after each login and each one-time password.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple

from bank_host.host import Bank
from bank_host.jst import HOUR_US, MINUTE_US, SECOND_US
from bank_host.rules.facts import ActFacts
from bank_host.store.web import SessionRow, WebTables

IDLE_US = 10 * MINUTE_US
LIFE_US = 8 * HOUR_US
REPEAT_US = 10 * SECOND_US
"""How long an id that was replaced still answers, so that a form that was sent twice gets its first result twice."""

_SEEN_EVERY_US = 15 * SECOND_US
_LONGEST_ID = 128


class Session(NamedTuple):
    """Who is logged in, from which channel; `csrf` goes into each form."""

    session_id: str
    account_id: str
    channel: str
    csrf: str

    def __repr__(self) -> str:
        return f"Session({self.account_id!r}, {self.channel!r})"


class Sessions:
    def __init__(self, bank: Bank, tables: WebTables, new_secret: Callable[[], str]) -> None:
        """`new_secret` gives a new text of 256 random bits."""
        self._bank = bank
        self._tables = tables
        self._new_secret = new_secret

    def open(self, account_id: str, channel: str, now_us: int) -> Session:
        """A new session, for somebody who has proved who he is."""
        self._tables.forget_sessions(now_us - HOUR_US, now_us - HOUR_US)
        facts = self._bank.facts(account_id, now_us)
        ends_us = now_us + LIFE_US
        return self._write(SessionRow("", account_id, channel, now_us, now_us, ends_us, *_proof(facts)))

    def resume(self, session_id: str, now_us: int) -> tuple[Session, ActFacts] | None:
        """The session of an id that still lives, with the facts of its account."""
        row = self._row(session_id)
        if row is None or now_us >= row.ends_us or now_us - row.seen_us >= IDLE_US:
            return None
        facts = self._bank.facts(row.account_id, now_us)
        stamp, locked = _proof(facts)
        newly_locked = set(locked.splitlines()) - set(row.locked.splitlines())
        ended = facts.account.closed or facts.customer.password_lapsed
        if ended or stamp != row.stamp or newly_locked:
            self._tables.end_session(row.id_hash, now_us)
            return None
        if now_us - row.seen_us >= _SEEN_EVERY_US or locked != row.locked:
            self._tables.see_session(row.id_hash, now_us, locked)
        return _session(session_id, row), facts

    def renew(self, session: Session, now_us: int) -> Session:
        """The same session under a new id, once more has been proved than by the login."""
        row = self._row(session.session_id)
        if row is None or row.ends_us <= now_us + REPEAT_US:  # renewed already, by the same form sent twice
            return session
        renewed = self._write(row._replace(seen_us=now_us))
        self._tables.end_session(row.id_hash, now_us + REPEAT_US)
        return renewed

    def end(self, session: Session, now_us: int) -> None:
        self._tables.end_session(hashed(session.session_id), now_us)

    def _row(self, session_id: str) -> SessionRow | None:
        return self._tables.session(hashed(session_id)) if 0 < len(session_id) <= _LONGEST_ID else None

    def _write(self, row: SessionRow) -> Session:
        session_id = self._new_secret()
        row = row._replace(id_hash=hashed(session_id))
        self._tables.open_session(row)
        return _session(session_id, row)


def hashed(secret: str) -> str:
    """What is kept of a secret that this bank has given out; 256 random bits need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_of(secret: str) -> str:
    """The token of all forms under one cookie: whoever can read neither cookie nor page cannot know it."""
    return hashed(f"form:{secret}")


def same_csrf(secret: str, given: str) -> bool:
    """Never without a cookie: everybody could work out the token of no secret."""
    return bool(secret) and given.isascii() and hmac.compare_digest(csrf_of(secret), given)


def _session(session_id: str, row: SessionRow) -> Session:
    return Session(session_id, row.account_id, row.channel, csrf_of(session_id))


def _proof(facts: ActFacts) -> tuple[str, str]:
    """A stamp of what a login was proved by, and the devices that are locked."""
    proved = [facts.customer.password_hash, facts.customer.login_id, *(card.pvv for card in facts.cards)]
    locked = sorted(each.serial for each in facts.tokens if each.locked)
    return hashed("\n".join(proved)), "\n".join(locked)
