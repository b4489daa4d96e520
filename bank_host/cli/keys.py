"""The commands `bank-host keys`: make, list and fill a sealed key file; no key is ever shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Engine

from bank_host.cli.common import shown
from bank_host.cli.exits import WRONG_USAGE, stop
from bank_host.hsm import SEAL, Hsm, HsmError, Key
from bank_host.hsm.key_block import Component, combine, unwrap
from bank_host.hsm.key_file import (
    SEALING_KEY_VARIABLE,
    fresh_keys,
    make_sealing_key,
    open_key_file,
    read_keys,
    sealing_key,
    write_keys,
)
from bank_host.hsm.keys import ALGORITHMS, Cipher, Usage, load, unloaded
from bank_host.secrets import Secret
from bank_host.store.sealing import PURPOSE
from bank_host.store.sql import SqlStore

_HANDLE: Final = re.compile("[a-z0-9][a-z0-9./_-]{0,63}", re.ASCII)

Command = Callable[..., None]

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_SEALING_KEY = click.option(
    "--sealing-key",
    "sealed_by",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"File with the key that seals the key file; without it the environment's {SEALING_KEY_VARIABLE}.",
)


def told(command: Command) -> Command:
    """What the key module refuses becomes one line on standard error."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except HsmError as error:
            stop(WRONG_USAGE, f"{error}")

    return run


def key_options(command: Command) -> Command:
    """`--keys` and `--sealing-key` of commands that need the bank's keys; `keys_of` makes the module of them."""
    with_file = click.option(
        "--keys",
        "key_file",
        envvar="BANK_HOST_KEYS",
        show_envvar=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="The bank's sealed key file; without it the published test keys.",
    )
    return with_file(_SEALING_KEY(command))


def keys_of(key_file: Path | None, sealed_by: Path | None, mac_cipher: Cipher | None = None) -> Hsm:
    """The key module that the options ask for; HsmError says what is wrong. The published keys suit a dialect whose
    MACs are of that cipher."""
    if key_file is None:
        return Hsm.simulation(mac_cipher)
    return open_key_file(key_file, sealing_key(sealed_by))


def store_of(engine: Engine, database: str, hsm: Hsm, chain_name: str = "host") -> SqlStore:
    """The store of a bank, sealed under its `seal` key; a database that was sealed under another is not touched."""
    store = SqlStore(engine, hsm.derived(SEAL, PURPOSE), chain_name)
    if not store.is_under_its_key():
        stop(
            WRONG_USAGE,
            f"{shown(database)} was sealed under another key: name the key file that the bank was made with by --keys, "
            f"or leave --keys out for a bank with the published test keys; 'seal' here is {hsm.check_value(SEAL)}",
        )
    return store


@click.group()
def keys() -> None:
    """The bank's keys, in a sealed file."""


@keys.command(short_help="Make a key file with fresh random keys.")
@_FILE
@_SEALING_KEY
@told
def init(file: Path, sealed_by: Path | None) -> None:
    """Make FILE with a fresh random key for every purpose. A sealing key file that is not there is made too."""
    if file.exists():
        raise HsmError(f"{file} exists already; name a new file")
    new = sealed_by is not None and not sealed_by.exists()
    key = make_sealing_key(sealed_by) if new and sealed_by is not None else sealing_key(sealed_by)
    made = fresh_keys()
    write_keys(file, made, key)
    _list(made)
    if new:
        click.echo(f"{sealed_by}: a new sealing key; without it {file} cannot be opened", err=True)


@keys.command("list", short_help="List the keys of a file by handle, usage and check value.")
@_FILE
@_SEALING_KEY
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
@told
def list_command(file: Path, sealed_by: Path | None, as_json: bool) -> None:
    """List the keys of FILE: handle, usage, algorithm, check value; a published test key is named as one."""
    found = read_keys(file, sealing_key(sealed_by))
    if as_json:
        click.echo(json.dumps([info._asdict() for info in Hsm(found).inventory()]))
    else:
        _list(found)


@keys.command("import", short_help="Put a key into a file, from components or a key block.")
@_FILE
@click.argument("handle")
@click.argument("usage", metavar="USAGE", type=click.Choice(list(ALGORITHMS)))
@_SEALING_KEY
@click.option("--cipher", type=click.Choice(["TDES", "AES", "HMAC"]), help="Default: the usage's own.")
@click.option(
    "--component",
    "components",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with a component and, behind a space, its check value; twice or three times. Without: typed.",
)
@click.option("--block", default="", help="A key block, enciphered, in place of components.")
@click.option("--under", default="", help="Handle of the zone master key that enciphers the block.")
@click.option("--replace", is_flag=True, help="Replace a key that has this handle already.")
@told
def import_command(
    file: Path,
    handle: str,
    usage: Usage,
    sealed_by: Path | None,
    cipher: Cipher | None,
    components: Sequence[Path],
    block: str,
    under: str,
    replace: bool,
) -> None:
    """Put a key into FILE under HANDLE for USAGE: two or three components, each with its check value, or a block.

    USAGE is one of those that `bank-host keys list` shows, such as zone_master or zone_pin.
    """
    if _HANDLE.fullmatch(handle) is None:
        raise HsmError("a handle is 1 to 64 small letters, digits and . / _ -")
    if bool(block) != bool(under) or (block and components):
        raise HsmError(
            "a key comes by --component, by typing, or by --block with --under; not by two of them"
        )
    seal = sealing_key(sealed_by)
    found = read_keys(file, seal)
    if handle in found and not replace:
        raise HsmError(f"{file} has a key {handle!r} already; --replace puts the new one in its place")
    if block:
        key = _from_block(found, under, handle, usage, cipher, block)
    else:
        key = combine(handle, usage, cipher, [_read(path) for path in components] or _typed())
    write_keys(file, {**found, handle: key}, seal, replace=True)
    _list({handle: key})


def _from_block(
    found: dict[str, Key], under: str, handle: str, usage: Usage, cipher: Cipher | None, block: str
) -> Key:
    if under not in found or found[under].usage != "zone_master":
        raise HsmError(f"there is no zone master key {under!r}")
    key = unwrap(load(under, found[under]), handle, usage, block, cipher)
    if key is None:
        raise HsmError("the block does not fit its check value, or is none for this usage")
    return unloaded(key)


def _read(path: Path) -> Component:
    words = path.read_text(encoding="ascii", errors="replace").split()
    if len(words) != 2:
        raise HsmError(f"{path} does not hold a component and its check value")
    return Component(Secret(words[0].upper()), words[1].upper())


def _typed() -> list[Component]:
    count = click.prompt("How many components", type=click.IntRange(2, 3), default=2, err=True)
    return [
        Component(
            Secret(
                click.prompt(f"Component {number} (not shown)", hide_input=True, err=True).strip().upper()
            ),
            click.prompt(f"Check value of component {number}", err=True).strip().upper(),
        )
        for number in range(1, count + 1)
    ]


def _list(found: dict[str, Key]) -> None:
    for info in Hsm(found).inventory():
        published = "\tpublished test key" if info.published else ""
        click.echo(f"{info.handle}\t{info.usage}\t{info.algorithm}\t{info.check_value}{published}")
