"""docs/reference/commands.md has every command with exactly its options, and every make target can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from tests.docs.pages import COMMANDS, ROOT

PAGE = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")


def _commands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield name, command


SECTIONS = {
    f"{program} {name}": command for program, group in COMMANDS.items() for name, command in _commands(group)
}


def options_of(command: click.Command) -> set[str]:
    """The flags of a command, those of its own commands included."""
    flags = {flag for param in command.params if isinstance(param, click.Option) for flag in param.opts}
    parts = _commands(command) if isinstance(command, click.Group) else ()
    return flags.union(*(options_of(part) for _, part in parts))


def described() -> dict[str, str]:
    """The page's sections by the first two words of their heading: `atm-sim run`."""
    parts = re.split(r"^## (\S+ \S+)[^\n]*$", PAGE, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name: text for name, text in sections.items() if name.split()[0] in COMMANDS}


def test_every_command_has_its_section_and_no_other_is_there() -> None:
    assert sorted(SECTIONS) == sorted(described())


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_exactly_the_options_of_its_command(name: str) -> None:
    table = "".join(line for line in described()[name].splitlines() if line.startswith("| `--"))
    assert options_of(SECTIONS[name]) == set(re.findall(r"`(--[a-z-]+)", table))


@pytest.mark.parametrize("name", [name for name in SECTIONS if isinstance(SECTIONS[name], click.Group)])
def test_a_section_of_several_commands_names_each_of_them(name: str) -> None:
    group = SECTIONS[name]
    assert isinstance(group, click.Group)
    text = described()[name]
    assert [] == [each for each, _ in _commands(group) if not re.search(rf"`(?:[a-z-]+ )*{each}\b", text)]


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [] == [name for name in SECTIONS if f"`{name}" not in readme]
