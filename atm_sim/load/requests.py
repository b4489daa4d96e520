"""The 0200s of a load run: a template of each acquirer and service, filled with ATM, customer, amount and clock.

What never changes is encoded once, by the ordinary codec, whose bytes those of a template are. A dialect with elements
of its own has no templates: there each request goes through the ordinary codec.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Final, NamedTuple, TypeVar

from atm_sim.load.people import Carrier
from atm_sim.load.plan import Deed
from atm_sim.load.record import Stamp, Transaction
from atm_sim.wire.link import WireLink, Written
from bank_host.iso8583 import build
from bank_host.iso8583.identity import MatchKey, key_of_parts
from bank_host.iso8583.message import Message
from bank_host.iso8583.shapes import Template
from bank_host.jst import SECOND_US

Context = TypeVar("Context")

_VARYING: Final = (2, 4, 7, 11, 12, 13, 14, 35, 37, 41, 42, 52)
_WITHOUT_TRACK: Final = tuple(de for de in _VARYING if de != 35)
_NEVER_KEPT: Final = (35, 48, 52)


class _Blank(NamedTuple):
    """What the requests of an acquirer and a service have in common."""

    template: Template
    key: MatchKey  # of an example: a part that is empty is not matched by


class _Atm(NamedTuple):
    """What an ATM puts into all its requests."""

    terminal_id: str  # as long as DE41 is
    acceptor_id: str  # as DE42
    name: str  # in a match key
    acquirer_id: str


class Requests:
    """Makes the requests of all ATMs and people."""

    def __init__(self, terminals: Sequence[build.Acceptor], people: Sequence[Carrier]) -> None:
        self._terminals = terminals
        self._people = people
        self._atms = [
            _Atm(
                each.terminal_id.ljust(8),
                each.acceptor_id.ljust(15),
                each.terminal_id.rstrip(),
                each.acquirer_id,
            )
            for each in terminals
        ]
        self._blanks: dict[tuple[str, str, bool], _Blank | None] = {}
        self._common: dict[tuple[str, str], Message] = {}
        self._second = -1
        self._stamp = Stamp()

    def one_of_each(self, services: Iterable[str]) -> Iterator[Deed]:
        """Deeds whose requests are of all kinds that there are: by acquirer, by service, with and without a track."""
        terminals = {atm.acquirer_id: number for number, atm in enumerate(self._atms)}
        customers = {bool(carrier.track2.reveal()): number for number, carrier in enumerate(self._people)}
        for service, terminal, customer in product(services, terminals.values(), customers.values()):
            yield Deed(service, 0, customer, terminal)

    def stamped(self, now_us: int) -> Stamp:
        """What the clock puts into a request, made once a second."""
        second = now_us // SECOND_US
        if second != self._second:
            made = build.network_request("301", stan=1, now_us=now_us)
            self._second = second
            self._stamp = Stamp(made[7], made[12], made[13], build.retrieval_reference(now_us, 1)[:-6])
        return self._stamp

    def request(self, transaction: Transaction, link: WireLink[Context]) -> Written | Message:
        """As the link takes it; the PIN block is made now."""
        deed = transaction.deed
        carrier = self._people[deed.customer]
        pan, track2 = carrier.pan.reveal(), carrier.track2.reveal()
        assert link.keys is not None, "a fleet's PIN blocks need a key"
        pin_block = link.keys.pin_block(carrier.pin.reveal(), pan)
        terminal_id, acceptor_id, name, acquirer_id = self._atms[deed.terminal]
        kind = acquirer_id, deed.service, bool(track2)
        try:
            blank = self._blanks[kind]
        except KeyError:
            example = self._message(transaction, track2, pin_block)
            blank = self._blanks[kind] = self._blank(example, link)
        if blank is None:
            return self._message(transaction, track2, pin_block)
        template, (mti, acquirer, terminal_matches, stan_matches, time_matches) = blank
        stan, (transmitted, time, day, reference) = f"{transaction.stan:06d}", transaction.stamp
        front = pan, f"{deed.amount_jpy:012d}", transmitted, stan, time, day, carrier.expires
        track = (track2,) if track2 else ()
        text = template.text((*front, *track, reference + stan, terminal_id, acceptor_id, pin_block))
        number, moment = stan_matches and stan, time_matches and transmitted
        key = key_of_parts((mti, acquirer, terminal_matches and name, number, moment))
        return Written(text.encode("latin-1"), key)

    def original(self, transaction: Transaction) -> Message:
        """The request again, as an ATM keeps it: without track and PIN block."""
        fields = self._elements(transaction)
        return Message("0200", {de: value for de, value in fields.items() if de not in _NEVER_KEPT})

    # ---------------- inside

    def _blank(self, example: Message, link: WireLink[Context]) -> _Blank | None:
        template = link.template(example, _VARYING if 35 in example else _WITHOUT_TRACK)
        return None if template is None else _Blank(template, link.match_key(example))

    def _message(self, transaction: Transaction, track2: str, pin_block: str) -> Message:
        fields = self._elements(transaction)
        if track2:
            fields[35] = track2
        else:
            del fields[35]
        fields[52] = pin_block
        return Message.of_ascending("0200", fields)

    def _elements(self, transaction: Transaction) -> dict[int, str]:
        """All elements of a request in ascending order, track and PIN block still without value."""
        deed, stamp = transaction.deed, transaction.stamp
        carrier = self._people[deed.customer]
        atm = self._atms[deed.terminal]
        stan = f"{transaction.stan:06d}"
        return {
            **self._common_to(self._terminals[deed.terminal], deed.service).fields,
            2: carrier.pan.reveal(),
            4: f"{deed.amount_jpy:012d}",
            7: stamp.transmitted,
            11: stan,
            12: stamp.time,
            13: stamp.day,
            14: carrier.expires,
            37: stamp.reference + stan,
            41: atm.terminal_id,
            42: atm.acceptor_id,
        }

    def _common_to(self, acceptor: build.Acceptor, service: str) -> Message:
        """A request of one of the ATMs of an acquirer."""
        kind = (acceptor.acquirer_id, service)
        if kind not in self._common:
            self._common[kind] = build.financial_request(
                service,
                pan="0" * 16,
                amount_jpy=0,
                stan=1,
                now_us=0,
                acceptor=acceptor,
                expiry_yymm="0001",
                track2="0=0",
                pin_block="0" * 16,
            )
        return self._common[kind]
