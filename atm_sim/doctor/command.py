"""The command `atm-sim doctor`: asks a peer, or reads a file, and says why we and it do not understand each other.

Exit 0 a dialect fits and there is no finding, 1 findings, 2 the file or the command line is wrong, 3 the peer cannot be
reached.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, get_args

import click

from atm_sim.doctor import files
from atm_sim.doctor.capture import Capture, CaptureError, Stream
from atm_sim.doctor.diagnose import Macs, diagnose, no_macs
from atm_sim.doctor.finding import Diagnosis, Finding
from atm_sim.doctor.link import Answer, Unreachable, ask
from atm_sim.doctor.mac import Algorithm
from atm_sim.doctor.probes import MOST, Ends, probes
from atm_sim.exits import BROKEN, FAILED, MET, WRONG_USAGE, stop
from bank_host.address import read_address
from bank_host.clock import wall_clock
from bank_host.hsm import Hsm, HsmError, Key
from bank_host.hsm.keys import Cipher
from bank_host.iso8583.dialect import Dialect, load_dialect
from bank_host.iso8583.dialect_file import DialectError, shipped
from bank_host.secrets import Secret

_FAR: Final = 30
"""A peer further than so from the dialect that was named, and that speaks another one, speaks that other one."""


_OF_THE_WIRE: Final = ("framing.", "wire.", "elements.", "message.")


class _Sides(NamedTuple):
    """What the peer is compared with: what was named, what else is shipped, and the MAC key of both ends."""

    expected: list[Dialect]
    others: list[Dialect]
    macs: Macs


class _Options(NamedTuple):
    """How a live link is asked."""

    ends: Ends
    sign_on: bool
    most: int
    pause_s: float
    timeout_s: float
    quiet: bool


@click.command()
@click.argument("target", metavar="HOST:PORT|FILE")
@click.option(
    "--dialect",
    "names",
    multiple=True,
    help="What the peer should speak: a shipped dialect, or a .toml file. Repeatable; default: all shipped.",
)
@click.option("--sign-on", is_flag=True, help="Sign on (0800, 001) before each echo.")
@click.option("--terminal", default=Ends().terminal, show_default=True, help="DE41 of the echoes.")
@click.option("--acquirer", default=Ends().acquirer, show_default=True, help="DE32 of the echoes.")
@click.option(
    "--probes", "most", type=click.IntRange(1, MOST), default=MOST, show_default=True, help="At most so many."
)
@click.option(
    "--pause", type=click.FloatRange(0.1, 60), default=0.5, show_default=True, help="Seconds between two."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 60),
    default=3.0,
    show_default=True,
    help="Seconds to wait for an answer.",
)
@click.option(
    "--mac-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the MAC key in hexadecimal: MACs are checked too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def doctor(
    target: str,
    names: tuple[str, ...],
    sign_on: bool,
    terminal: str,
    acquirer: str,
    most: int,
    pause: float,
    timeout: float,
    mac_key: Path | None,
    as_json: bool,
) -> None:
    """Try framings and dialects on the peer at HOST:PORT, or on the messages in FILE, and say what does not fit.

    To a peer it sends echo requests (0800) and nothing else; of a FILE (hexadecimal, pcap, jPOS log) nothing is sent.
    """
    sides = _Sides(
        _dialects(names or tuple(shipped())),
        _dialects(tuple(shipped())) if names else [],
        _macs(mac_key) if mac_key else no_macs,
    )
    path, address = Path(target), read_address(target)
    if path.is_file():
        found = _verdict(_capture_of(path), sides)
        asked: list[Answer] = []
    elif address:
        _check_ends(terminal, acquirer)
        options = _Options(Ends(terminal, acquirer), sign_on, most, pause, timeout, as_json)
        found, asked = _examined(*address, sides, options)
    else:
        _stop(WRONG_USAGE, f"{target} is neither a file nor HOST:PORT; name one, such as 127.0.0.1:8583")
    _tell(found, asked, as_json)
    raise SystemExit(MET if found[0].fits else FAILED)


def _stop(code: int, message: object) -> NoReturn:
    stop(code, f"atm-sim doctor: {message}")


def _dialects(names: Sequence[str]) -> list[Dialect]:
    try:
        return [load_dialect(name) for name in dict.fromkeys(names)]
    except DialectError as error:
        _stop(WRONG_USAGE, error)


def _check_ends(terminal: str, acquirer: str) -> None:
    if not re.fullmatch(r"[!-~][ -~]{0,7}", terminal):
        raise click.BadParameter("1 to 8 printable characters", param_hint="--terminal")
    if not re.fullmatch(r"[0-9]{1,11}", acquirer):
        raise click.BadParameter("1 to 11 digits", param_hint="--acquirer")


def _capture_of(path: Path) -> Capture:
    with path.open("rb") as source:
        data = source.read(files.MOST_BYTES + 1)
    try:
        return files.capture_of(data)
    except CaptureError as error:
        _stop(WRONG_USAGE, f"{path}: {error}")


def _macs(path: Path) -> Macs:
    """Every algorithm that the key allows, the dialect's own first."""
    with path.open("rb") as source:
        text = source.read(200).decode("latin-1").strip().upper()
    handles: dict[str, Key] = {}
    for cipher in get_args(Cipher):
        with suppress(HsmError):
            Hsm({cipher: Key("zone_mac", Secret(text), cipher)})
            handles[cipher] = Key("zone_mac", Secret(text), cipher)
    if not handles:
        _stop(WRONG_USAGE, f"{path}: no MAC key; write 32 hexadecimal digits (TDES, AES-128) or 64 (AES-256)")
    hsm = Hsm(handles)
    retail = [
        Algorithm(f"retail MAC, padding {padding}", partial(hsm.mac, "TDES", padding=padding))
        for padding in (1, 2)
    ]
    found = (retail if "TDES" in handles else []) + (
        [Algorithm("AES-CMAC", partial(hsm.mac, "AES"))] if "AES" in handles else []
    )

    def ordered(dialect: Dialect) -> tuple[Algorithm, ...]:
        cmac = dialect.settings.mac.algorithm == "aes-cmac"
        return tuple(sorted(found, key=lambda each: (each.name == "AES-CMAC") != cmac))

    return ordered


# ---------------------------------------------------------------- the verdict


def _verdict(capture: Capture, sides: _Sides) -> list[Diagnosis]:
    """The diagnoses, nearest first; that a peer speaks another shipped dialect altogether is said first."""
    found = diagnose(capture, sides.expected, sides.macs)
    if found[0].fits or found[0].cost < _FAR:
        return found
    fitting = [each.dialect for each in diagnose(capture, sides.others) if each.fits]
    if not fitting:
        return found
    lies = [finding for finding in found[0].findings if finding.cause.startswith(_OF_THE_WIRE)]
    other = Finding(
        "dialect.other",
        f"the peer speaks {' or '.join(fitting)}; {found[0].dialect} was expected"
        + "".join(f"\n   {finding.what}" for finding in lies),
        f"use --dialect {fitting[0]}, or change the peer",
    )
    rest = tuple(finding for finding in found[0].findings if finding not in lies)
    return [found[0]._replace(findings=(other, *rest)), *found[1:]]


def _examined(host: str, port: int, sides: _Sides, options: _Options) -> tuple[list[Diagnosis], list[Answer]]:
    """Ask until a dialect fits, or a host has answered us in words that we understand, or all was tried."""
    plan = probes(
        sides.expected,
        wall_clock("")(),
        options.ends,
        others=sides.others,
        sign_on=options.sign_on,
        most=options.most,
    )
    if not options.quiet:
        what = (
            "a sign-on (0800, DE70 001) and an echo (0800, DE70 301)"
            if options.sign_on
            else "one echo (0800, DE70 301)"
        )
        click.echo(
            f"sends to {host}:{port} {what} on each of at most {len(plan)} connections, one at a time,"
            f" {options.pause_s:g} s apart; nothing else"
        )
    asked: list[Answer] = []
    best: list[Diagnosis] = []
    try:
        for answer in ask(host, port, plan, pause_s=options.pause_s, timeout_s=options.timeout_s):
            asked.append(answer)
            if not options.quiet:
                click.echo(_told(len(asked), answer))
            if answer.received:
                found = _answered(_verdict(_heard(answer), sides), answer)
                if not best or found[0].cost < best[0].cost:
                    best = found
                if _is_enough(found[0]):
                    break
    except Unreachable as error:
        if not asked:
            _stop(BROKEN, f"{error}; is the host running, and is this its port?")
    return best or [_unanswered(asked, sides.expected)], asked


def _heard(answer: Answer) -> Capture:
    sent = tuple(filter(None, (answer.probe.sign_on, answer.probe.data)))
    return Capture((Stream("sent", sent), Stream("received", (answer.received,))))


def _answered(found: list[Diagnosis], answer: Answer) -> list[Diagnosis]:
    """A peer that speaks as it should, but not to us, has not answered."""
    if not found[0].fits or answer.probe.is_answered_by(answer.received):
        return found
    finding = Finding(
        "link.no_answer",
        "the peer sent messages that can be read, but no answer to our 0800",
        "ask whether the peer answers echoes (DE70 301) on this port; try --sign-on, or a longer --timeout",
    )
    return [
        found[0]._replace(findings=(finding,)),
        *(each._replace(findings=(finding,)) for each in found[1:]),
    ]


def _is_enough(diagnosis: Diagnosis) -> bool:
    """All that was said could be read: more probes would tell nothing new. A refused format is no such answer."""
    return diagnosis.fits or (
        diagnosis.read == diagnosis.messages > 1
        and not any(
            finding.cause == "answer.code" and "by 30" in finding.what for finding in diagnosis.findings
        )
    )


def _unanswered(asked: list[Answer], expected: list[Dialect]) -> Diagnosis:
    closed = sum(answer.outcome == "closed" for answer in asked)
    finding = Finding(
        "link.unanswered",
        f"none of {len(asked)} echoes was answered: {closed} times the peer closed the connection,"
        f" {len(asked) - closed} times it was silent",
        "ask for the peer's framing and packager and name them with --dialect FILE; try --sign-on, or --terminal and"
        " --acquirer that it knows; does it expect TLS?",
    )
    return Diagnosis(expected[0].name, (finding,), 0, 0, 0)


# ---------------------------------------------------------------- telling


def _told(number: int, answer: Answer) -> str:
    size = f", {len(answer.received)} bytes" if answer.received else ""
    return f"probe {number:2}  {answer.probe.name}: {answer.outcome}{size}"


def _tell(found: list[Diagnosis], asked: list[Answer], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_data(found, asked), ensure_ascii=False))
        return
    nearest = found[0]
    for note in nearest.notes:
        click.echo(f"note: {note}")
    if nearest.fits:
        click.echo(f"fits: {', '.join(each.dialect for each in found if each.fits)}")
        click.echo(f"no finding in {nearest.messages} messages")
        return
    if nearest.read:
        click.echo(f"nearest: {nearest.dialect}; {nearest.read} of {nearest.messages} messages can be read")
    for number, finding in enumerate(nearest.findings, start=1):
        place = f" ({finding.place})" if finding.place else ""
        click.echo(f"{number}. {finding.what}{place}\n   next: {finding.next_step}")


def _data(found: list[Diagnosis], asked: list[Answer]) -> dict[str, Any]:
    nearest = found[0]
    return {
        "fits": [each.dialect for each in found if each.fits],
        "nearest": nearest.dialect,
        "messages": nearest.messages,
        "read": nearest.read,
        "findings": [finding._asdict() for finding in nearest.findings],
        "notes": list(nearest.notes),
        "probes": [
            {"name": answer.probe.name, "outcome": answer.outcome, "bytes": len(answer.received)}
            for answer in asked
        ],
    }
