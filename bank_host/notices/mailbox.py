"""A folder that receives notices: one UTF-8 file per message, for people and for any mail program (R103).

A message is written whole or not at all, and the same Message-ID is there once, however often it comes.
"""

from __future__ import annotations

import os
import tempfile
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from bank_host.notices.message import READABLE


class MailboxFolder:
    """A sink (`bank_host.notices.relay.Sink`) that makes its folder when the first message comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, message: EmailMessage) -> None:
        path = self._folder / _file_name(message)
        if path.exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=self._folder)
        try:
            with open(handle, "wb") as file:
                file.write(message.as_bytes(policy=READABLE))
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            os.unlink(part)
            raise
        _keep_name(self._folder)


def _file_name(message: EmailMessage) -> str:
    """In the order of the events, and one per Message-ID."""
    at = parsedate_to_datetime(message["Date"])
    return f"{at:%Y%m%d-%H%M%S}-{message['Message-ID'].strip('<>').partition('@')[0]}.eml"


def _keep_name(folder: Path) -> None:
    """The file's name outlives a power cut too, where the system lets a folder be synced (Windows does not)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
