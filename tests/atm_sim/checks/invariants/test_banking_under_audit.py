"""Customers do everything they can, at random: the auditor finds nothing in a sound bank and each planted fault (I10,
I16-I21)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date
from random import Random
from typing import Any

import pytest

from atm_sim.checks.auditor import Auditor
from bank_host.jst import HOUR_US, jst_date, midnight_us
from bank_host.policy import Figures
from bank_host.rules import Rules
from bank_host.rules.acts import ACTS
from bank_host.rules.changes import (
    Audit,
    Change,
    ConsumeStep,
    Notify,
    Outcome,
    RaiseException,
    SetAccount,
    SetCard,
    SetCustomer,
)
from bank_host.rules.compensation.claim import CAUSES
from bank_host.rules.facts import Act, ActFacts, At, Card, Payee, Token
from bank_host.secrets import Pan, Secret
from bank_host.store.contract import Conflict
from bank_host.store.verify import verify
from tests.bank_host.online_bank import (
    HANAKO,
    PASSWORD,
    SECOND_SECRET,
    SHOP,
    TARO,
    OnlineBank,
    open_bank,
)

PASSWORDS = (PASSWORD, "Kawara-Nadeshiko-9")
CHANNELS = ("pc", "smartphone", "mobile")
DAY_OF_RAISES = date(2014, 2, 14)
BY_STAFF = [kind for kind, rule in ACTS.items() if rule.by == "operator" and kind != "close_account"]
BY_CUSTOMERS = [kind for kind, rule in ACTS.items() if rule.by == "customer"]


#: what often follows an act of the same customer
NEXT = {
    "enter_transfer": "confirm_transfer",
    "confirm_transfer": "enter_transfer",
    "raise_limit": "cancel_raise",
    "lock_id_card": "release_id_card",
    "order_token": "issue_token",
    "issue_token": "register_token",
}


def audited(rewire: Callable[[Rules], Rules] = lambda rules: rules) -> tuple[OnlineBank, Auditor]:
    online, auditor = open_bank(), Auditor()
    online.bank.rules = rewire(online.bank.rules)
    auditor.opened(online.bank)
    online.bank.watch = auditor.committed
    return online, auditor


def live(online: OnlineBank, random: Random, acts: int, seen: Counter[str] | None = None) -> None:
    """So many acts of three customers and the staff, some of them wrong, and what is due in between."""
    account_id, kind = HANAKO, ""
    for n in range(acts):
        online.later(seconds=random.randrange(20, 4_000))
        if kind in NEXT and random.random() < 0.7:
            kind = NEXT[kind]
        else:
            account_id = random.choice((HANAKO, HANAKO, TARO, SHOP))
            kind = random.choice(BY_STAFF if random.random() < 0.2 else BY_CUSTOMERS)
        channel = "operator" if kind in BY_STAFF else random.choice(CHANNELS)
        fields = anything(online, random, account_id, n, steps_ago=int(kind == "resync_token"))
        if kind == "file_claim":  # no other act has a day of the past
            fields |= {"detail": CAUSES[n % len(CAUSES)], "day": jst_date(online.now_us), "data": ()}
        outcome, _ = online.act(kind, account_id, channel, **fields)
        if seen is not None and outcome == "done":
            seen[kind] += 1
        if random.random() < 0.2:
            online.bank.run_due(online.now_us)
        if random.random() < 0.1:
            sender = Payee("smbc", "1234567", "ヤマダ")
            online.act("receive_transfer", account_id, "host", payee=sender, amount_jpy=5_000)


def anything(online: OnlineBank, random: Random, account_id: str, n: int, steps_ago: int) -> dict[str, Any]:
    """A value for every field: an act looks at its own and leaves the rest."""
    store = online.bank.store
    tokens = [each for each in store.tokens() if each.account_id == account_id]
    card = random.choice([each.card_id for each in store.cards() if each.account_id == account_id])
    new_pan = f"49990011{n:08d}"
    new_card = Card(online.bank.hsm.card_id(new_pan), f"card-{n}", account_id, "1901", "1234")
    entries = [each for each in store.transfers() if each.account_id == account_id]
    pending = [each.transfer_id for each in entries if each.state == "pending"]
    device = random.choice(tokens)
    secret = device.secret
    code = online.id_card_code() if device.device == "id_card" else online.code(secret, steps_ago=steps_ago)
    right = random.random() < 0.8
    serial = f"N{n}"
    payees = (Payee("", TARO), Payee("", HANAKO), Payee("smbc", "1234567"))
    return {
        "card_id": card,
        "amount_jpy": random.choice((0, 1_000, 30_000, 200_000, 600_000, 2_000_000, 9_000_000)),
        "day": DAY_OF_RAISES,
        "otp": code if right else online.wrong_code(),
        "second_otp": online.code(secret) if device.device == "token" else "",
        "detail": random.choice(("lost", "failed", "token", "id_card")),
        "serial": device.serial,
        "transfer": random.choice(pending) if pending else "",
        "payee": random.choice(payees),
        "login_id": online.customer(account_id).login_id or "Abc12345",
        "password": Secret(PASSWORDS[n % 2]) if right else Secret("wrong"),
        "new_password": Secret(PASSWORDS[n % 3 % 2]),
        "pin_block": online.pin_block(account_id) if right else online.pin_block(account_id, "0000"),
        "new_pin_block": online.pin_block(account_id),
        "data": (("emails", (f"{n % 3}@mail.example",)), ("phone", f"03-0000-{n:04d}")),
        "new_card": new_card,
        "new_pan": Pan(new_pan),
        "token": Token(serial, account_id, SECOND_SECRET, date(2018, 1, 1)),
    }


def finish(online: OnlineBank, auditor: Auditor) -> list[str]:
    """What the auditor found, by invariant."""
    breaches = auditor.finish(online.now_us, [online.bank])
    return [breach.invariant for breach in breaches]


def test_nothing_is_found_in_a_sound_bank_whatever_its_customers_do() -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        online, auditor = audited()
        live(online, Random(seed), 150, seen)
        breaches = auditor.finish(online.now_us, [online.bank])
        assert () == breaches, breaches[:3]
        assert [] == verify(online.bank.store)
    assert set() == {kind for kind in (*BY_CUSTOMERS, *BY_STAFF) if not seen[kind]}


def test_a_closed_exception_item_of_no_account_is_nothing_to_the_auditor() -> None:
    online, auditor = audited()
    with online.bank.store.begin() as unit:
        unit.apply([RaiseException("k", "STAND_IN", "", 1, "")], online.now_us)
    asked = Act("r", "close_exception", "", "operator", detail="k", operator="sato", because="settled")
    assert "done" == online.bank.close_exception(asked, online.now_us).outcome
    assert [] == finish(online, auditor)


# ---------------------------------------------------------------- planted faults


def seeing(change: Callable[[ActFacts], ActFacts]) -> Callable[[Rules], Rules]:
    """A bank that decides on facts that are not so."""

    def rewired(rules: Rules) -> Rules:
        def precheck(act: Act, facts: ActFacts, figures: Figures, at: At) -> Any:
            return rules.precheck_act(act, change(facts), figures, at)

        def decide(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
            return rules.decide_act(act, change(facts), figures, at)

        return rules._replace(precheck_act=precheck, decide_act=decide)

    return rewired


def writing(change: Callable[[Change], Iterable[Change]]) -> Callable[[Rules], Rules]:
    """A bank that writes something else than it decided."""

    def rewired(rules: Rules) -> Rules:
        def decide(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
            outcome = rules.decide_act(act, facts, figures, at)
            return outcome._replace(changes=tuple(new for old in outcome.changes for new in change(old)))

        return rules._replace(decide_act=decide)

    return rewired


def without(what: type, **fields: Any) -> Callable[[Change], Iterable[Change]]:
    def left(change: Change) -> Iterable[Change]:
        hit = isinstance(change, what) and all(getattr(change, k) == v for k, v in fields.items())
        return () if hit else (change,)

    return left


def to_somebody_else(change: Change) -> Iterable[Change]:
    legs = getattr(change, "legs", ())
    if getattr(change, "kind", "") != "transfer":
        return (change,)
    return (change._replace(legs=(legs[0], ("clearing:thief", legs[1][1]))),)  # type: ignore[union-attr]


def another_chance(change: Change) -> Iterable[Change]:
    """A wrong code starts the count of wrong codes again."""
    if isinstance(change, Audit) and change.reason == "OTP_WRONG":
        return (change, SetAccount(change.account_id, "otp_fails", 0))
    return (change,)


def forgetful(change: Change) -> Iterable[Change]:
    """Every refused login starts the count again."""
    if isinstance(change, SetCustomer) and change.field == "failed_since_login" and change.value:
        return (change, SetCustomer(change.account_id, "login_fails", 0))
    return (change,)


NO_LIMIT = seeing(lambda facts: facts._replace(customer=facts.customer._replace(transfer_limit_jpy=10**9)))


@pytest.mark.parametrize(
    ("fault", "invariant"),
    [
        (writing(another_chance), "I18"),
        (writing(without(ConsumeStep)), "I19"),
        (writing(without(Notify, kind="incoming_transfer")), "I20"),
        (writing(without(Notify, kind="email_changed")), "I20"),
        (writing(without(Notify, kind="token_locked")), "I20"),
        (writing(without(SetCustomer, field="transfer_limit_jpy")), "I21"),
        (writing(without(SetCard, field="hot")), "I21"),
        (writing(to_somebody_else), "I10"),
        (writing(forgetful), "I18"),
    ],
    ids=[
        "wrong codes forgotten",
        "code not spent",
        "payee not told",
        "address not told",
        "lock not told",
        "limit not written",
        "replaced card still valid",
        "other payee",
        "forgotten failures",
    ],
)
def test_a_planted_fault_is_found(fault: Callable[[Rules], Rules], invariant: str) -> None:
    found: Counter[str] = Counter()
    for seed in range(12):
        online, auditor = audited(fault)
        with suppress(Conflict):  # the store's own guards may stop a faulty bank
            live(online, Random(seed), 150)
        found.update(finish(online, auditor))
        if found[invariant]:
            return
    raise AssertionError(f"{invariant} was never breached: {found}")


def test_a_transfer_above_the_limit_is_found() -> None:
    online, auditor = audited(NO_LIMIT)
    online.act("set_transfer_limit", amount_jpy=30_000)
    online.act("enter_transfer", key="t", payee=Payee("", TARO), amount_jpy=30_001)
    assert ("done", "EXECUTED") == online.act("confirm_transfer", transfer="t", otp=online.code())
    assert "I16" in finish(online, auditor)


def test_a_reservation_that_holds_nothing_is_found() -> None:
    online, auditor = audited(writing(without(SetAccount, field="held_jpy")))
    online.now_us = midnight_us(jst_date(online.now_us)) + 20 * HOUR_US
    online.act("enter_transfer", key="t", payee=Payee("smbc", "1234567"), amount_jpy=30_000)
    assert ("done", "RESERVED") == online.act("confirm_transfer", transfer="t", otp=online.code())
    assert "I21" in finish(online, auditor)


def test_a_changed_password_compared_without_a_charge_is_found() -> None:
    online, auditor = audited()
    online.bank.watch = lambda commit: None if commit.code == "charge" else auditor.committed(commit)
    new = {"password": Secret(PASSWORD), "new_password": Secret(PASSWORDS[1])}
    assert ("done", "") == online.act("change_password", otp=online.code(), **new)
    assert "I18" in finish(online, auditor)


def test_a_login_compared_without_a_charge_is_found() -> None:
    online, auditor = audited()
    online.bank.watch = lambda commit: None if commit.code == "charge" else auditor.committed(commit)
    assert ("done", "") == online.login()
    assert "I18" in finish(online, auditor)
