"""The PC/SC of the machine we run on, by whichever binding there is."""

from __future__ import annotations

import sys
from typing import Literal

from cardreader.pcsc import Api, PcscTransport, libpcsclite
from cardreader.problems import ReaderError

Binding = Literal["pyscard", "libpcsclite"]


def system_transport(binding: Binding | None = None) -> PcscTransport:
    """By pyscard if it is installed; on Linux else by libpcsclite itself, which needs no compiler."""
    return PcscTransport(_binding(binding))


def _binding(wanted: Binding | None) -> Api:
    on_linux = sys.platform.startswith("linux")
    if on_linux and not libpcsclite.loads():
        # Asked before pyscard is imported, which would print the loader's message.
        raise ReaderError("no_library")
    if wanted != "libpcsclite":
        try:
            from cardreader.pcsc.pyscard import Pyscard
        except ImportError:
            if wanted == "pyscard" or not on_linux:
                raise ReaderError("no_binding") from None
        else:
            return Pyscard()
    if not on_linux:
        raise ReaderError("no_binding")
    return libpcsclite.Libpcsclite()
