"""The customer's receipt and the terminal's electronic journal, both without a PAN (requirement X12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from atm_sim.sansio.effects import Record
from bank_host import jst


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the printer puts on the slip. `card` shows the last four digits only."""

    terminal_id: str
    at: str  # JST, to the second
    card: str
    service: str
    amount_jpy: int
    request_id: str
    code: str
    approval_code: str = ""
    fee_jpy: int = 0
    balance_jpy: int | None = None

    def lines(self) -> tuple[str, ...]:
        """The slip as printed, top to bottom."""
        slip = [
            f"ATM {self.terminal_id}",
            self.at,
            f"card {self.card}",
            f"{self.service} ¥{self.amount_jpy:,}",
            f"reference {self.request_id}",
            f"answer {self.code}" + (f" approval {self.approval_code}" if self.approval_code else ""),
        ]
        if self.fee_jpy:
            slip.append(f"fee ¥{self.fee_jpy:,}")
        if self.balance_jpy is not None:
            slip.append(f"balance ¥{self.balance_jpy:,}")
        return tuple(slip)


class JournalEntry(NamedTuple):
    """One line of the electronic journal: what was recorded, and when by the machine's clock."""

    now_us: int
    record: Record

    def line(self) -> str:
        at, told = jst.civil(self.now_us).strftime("%Y-%m-%d %H:%M:%S.%f"), self.record
        amount = f"¥{told.amount_jpy:,}" if told.amount_jpy else ""
        parts = (at, told.kind, told.request_id, told.mti, told.card_alias, amount, told.code, told.reason)
        return " ".join(filter(None, parts))


class Journal:
    """The electronic journal: entries are added at the end and never changed. It survives a loss of power."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[JournalEntry] = []

    def write(self, now_us: int, record: Record) -> None:
        self._entries.append(JournalEntry(now_us, record))

    @property
    def entries(self) -> tuple[JournalEntry, ...]:
        """Everything written, oldest first."""
        return tuple(self._entries)

    @property
    def lines(self) -> tuple[str, ...]:
        """The journal as printed, oldest line first."""
        return tuple(entry.line() for entry in self._entries)
