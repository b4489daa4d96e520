"""Three-way reconciliation: the ATM's journal = the network's log = the bank's journal, or the difference is listed.

For each request that moves cash the three are compared twice: what they say was answered, and what cash they say
changed hands. A difference is explained by something that is listed and open, or by what the network itself recorded;
any other is unexplained, and of those there have to be none (docs/reference/reconciliation.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from atm_sim.checks.three_logs import (
    AtmSays,
    BankSays,
    NetworkSays,
    Request,
    atm_says,
    bank_says,
    by_request,
    left_standing_jpy,
    network_says,
    request_of,
)
from atm_sim.checks.values import yen
from atm_sim.records.check import Check
from atm_sim.records.difference import UNEXPLAINED, Difference
from atm_sim.records.log import MessageRow, fields_of
from atm_sim.sansio.saf import Entry, Saf
from atm_sim.terminal.journal import JournalEntry
from bank_host.iso8583.identity import original_key, quoted_original_key
from bank_host.iso8583.message import Message
from bank_host.rules.reasons import APPROVED
from bank_host.store.contract import ExceptionRow, Store

NAME = "reconciliation"
HOLDS = "ATM journal, network log and bank journal agree, or each difference is a listed exception"

EXPLANATIONS: Mapping[str, str] = {
    "suspect": "the ATM does not know what was paid until staff have counted its cash",
    "in_session": "the run ended while the ATM was at it",
    "advice_waiting": "a completion or reversal waits in a queue; once booked, all three agree",
    "stand_in_waiting": "the switch has approved in the bank's place, and its advice waits in a queue",
    "manual": "an advice was given up by its queue and lies on a person's desk",
    "exception": "the bank's staff have an open item about it",
    "stand_in": "the switch approved in the bank's place; the cash agrees by now",
    "late_answer": "the bank approved, and the ATM did not hear of it in time; nothing was paid, nothing is booked",
    "duplicate": "the request reached the bank more than once and was booked once",
    "staged": "a tester put a message about it on a line in a node's name",
}
"""What explains a difference; the first that applies is named, the order is that of `_explanation`."""

_BOOKED_ALL_THE_SAME = ("STAND_IN", "FORCED_REVERSAL")
"""The bank's items that tell of something booked: they say why, but explain no difference."""


class Reconciliation(NamedTuple):
    """What came of one replication."""

    compared: int  # requests that move cash
    differences: tuple[Difference, ...]

    @property
    def unexplained(self) -> list[Difference]:
        return [each for each in self.differences if not each.explained]


class OpenItems(NamedTuple):
    """What is listed and open, by the request that it is about."""

    waiting: Mapping[str, Entry]  # of several the one that comes last: what it says will stand
    manual: Mapping[str, Entry]
    exceptions: Mapping[str, ExceptionRow]


def reconcile(
    journals: Mapping[str, Sequence[JournalEntry]],
    messages: Iterable[MessageRow],
    stores: Mapping[str, Store],
    queues: Iterable[Saf],
    *,
    switch: str,
    stood_in: Collection[str] = (),
    staged: Collection[str] = (),
    replication: int = 1,
) -> Reconciliation:
    """`journals` by ATM, `stores` by bank; `stood_in` are the requests that the switch recorded as approved by itself,
    `staged` the steps in which a tester sent messages of his own."""
    chains = by_request(messages)
    requests = {about.request_id: about for chain in chains.values() if (about := request_of(chain))}
    services = {chain: about.service for chain, about in requests.items()}
    of_atm = {chain: said for atm, lines in journals.items()
              for chain, said in atm_says(atm, lines, services).items()}  # fmt: skip
    of_bank = {key: said for bank, store in stores.items() for key, said in bank_says(bank, store).items()}
    listed = open_items(stores.values(), queues)
    found = []
    for chain, about in requests.items():
        network = network_says(about, chains[chain], switch, chain in stood_in, staged)
        of_tester = any(row.step in staged for row in chains[chain])
        said = of_atm.get(chain, AtmSays()), network, of_bank.pop(about.original_key, BankSays())
        found.append((about, *said, compare(about, *said, listed, of_tester)))
    of_testers = _spoken_of(row for chain in chains.values() for row in chain if row.step in staged)
    strangers = [(key, bank) for key, bank in of_bank.items() if bank.booked_jpy or bank.stands_jpy]
    for key, bank in strangers:  # no ATM asked for it
        about = Request("", key, bank.service, bank.amount_jpy)
        why = "staged" if key in of_testers else UNEXPLAINED
        found.append((about, AtmSays(), NetworkSays(), bank, why))
    rows = tuple(_row(replication, *each, listed) for each in found if each[-1])
    return Reconciliation(len(found), rows)


def _spoken_of(rows: Iterable[MessageRow]) -> set[str]:
    """The requests that messages are, or are about."""
    messages = [Message(row.mti, fields_of(row)) for row in rows]
    return {
        key for message in messages for key in (quoted_original_key(message), original_key(message)) if key
    }


def open_items(stores: Iterable[Store], queues: Iterable[Saf]) -> OpenItems:
    queues = list(queues)
    items = [item for store in stores for item in store.exceptions() if item.state == "open"]
    return OpenItems(
        _by_original(entry for queue in queues for entry in queue.waiting),
        _by_original(entry for queue in queues for entry in queue.manual),
        {item.detail: item for item in items if not item.kind.startswith(_BOOKED_ALL_THE_SAME)},
    )


def _by_original(entries: Iterable[Entry]) -> dict[str, Entry]:
    """A reversal (0420) before an advice (0220) about the same request: it has the last word, whatever came first."""
    in_order = sorted(entries, key=lambda entry: entry.message.mti)
    return {quoted_original_key(entry.message): entry for entry in in_order}


# ---------------------------------------------------------------- comparing


def compare(
    about: Request, atm: AtmSays, network: NetworkSays, bank: BankSays, listed: OpenItems, staged: bool
) -> str:
    """'' where all three agree, a name out of EXPLANATIONS where they do not, or UNEXPLAINED."""
    told, passed = atm.code == APPROVED, network.code == APPROVED
    if bank.booked_jpy != bank.stands_jpy:
        return UNEXPLAINED  # within the bank: nothing outside can be the reason
    if (told and not passed) or (passed and not (bank.approved or network.stood_in)):
        return "staged" if staged else UNEXPLAINED  # an approval out of nowhere: no item makes up for it
    if network.stands_jpy != bank.booked_jpy or atm.cash_jpy not in (None, bank.booked_jpy):
        return _explanation(about, atm, listed, staged) or UNEXPLAINED
    if atm.cash_jpy is None:
        return "suspect" if atm.state == "unknown" else "in_session"
    if network.stood_in:
        return "stand_in"
    if bank.approved and not told:
        return UNEXPLAINED if bank.booked_jpy else "late_answer"
    return "duplicate" if network.asked > 1 else ""


def _explanation(about: Request, atm: AtmSays, listed: OpenItems, staged: bool) -> str:
    """Why the cash differs: who will put it right."""
    key = about.original_key
    waiting, manual = listed.waiting.get(key), listed.manual.get(key)
    for entry, name in ((waiting, "advice_waiting"), (manual, "manual")):
        # only what makes the bank's books say the same as the ATM
        if entry is not None and atm.cash_jpy in (None, left_standing_jpy(about, entry.message)):
            return "stand_in_waiting" if entry is waiting and entry.reason.startswith("stand_in") else name
    if key in listed.exceptions:
        return "exception"
    if atm.state == "busy":
        return "in_session"
    return "staged" if staged else ""


def _row(
    replication: int,
    about: Request,
    atm: AtmSays,
    network: NetworkSays,
    bank: BankSays,
    why: str,
    listed: OpenItems,
) -> Difference:
    return Difference(
        replication,
        about.request_id,
        about.service,
        about.amount_jpy,
        atm.atm,
        atm.state,
        atm.cash_jpy or 0,
        network.node,
        network.code,
        network.stands_jpy,
        bank.bank,
        bank.state,
        bank.booked_jpy,
        why,
        _item(about.original_key, why, listed) if about.request_id else about.original_key,
    )


def _item(key: str, why: str, listed: OpenItems) -> str:
    """The item itself: the kind of the bank's, or what the advice is about."""
    match why:
        case "exception":
            return listed.exceptions[key].kind.lower()
        case "manual":
            return listed.manual[key].reason
        case "advice_waiting" | "stand_in_waiting":
            return listed.waiting[key].reason
    return ""


# ---------------------------------------------------------------- telling


def reconciliation_check(found: Reconciliation) -> Check:
    """Zero unexplained differences, and how many requests were compared."""
    unexplained = found.unexplained
    if not unexplained:
        differences = (
            f"{_number(found.differences, 'difference')} explained" if found.differences else "no difference"
        )
        compared = f"{_number(range(found.compared), 'request')} compared, {differences}"
        return Check(NAME, NAME, HOLDS, compared if found.compared else "nothing to check", True)
    first, more = unexplained[0], len(unexplained) - 1
    detail = f"{HOLDS}: and {more:,} more unexplained" if more else HOLDS
    about = f"{first.service} of {yen(first.amount_jpy)}, {first.request_id or first.detail}"
    return Check(
        NAME, NAME, "no unexplained difference", f"{about}: {in_words(first)}", False,
        detail=detail, request_id=first.request_id,
    )  # fmt: skip


def _number(things: Sequence[object], word: str) -> str:
    return f"{len(things):,} {word}{'' if len(things) == 1 else 's'}"


def in_words(row: Difference) -> str:
    """The three statements side by side."""
    network = (
        f"{row.node or 'network'} answered {row.network_code or 'nothing'}, {yen(row.network_jpy)} stands"
    )
    atm = f"ATM {row.atm or '?'}: {row.atm_state} {yen(row.atm_jpy)}"
    return f"{atm}; {network}; bank {row.bank or '?'}: {row.bank_state}, {yen(row.bank_jpy)} booked"
