"""The run's memory while it runs: event rows and messages, appended in the order things happened.

A driver appends and never looks back; RunFolder writes a log as one Parquet file a replication.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from atm_sim.records.event import EventRecord


class MessageRow(NamedTuple):
    """One message on one hop. `fields` is JSON of masked data elements: {"2": "499900••••••0001", ...}."""

    run: str
    replication: int
    time_us: int
    request_id: str
    sender: str
    receiver: str
    step: str
    mti: str
    fields: str


def fields_json(masked_fields: Mapping[int, str]) -> str:
    """Masked data elements as the text that `MessageRow.fields` holds, in ascending order of the element."""
    return json.dumps({str(de): masked_fields[de] for de in sorted(masked_fields)}, ensure_ascii=False)


def fields_of(row: MessageRow) -> dict[int, str]:
    """The masked data elements of a stored message."""
    return {int(de): value for de, value in json.loads(row.fields).items()}


class EventLog:
    """Event rows and message rows of one replication."""

    __slots__ = ("append", "append_message", "events", "messages")

    def __init__(self) -> None:
        self.events: list[EventRecord] = []
        self.messages: list[MessageRow] = []
        # bound once: the two calls that a simulated day makes a million times
        self.append = self.events.append
        self.append_message = self.messages.append

    def __iter__(self) -> Iterator[EventRecord]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)
