"""The mailbox folder: whole UTF-8 files, one per Message-ID (R103)."""

from datetime import date
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from bank_host.jst import HOUR_US, midnight_us
from bank_host.notices import mailbox
from bank_host.notices.mailbox import MailboxFolder
from bank_host.notices.message import render
from bank_host.store.contract import MailRow

AT_US = midnight_us(date(2014, 1, 15)) + 10 * HOUR_US
ROW = MailRow(
    *(1, "aoki@example.jp", "0200:1", AT_US, "0010000001", "atm_withdrawal", 30_000),
    *("waiting", 0, AT_US, ""),
)


def test_a_message_is_one_utf_8_file_named_by_time_and_message_id(tmp_path: Path):
    MailboxFolder(tmp_path / "new" / "mail")(render(ROW))
    (file,) = (tmp_path / "new" / "mail").iterdir()
    assert file.name.startswith("20140115-100000-")
    assert file.suffix == ".eml"
    assert "ATMで¥30,000の出金がありました。" in file.read_text(encoding="utf-8")
    read = message_from_bytes(file.read_bytes(), policy=default)
    assert render(ROW)["Subject"] == read["Subject"]
    assert file.stem.endswith(read["Message-ID"].strip("<>").split("@")[0])


def test_the_same_message_is_there_once_and_stays_as_it_was(tmp_path: Path):
    sink = MailboxFolder(tmp_path)
    sink(render(ROW))
    (file,) = tmp_path.iterdir()
    file.write_text("read and annotated", encoding="utf-8")
    sink(render(ROW))
    sink(render(ROW._replace(key="0200:2")))
    assert 2 == len(list(tmp_path.iterdir()))
    assert "read and annotated" == file.read_text(encoding="utf-8")


def test_a_message_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mailbox.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        MailboxFolder(tmp_path)(render(ROW))
    assert [] == list(tmp_path.iterdir())
