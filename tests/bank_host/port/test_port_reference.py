"""docs/reference/port.md tells every event and figure, and the bounds that the settings have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from bank_host.jst import MINUTE_US, SECOND_US
from bank_host.port.link import End, Event
from bank_host.port.metrics import Metrics
from bank_host.port.server import PortSettings

PAGE = (Path(__file__).parents[3] / "docs/reference/port.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, str]:
    """The first two columns of the table whose first heading this is."""
    text = PAGE.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines()[2:]]
    return {row[0]: row[1] for row in rows}


def test_every_event_is_told() -> None:
    assert {*get_args(Event), "call_failed"} == set(re.findall(r"`(\w+)`", " ".join(table("event"))))


def test_every_reason_of_an_end_is_told() -> None:
    assert set(get_args(End)) == set(re.findall(r"`(\w+)`", " ".join(table("reason of an end"))))


def test_every_figure_is_told() -> None:
    told = {name.strip("`").partition("{")[0].removesuffix("_total") for name in table("name")}
    assert told == {family.name for family in Metrics().registry.collect()}


def test_the_bounds_are_those_of_the_settings() -> None:
    port = PortSettings()
    link, batch = port.link, port.batch

    def seconds(us: int) -> str:
        return f"{us / SECOND_US:g} s"

    expected = {
        "connections, handshakes included": f"{port.most_connections}",
        "connections of one address, loopback excepted": f"{port.most_per_peer}",
        "TLS handshake": seconds(port.handshake_us),
        "from connecting to signing on": seconds(link.sign_on_within_us),
        "from a frame's first byte to its last": seconds(link.whole_frame_us),
        "DE7 of a 0200 or 0800, from our clock": f"{link.window_us // MINUTE_US} min",
        "silence": seconds(link.echo_after_us),
        "answer to our echo or sign-on": seconds(link.echo_wait_us),
        "answer to our sign-off": seconds(link.sign_off_wait_us),
        "format errors of a link": f"{link.most_format_errors}",
        "wrong or missing MACs, messages in another's name": f"{link.most_violations}",
        "messages of a link that the bank has": f"{link.most_waiting}",
        "messages that wait for the bank in all": f"{batch.most_waiting:,}",
        "a peer that does not read": seconds(port.write_us),
        "a stop": seconds(port.stop_us),
    }
    told = table("bound")
    assert expected == {name: told[name] for name in expected}
