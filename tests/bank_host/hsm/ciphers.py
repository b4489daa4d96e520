"""psec and pyemv with the ciphers of today.

Both are old and name TDES by a path that `cryptography` is about to drop, with keys that it no longer expands; they get
the cipher from where it is now.
"""

from __future__ import annotations

from types import SimpleNamespace

import psec
import pyemv
import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers.algorithms import AES


def use_ciphers_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    def expanded(key: bytes) -> TripleDES:
        return TripleDES((key * 3)[:24])  # of one part, of two or of three

    ciphers = SimpleNamespace(TripleDES=expanded, AES=AES)
    for part in (psec.des, psec.mac, pyemv.tools, pyemv.mac):
        monkeypatch.setattr(part, "_algorithms", ciphers)
