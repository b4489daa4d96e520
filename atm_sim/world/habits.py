"""How long people and devices take when a scenario does not say: assumed, no measured Japanese table is published.

Lognormal, together about 45 s for a withdrawal (the usual planning figure); a scenario's `habits:` replaces any of
them.
"""

from __future__ import annotations

from collections.abc import Mapping

from bank_host.jst import SECOND_US
from bank_host.written.values import Distribution


def _lognormal(mean_s: float) -> Distribution:
    return Distribution("lognormal", mean_s * SECOND_US, 0.4)


HABITS: Mapping[str, Distribution] = {
    "insert": _lognormal(3),  # from stepping up to the card in the slot
    "pin": _lognormal(8),
    "choose": _lognormal(10),  # service and amount, or the notes of a deposit
    "dispense": _lognormal(12),  # the device: counting and presenting
    "take_card": _lognormal(4),
    "take_cash": _lognormal(6),
}
