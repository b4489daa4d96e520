"""The words a scenario file may use: services, outcomes, channels, habits, measures with their units.

Each table stands here once; the models, the JSON Schema, the suggestions and the reference page read it.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

DEFAULT_BANK: Final = "jnb"
SWITCH: Final = "switch"
DEFAULT_BIN: Final = "499900"

Kind: TypeAlias = Literal["individual", "sole_proprietor", "corporate"]
Authenticator: TypeAlias = Literal["token", "id_card"]
Medium: TypeAlias = Literal["chip", "stripe"]
Cryptogram: TypeAlias = Literal["cvn_10", "cvn_18"]
HotAs: TypeAlias = Literal["lost", "stolen"]
Channel: TypeAlias = Literal["pc", "smartphone", "mobile"]
LinkName: TypeAlias = Literal["atm-acquirer", "acquirer-switch", "switch-issuer", "acquirer-issuer"]
Service: TypeAlias = Literal["withdraw", "deposit", "balance"]
PinEntry: TypeAlias = Literal["right", "wrong"]
CrashMoment: TypeAlias = Literal["before_commit", "after_charge", "after_commit"]
CardFate: TypeAlias = Literal["returned", "retained"]
CardInHand: TypeAlias = Literal["own", "skimmed", "forged"]
ExchangeReason: TypeAlias = Literal["failed", "expired", "lost"]
TransferEnd: TypeAlias = Literal["transfer", "correct", "cancel", "welcome_page", "logout"]
TransferState: TypeAlias = Literal["pending", "dropped", "reserved", "executed", "failed"]
JudgedOn: TypeAlias = Literal["run", "interval"]
Habit: TypeAlias = Literal["insert", "pin", "choose", "dispense", "take_card", "take_cash"]
Outcome: TypeAlias = Literal["approved", "declined", "done", "refused", "failed", "no_service", "left"]
Denomination: TypeAlias = Literal[1_000, 2_000, 5_000, 10_000]
Cause: TypeAlias = Literal["forged", "stolen", "spyware", "phishing"]
Declared: TypeAlias = Literal["prompt_notice", "full_explanation", "police_report"]
Decision: TypeAlias = Literal["paid", "part", "refused", "refer"]
Payer: TypeAlias = Literal["bank", "card_insurance", "net_insurance", "none"]
Proved: TypeAlias = Literal[
    "bank_good_faith",
    "intent",
    "pin_told",
    "pin_written_on_card",
    "card_handed_over",
    "other_gross_negligence",
    "guessable_pin_after_warnings",
    "kept_with_revealing_papers",
    "pin_note_with_card",
    "other_negligence",
    "used_by_spouse",
    "used_by_relative",
    "used_by_cohabitant",
    "used_by_domestic_employee",
    "false_statement",
    "war_or_riot",
    "prompt_notice",
    "full_explanation",
    "police_report",
]

# Which outcomes an act can have: the bank answers a card, it carries a setting out or refuses it.
CARD_OUTCOMES: Final = ("approved", "declined", "refused", "failed", "no_service", "left")
SETTING_OUTCOMES: Final = ("done", "refused")

Unit: TypeAlias = Literal["count", "ratio", "duration", "yen"]
CountMeasure: TypeAlias = Literal[
    "customers",
    "customers.diverted",
    "customers.postponed",
    "customers.lost",
    "guard_visits",
    "withdrawals",
    "deposits",
    "declines",
    "reversals",
    "reversals.unresolved",
    "cash_outs",
    "retained_cards",
    "cards_used",
    "machines_used",
    "exceptions",
    "reconciliation.explained",
    "reconciliation.unexplained",
    "stand_in.approvals",
    "stand_in.outstanding",
]
RatioMeasure: TypeAlias = Literal["approval_rate", "wait.share", "utilisation"]
DurationMeasure: TypeAlias = Literal[
    "wait.mean", "wait.max", "wait.p50", "wait.p95", "service.mean", "stand_in.list_age"
]
YenMeasure: TypeAlias = Literal[
    "dispensed",
    "deposited",
    "fees",
    "idle_cash",
    "stand_in.amount",
    "stand_in.over_limit",
    "stand_in.over_balance",
]

MEASURES: Final[dict[str, Unit]] = {
    **dict.fromkeys(get_args(CountMeasure), "count"),
    **dict.fromkeys(get_args(RatioMeasure), "ratio"),
    **dict.fromkeys(get_args(DurationMeasure), "duration"),
    **dict.fromkeys(get_args(YenMeasure), "yen"),
}

# What a value of this key looks like; shown when the key is missing.
EXAMPLES: Final = {
    "amount": "¥30_000",
    "at": "12:05",
    "about": "investment trusts",
    "atm": "shibuya-01",
    "bank": "jnb",
    "because": "another bank's published limit",
    "bin": '"499911"',
    "by": "-90 s",
    "cassettes": "{10000: 200, 1000: 500}",
    "cause": "stolen",
    "chance": "0.3",
    "clock": "shibuya-01",
    "cv": "0.4",
    "day": "2014-01-15",
    "delay": "3 s",
    "element": "39",
    "every": "10 min",
    "for": "30 s",
    "from": "14:00",
    "interarrival": "{exponential: 90 s}",
    "is": "down",
    "link": "acquirer-switch",
    "mean": "45 s",
    "measure": "approval_rate",
    "losses": "[{at: 10:05, amount: ¥50_000}]",
    "login_id": '"hana2014"',
    "name": "山田 花子",
    "new_pin": '"4321"',
    "node": "switch",
    "notes": "{10000: 3}",
    "on": "2014-01-20",
    "operator": "seven_bank",
    "password": '"sakura-0401"',
    "scenario": "A locked card pays no cash",
    "times": "3",
    "to": "14:20",
    "token": "2",
    "version": "1",
    "via": "smartphone",
    "who": "hanako",
}
