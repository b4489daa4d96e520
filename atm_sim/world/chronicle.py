"""Writes the record of one replication: a row for whatever happens, a row for every message that leaves a node."""

from __future__ import annotations

from functools import lru_cache

from atm_sim.records.event import EventRecord
from atm_sim.records.log import EventLog, MessageRow, fields_json
from atm_sim.world.driver import Driver
from atm_sim.world.lab import Lab
from atm_sim.world.plans import Errand, Planned
from bank_host.host import CHARGE, Commit
from bank_host.iso8583.describe import masked_fields
from bank_host.iso8583.identity import request_id
from bank_host.iso8583.message import Message
from bank_host.ledger.posting import FEES, Post, customer
from bank_host.rules.changes import Notify, RaiseException
from bank_host.rules.facts import CardRequest, Enrolment


class Chronicle:
    """The rows of one replication. `context` is whom a row is about when it names nobody."""

    def __init__(self, lab: Lab, driver: Driver, log: EventLog) -> None:
        self.context: Planned | Errand | None = None
        self._lab = lab
        self._driver = driver
        self._log = log

    def row(
        self,
        kind: str,
        planned: Planned | Errand | None = None,
        *,
        atm: str = "",
        card_alias: str = "",
        request_id: str = "",
        mti: str = "",
        amount_jpy: int = 0,
        code: str = "",
        reason: str = "",
        wait_us: int = 0,
        service_us: int = 0,
        latency_us: int = 0,
        service: str = "",
    ) -> None:
        """One row of what happened; who it is about fills in site, actor, channel, step and service."""
        lab, now_us = self._lab, self._driver.now_us()
        planned = planned or self.context
        site = actor = channel = step = ""
        if planned is not None:
            actor, service = planned.actor, service or planned.service
            site, channel, step = planned.site, planned.channel, planned.label
        self._log.append(
            EventRecord(  # by position and in the order of the columns: this is the most frequent call of a run
                lab.run,
                lab.replication,
                now_us - lab.start_us,
                kind,
                site,
                atm,
                actor,
                channel,
                card_alias or actor,
                request_id,
                step,
                mti,
                amount_jpy,
                code,
                reason,
                wait_us,
                service_us,
                latency_us,
                lab.phase(planned, now_us),
                service,
            )
        )

    def message(
        self, sender: str, to: str, request: str, message: Message, planned: Planned | Errand | None
    ) -> None:
        """A message as it leaves its sender, masked."""
        lab = self._lab
        self._log.append_message(
            MessageRow(
                lab.run,
                lab.replication,
                self._driver.now_us() - lab.start_us,
                request,
                sender,
                to,
                planned.label if planned else "",
                message.mti,
                _masked_json(message),
            )
        )

    def commit(self, commit: Commit) -> None:
        """What a bank's host decided, posted, told and set aside for people."""
        if isinstance(commit.request, Enrolment):
            return
        if isinstance(commit.request, CardRequest) and commit.code != CHARGE:
            reason = commit.reason.lower()
            self.row("decided", code=commit.code, reason=reason, amount_jpy=commit.request.amount_jpy)
        elif isinstance(commit.request, Message):
            advice = commit.request
            self.row("advised", request_id=request_id(advice), mti=advice.mti, amount_jpy=int(advice.get(4) or 0),
                     code=commit.code, reason=commit.reason.lower())  # fmt: skip
        for change in commit.changes:
            match change:
                case Post():
                    self.row("posted", amount_jpy=_moved_jpy(change), reason=change.kind)
                    for account, amount_jpy in change.legs:
                        if account == FEES:
                            self.row("fee", amount_jpy=amount_jpy, reason=change.kind)
                case Notify():
                    self.row("notice", reason=change.kind, amount_jpy=change.amount_jpy)
                case RaiseException():
                    self.row("exception", reason=change.kind, amount_jpy=change.amount_jpy)


def _moved_jpy(post: Post) -> int:
    """The yen that a posting is about: of a reversal what its customer has back, of any other its largest leg."""
    if post.kind == "reversal":
        back = [abs(amount_jpy) for book, amount_jpy in post.legs if book.startswith(customer(""))]
        return max(back, default=0)
    return max(amount_jpy for _, amount_jpy in post.legs)


@lru_cache(maxsize=64)
def _masked_json(message: Message) -> str:
    """A message's elements for the record; relays pass the same object on, so it is written out once for all hops."""
    return fields_json(masked_fields(message))
