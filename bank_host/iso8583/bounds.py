"""How long a message may be: checked before anything is reserved for it or read of it."""

from __future__ import annotations

from typing import Final

MIN_BYTES: Final = 12
MAX_BYTES: Final = 2_048
