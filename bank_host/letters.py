"""What the bank hands over in files in place of letters and parcels: only their owner may read them."""

from __future__ import annotations

import json
from pathlib import Path

from bank_host.rules.facts import Token


def private_file(file: Path, text: str) -> Path:
    """Write a file that only its owner may read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def token_file(file: Path, token: Token) -> Path:
    """A hardware token, as `atm-sim token` shows it."""
    secrets = {"serial": token.serial, "secret": token.secret, "expires": token.expires.isoformat()}
    return private_file(file, json.dumps(secrets, indent=2) + "\n")
