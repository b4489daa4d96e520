"""One difference between the ATM's journal, the network's log and the bank's journal: the row of reconciliation.csv."""

from __future__ import annotations

from typing import NamedTuple

UNEXPLAINED = "unexplained"


class Difference(NamedTuple):
    """One request about which the three do not say the same, and what explains it.

    Yen are cash that changed hands: positive = paid out, negative = a deposit kept.
    """

    replication: int
    request_id: str  # '' of a posting that no message of the run asked for
    service: str
    amount_jpy: int
    atm: str
    atm_state: str  # paid | kept | nothing | unknown | busy | absent
    atm_jpy: int
    node: str  # the switch, or the acquirer on a bank's own route
    network_code: str  # what it answered the ATM's side; '' = nothing
    network_jpy: int
    bank: str
    bank_state: str  # of the authorisation, absent, or no_request
    bank_jpy: int  # by the bank's journal
    explained_by: str  # a name of docs/reference/reconciliation.md, or unexplained
    detail: str = ""

    @property
    def explained(self) -> bool:
        return self.explained_by != UNEXPLAINED
