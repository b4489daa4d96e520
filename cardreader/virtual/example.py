"""The card of `cardreader read --virtual`: a test number and published test keys."""

from __future__ import annotations

from datetime import date
from typing import Final

from cardreader.emv.cryptogram import master_key
from cardreader.emv.des import Des3
from cardreader.transport import CardProtocol
from cardreader.virtual.profile import Interface, Profile, payment_application

PAN: Final = "4999000000000013"
SEQUENCE: Final = "00"
ISSUER_KEY: Final = Des3(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
"""The published test key of many examples: it protects nothing."""


def example_card(protocol: CardProtocol = "T=1", interface: Interface = "contact", cvn: int = 18) -> Profile:
    """One application with synthetic data."""
    key = Des3(master_key(ISSUER_KEY, PAN, SEQUENCE))
    application = payment_application(
        PAN, key, expires=date(2030, 12, 31), effective=date(2014, 1, 1), sequence=SEQUENCE, cvn=cvn
    )
    return Profile((application,), interface=interface, protocol=protocol)
