"""The software key module: keys by handle and usage; no clear PIN or key leaves it."""

from bank_host.hsm.errors import HsmError
from bank_host.hsm.keys import (
    CARD_ID,
    CVK,
    IMK_AC,
    PVK,
    PVK_OFFSET,
    SEAL,
    TAK,
    TPK,
    ZAK,
    ZMK,
    ZPK,
    Key,
)
from bank_host.hsm.module import Hsm, KeyInfo, NewPin
from bank_host.hsm.verification_values import CVV2_SERVICE_CODE, ICVV_SERVICE_CODE

__all__ = [
    "CARD_ID",
    "CVK",
    "CVV2_SERVICE_CODE",
    "ICVV_SERVICE_CODE",
    "IMK_AC",
    "PVK",
    "PVK_OFFSET",
    "SEAL",
    "TAK",
    "TPK",
    "ZAK",
    "ZMK",
    "ZPK",
    "Hsm",
    "HsmError",
    "Key",
    "KeyInfo",
    "NewPin",
]
