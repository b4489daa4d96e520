"""A command group that imports a command when it is asked for: `--help` and short commands start at once."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import click


class Place(NamedTuple):
    """Where a command stands, `module:name`, and what it does, in a line."""

    at: str
    does: str


class LazyGroup(click.Group):
    """Has exactly the commands of `places`."""

    def __init__(self, *args: Any, places: Mapping[str, Place], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places: Final = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self.places.get(cmd_name)
        return None if place is None else command_at(place)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.places[name].does) for name in self.list_commands(ctx)])


def command_at(place: Place) -> click.Command:
    module, _, name = place.at.partition(":")
    command = getattr(import_module(module), name)
    assert isinstance(command, click.Command)
    return command
