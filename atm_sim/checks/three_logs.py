"""What each of three logs says about a transaction: the ATM's journal, the network's messages, the bank's books.

None of them looks at another one, so that a fault of one shows beside the other two. Yen are the bank's cash that
changed hands: positive where an ATM paid out, negative where it kept a deposit. They are compared in
`atm_sim.checks.reconciliation`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from atm_sim.records.log import MessageRow, fields_of
from atm_sim.terminal.journal import JournalEntry
from bank_host.iso8583.composite import parse_replacement, service_of
from bank_host.iso8583.identity import original_key, request_id
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_network, is_reversal
from bank_host.ledger.posting import atm_cash, suspense
from bank_host.rules.reasons import APPROVED
from bank_host.store.contract import Store

SIGN: Mapping[str, int] = {"withdraw": 1, "deposit": -1}
"""Services that move cash through an ATM, and which way."""

ISSUERS = "issuer:"
"""What the names of the banks' nodes begin with."""


class Request(NamedTuple):
    """A 0200 that moves cash, as it left its sender."""

    request_id: str
    original_key: str  # what banks and advices know it by
    service: str
    amount_jpy: int


class AtmSays(NamedTuple):
    """The electronic journal of one ATM about one request."""

    atm: str = ""
    state: str = "absent"  # paid | kept | nothing | unknown | busy | absent: not in its journal
    code: str = ""  # of the answer; '' = none in time
    cash_jpy: int | None = 0  # None while the ATM itself does not know


class NetworkSays(NamedTuple):
    """What the node next to the bank passed on about one request: the switch, or an acquirer on its own route."""

    node: str = ""
    code: str = ""  # its answer; '' = none
    stood_in: bool = False
    asked: int = 0  # how often it passed the request on to the bank
    stands_jpy: int = 0


class BankSays(NamedTuple):
    """A bank's authorisations and its journal about one request."""

    bank: str = ""
    state: str = "absent"  # of the authorisation; absent: the bank has never heard of it
    service: str = ""
    amount_jpy: int = 0
    approved: bool = False
    stands_jpy: int = 0  # by the authorisation
    booked_jpy: int = 0  # by the journal


# ---------------------------------------------------------------- the ATM


def atm_says(atm: str, journal: Iterable[JournalEntry], services: Mapping[str, str]) -> dict[str, AtmSays]:
    """By request; `services` tells what each request was for."""
    lines: dict[str, list[JournalEntry]] = defaultdict(list)
    for entry in journal:
        if entry.record.request_id in services:
            lines[entry.record.request_id].append(entry)
    return {chain: _told(atm, services[chain], entries) for chain, entries in lines.items()}


def _told(atm: str, service: str, entries: Sequence[JournalEntry]) -> AtmSays:
    state, code, cash_jpy = "busy", "", 0
    for _, told in entries:
        match told.kind:
            case "answered" if not told.reason:
                code = told.code
            case "cash_taken" if not told.reason and service == "withdraw":
                cash_jpy = told.amount_jpy
            case "counted":
                state, cash_jpy = "settled", told.amount_jpy
            case "completed":
                state = "settled"
                if service == "deposit":
                    cash_jpy = -told.amount_jpy
            case "declined" | "reversal_queued":
                state = "settled"
            case "suspect":
                state = "unknown"
    if state != "settled":
        return AtmSays(atm, state, code, None)
    return AtmSays(atm, "paid" if cash_jpy > 0 else "kept" if cash_jpy else "nothing", code, cash_jpy)


# ---------------------------------------------------------------- the network


def by_request(messages: Iterable[MessageRow]) -> dict[str, list[MessageRow]]:
    """The messages about each request, on every hop; those about lines alone left out."""
    chains: dict[str, list[MessageRow]] = defaultdict(list)
    for row in messages:
        if not is_network(row.mti):
            chains[row.request_id].append(row)
    return chains


def request_of(chain: Iterable[MessageRow]) -> Request | None:
    """The request that a chain of messages is about; None if there is none that moves cash."""
    first = next((row for row in chain if row.mti in ("0200", "0201")), None)
    if first is None:
        return None
    message = Message(first.mti, fields_of(first))
    service, amount = service_of(message.get(3)), message.get(4)
    if service not in SIGN or not amount.isdecimal() or not int(amount):
        return None
    return Request(request_id(message), original_key(message), service, int(amount))


def network_says(
    about: Request, chain: Sequence[MessageRow], switch: str, stood_in: bool, staged: Collection[str]
) -> NetworkSays:
    """`staged` are the steps in which a tester puts messages on a line in a node's name: the node knows nothing of
    them."""
    own = [row for row in chain if row.step not in staged]
    node = _next_to_the_bank(own, switch)
    code, asked, claims = "", 0, set()
    for row in own:
        if row.sender != node:
            continue
        if not row.receiver.startswith(ISSUERS):
            if row.mti == "0210" and code != APPROVED:
                code = fields_of(row).get(39, "")
        elif row.mti in ("0200", "0201"):
            asked += 1
        elif is_reversal(row.mti):
            claims.add(left_standing_jpy(about, Message(row.mti, fields_of(row))))
    approved_jpy = SIGN[about.service] * about.amount_jpy if code == APPROVED else 0
    # Of a full and a part reversal the full one counts: nothing is left of what it takes back.
    stands_jpy = min(claims, key=abs) if claims else approved_jpy
    return NetworkSays(node, code, stood_in, asked, stands_jpy)


def left_standing_jpy(about: Request, advice: Message) -> int:
    """What is to stand of a request once its bank has booked an advice about it."""
    stands_jpy = about.amount_jpy
    if is_reversal(advice.mti):
        stands_jpy = parse_replacement(advice[95]).amount_jpy if 95 in advice else 0
    return SIGN[about.service] * stands_jpy


def _next_to_the_bank(chain: Iterable[MessageRow], switch: str) -> str:
    nodes = [node for row in chain for node in (row.sender, row.receiver)]
    if switch in nodes:
        return switch
    return next((node for node in nodes if node.startswith("acquirer:")), "")


# ---------------------------------------------------------------- the bank

_UNDONE = ("declined", "early", "reversed")


def bank_says(bank: str, store: Store) -> dict[str, BankSays]:
    """By the key of the request; a posting of cash that belongs to no request of the bank's stands by its own key."""
    booked = _booked(store)
    found: dict[str, BankSays] = {}
    # What was approved in stand-in after the bank's own refusal is posted under the key of the advice.
    advised = {item.detail: item.key for item in store.exceptions() if item.kind == "STAND_IN"}
    for row in store.authorisations():
        if row.service not in SIGN:
            continue
        left_jpy = 0 if row.state in _UNDONE else row.amount_jpy - row.reversed_jpy
        keys = {row.key, advised.get(row.original_key, row.key)}
        found[row.original_key] = BankSays(
            bank,
            row.state,
            row.service,
            row.amount_jpy,
            row.code == APPROVED,
            SIGN[row.service] * left_jpy,
            sum(booked.pop(key, 0) for key in keys),
        )
    for key, jpy in booked.items():
        if jpy:
            found[key] = BankSays(bank, "no_request", booked_jpy=jpy)
    return found


def _booked(store: Store) -> dict[str, int]:
    """The yen that the journal moves through the ATMs' accounts, by the key of the posting that began it."""
    through_atms = (suspense(""), atm_cash(""))
    booked: dict[str, int] = defaultdict(int)
    for row in store.journal():
        for account, jpy in row.legs:
            if account.startswith(through_atms):
                booked[row.refers or row.key] += jpy
    return booked
