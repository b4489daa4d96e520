"""A person's day: everything that happened to one member of the cast, in order, with each message in words."""

from __future__ import annotations

from typing import NamedTuple

from atm_sim.checks.values import duration, yen
from atm_sim.records.event import EventRecord
from atm_sim.records.log import MessageRow
from atm_sim.report.names import Text
from atm_sim.report.texts import KINDS, code_text, name_text, reason_text, same
from atm_sim.report.view import RunView
from atm_sim.report.words import MessageInWords, in_words, once_each


class TraceLine(NamedTuple):
    """One thing that happened, or one message that was sent (then `messages` has it in both languages)."""

    time_us: int
    step: str
    text: Text
    messages: tuple[MessageInWords, MessageInWords] | None = None


class Day(NamedTuple):
    """One person's day in one replication."""

    alias: str
    name: str
    lines: tuple[TraceLine, ...]


def people(view: RunView) -> list[str]:
    """Who of the cast did anything in the first replication: people with a name of their own before members of a group,
    in the order they first appeared."""
    seen = dict.fromkeys(row.actor for row in view.first_replication() if row.actor)
    known = [actor for actor in seen if actor.partition("/")[0] in view.manifest.cast]
    return sorted(known, key=lambda actor: "/" in actor)


def day_of(view: RunView, alias: str) -> Day:
    """The first replication's rows and messages of one person; rows that only repeat a message are left out."""
    rows = [row for row in view.first_replication() if row.actor == alias]
    requests = dict.fromkeys(row.request_id for row in rows if row.request_id)
    first = rows[0].replication if rows else 0
    chains = (view.chains.get(request, ()) for request in requests)
    sent = [row for chain in chains for row in once_each(chain) if row.replication == first]
    told = [TraceLine(row.time_us, row.step, happening(row)) for row in rows if row.kind in KINDS]
    lines = sorted([*map(_message_line, sent), *told], key=lambda line: line.time_us)
    person = view.manifest.cast.get(alias.partition("/")[0])
    return Day(alias, person.name if person else "", tuple(lines))


def _message_line(row: MessageRow) -> TraceLine:
    words = in_words(row, "en"), in_words(row, "ja")
    text = Text(*(f"{message.title} · {message.way}" for message in words))
    return TraceLine(row.time_us, row.step, text, words)


def happening(row: EventRecord) -> Text:
    """One event row in words."""
    why = reason_text(row.reason) if row.reason else same("")
    answer = code_text(row.code) if row.code else same("")
    took = duration(row.service_us if row.kind == "left" else row.wait_us)
    parts = {
        "why": Text(f"({why.en})" if why.en else "", f"({why.ja})" if why.ja else ""),
        "answer": answer,
        "took": same(took),
        "amount": same(yen(row.amount_jpy) if row.amount_jpy or row.kind != "act" else ""),
        "atm": same(row.atm),
        "site": same(row.site),
        "channel": name_text(row.channel),
        "service": name_text(row.service),
        "outcome": name_text(row.code),
    }
    if row.kind == "state":
        parts["why"] = why
    words = KINDS[row.kind]
    return Text(
        _squeezed(words.en.format(**{key: part.en for key, part in parts.items()})),
        _squeezed(words.ja.format(**{key: part.ja for key, part in parts.items()})),
    )


def _squeezed(text: str) -> str:
    """Parts that a row does not have leave no double spaces."""
    return " ".join(text.split()).replace(" :", ":")
