"""What a scenario breaks beside its lines: hosts crash, nodes restart, ATMs lose power, clocks and databases go wrong.

A node that is down hears nothing: what reaches it, and what was under way to it when it went down, is lost; its
timers are gone. Its neighbours are told that the line is closed, and later that it is open again. A node starts
again from what it kept on its disk, a bank on its database, an ATM with what such a machine keeps. A crash or a
database error can also be set to strike inside a bank's next units of work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from atm_sim.sansio.effects import Connected, Disconnected, Event, PowerLost, PowerRestored
from atm_sim.scenario.faults import AtmPowerLoss, Crashed, DatabaseError, Fault, Restarted, Skewed
from atm_sim.scenario.vocabulary import SWITCH
from atm_sim.world.lab import Lab, acquirer_node, issuer_node
from bank_host.host import CHARGE, Bank, Commit
from bank_host.store.contract import Store, Unavailable, UnitOfWork

T = TypeVar("T")


class World(Protocol):
    """What disruptions ask of the conductor."""

    def call_at(self, at_us: int, call: Callable[[], None]) -> None: ...

    def now_us(self) -> int: ...

    def tell(self, node: str, event: Event) -> None: ...

    def struck(self, kind: str, fault: str, where: str) -> None:
        """Write that a fault strikes (`fault`) or is over (`restored`)."""

    def powered_off(self, node: str) -> None:
        """Nothing that the node wanted to be woken for happens any more."""


class HostCrashed(BaseException):
    """The host stops in the middle of its work; no part of it may catch that."""


class _Skew(NamedTuple):
    from_us: int
    to_us: int
    by_us: int


class _Trap:
    """Stands between a bank and its store, and strikes in the units of work that the bank commits.

    It is set only while the bank works for somebody: an observer's look at the store counts as nothing.
    """

    def __init__(self, bank: Bank) -> None:
        self._store = bank.store
        self._working = False
        self._crash = ""  # the moment a crash waits for
        self._errors: list[int] = []  # how many units of work each database error still waits for
        self.strikes: Callable[[str], None] = lambda kind: None
        bank.store = cast(Store, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @property
    def waits(self) -> bool:
        return bool(self._crash or self._errors)

    def crash_at(self, moment: str) -> None:
        self._crash = moment

    def fail_call(self, number: int) -> None:
        self._errors.append(number)

    @contextmanager
    def set_while_working(self) -> Iterator[None]:
        self._working = True
        try:
            yield
        finally:
            self._working = False

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        return self._begun() if self._working else self._store.begin()

    @contextmanager
    def _begun(self) -> Iterator[UnitOfWork]:
        self._errors = [left - 1 for left in self._errors]
        fails = 0 in self._errors
        self._errors = [left for left in self._errors if left > 0]
        with self._store.begin() as unit:
            yield unit
            if self._crash == "before_commit":
                raise self._crashed()
            if fails:
                self.strikes("database_error")
                raise Unavailable("as the scenario wants it")

    def committed(self, commit: Commit) -> None:
        """A unit of work has been committed; its outcome has not left the host yet."""
        moment = "after_charge" if commit.code == CHARGE else "after_commit"
        if self._working and self._crash == moment:
            raise self._crashed()

    def _crashed(self) -> HostCrashed:
        self._crash = ""
        return HostCrashed()


class Disruptions:
    """The faults of one replication that are not a line's. `start()` plans them all."""

    def __init__(self, lab: Lab, world: World) -> None:
        self._lab = lab
        self._world = world
        self._down_since_us: dict[str, int] = {}  # the last time that each node went down
        self._up_us: dict[str, int] = {}  # of the nodes that are down: when they are back
        self._skews: dict[str, list[_Skew]] = {}
        self._outages_us: dict[str, int] = {}  # how long a crash that waits for its moment will last
        self._traps: dict[str, _Trap] = {}  # by the host's node
        for fault in lab.scenario.faults:
            match fault:
                case Crashed(bank=bank, when=str()) | DatabaseError(bank=bank):
                    self._traps.setdefault(issuer_node(bank), _Trap(lab.banks[bank]))
                case Skewed():
                    skew = _Skew(self._us(fault.begins), self._us(fault.ends), fault.by_us)
                    for node in lab.nodes_called(fault.clock):
                        self._skews.setdefault(node, []).append(skew)

    def start(self) -> None:
        """Plan everything that the scenario breaks."""
        for node, trap in self._traps.items():
            trap.strikes = partial(self._world.struck, "fault", where=self._name(node))
        for fault in self._lab.scenario.faults:
            if isinstance(fault, Skewed):
                self._at(fault.begins, partial(self._world.struck, "fault", fault.kind, fault.clock))
                self._at(fault.ends, partial(self._world.struck, "restored", fault.kind, fault.clock))
            elif isinstance(fault, Crashed | Restarted | AtmPowerLoss | DatabaseError):
                self._at(fault.at, partial(self._begins, fault))

    # ------------------------------------------------------------ what the conductor asks

    def clock_us(self, node: str, now_us: int) -> int:
        """The time that a node's clock shows."""
        skews = self._skews.get(node)
        if skews is None:
            return now_us
        return now_us + sum(skew.by_us for skew in skews if skew.from_us <= now_us < skew.to_us)

    def concern(self, node: str) -> bool:
        """Whether a node may be down, have a wrong clock or crash over its work."""
        return node in self._skews or node in self._up_us or node in self._traps

    @property
    def at_work(self) -> bool:
        """Whether something is down, or a fault still waits for the work that it is to strike."""
        return bool(self._up_us) or any(trap.waits for trap in self._traps.values())

    def is_down(self, node: str) -> bool:
        return node in self._up_us

    def reaches(self, node: str, sent_us: int) -> bool:
        """Whether a message that was sent then reaches the node now: neither it nor the line has broken since."""
        return node not in self._up_us and sent_us >= self._down_since_us.get(node, sent_us)

    def committed(self, bank: str, commit: Commit) -> None:
        """A bank has committed something: perhaps the last thing it does."""
        trap = self._traps.get(issuer_node(bank))
        if trap is not None:
            trap.committed(commit)

    def host_does(self, node: str, work: Callable[[], T], otherwise: T) -> T:
        """What a bank's host does when asked, or `otherwise` from a host that is down or crashes over it."""
        if node in self._up_us:
            return otherwise
        trap = self._traps.get(node)
        if trap is None:
            return work()
        try:
            with trap.set_while_working():
                return work()
        except HostCrashed:
            self._goes_down(node, "crashed", self._outages_us.pop(node))
            return otherwise

    def power_fails(self, machine: str, for_us: int) -> None:
        """An ATM stands without power for so long."""
        self._world.tell(machine, PowerLost())
        self._falls_silent(machine, for_us, "power_loss")

    # ------------------------------------------------------------ inside

    def _us(self, moment: Any) -> int:
        return self._lab.start_us + self._lab.scenario.after_midnight_us(moment)

    def _at(self, moment: Any, call: Callable[[], None]) -> None:
        self._world.call_at(self._us(moment), call)

    def _begins(self, fault: Fault) -> None:
        match fault:
            case Crashed(when=str() as moment):
                node = issuer_node(fault.bank)
                self._outages_us[node] = fault.for_us
                self._traps[node].crash_at(moment)
            case DatabaseError():
                self._traps[issuer_node(fault.bank)].fail_call(fault.call)
            case Crashed():
                self._goes_down(issuer_node(fault.bank), fault.kind, fault.for_us)
            case Restarted():
                node = SWITCH if fault.node == SWITCH else acquirer_node(fault.node)
                self._goes_down(node, fault.kind, fault.for_us)
            case AtmPowerLoss():
                for machine in self._lab.machines_at(fault.atm):
                    self._world.struck("fault", fault.kind, machine)
                    self.power_fails(machine, fault.for_us)

    def _goes_down(self, node: str, kind: str, for_us: int) -> None:
        self._world.struck("fault", kind, self._name(node))
        self._falls_silent(node, for_us, kind)
        for neighbour in self._lab.neighbours(node):
            if neighbour not in self._up_us:
                self._world.tell(neighbour, Disconnected(node))

    def _falls_silent(self, node: str, for_us: int, kind: str) -> None:
        now_us = self._world.now_us()
        self._world.powered_off(node)
        self._down_since_us[node] = now_us
        until_us = now_us + for_us
        self._up_us[node] = max(until_us, self._up_us.get(node, 0))
        self._world.call_at(until_us, partial(self._starts_again, node, kind, until_us))

    def _starts_again(self, node: str, kind: str, until_us: int) -> None:
        if self._up_us.get(node) != until_us:
            return  # it has gone down once more meanwhile, for longer
        del self._up_us[node]
        self._world.struck("restored", kind, self._name(node))
        bank = self._lab.bank_at(node)
        if not bank and node not in self._lab.terminals:
            self._lab.rebuild(node)
        self._world.tell(node, PowerRestored())
        for neighbour in self._lab.neighbours(node):
            if neighbour not in self._up_us:
                self._world.tell(node, Connected(neighbour))
                self._world.tell(neighbour, Connected(node))

    def _name(self, node: str) -> str:
        """A node as a scenario calls it: by its operator, its bank, its place."""
        return node.partition(":")[2] or node
