"""What one decision costs: `python -m bench.decide` (target: a withdrawal in about 4 microseconds).

A fleet session has about 12 microseconds for everything, so the rules build plain tuples and no text. The
baseline is the same withdrawal decided in the obvious way: validated frozen dataclasses, the figures looked
up by key and date, and a new copy of a record for each fact that changes. It is measured side by side in
the same rounds, so that the ratio says something on any machine.
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bank_host.jst import HOUR_US, midnight_us
from bank_host.policy import Figures, Policy, load_policy
from bank_host.rules import RULES
from bank_host.rules.facts import Account, At, Card, CardFacts, CardRequest
from bench.command import quick, tell_result

ROUNDS, CALLS = 9, 10_000
DAY = date(2014, 1, 15)
AT = At(midnight_us(DAY) + 12 * HOUR_US, DAY, 100)


def cases() -> dict[str, tuple[CardRequest, CardFacts]]:
    """An approved withdrawal, then one refusal per row of the order of checks."""
    account = Account("0010000001", "individual", "token", date(2010, 4, 1), 500_000, 1_000_000)
    card = Card("card-1", "hanako", account.account_id, "1812", "1234", pin_fails=1)
    request = CardRequest("key-1", "original-1", "withdraw", 30_000, "392", "seven_bank", "ATM00001")
    facts = CardFacts(card, account, None, 0, 0, 0, True)
    return {
        "approved": (request, facts),
        "approved with fee": (request._replace(amount_jpy=10_000), facts._replace(month_uses=1)),
        "HOT_CARD": (request, facts._replace(card=card._replace(hot="lost"))),
        "CARD_EXPIRED": (request, facts._replace(card=card._replace(expires="1301"))),
        "CARD_LOCKED": (request, facts._replace(card=card._replace(locked=True))),
        "CARD_NOT_GENUINE": (request._replace(genuine=False), facts),
        "PIN_BLOCKED": (request, facts._replace(card=card._replace(pin_fails=3), pin_ok=False)),
        "PIN_WRONG": (request, facts._replace(pin_ok=False)),
        "ACCOUNT_CLOSED": (request, facts._replace(account=account._replace(closed=True))),
        "BAD_CURRENCY": (request._replace(currency="840"), facts),
        "NOT_OFFERED": (request._replace(partner=""), facts),
        "LIMIT_ZERO": (request, facts._replace(account=account._replace(standing_jpy=0))),
        "BAD_AMOUNT": (request._replace(amount_jpy=1_500), facts),
        "LIMIT_EXCEEDED": (request, facts._replace(used_jpy=500_000)),
        "NO_FUNDS": (request, facts._replace(account=account._replace(posted_jpy=0))),
    }


# ---------------------------------------------------------------- the baseline


@dataclass(frozen=True)
class PlainAccount:
    standing_jpy: int
    posted_jpy: int
    used_jpy: int
    pin_fails: int
    locked: bool

    def __post_init__(self) -> None:
        if min(self.standing_jpy, self.used_jpy, self.pin_fails) < 0:
            raise ValueError("negative figure")


@dataclass(frozen=True)
class PlainDecision:
    code: str
    reason: str
    account: PlainAccount
    journal: dict[str, Any]
    notice: dict[str, Any]
    audit: dict[str, Any]


def plain_decide(amount_jpy: int, account: PlainAccount, policy: Policy, day: date) -> PlainDecision:
    """The approved withdrawal of the bench without any of the product's short cuts."""

    def figure(key: str) -> Any:
        return [entry.value for entry in policy.entries()[key] if entry.as_of <= day][-1]

    if account.locked or account.pin_fails > figure("pin.max_wrong"):
        raise ValueError("refused")
    if amount_jpy % figure("atm.standing.step") or amount_jpy > account.standing_jpy - account.used_jpy:
        raise ValueError("refused")
    fee = next(
        row.fee_jpy
        for row in figure("fee.atm")
        if "withdraw" in row.services and row.up_to_use >= 1 and amount_jpy >= row.from_jpy
    )
    account = replace(account, posted_jpy=account.posted_jpy - amount_jpy - fee)
    account = replace(account, used_jpy=account.used_jpy + amount_jpy)
    account = replace(account, pin_fails=0)
    journal = {"key": "key-1", "kind": "withdrawal", "day": day.isoformat(), "amount": amount_jpy, "fee": fee}
    return PlainDecision(
        "00",
        "",
        account,
        journal,
        {"kind": "atm_withdrawal", "text": f"{amount_jpy:,} yen were withdrawn"},
        {"what": "withdraw", "after": f"balance {account.posted_jpy:,}"},
    )


# ---------------------------------------------------------------- measuring


def microseconds(call: Callable[[], object], calls: int) -> float:
    return timeit.timeit(call, number=calls) / calls * 1e6


def decide_call(request: CardRequest, facts: CardFacts, figures: Figures) -> Callable[[], object]:
    return lambda: RULES.decide(request, facts, figures, AT)


def main(rounds: int = ROUNDS, calls: int = CALLS) -> None:
    policy = load_policy()
    figures = policy.on(DAY)
    timed = {name: decide_call(request, facts, figures) for name, (request, facts) in cases().items()}
    for name, (request, facts) in cases().items():
        answer = RULES.decide(request, facts, figures, AT)
        if answer.reason != ("" if name.startswith("approved") else name):
            raise SystemExit(f"bench.decide: the case {name} was decided {answer.reason or answer.code}")
    plain = PlainAccount(500_000, 1_000_000, 0, 1, False)
    timed["baseline"] = lambda: plain_decide(30_000, plain, policy, DAY)

    times: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):  # interleaved, so that a busy moment touches every case alike
        for name, call in timed.items():
            times[name].append(microseconds(call, calls))

    print(
        f"{rounds} interleaved rounds of {calls:,} calls each; facts ready, PIN already compared, no store."
    )
    print(f"{'case':<20}{'median us':>10}{'best us':>10}{'of baseline':>13}")
    baseline = statistics.median(times["baseline"])
    for name, figures in times.items():
        median = statistics.median(figures)
        print(f"{name:<20}{median:>10.2f}{min(figures):>10.2f}{median / baseline:>12.2f}x")
    value = statistics.median(times["approved"])
    tell_result("decide", value, "us per approved withdrawal", baseline, less_is_better=True)


if __name__ == "__main__":
    if quick():
        main(rounds=1, calls=20)
    else:
        main()
