"""What this installation keeps in the user's folder: the key of card aliases, and the user's own AID file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

_KEY_BYTES: Final = 32


def alias_key(folder: Path) -> bytes:
    """The random key under which cards are remembered; made at the first use, for its owner's eyes only."""
    file = folder / "card-alias.key"
    try:
        key = file.read_bytes()
    except FileNotFoundError:
        return _made(file)
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{file}: not a key of {_KEY_BYTES} bytes; delete it, and a new one is made")
    return key


def _made(file: Path) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key)
    return key


def own_aids(folder: Path) -> Path | None:
    """The user's AID file, if there is one."""
    file = folder / "aids.txt"
    return file if file.exists() else None
