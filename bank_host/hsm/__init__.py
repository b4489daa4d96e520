"""The software PIN module: PIN blocks, verification values, card ids; no clear PIN or key leaves it."""

from bank_host.hsm.errors import HsmError
from bank_host.hsm.module import CARD_ID, CVK, PVK, TPK, Hsm, Key, NewPin

__all__ = ["CARD_ID", "CVK", "PVK", "TPK", "Hsm", "HsmError", "Key", "NewPin"]
