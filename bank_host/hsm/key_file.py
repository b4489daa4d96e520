"""The sealed key file: a module's keys, AES-256-GCM under a sealing key that is kept elsewhere.

The sealing key comes from the environment or from a file of its own. Both files are readable by their owner only, or
they are refused. What is wrong is told with the file's name and what to do, and never with anything of a key.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bank_host.hsm.errors import HsmError
from bank_host.hsm.keys import SIMULATION_KEYS, Key, fresh_key, load, unloaded
from bank_host.hsm.module import Hsm
from bank_host.secrets import Secret

SEALING_KEY_VARIABLE: Final = "BANK_HOST_SEALING_KEY"
SEALING_KEY_BYTES: Final = 32

_BEGINNING: Final = b"bank-host keys 1\n"
_NONCE_BYTES: Final = 12
_MOST_BYTES: Final = 1 << 20
_SEALING_KEY: Final = re.compile("[0-9A-Fa-f]{64}", re.ASCII)

Fresh = Callable[[int], bytes]


class KeyFileError(HsmError):
    """A key file, or the key that seals it, cannot be used: which one, why, and what to do."""


def open_key_file(path: Path, sealing_key: bytes, *, fresh: Fresh = os.urandom) -> Hsm:
    """The module with the keys of a file."""
    return Hsm(read_keys(path, sealing_key), fresh=fresh)


def sealing_key(file: Path | None, environ: Mapping[str, str] = os.environ) -> bytes:
    """The key that seals key files: 64 hexadecimal digits, from a file or else from the environment."""
    if file is not None:
        text, where = _read(file).decode("ascii", "replace").strip(), str(file)
    elif SEALING_KEY_VARIABLE in environ:
        text, where = environ[SEALING_KEY_VARIABLE].strip(), SEALING_KEY_VARIABLE
    else:
        raise KeyFileError(
            f"there is no sealing key: name its file with --sealing-key FILE, or set {SEALING_KEY_VARIABLE}"
            f" to {2 * SEALING_KEY_BYTES} hexadecimal digits"
        )
    if _SEALING_KEY.fullmatch(text) is None:
        raise KeyFileError(f"{where} does not hold {2 * SEALING_KEY_BYTES} hexadecimal digits")
    return bytes.fromhex(text)


def make_sealing_key(file: Path, fresh: Fresh = os.urandom) -> bytes:
    """A fresh sealing key in a new file."""
    key = fresh(SEALING_KEY_BYTES)
    _write(file, key.hex().upper().encode() + b"\n", replace=False)
    return key


def fresh_keys(fresh: Fresh = os.urandom) -> dict[str, Key]:
    """A key of its own for every handle that the simulation has."""
    return {
        handle: unloaded(fresh_key(handle, key.usage, None, fresh)) for handle, key in SIMULATION_KEYS.items()
    }


def read_keys(path: Path, sealing_key: bytes) -> dict[str, Key]:
    """The keys of a file, each checked."""
    data = _read(path)
    if not data.startswith(_BEGINNING):
        raise KeyFileError(f"{path} is not a key file; `bank-host keys init` makes one")
    nonce, sealed = data[len(_BEGINNING) :][:_NONCE_BYTES], data[len(_BEGINNING) + _NONCE_BYTES :]
    try:
        rows = json.loads(AESGCM(sealing_key).decrypt(nonce, sealed, _BEGINNING))
        found = {handle: Key(usage, Secret(value), cipher) for handle, (usage, cipher, value) in rows.items()}
    except (InvalidTag, ValueError):
        raise KeyFileError(
            f"{path} does not open: it was sealed under another sealing key, or was changed"
        ) from None
    for handle, key in found.items():
        load(handle, key)
    return found


def write_keys(
    path: Path,
    keys: Mapping[str, Key],
    sealing_key: bytes,
    *,
    replace: bool = False,
    fresh: Fresh = os.urandom,
) -> None:
    """Seal keys into a file, which is there whole or not at all; an existing one only with `replace`."""
    rows = {handle: (key.usage, key.cipher, key.value.reveal()) for handle, key in keys.items()}
    nonce = fresh(_NONCE_BYTES)
    sealed = AESGCM(sealing_key).encrypt(nonce, json.dumps(rows).encode(), _BEGINNING)
    _write(path, _BEGINNING + nonce + sealed, replace=replace)


# ---------------------------------------------------------------- files of their owner only


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                raise KeyFileError(f"{path} can be read by others than its owner: chmod 600 {path}")
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise KeyFileError(f"{path} is too long for a key file")
    return data


def _write(path: Path, data: bytes, *, replace: bool) -> None:
    """Through a file beside it, which takes its place when it is on the disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not replace:
            raise KeyFileError(f"{path} exists already; name a new file")
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                beside.replace(path)
            else:
                os.link(beside, path)  # fails where somebody was faster
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}") from None
