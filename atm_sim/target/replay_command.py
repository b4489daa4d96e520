"""`atm-sim replay`: the messages of a run folder against a host, and where its answers differ.

Exit 0 no difference, 1 a difference, 2 wrong folder, file or command line, 3 the target could not be reached or no
message could be sent.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from atm_sim.exits import BROKEN, FAILED, MET, stop
from atm_sim.load.target import HostBroke
from atm_sim.target.command import host_of
from atm_sim.target.replay import Replayed, read_recording
from atm_sim.target.replay import replay as replayed
from atm_sim.wire.connections import NotReached
from bank_host.address import Address, AddressType
from bank_host.clock import wall_clock
from bank_host.policy import load_policy

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--target", type=AddressType(), help="The host.")
@click.option("--profile", type=_FILE, help="With --target: how it speaks, its keys and cards (TOML).")
@click.option("--own-host", is_flag=True, help="Our own bank-host, started for the replay.")
@click.option("--scenario", type=_FILE, help="The scenario file, where it stands elsewhere now.")
@click.option("--replication", type=click.IntRange(1), default=1, help="Which replication of the run.")
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def replay(
    folder: Path,
    target: Address | None,
    profile: Path | None,
    own_host: bool,
    scenario: Path | None,
    replication: int,
    as_json: bool,
) -> None:
    """Send the bank what the run FOLDER recorded, one message after the other, and compare its answers."""
    if (target is not None) == own_host:
        raise click.UsageError("name the host: --target HOST:PORT, or --own-host for ours")
    if profile is not None and target is None:
        raise click.UsageError("--profile says how a --target speaks; name that too")
    done: list[Replayed] = []
    try:
        recording = read_recording(folder, scenario, load_policy(), replication)
        with host_of(target, profile) as (address, known):
            for each in replayed(recording, address, known, wall_clock()):
                done.append(each)
                if not as_json:
                    _show(each)
    except (NotReached, HostBroke) as error:
        stop(BROKEN, f"atm-sim: {error}")
    sent = [each for each in done if not each.not_sent]
    differing = [each for each in sent if each.differences]
    if as_json:
        click.echo(json.dumps(_data(done), ensure_ascii=False))
    else:
        click.echo(
            f"messages: {len(sent)} sent, {len(done) - len(sent)} not sent; {len(differing)} answered otherwise"
        )
    raise SystemExit(FAILED if differing else MET if sent else BROKEN)


def _show(each: Replayed) -> None:
    what = f"step {each.exchange.step or '-'}, {each.exchange.message.mti} {each.exchange.request_id}"
    if each.not_sent:
        click.echo(f"not sent: {what}: {each.not_sent}")
    for found in each.differences:
        click.echo(f"DIFFERS: {what}: {found.element} recorded {found.recorded}, answered {found.answered}")


def _data(done: list[Replayed]) -> list[dict[str, object]]:
    return [
        {
            "step": each.exchange.step,
            "mti": each.exchange.message.mti,
            "request_id": each.exchange.request_id,
            "not_sent": each.not_sent,
            "differences": [found._asdict() for found in each.differences],
        }
        for each in done
    ]
