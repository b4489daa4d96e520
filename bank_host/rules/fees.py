"""The ATM fee of one use, from the fee table in force (requirement X4); it is outside the limit."""

from __future__ import annotations

from bank_host.policy import Figures


def atm_fee(figures: Figures, service: str, partner: str, kind: str, amount_jpy: int, month_uses: int) -> int:
    """Yen for the use; `month_uses` counts the uses of the service this month before it. No row, no fee."""
    for up_to_use, from_jpy, fee_jpy in figures.fee_bands.get((service, partner, kind), ()):
        if (not up_to_use or month_uses < up_to_use) and amount_jpy >= from_jpy:
            return fee_jpy
    return 0
