"""Every policy key once: its name, type and range, and the field in which rules find it (section 17).

`Figures` is what holds on one JST day. Each field says which key it comes from and how the value is read,
so a new key is one line here and one entry in policy.yaml; nothing that does not look at the new field can
change (R2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

from bank_host.policy.readers import (
    Reader,
    digits,
    list_of,
    one_of,
    same_for,
    share,
    switch,
    table,
    text,
    whole,
    whole_or_none,
    window,
)

KINDS = ("individual", "sole_proprietor", "corporate")
AUTHENTICATORS = ("token", "id_card")
CHANNELS = ("pc", "smartphone", "mobile")
MEDIA = ("chip", "stripe")
FEE_SERVICES = ("withdraw", "deposit", "balance", "change_pin")

_YEN_MAX = 1_000_000_000
_CAP_MAX = 10_000_000_000


class Partner(NamedTuple):
    """An ATM network that the bank's cards work at; the bank itself owns no ATM."""

    code: str
    name_en: str
    name_ja: str
    acquirer_id: str  # DE32, 11 digits
    hours_us: tuple[int, int]  # [from, to), microseconds after JST midnight
    maintenance_us: tuple[tuple[int, int], ...]  # windows without service, each [from, to)
    per_transaction_jpy: int  # ceiling of one withdrawal, enforced by the ATM (X2)
    deposit_per_transaction_jpy: int
    note_limit: int  # notes taken in one deposit (X10)
    denominations: tuple[int, ...]  # notes paid out, largest first
    accepted: tuple[int, ...]  # notes taken in a deposit, largest first
    pin_change: bool  # Q8
    accepts_corporate: bool  # R94


class AtmFee(NamedTuple):
    """One row of the fee table; the first row that fits a use gives its fee (X4)."""

    services: tuple[str, ...]
    kinds: tuple[str, ...]
    partners: tuple[str, ...]  # empty = every partner
    up_to_use: int  # row holds for the first so many uses of the service in a month; 0 = for all
    from_jpy: int
    fee_jpy: int


class FeeBand(NamedTuple):
    """What is left of a fee row once service, partner and kind are known."""

    up_to_use: int
    from_jpy: int
    fee_jpy: int


_NOTES = list_of(whole(1_000, 10_000))

PARTNER_COLUMNS: Mapping[str, Reader[Any]] = {
    "name_en": text,
    "name_ja": text,
    "acquirer_id": digits(11),
    "hours": window(),
    "maintenance": list_of(window()),
    "per_transaction_jpy": whole(1_000, 10_000_000),
    "deposit_per_transaction_jpy": whole(1_000, 10_000_000),
    "note_limit": whole(1, 1_000),
    "denominations": _NOTES,
    "accepted": _NOTES,
    "pin_change": switch,
    "accepts_corporate": switch,
}

_FEE_ROW = table(
    {
        "services": list_of(one_of(*FEE_SERVICES)),
        "kinds": list_of(one_of(*KINDS)),
        "partners": list_of(text),
        "up_to_use": whole(0, 1_000),
        "from_jpy": whole(0, _YEN_MAX),
        "fee_jpy": whole(0, 999),  # below the smallest note, so that a deposit always leaves something
    },
    optional={"kinds": KINDS, "partners": (), "up_to_use": 0, "from_jpy": 0},
)


def _fee_row(value: Any) -> AtmFee:
    return AtmFee(**_FEE_ROW(value))


def _key(name: str, read: Reader[Any]) -> Any:
    return field(metadata={"key": name, "read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures in force on one JST day."""

    day: date
    before_first: bool  # the day lies before the first entry of some key, whose first entry was used
    month: str  # YYYY-MM of the day, as the fee table counts uses
    yymm: str  # the same as a card's expiry is written
    partners: Mapping[str, Partner]
    acquirers: Mapping[str, str]  # the partner's code by its acquirer id (DE32, 11 digits)
    fee_bands: Mapping[
        tuple[str, str, str], tuple[FeeBand, ...]
    ]  # (service, partner, kind) -> rows of fee.atm

    # one-time passwords, tokens, login
    otp_step_s: int = _key("otp.step_s", whole(10, 600))
    otp_digits: int = _key("otp.digits", whole(6, 8))
    otp_window: int = _key("otp.window", whole(0, 2))  # number of earlier steps still accepted
    otp_max_wrong: int = _key("otp.max_wrong", whole(3, 10))
    otp_required: tuple[str, ...] = _key(
        "otp_required",
        list_of(
            one_of(
                *("transfer", "pin_change", "password_change", "customer_data"),
                *("raise", "unlock", "token_registration"),
            )
        ),
    )
    token_max_per_account: int = _key("token.max_per_account", whole(1, 10))
    token_fee_first: int = _key("token.fee.first", whole(0, 100_000))
    token_fee_failed: int = _key("token.fee.failed", whole(0, 100_000))
    token_fee_second: int = _key("token.fee.second", whole(0, 100_000))
    token_fee_lost: int = _key("token.fee.lost", whole(0, 100_000))
    login_max_wrong: int = _key("login.max_wrong", whole(1, 20))
    login_id_format: Mapping[str, int] = _key(
        "login.id_format", same_for(("min_length", "max_length"), whole(1, 64))
    )
    login_third_item: Mapping[str, str] = _key(
        "login.third_item", same_for(CHANNELS, one_of("password", "pin"))
    )

    # cards at ATMs
    pin_max_wrong: int = _key("pin.max_wrong", whole(1, 10))
    pin_block_code: str = _key("pin.pin_block_code", one_of("75", "38"))
    atm_standing_initial: int = _key("atm.standing.initial", whole(0, _YEN_MAX))
    atm_standing_max: int = _key("atm.standing.max", whole(0, _YEN_MAX))
    atm_standing_step: int = _key("atm.standing.step", whole(1, 1_000_000))
    atm_raise_cap: Mapping[str, int] = _key("atm.raise.cap", same_for(KINDS, whole(0, _YEN_MAX)))
    atm_raise_days_ahead: int = _key("atm.raise.days_ahead", whole(0, 366))
    atm_raise_step: int = _key("atm.raise.step", whole(1, 1_000_000))
    atm_counts: tuple[str, ...] = _key("atm.counts", list_of(one_of("withdrawal", "j_debit", "card_loan")))
    atm_medium_ceiling: Mapping[str, int | None] = _key(
        "atm.medium_ceiling", same_for(MEDIA, whole_or_none(0, _YEN_MAX))
    )
    fee_atm: tuple[AtmFee, ...] = _key("fee.atm", list_of(_fee_row, unique=False))
    keep_card_on_break: bool = _key("keep_card_on_break", switch)

    # advices, reversals, stand-in
    stand_in_enabled: bool = _key("stand_in.enabled", switch)
    settlement_after_h: int = _key("settlement.after_h", whole(1, 24 * 31))
    reversal_retention_days: int = _key("reversal.retention_days", whole(1, 3_660))

    # transfers and the calendar of payments
    transfer_initial: Mapping[str, int] = _key("transfer.initial", same_for(KINDS, whole(0, _CAP_MAX)))
    transfer_cap: Mapping[str, Mapping[str, int]] = _key(
        "transfer.cap", same_for(KINDS, same_for(AUTHENTICATORS, whole(0, _CAP_MAX)))
    )
    transfer_step: int = _key("transfer.step", whole(1, 1_000_000))
    transfer_lock_holds_reservations: bool = _key("transfer.lock_holds_reservations", switch)
    zengin_hours: Mapping[str, Any] = _key(
        "zengin.hours", table({"weekday": window(), "month_end": window(), "round_the_clock": switch})
    )
    calendar_closed: Mapping[str, Any] = _key(
        "calendar.closed",
        table(
            {
                "weekdays": list_of(one_of("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
                "national_holidays": switch,
                "dates": list_of(text),  # MM-DD, every year
            }
        ),
    )

    # locks, notices
    lock_id_card_paper_delay_bd: int = _key("lock.id_card.paper_delay_bd", whole(5, 10))
    lock_permit_60min: bool = _key("lock.permit_60min", switch)
    mail_quiet_hours: tuple[int, int] = _key("mail.quiet_hours", window(over_midnight=True))
    notice_refused_withdrawal: bool = _key("notice.refused_withdrawal", switch)

    # compensation, insurance, contacts
    compensation_days_before_notice: int = _key("compensation.days_before_notice", whole(0, 366))
    compensation_years_limit: int = _key("compensation.years_limit", whole(1, 20))
    compensation_negligence_share: Fraction = _key("compensation.negligence_share", share)  # noqa: RUF009
    insurance_card: int = _key("insurance.card", whole(0, _YEN_MAX))
    insurance_net: int = _key("insurance.net", whole(0, _YEN_MAX))
    contacts: Mapping[str, Mapping[str, Any]] = _key(
        "contacts",
        same_for(
            ("banking", "financial_instruments"),
            table(
                {
                    "telephone": list_of(text),
                    **{f"{what}_{lang}": text for what in ("name", "hours", "role") for lang in ("en", "ja")},
                }
            ),
        ),
    )


#: field name and reader of every key except the partner table
KEYS: Mapping[str, tuple[str, Reader[Any]]] = MappingProxyType(
    {f.metadata["key"]: (f.name, f.metadata["read"]) for f in fields(Figures) if f.metadata}
)

PARTNER_PREFIX = "partners."

_read_partner = table(PARTNER_COLUMNS)


def read_partner(code: str, value: Any) -> Partner:
    """A partner's row, checked; notes are put in descending order."""
    row = dict(_read_partner(value))
    hours, maintenance = row.pop("hours"), row.pop("maintenance")
    for notes in ("denominations", "accepted"):
        strange = [note for note in row[notes] if note not in (1_000, 2_000, 5_000, 10_000)]
        if strange or not row[notes]:
            raise ValueError(f"{notes}: Japanese notes are 1,000, 2,000, 5,000 and 10,000 yen")
        row[notes] = tuple(sorted(row[notes], reverse=True))
    return Partner(code=code, hours_us=hours, maintenance_us=maintenance, **row)


def fee_bands(
    rows: tuple[AtmFee, ...], partners: Mapping[str, Partner]
) -> Mapping[tuple[str, str, str], tuple[FeeBand, ...]]:
    """The fee table cut up by service, partner and kind, so that a decision looks at two or three rows."""
    return MappingProxyType(
        {
            (service, partner, kind): tuple(
                FeeBand(row.up_to_use, row.from_jpy, row.fee_jpy)
                for row in rows
                if service in row.services
                and kind in row.kinds
                and (not row.partners or partner in row.partners)
            )
            for service in FEE_SERVICES
            for partner in partners
            for kind in KINDS
        }
    )
