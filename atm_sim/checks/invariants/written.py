"""The changes of one commit sorted by kind, so that each judge finds its own."""

from __future__ import annotations

from bank_host.ledger.posting import Post
from bank_host.rules.changes import (
    Audit,
    Change,
    ChargeLogin,
    ChargeOtp,
    ChargePin,
    ConsumeStep,
    CountUse,
    Notify,
    Open,
    RaiseException,
    Resolve,
    SetAccount,
    SetCard,
    SetCustomer,
)


class Written:
    """The changes of one commit by kind."""

    __slots__ = (
        "accounts",
        "audits",
        "cards",
        "charges",
        "consumed",
        "customers",
        "exceptions",
        "notices",
        "opened",
        "others",
        "posts",
        "resolved",
        "uses",
    )

    def __init__(self, changes: tuple[Change, ...]) -> None:
        self.posts: list[Post] = []
        self.uses: list[CountUse] = []
        self.opened: list[Open] = []
        self.resolved: list[Resolve] = []
        self.notices: list[Notify] = []
        self.audits: list[Audit] = []
        self.exceptions: list[RaiseException] = []
        self.consumed: list[ConsumeStep] = []
        self.charges: list[ChargePin | ChargeOtp | ChargeLogin] = []
        self.accounts: list[SetAccount] = []
        self.cards: list[SetCard] = []
        self.customers: list[SetCustomer] = []
        self.others: list[Change] = []
        for change in changes:
            getattr(self, _PLACES.get(type(change), "others")).append(change)


_PLACES: dict[type, str] = {
    Post: "posts",
    CountUse: "uses",
    Open: "opened",
    Resolve: "resolved",
    Notify: "notices",
    Audit: "audits",
    RaiseException: "exceptions",
    ConsumeStep: "consumed",
    ChargePin: "charges",
    ChargeOtp: "charges",
    ChargeLogin: "charges",
    SetAccount: "accounts",
    SetCard: "cards",
    SetCustomer: "customers",
}
