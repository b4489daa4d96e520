"""The same day of a fleet as a textbook writes it: a SimPy process a customer, a Resource a site, a bank in dicts.

The differential oracle of `bench.fleet`: it shares the drawn customers and the bank's rules with the product and
nothing else. It knows no queue but SimPy's, no cassette and no column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import simpy

from atm_sim.fleet.arrivals import SERVICES, Arrival
from atm_sim.fleet.population import KINDS, Population
from bank_host.issuing import account_number, card_expiry
from bank_host.jst import jst_date
from bank_host.ledger.posting import Post
from bank_host.policy import Policy
from bank_host.rules import RULES
from bank_host.rules.changes import CountMonth, CountUse, Open, Resolve, SetCard
from bank_host.rules.facts import Account, At, Authorisation, Card, CardFacts, CardRequest, Raise
from bank_host.rules.reversal import Claim


class Visit(NamedTuple):
    """What the oracle says of one visit."""

    number: int
    code: str
    reason: str
    wait_us: int
    service_us: int


class PlainBank:
    """Facts by name, changes by name, a journal that is a list."""

    def __init__(self, people: Population, policy: Policy, opened: Any) -> None:
        self.people, self.policy, self.opened = people, policy, opened
        self.balance: dict[str, int] = defaultdict(int)
        self.pin_fails: dict[int, int] = defaultdict(int)
        self.used: dict[tuple[int, Any], int] = defaultdict(int)
        self.uses: dict[tuple[int, str, str], int] = defaultdict(int)
        self.rows: dict[str, Authorisation] = {}
        self.journal: list[Post] = []
        self.seq = 0

    def facts(self, number: int, service: str, day: Any, pin_ok: bool | None) -> CardFacts:
        account_id = account_number(self.people.first + number)
        figures = self.policy.on(day)
        card = Card(
            account_id, "", account_id, card_expiry(self.opened), "",
            locked=bool(self.people.locked[number]), pin_fails=self.pin_fails[number],
        )  # fmt: skip
        posted = int(self.people.balance_jpy[number]) + self.balance[f"customer:{account_id}"]
        kind = KINDS[int(self.people.kind[number])]
        account = Account(
            account_id, kind, "token", self.opened, int(self.people.limit_jpy[number]), posted_jpy=posted
        )
        raised = None
        if int(self.people.raised_day[number]) == (day - self.opened).days:
            raised = Raise(account_id, day, self.people.raised_jpy, 1)
        used = self.used[number, day]
        return CardFacts(card, account, raised, used, used, self.uses[number, figures.month, service], pin_ok)

    def answer(
        self,
        number: int,
        atm: str,
        partner: str,
        key: str,
        service: str,
        amount: int,
        now_us: int,
        right: bool,
    ) -> tuple[str, str]:
        day = jst_date(now_us)
        figures = self.policy.on(day)
        self.seq += 1
        at = At(now_us, day, self.seq)
        request = CardRequest(key, key, service, amount, "392", partner, atm)
        decision = RULES.precheck(request, self.facts(number, service, day, None), figures, at)
        if decision is None:
            self.pin_fails[number] += 1
            decision = RULES.decide(request, self.facts(number, service, day, right), figures, at)
        self.apply(number, decision.changes)
        return decision.code, decision.reason

    def complete(self, key: str, now_us: int, number: int) -> None:
        row = self.rows[key]
        day = jst_date(now_us)
        claim = Claim(
            f"{key}/0220", key, row.card_id, row.account_id, row.partner, row.atm, row.service, row.amount_jpy
        )
        self.seq += 1
        decision = RULES.decide_completion(claim, row, At(now_us, day, self.seq), self.policy.on(day))
        self.apply(number, decision.changes)

    def apply(self, number: int, changes: Any) -> None:
        for change in changes:
            match change:
                case Post():
                    for book, amount_jpy in change.legs:
                        self.balance[book] += amount_jpy
                    self.journal.append(change)
                case CountUse():
                    self.used[number, change.day] += change.amount_jpy
                case CountMonth():
                    self.uses[number, change.month, change.service] += change.uses
                case SetCard():
                    self.pin_fails[number] = change.value
                case Open():
                    self.rows[change.authorisation.original_key] = change.authorisation
                case Resolve():
                    self.rows[change.original_key] = self.rows[change.original_key]._replace(
                        state=change.state
                    )


class Textbook:
    """One queue and one machine a site. Nobody balks or reneges, and no machine runs dry: such is the bench's day."""

    def __init__(
        self, bank: PlainBank, sites: int, partner: str, travel_us: int, pin_tries: int, start_us: int
    ) -> None:
        self.env = simpy.Environment(initial_time=start_us)
        self.bank, self.partner, self.travel_us, self.pin_tries = bank, partner, travel_us, pin_tries
        self.sites = [simpy.Resource(self.env) for _ in range(sites)]
        self.visits: list[Visit] = []

    def run(self, windows: Iterator[tuple[int, Iterable[Arrival]]]) -> None:
        self.env.process(self.source(windows))
        self.env.run()

    def source(self, windows: Iterator[tuple[int, Iterable[Arrival]]]) -> Any:
        for _, arrivals in windows:
            for arrival in arrivals:
                yield self.env.timeout(arrival.at_us - self.env.now)
                self.env.process(self.customer(arrival))

    def customer(self, who: Arrival) -> Any:
        env = self.env
        with self.sites[who.site].request() as mine:
            yield mine
            started_us = int(env.now)
            yield env.timeout(who.inserted_us)
            yield env.timeout(who.pin_keyed_us - who.inserted_us)
            yield env.timeout(who.chosen_us - who.pin_keyed_us + self.travel_us)
            code, reason, tries = "", "", 0
            while True:
                key = f"{who.number}/{tries}"
                code, reason = self.bank.answer(
                    who.account, f"A{who.site}", self.partner, key, SERVICES[who.service], who.amount_jpy,
                    int(env.now), who.wrong_pins <= tries,
                )  # fmt: skip
                tries += 1
                if code != "55":
                    break
                yield env.timeout(self.travel_us + who.pin_keyed_us - who.inserted_us)
                if tries == self.pin_tries:
                    break
                yield env.timeout(self.travel_us)
            back_us = 0 if code == "55" else self.travel_us
            if code == "00" and who.service == 0:
                yield env.timeout(back_us + who.dispensed_us - who.chosen_us)
                yield env.timeout(who.cash_taken_us - who.dispensed_us)
                self.bank.complete(key, int(env.now) + self.travel_us, who.account)
            else:
                if code == "00" and who.service == 1:
                    self.bank.complete(key, int(env.now) + 2 * self.travel_us, who.account)
                yield env.timeout(back_us)
                given_back = code != "00" and who.service == 1
                gone_us = who.cash_taken_us if given_back else who.card_taken_us
                yield env.timeout(gone_us - who.dispensed_us)
            wait_us, service_us = started_us - who.at_us, int(env.now) - started_us
            self.visits.append(Visit(who.number, code, reason, wait_us, service_us))
