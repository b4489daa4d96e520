"""`atm-sim test`: the scenario files of a folder as tests, in simulated time or against a host."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from atm_sim.exits import FAILED, WRONG_USAGE, stop
from atm_sim.runner.folder import view_of
from atm_sim.runner.matrix import matrix_data, matrix_rows, matrix_text
from atm_sim.runner.own_card import look_at, virtual_reader
from atm_sim.runner.proof import prove
from atm_sim.runner.run_command import VIRTUAL_CARD, show_failures
from atm_sim.runner.suite import NOT_RUN, Tested, run_tests, scenario_files, suite_junit
from atm_sim.scenario import Loaded
from atm_sim.target.command import Asked, run_against
from bank_host.address import Address, AddressType
from bank_host.policy import load_policy


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--seed", type=click.IntRange(0), help="Instead of each file's own seed.")
@click.option(
    "--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML."
)
@click.option("--matrix", is_flag=True, help="Print requirement by scenario by outcome.")
@click.option(
    "--prove", "proving", is_flag=True, help="Break each covered requirement: a scenario must notice."
)
@VIRTUAL_CARD
@click.option("--target", type=AddressType(), help="Test this host over TCP instead of simulated time.")
@click.option(
    "--profile",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --target: how it speaks, its keys and cards (TOML).",
)
@click.option("--own-host", is_flag=True, help="As --target, our own bank-host, started for the run.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --target or --own-host: write the run folder here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def test(
    path: Path,
    seed: int | None,
    junit_file: Path | None,
    matrix: bool,
    proving: bool,
    virtual_card: bool,
    target: Address | None,
    profile: Path | None,
    own_host: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Test the scenario file or folder PATH; files below a folder `invalid` must be refused as they say.

    A file with `card: reader` is not run, unless a virtual card stands in the reader. Against a host (--target,
    --own-host) steps that it cannot perform or show are not run, each with its reason.
    """
    policy = load_policy()
    files = scenario_files(path)
    if not files:
        stop(WRONG_USAGE, f"atm-sim: {path}: no scenario file (*.yaml) here")
    if profile is not None and target is None:
        raise click.UsageError("--profile says how a --target speaks; name that too")
    if target is not None or own_host:
        if target is not None and own_host:
            raise click.UsageError("--target and --own-host are two hosts; choose one")
        if matrix or proving or virtual_card or seed is not None:
            raise click.UsageError("--seed, --matrix, --prove and --virtual-card are for simulated time")
        run_against(files, Asked(target, profile, junit_file, as_json, out), policy)
    if out is not None:
        raise click.UsageError(
            "--out goes with --target or --own-host; `atm-sim run` writes folders of simulated time"
        )
    console = Console(highlight=False)
    tests = []
    card_read = _look_at_virtual_card if virtual_card else _no_card
    for tested in run_tests(files, policy, seed, card_read):
        tests.append(tested)
        if not as_json:
            _show_test(console, tested)
    not_run = [tested for tested in tests if tested.not_run]
    failed = [tested for tested in tests if not tested.passed and not tested.not_run]
    if junit_file is not None:
        junit_file.write_text(suite_junit(tests, policy), encoding="utf-8")
    proofs = prove(files, _tell_proof(console)) if proving else []
    requirements = matrix_rows([(t.path, t.covers, t.passed) for t in tests if not t.not_run], proofs)
    if as_json:
        data: dict[str, Any] = {"tests": [_test_data(tested) for tested in tests]}
        if matrix or proving:
            data["matrix"] = matrix_data(requirements)
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        if matrix or proving:
            click.echo(matrix_text(requirements))
        for proof in (proof for proof in proofs if proof.missing):
            click.echo(f"{proof.requirement} is claimed and not proven: {proof.missing}")
        passed = len(tests) - len(failed) - len(not_run)
        left_out = f", {len(not_run)} not run" if not_run else ""
        click.echo(f"{passed} passed, {len(failed)} failed{left_out}, in {len(files)} files")
    raise SystemExit(FAILED if failed or any(proof.missing for proof in proofs) else 0)


def _no_card(loaded: Loaded) -> str:
    return ""


def _look_at_virtual_card(loaded: Loaded) -> str:
    return str(look_at(virtual_reader(), loaded.scenario.day))


def _tell_proof(console: Console) -> Callable[[int, int], None]:
    """A line that counts requirements while they are proven, where somebody is looking."""

    def tell(done: int, of: int) -> None:
        if console.is_terminal:
            console.print(f"proving: {done} of {of} requirements", end="\r")

    return tell


def _show_test(console: Console, tested: Tested) -> None:
    if tested.not_run:
        console.print(Text(f"not run {tested.path.as_posix()}: {tested.name}"), soft_wrap=True)
        return
    mark = ("passed", "green") if tested.passed else ("FAILED", "red")
    # as Text: a title may have [brackets], which are no markup
    console.print(Text.assemble(mark, f" {tested.path.as_posix()}: {tested.name}"), soft_wrap=True)
    if tested.passed:
        return
    if tested.run is not None:
        show_failures(console, view_of(tested.run, load_policy()))
        return
    for title, lines in (("expected", tested.expected), ("actual", tested.actual)):
        for line in lines or ["nothing"]:
            console.print(Text(f"  {title}: {line}"), soft_wrap=True)


def _test_data(tested: Tested) -> dict[str, Any]:
    data: dict[str, Any] = {"file": tested.path.as_posix(), "case": tested.name, "passed": tested.passed}
    if tested.not_run:
        data["not_run"] = NOT_RUN
    if tested.run is not None:
        data["failed_checks"] = [check._asdict() for check in tested.run.checks if not check.passed]
        data["replay"] = tested.run.replay
    return data
