"""Builds one replication of a scenario: banks, network, ATMs, people, and everything that is planned to happen.

No clock and no SimPy: whatever driver runs the lab, these are the objects it runs. Nothing here is module-global, so
any number of labs, with any number of banks each, live side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from atm_sim.network.acquirer import Acquirer, AcquirerConfig
from atm_sim.network.issuer import IssuerNode
from atm_sim.network.lines import LineSettings
from atm_sim.network.switch import SIGN_OFF, SIGN_ON, Switch, SwitchConfig
from atm_sim.sansio.effects import Clocked, Disconnected, Machine
from atm_sim.sansio.saf import Saf, SafSettings
from atm_sim.scenario import Person as CastEntry
from atm_sim.scenario import Place, Scenario, Stream
from atm_sim.scenario.participants import PolicyOverride, StandIn
from atm_sim.scenario.vocabulary import DEFAULT_BANK, SWITCH
from atm_sim.terminal.cassettes import Cassette
from atm_sim.terminal.config import TerminalConfig, Timers
from atm_sim.terminal.machine import Terminal
from atm_sim.world.at_home import OFFICES, Offices
from atm_sim.world.cast import Cast, Person
from atm_sim.world.chance import Chance, draw_us
from atm_sim.world.habits import HABITS
from atm_sim.world.links import LATENCIES, Links, line_between, planned
from atm_sim.world.people import Visitor, visit
from atm_sim.world.plans import Errand, Planned, plans, visit_of, warm_up_ends
from atm_sim.world.site import Site
from atm_sim.world.standing_in import SwitchCrypto, settings_of
from bank_host.host import Bank
from bank_host.hsm import TPK, Hsm
from bank_host.hsm.link_keys import LinkKeys
from bank_host.iso8583.message import Message
from bank_host.jst import DAY_US, HOUR_US, MINUTE_US, SECOND_US, jst_date, midnight_us
from bank_host.passwords import Passwords
from bank_host.policy import Figures, Partner, Policy, load_policy
from bank_host.rules import RULES, Rules
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore
from bank_host.written.values import Moment

SERVICES = ("withdraw", "deposit", "balance")
OFFICE_OPENS_US = 8 * HOUR_US + 30 * MINUTE_US
"""When the banks' day begins: Zengin opens on business days."""

RESTART_US = 120 * SECOND_US
"""How long an ATM takes to come back after its power failed (assumed)."""

LONGEST_RUN_US = 500 * DAY_US
REST_WITHIN_US = 5 * DAY_US
"""After the last step and fault of a scenario that has to come to rest: longer than any advice waits."""


def acquirer_node(operator: str) -> str:
    return f"acquirer:{operator}"


def issuer_node(bank: str) -> str:
    return f"issuer:{bank}"


class Keypad:
    """The terminal's key module: turns a PIN into a PIN block, and that is all it does."""

    def __init__(self, hsm: Hsm, random: Callable[[], Random] = Random) -> None:
        self._hsm = hsm
        self._random = random  # called for chip cards only

    def pin_block(self, pin: str, pan: str) -> str:
        return self._hsm.encrypt_pin_block(TPK, pin, pan)

    def unpredictable(self) -> bytes:
        return self._random().randbytes(4)


Tap = Callable[[int, str, str, Message], None]
"""Somebody who listens on every line: time, sender, receiver and message, as it is sent."""


def _no_tap(now_us: int, sender: str, receiver: str, message: Message) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Parts:
    """What a lab is wired from; tests and proofs hand in others."""

    rules: Rules = RULES
    policy: Policy = field(default_factory=load_policy)
    store: Callable[[str], Store] = lambda bank: MemoryStore()
    node: Callable[[str, Machine], Machine] = lambda name, machine: machine
    bank: Callable[[Bank], Bank] = lambda bank: bank
    offices: Offices = OFFICES
    card_read: str = ""  # what is kept of a real card that stands for somebody's; '' if none was put in
    tap: Tap = _no_tap
    visit: Visitor = visit
    opens_accounts: bool = True  # False: the store has these people's accounts from an earlier run
    numbers_from: int = (
        0  # of several labs on one store, each numbers its accounts and ATMs from another number
    )


class Lab:
    """The objects of one replication, by name. Time zero of the event record is the scenario day's midnight (JST)."""

    def __init__(
        self, scenario: Scenario, *, seed: int, replication: int, run: str, parts: Parts | None = None
    ) -> None:
        parts = parts or Parts()
        self.scenario = scenario
        self.run = run
        self.replication = replication
        self.offices = parts.offices
        self.card_read = parts.card_read
        self.tap = parts.tap
        self.visit = parts.visit
        self._numbers_from = parts.numbers_from
        self._seed = seed
        self.start_us = midnight_us(scenario.day)
        last_us = LONGEST_RUN_US if scenario.run.until_us is None else scenario.run.until_us
        if scenario.rest:
            last_us = min(last_us, scenario.last_moment_us() + REST_WITHIN_US)
        self.until_us = self.start_us + last_us
        self.chance = Chance(seed, replication)
        self._habits = {**HABITS, **{str(name): spread for name, spread in scenario.habits.items()}}
        self._hsm = Hsm.simulation()
        self._cast = Cast(self._hsm, parts.numbers_from, opens=parts.opens_accounts)
        self.banks = self._build_banks(parts)
        self.terminals: dict[str, Terminal] = {}
        self.sites: dict[str, Site[Any]] = {}
        self.nodes: dict[str, Machine] = {}
        self._build_network()
        self._machines, self._wrap = dict(self.nodes), parts.node
        self.nodes = {name: parts.node(name, machine) for name, machine in self._machines.items()}
        self.disks: dict[str, dict[str, Any]] = {name: {} for name in self.nodes}
        latencies = {**LATENCIES, **{str(name): spread for name, spread in scenario.links.items()}}
        self.links = Links(latencies, list(planned(scenario, self.start_us)), self.chance)
        self.people: dict[str, Person] = {}
        for alias, entry in scenario.cast.items():
            for name in members(alias, entry):
                random = self.chance.stream(f"cast/{name}")
                self.people[name] = self._join(name, entry, random, self.start_us)
        self.steps, self.errands = plans(scenario, self.people)
        self.streams = [self._arrivals(name, stream) for name, stream in scenario.streams.items()]
        self._names = {terminal.config.terminal_id: name for name, terminal in self.terminals.items()}
        self._warm_up_until_us = warm_up_ends(scenario, self.start_us)

    # ------------------------------------------------------------ what the conductor asks

    def takes_us(self, planned: Planned, habit: str) -> int:
        """How long a habit takes this time; nothing where one service time stands for the whole visit."""
        if planned.takes_us is not None:
            return planned.takes_us[habit]
        if planned.hold_us is not None:
            return 0
        return draw_us(self._habits[habit], self.chance.stream(f"habit/{habit}"))

    def phase(self, planned: Planned | Errand | None, now_us: int) -> str:
        """Whether a row counts: warm_up, measured or cool_down."""
        if now_us < self._warm_up_until_us or (planned is not None and planned.warm_up):
            return "warm_up"
        return "cool_down" if planned is not None and planned.cool_down else "measured"

    def line(self, sender: str, to: str) -> tuple[str, str]:
        """The line between two nodes, and the bank at its end if it has one."""
        return line_between(sender, to), self.bank_at(sender) or self.bank_at(to)

    def atm_name(self, terminal_id: str) -> str:
        """The scenario's name of the ATM that a message calls by its DE41."""
        return self._names.get(terminal_id, terminal_id)

    def bank_at(self, node: str) -> str:
        """The bank whose host a node is, or ''."""
        return node.removeprefix("issuer:") if node.startswith("issuer:") else ""

    def machines_at(self, name: str) -> tuple[str, ...]:
        """The ATMs of a place, or the one that is called so."""
        return self.sites[name].machines if name in self.sites else (name,)

    def nodes_called(self, name: str) -> tuple[str, ...]:
        """The nodes that a scenario calls so: the switch, an operator, a bank, an ATM or all ATMs of a place."""
        if name == SWITCH:
            return (SWITCH,)
        for node in (acquirer_node(name), issuer_node(name)):
            if node in self.nodes:
                return (node,)
        return self.machines_at(name)

    def neighbours(self, node: str) -> tuple[str, ...]:
        """The nodes that a host line joins a node to; an ATM's line to its acquirer is none."""
        return tuple(b if a == node else a for a, b in self.host_lines() if node in (a, b))

    def host_lines(self) -> list[tuple[str, str]]:
        """The lines between acquirers, switch and banks, each with the node that calls in front."""
        reachable = {name: bank.reachable for name, bank in self.scenario.banks.items()}
        lines = [(SWITCH, issuer_node(bank)) for bank in self.banks if reachable.get(bank, True)]
        for name, machine in self._machines.items():
            if isinstance(machine, Acquirer):
                lines += [(name, to) for to in (SWITCH, *machine.config.own_routes.values())]
        return lines

    def clocked(self) -> Iterator[tuple[int, str, Clocked]]:
        """(time, node, event): what the switch does at hours of its own."""
        network = self.scenario.network

        def at_us(moment: Moment) -> int:
            return self.start_us + self.scenario.after_midnight_us(moment)

        for hours in network.sign_off:
            issuer = issuer_node(hours.bank)
            yield at_us(hours.begins), SWITCH, Clocked(f"{SIGN_OFF} {issuer}")
            yield at_us(hours.ends), SWITCH, Clocked(f"{SIGN_ON} {issuer}")
        for what in ("key_exchange", "cut_over"):
            for moment in getattr(network, what):
                yield at_us(moment), SWITCH, Clocked(what)

    @property
    def stood_in_for(self) -> dict[str, StandIn]:
        """The banks that the switch stands in for: those that say so, and those whose policy does."""
        found = {}
        for name, bank in self.banks.items():
            entry = self.scenario.banks.get(name)
            if entry is not None and entry.stand_in is not None:
                found[name] = entry.stand_in
            elif bank.policy.on(self.scenario.day).stand_in_enabled:
                found[name] = StandIn()
        return found

    def queues(self) -> Iterator[Saf]:
        """Every store-and-forward queue: of the ATMs, the acquirers and the switch."""
        for machine in self._machines.values():
            if isinstance(machine, Terminal):
                yield machine.settlement.saf
            elif isinstance(machine, Acquirer | Switch):
                yield machine.saf

    def standing(self, planned: Planned) -> dict[str, int]:
        """Balance, effective limit and room of a person, as of the day that the step is about."""
        person = planned.person
        day = planned.about_day or jst_date(planned.at_us)
        standing = self.banks[person.bank].standing(person.card_id, day)
        if standing is None:
            return {}
        found = {"balance": standing.balance_jpy, "limit": standing.limit_jpy, "room": standing.room_jpy}
        if planned.script is not None:
            report = self.banks[person.bank].limit_report(person.account_id, planned.at_us)
            found["transfer_limit"] = report.transfer_limit_jpy
        return found

    def mornings(self) -> Iterator[int]:
        """When the banks do what is due, on each day of the scenario up to its last step; where it has to come to rest
        also until what nobody completed or reversed is settled by time."""
        times_us = [planned.at_us for planned in self.steps] + [errand.at_us for errand in self.errands]
        last_us = max(times_us, default=self.start_us)
        if self.scenario.rest:
            figures = self.banks[DEFAULT_BANK].policy.on(self.scenario.day)
            last_us += figures.settlement_after_h * HOUR_US + DAY_US
        yield from range(self.start_us + OFFICE_OPENS_US, last_us + 1, DAY_US)

    def rebuild(self, node: str) -> None:
        """An acquirer or the switch that lost all but its disk: a new machine in its place."""
        machine = self._machines[node]
        assert isinstance(machine, Acquirer | Switch), "an ATM and a bank outlast a restart as objects"
        keys = partial(self._line_keys, node)
        again = type(machine)(machine.config, self.disks[node], keys)  # type: ignore[arg-type]
        self._machines[node] = again
        self.nodes[node] = self._wrap(node, again)

    # ------------------------------------------------------------ building

    def _build_banks(self, parts: Parts) -> dict[str, Bank]:
        scenario = self.scenario
        ours = _overridden(parts.policy, scenario.policy)
        banks = {DEFAULT_BANK: self._bank(DEFAULT_BANK, parts.store(DEFAULT_BANK), ours, parts)}
        for name, entry in scenario.banks.items():
            base = ours if name == DEFAULT_BANK else parts.policy
            policy = _overridden(base, entry.policy)
            store = banks[name].store if name in banks else parts.store(name)
            banks[name] = self._bank(name, store, policy, parts)
        return banks

    def _bank(self, name: str, store: Store, policy: Policy, parts: Parts) -> Bank:
        salts = Passwords.fast(f"{self._seed}/{self.replication}/{name}".encode())
        return parts.bank(Bank(name, store, policy, self._hsm, rules=parts.rules, passwords=salts))

    def _build_network(self) -> None:
        scenario = self.scenario
        network = scenario.network
        saf = SafSettings(**network.saf.model_dump())
        lines = LineSettings(sign_on=network.sign_on, echo_every_us=network.echo_every_us)
        figures = self.banks[DEFAULT_BANK].policy.on(scenario.day)
        for name, place in scenario.places.items():
            partner = figures.partners[place.operator]
            self._build_site(name, place, partner, figures, saf)
            acquirer = acquirer_node(partner.code)
            if acquirer not in self.nodes:
                acquiring = AcquirerConfig(
                    acquirer,
                    partner.acquirer_id,
                    SWITCH,
                    scenario.timers.acquirer_us,
                    own_routes={
                        bank.bin: issuer_node(owner)
                        for owner, bank in scenario.banks.items()
                        if partner.code in bank.atms
                    },
                    saf=saf,
                    lines=lines,
                )
                self.nodes[acquirer] = Acquirer(acquiring, keys=partial(self._line_keys, acquirer))
        acquirers = frozenset(node for node in self.nodes if node.startswith("acquirer:"))
        routes = {scenario.bank_bin(bank): issuer_node(bank) for bank in self.banks}
        stand_in = {
            issuer_node(name): settings_of(entry, self.banks[name].policy.on(scenario.day))
            for name, entry in self.stood_in_for.items()
        }
        config = SwitchConfig(
            acquirers,
            routes,
            SWITCH,
            scenario.timers.switch_us,
            saf,
            lines,
            stand_in,
            SwitchCrypto(self._hsm) if stand_in else None,
        )
        self.nodes[SWITCH] = switch = Switch(config, keys=partial(self._line_keys, SWITCH))
        for name, bank in self.banks.items():
            node = issuer_node(name)
            keys = partial(self._line_keys, node)
            self.nodes[node] = IssuerNode(node, partial(_answers, bank), lines, keys)
            if name in scenario.banks and not scenario.banks[name].reachable:
                switch.handle(Disconnected(node), self.start_us)

    def _line_keys(self, node: str, neighbour: str) -> LinkKeys:
        """The key module of a node's end of a line."""
        return LinkKeys.simulation(self.chance.stream(f"keys/{node}/{neighbour}").randbytes)

    def _build_site(
        self, name: str, place: Place, partner: Partner, figures: Figures, saf: SafSettings
    ) -> None:
        machines = (
            (name,) if place.machines == 1 else tuple(f"{name}/{n}" for n in range(1, place.machines + 1))
        )
        self.sites[name] = Site(name, machines)
        for machine in machines:
            terminal_id = f"T{self._numbers_from + len(self.terminals) + 1:07d}"
            config = terminal_config(terminal_id, place, partner, figures, self.scenario.timers.atm_us, saf)
            cassettes = [
                Cassette(note, count, near_end=place.near_end, pays_out=note in partner.denominations)
                for note, count in place.cassettes.items()
            ]
            keypad = Keypad(self._hsm, partial(self.chance.stream, f"chip/{machine}"))
            self.terminals[machine] = self.nodes[machine] = Terminal(config, keypad, cassettes)

    def _join(
        self, alias: str, entry: CastEntry, random: Random, now_us: int, *, online: bool = True
    ) -> Person:
        bin_ = self.scenario.bank_bin(entry.bank)
        return self._cast.join(alias, entry, self.banks[entry.bank], bin_, random, now_us, online=online)

    def _regulars(self, alias: str | None) -> list[Person]:
        """The people of the cast that a stream consists of, who come in turn; none = strangers."""
        if alias is None:
            return []
        return [self.people[member] for member in members(alias, self.scenario.cast[alias])]

    def _arrivals(self, name: str, stream: Stream) -> Iterator[Planned]:
        """The customers of a stream in the order they come; those without a name get an account when they arrive."""
        scenario, chance = self.scenario, self.chance
        random = chance.stream(f"stream/{name}")
        regulars = self._regulars(stream.who)
        # one stream for all of them: a random stream of their own would outweigh everything else a stranger costs
        strangers = chance.stream(f"stream/{name}/strangers")
        passer_by = CastEntry.model_construct(name=name, balance_jpy=stream.balance_jpy)
        at_us = self.start_us + stream.from_us
        number = 0
        while stream.customers is None or number < stream.customers:
            at_us += draw_us(stream.interarrival, chance.stream(f"stream/{name}/interarrival"))
            if stream.until_us is not None and at_us >= self.start_us + stream.until_us:
                return
            number += 1
            if regulars:
                person = regulars[(number - 1) % len(regulars)]
            else:
                person = self._join(f"{name}/{number}", passer_by, strangers, at_us, online=False)
            hold_us = None
            if stream.visit is not None:
                hold_us = draw_us(stream.visit, chance.stream(f"stream/{name}/visit"))
            yield visit_of(
                stream,
                person,
                at_us,
                random,
                hold_us,
                warm_up=number <= scenario.run.warm_up.customers,
                cool_down=self._is_late(stream, number, at_us),
            )

    def _is_late(self, stream: Stream, number: int, at_us: int) -> bool:
        """Whether a customer is one of the last, who do not count."""
        last = self.scenario.run.cool_down
        if stream.customers is not None:
            return number > stream.customers - last.customers
        assert stream.until_us is not None, "a stream ends in one of two ways"
        return bool(last.duration_us) and at_us >= self.start_us + stream.until_us - last.duration_us


def terminal_config(
    terminal_id: str, place: Place, partner: Partner, figures: Figures, answer_us: int, saf: SafSettings
) -> TerminalConfig:
    """One ATM as its operator, its place and the bank's figures make it."""
    return TerminalConfig(
        terminal_id=terminal_id,
        acquirer_id=partner.acquirer_id,
        operator=partner.code,
        acceptor_id=partner.code.upper()[:15],
        name=partner.name_en,
        acquirer_node=acquirer_node(partner.code),
        services=(*SERVICES, "change_pin") if partner.pin_change else SERVICES,
        ceiling_jpy=partner.per_transaction_jpy,
        amount_step_jpy=place.amount_step_jpy,
        max_notes_in=partner.note_limit,
        accepts_jpy=partner.accepted,
        hours=(place.hours_us or partner.hours_us,),
        maintenance=partner.maintenance_us,
        retains_card_on_break=place.retains_card_on_break or figures.keep_card_on_break,
        retains_also=("38",) if figures.pin_block_code == "38" else (),
        timers=Timers(answer_us=answer_us),
        saf=saf,
    )


def members(alias: str, entry: CastEntry) -> list[str]:
    """The people behind an alias of the cast: one, or `alias/1` to `alias/count`."""
    return [f"{alias}/{number}" for number in range(1, entry.count + 1)] if entry.is_group else [alias]


def _overridden(policy: Policy, overrides: Mapping[str, PolicyOverride]) -> Policy:
    if not overrides:
        return policy
    return policy.with_overrides({key: override.value for key, override in overrides.items()})


def _answers(bank: Bank, message: Message, now_us: int) -> list[Message]:
    answer = bank.answer(message, now_us)
    return [] if answer is None else [answer]
