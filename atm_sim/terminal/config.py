"""What one ATM is: its names on the wire, limits, hours, timers (requirements X2, X3, X9, X10, R75-R76)."""

from __future__ import annotations

from dataclasses import dataclass, field

from atm_sim.sansio.saf import SafSettings
from atm_sim.terminal.note_mix import FEWEST, POLICIES
from bank_host import jst
from bank_host.iso8583.build import Acceptor

Window = tuple[int, int]
"""From (inclusive), to (exclusive) in microseconds since JST midnight; from > to runs over midnight."""

ALL_DAY: Window = (0, jst.DAY_US)


@dataclass(frozen=True, slots=True)
class Timers:
    """How long the terminal waits, in microseconds. `answer_us` tops the ladder of all stages behind it."""

    answer_us: int = 45 * jst.SECOND_US
    take_card_us: int = 30 * jst.SECOND_US
    take_cash_us: int = 30 * jst.SECOND_US
    idle_us: int = 0  # PIN and menu screens; 0 = for ever


@dataclass(frozen=True, slots=True)
class TerminalConfig:
    """One ATM's settings. They never change while it runs."""

    terminal_id: str  # DE41
    acquirer_id: str  # DE32
    operator: str  # the partner network's code in the bank's policy
    acceptor_id: str = ""  # DE42
    name: str = ""  # DE43
    city: str = ""
    acquirer_node: str = "acquirer"  # the neighbour that messages are sent to
    services: tuple[str, ...] = ("withdraw", "deposit", "balance")  # some partners add change_pin
    ceiling_jpy: int = 500_000  # the partner's part of X2
    amount_step_jpy: int = 1_000  # what the keypad lets a person key
    max_notes_out: int = 0  # notes one withdrawal may take; 0 = no bound
    max_notes_in: int = 50  # notes one deposit may have
    accepts_jpy: tuple[int, ...] = (10_000, 5_000, 2_000, 1_000)
    note_policy: str = FEWEST
    hours: tuple[Window, ...] = (ALL_DAY,)
    maintenance: tuple[Window, ...] = ()
    retains_card_on_break: bool = False  # X9: keep the card when a transaction breaks off
    retains_also: tuple[str, ...] = ()  # DE39 besides 41 and 43: 38, where the policy says so
    completion_advice: bool = True
    timers: Timers = field(default_factory=Timers)
    saf: SafSettings = field(default_factory=SafSettings)  # how advices and reversals are repeated

    def __post_init__(self) -> None:
        if not 1 <= len(self.terminal_id) <= 8:
            raise ValueError("terminal_id (DE41) has 1 to 8 characters")
        if self.note_policy not in POLICIES:
            raise ValueError(f"note_policy is one of {', '.join(POLICIES)}")
        if self.amount_step_jpy < 1:
            raise ValueError("amount_step_jpy is at least ¥1")

    @property
    def acceptor(self) -> Acceptor:
        return Acceptor(self.terminal_id, self.acceptor_id, self.acquirer_id, self.name, self.city)

    def in_service(self, now_us: int) -> bool:
        """True inside the opening hours and outside maintenance (X3)."""
        at = jst.time_of_day_us(now_us)
        return _within(at, self.hours) and not _within(at, self.maintenance)


def _within(at_us: int, windows: tuple[Window, ...]) -> bool:
    return any(
        start <= at_us < end if start <= end else at_us >= start or at_us < end for start, end in windows
    )
