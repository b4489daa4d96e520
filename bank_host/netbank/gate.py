"""Who may try to log in now: slow for strangers, open for browsers that the customer has used before.

Account numbers can be guessed, and five wrong logins make a password lapse (Q6). So all strangers to an account share
one growing delay, which makes a lapse take hours, and a browser known to the account is not held up by it. What is
left of the danger is in docs/security.md. Nothing here says whether an account exists.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import NamedTuple

from bank_host.host import Bank
from bank_host.jst import DAY_US, HOUR_US, MINUTE_US, SECOND_US, jst_date
from bank_host.netbank.sessions import Session, Sessions, hashed
from bank_host.policy.figures import CHANNELS
from bank_host.rules.facts import Act
from bank_host.secrets import Pin, Secret
from bank_host.store.web import WebTables

STRANGER_WAITS_US = (0, MINUTE_US, HOUR_US, 2 * HOUR_US)
"""After the first, second ... failed attempt of strangers to one account; the last one holds from then on."""

FORGET_US = DAY_US

KNOWN_US = 180 * DAY_US
"""So long a browser that does not come back is no stranger, as its cookie."""

FAILED, TOO_MANY = "LOGIN_FAILED", "TOO_MANY_ATTEMPTS"


class Rate(NamedTuple):
    """So many attempts at once, and one more after each `every_us`."""

    burst: int
    every_us: int


PER_ADDRESS = Rate(20, 30 * SECOND_US)
GLOBAL = Rate(300, SECOND_US // 5)
_EVERYBODY = hashed("strangers from everywhere")


class Entry(NamedTuple):
    """What was typed into the login form, and where it came from."""

    channel: str
    account_id: str
    login_id: str
    third: Secret  # password, or PIN
    address: str
    device: str  # the secret of a browser that has been here before


class LoggedIn(NamedTuple):
    session: Session
    device: str


class NotLoggedIn(NamedTuple):
    reason: str
    wait_us: int = 0


class Gate:
    def __init__(
        self, bank: Bank, tables: WebTables, sessions: Sessions, new_secret: Callable[[], str]
    ) -> None:
        self._bank = bank
        self._tables = tables
        self._sessions = sessions
        self._new_secret = new_secret

    def log_in(self, entry: Entry, now_us: int) -> LoggedIn | NotLoggedIn:
        """A try at the door. Strangers pay before anything is compared, and get it back when they are right."""
        known = bool(entry.device) and self._tables.knows_source(entry.account_id, hashed(entry.device))
        if not known:
            wait_us = self._charge(entry, now_us)
            if wait_us:
                return NotLoggedIn(TOO_MANY, wait_us)
        outcome = self._bank.act(self._asked(entry, now_us), now_us)
        if outcome.outcome != "done":
            return NotLoggedIn(outcome.reason)
        if not known:
            self._forgive(entry)
        # Only a secret that was given out here counts: whatever else a browser sends could be guessed by others.
        ours = known or (bool(entry.device) and self._tables.gave_source(hashed(entry.device)))
        device = entry.device if ours else self._new_secret()
        self._tables.forget_attempts(now_us - FORGET_US, now_us - KNOWN_US)
        self._tables.see_source(entry.account_id, hashed(device), now_us)
        return LoggedIn(self._sessions.open(entry.account_id, entry.channel, now_us), device)

    def _asked(self, entry: Entry, now_us: int) -> Act:
        asked = Act(f"web-login:{self._new_secret()}", "login", entry.account_id, entry.channel)
        asked = asked._replace(login_id=entry.login_id)
        figures = self._bank.policy.on(jst_date(now_us))
        if entry.channel not in CHANNELS or figures.login_third_item[entry.channel] == "password":
            return asked._replace(password=entry.third)
        return asked._replace(pin_block=self._bank.pin_block(entry.account_id, Pin(entry.third.reveal())))

    def _charge(self, entry: Entry, now_us: int) -> int:
        """What is full already is only read: a flood writes nothing."""
        wait_us = self._tables.full_for(_EVERYBODY, now_us, *GLOBAL)
        wait_us = wait_us or self._tables.take(_address_key(entry), now_us, *PER_ADDRESS)
        wait_us = wait_us or self._tables.take(_EVERYBODY, now_us, *GLOBAL)
        return wait_us or self._tables.charge(_pace_key(entry), now_us, STRANGER_WAITS_US, FORGET_US)

    def _forgive(self, entry: Entry) -> None:
        self._tables.forgive(_pace_key(entry))
        self._tables.give_back(_address_key(entry), PER_ADDRESS.every_us)
        self._tables.give_back(_EVERYBODY, GLOBAL.every_us)


def _pace_key(entry: Entry) -> str:
    return hashed(f"strangers to {entry.account_id}")


def _address_key(entry: Entry) -> str:
    return hashed(f"from {_network(entry.address)}")


def _network(address: str) -> str:
    """An address as one caller's: of IPv6 everybody is given 2^64 at least."""
    try:
        caller = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if caller.version == 4:
        return str(caller)
    return str(caller.ipv4_mapped or ipaddress.ip_network((caller, 64), strict=False))
