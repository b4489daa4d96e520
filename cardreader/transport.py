"""The way to a card reader: PC/SC through pyscard, and in plain words why there is none.

pyscard is an extra (it compiles against the system's PC/SC library), so it is imported only when a reader is
asked for. Everything that touches the machine is behind `PcscSystem`; a test passes its own.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Protocol

# PC/SC status: the resource manager (Linux: pcscd) does not run, or its client library could not be loaded.
SCARD_E_NO_SERVICE = 0x8010001D
SCARD_E_SERVICE_STOPPED = 0x8010001E

INSTALL_EXTRA = "pyscard is not installed: install the pcsc extra: pip install 'atm-sim[pcsc]'"
LIBRARY_MISSING = "PC/SC library missing: install it (Debian, Ubuntu: sudo apt-get install libpcsclite1)"
SERVICE_DOWN = "smart-card service not running: start pcscd (Debian, Ubuntu: sudo apt-get install pcscd)"
NO_READER = "no reader connected: plug one in, then try again"


class ReaderError(Exception):
    """No card reader can be used; the message says why and what to do next."""


class PcscSystem(Protocol):
    """What is asked of the machine."""

    def reader_names(self) -> list[str]:
        """The names of the connected readers; whatever pyscard raises is let through."""

    def library_loads(self) -> bool:
        """Whether the PC/SC client library can be loaded."""


class Pyscard:
    """The machine we run on."""

    def reader_names(self) -> list[str]:
        from smartcard.System import readers

        return [str(reader) for reader in readers()]

    def library_loads(self) -> bool:
        # macOS and Windows carry PC/SC themselves; elsewhere it is a package of its own.
        if sys.platform in ("darwin", "win32"):
            return True
        try:
            ctypes.CDLL("libpcsclite.so.1")
        except OSError:
            return False
        return True


def connected_readers(system: PcscSystem) -> list[str]:
    """The names of the connected readers, at least one; otherwise ReaderError with the reason."""
    try:
        names = system.reader_names()
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != "smartcard":
            raise
        raise ReaderError(INSTALL_EXTRA) from missing
    except Exception as refused:
        # pyscard's exceptions share no base that is importable without it; all carry the PC/SC status.
        status = getattr(refused, "hresult", None)
        if status is None:
            raise
        raise ReaderError(reason_of(status & 0xFFFFFFFF, system)) from refused
    if not names:
        raise ReaderError(NO_READER)
    return names


def reason_of(status: int, system: PcscSystem) -> str:
    """A PC/SC status in plain words. A missing library and a stopped service share one status on Linux."""
    if status in (SCARD_E_NO_SERVICE, SCARD_E_SERVICE_STOPPED):
        return SERVICE_DOWN if system.library_loads() else LIBRARY_MISSING
    return f"PC/SC refused with status 0x{status:08X}"
