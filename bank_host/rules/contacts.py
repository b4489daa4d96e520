"""Which office a complaint goes to, and how it is reached (requirements R137-R140).

Names, telephone numbers and hours are the policy's; here is only which matter a topic belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bank_host.policy import Figures
from bank_host.rules.languages import Words, say

BANKING = "banking"
FINANCIAL_INSTRUMENTS = "financial_instruments"

_FINANCIAL_TOPICS = (
    "fx",
    "fx_margin",
    "otc_fx_margin",
    "otc_fx_margin_trading",
    "investment_trust",
    "investment_trusts",
    "店頭外国為替証拠金取引",
    "外国為替証拠金取引",
    "投資信託",
)
TOPICS: Mapping[str, str] = {
    **dict.fromkeys(_FINANCIAL_TOPICS, FINANCIAL_INSTRUMENTS),
    **dict.fromkeys(
        (
            *("account", "atm", "cash_card", "compensation", "deposit", "internet_banking", "loan", "token"),
            *("transfer", "口座", "預金", "振込", "キャッシュカード", "補償", "ローン", "トークン"),
        ),
        BANKING,
    ),
}

_HEADING = Words("Complaints and consultation", "苦情・ご相談の窓口")
_TELEPHONE = Words("Tel.", "電話")


class Contact(NamedTuple):
    """An office as a customer is told of it."""

    matter: str  # banking | financial_instruments
    name: str
    role: str
    telephone: tuple[str, ...]
    hours: str


def matter_of(topic: str) -> str:
    """Banking or financial instruments; what the bank has no word for is a banking matter (R140)."""
    return TOPICS.get(topic.strip().casefold().replace(" ", "_").replace("-", "_"), BANKING)


def contact(topic: str, figures: Figures, language: str) -> Contact:
    """The office for a topic, in the words of `en` or `ja`."""
    matter = matter_of(topic)
    office = figures.contacts[matter]
    name, role, hours = (
        say(Words(office[f"{what}_en"], office[f"{what}_ja"]), language) for what in ("name", "role", "hours")
    )
    return Contact(matter, name, role, office["telephone"], hours)


def contact_lines(topic: str, figures: Figures, language: str) -> tuple[str, ...]:
    """The lines that stand at the end of a receipt or a claim report."""
    office = contact(topic, figures, language)
    return (
        f"{say(_HEADING, language)}: {office.name} ({office.role})",
        f"{say(_TELEPHONE, language)} {' / '.join(office.telephone)} ({office.hours})",
    )
