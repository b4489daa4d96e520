"""The command `atm-sim kiosk`: an ATM in the browser, with its bank and internet banking on one database."""

from __future__ import annotations

import secrets
import signal
import socket
import tempfile
from pathlib import Path
from typing import Final

import click
import uvicorn

from atm_sim.kiosk.clock import paced_clock
from atm_sim.kiosk.hall import Hall, LessonPlan
from atm_sim.kiosk.keeping import Notebook
from atm_sim.kiosk.reader import ReaderWatch
from atm_sim.kiosk.server import NewReader, kiosk_app
from atm_sim.runner.files import open_scenario
from atm_sim.scenario import Case, Scenario, rows
from atm_sim.scenario.vocabulary import DEFAULT_BANK
from atm_sim.shipped import shipped_scenarios
from atm_sim.world.lab import Lab, Parts
from bank_host.address import Address, AddressType, is_loopback
from bank_host.clock import steady_clock
from bank_host.host import Bank
from bank_host.jst import midnight_us
from bank_host.netbank.app import create_app
from bank_host.passwords import Passwords
from bank_host.policy import load_policy
from bank_host.port.http_server import HttpServer
from bank_host.store.sql import SqlStore
from bank_host.store.verify import newest_us
from cardreader.pcsc.machine import system_transport
from cardreader.problems import ReaderError

DATABASE: Final = "bank.sqlite"
NOTEBOOK: Final = "kiosk.sqlite"
_CODE_LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that looks like another


@click.command()
@click.option(
    "--listen",
    type=AddressType(any_port=True),
    default="127.0.0.1:8585",
    show_default=True,
    help="Where browsers connect; beyond loopback a join code is asked for.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the bank's database is kept; without it in a folder that goes when the kiosk ends.",
)
@click.option(
    "--web",
    type=AddressType(any_port=True),
    default="127.0.0.1:8586",
    show_default=True,
    help="Where the bank's internet banking is served, on loopback.",
)
@click.option(
    "--reader",
    metavar="NAME",
    help="A card reader of this computer (part of its name, or `any`): a card in it stands for the first customer's.",
)
@click.option("--join-code", "with_code", is_flag=True, help="Ask for a join code on loopback too.")
@click.option(
    "--lesson",
    "lesson_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A scenario whose steps each learner performs.",
)
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="For --lesson: the folder with a result file for each learner.",
)
@click.option(
    "--pace",
    type=click.FloatRange(0.25, 5),
    default=1,
    show_default=True,
    help="How fast time goes at the ATMs and in the bank; 2 halves every wait.",
)
def kiosk(
    listen: Address,
    folder: Path | None,
    web: Address,
    reader: str | None,
    with_code: bool,
    lesson_file: Path | None,
    results: Path,
    pace: float,
) -> None:
    """Show an ATM in the browser, with its bank behind it, until Ctrl-C."""
    if not is_loopback(web.host):
        raise click.UsageError(f"--web {web}: internet banking is served on loopback only")
    lesson = None if lesson_file is None else LessonPlan(_lesson_case(lesson_file), results)
    join_code = "" if is_loopback(listen.host) and not with_code else _new_code()
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="atm-sim-kiosk-") as made:
            _serve(listen, web, reader, Path(made), join_code, lesson, pace)
        return
    folder.mkdir(parents=True, exist_ok=True)
    _serve(listen, web, reader, folder, join_code, lesson, pace)


def _lesson_case(file: Path) -> Case:
    """The one course of a lesson; what a learner cannot perform is told before anybody comes."""
    loaded = open_scenario(file, load_policy())
    scenario, cases = loaded.scenario, rows(loaded)
    machines = sum(place.machines for place in scenario.places.values())
    if len(cases) > 1 or machines != 1 or scenario.streams or not scenario.steps:
        raise click.UsageError(f"{file}: a lesson has steps at one ATM, no streams: and no cases:")
    return cases[0]


def _serve(
    listen: Address,
    web: Address,
    reader: str | None,
    folder: Path,
    join_code: str,
    lesson: LessonPlan | None,
    pace: float,
) -> None:
    real_us = steady_clock()
    if lesson is None:
        scenario = open_scenario(shipped_scenarios() / "kiosk" / "training_room.yaml", load_policy()).scenario
        begins_us = real_us()
    else:
        scenario = lesson.case.scenario
        begins_us = _first_step_us(scenario)
    notebook = Notebook(folder / NOTEBOOK)
    _is_of(notebook, "" if lesson is None else scenario.title, folder)
    store = SqlStore.create(f"sqlite:///{folder / DATABASE}", chain_name="")
    now_us = paced_clock(real_us, max(begins_us, newest_us(store)), pace)  # time never goes back on a folder
    hall = Hall(scenario, store, notebook, now_us, lesson=lesson, pace=pace)
    try:
        banking = HttpServer("web", web.host, web.port, create_app(_bank(scenario, store), clock=now_us))
    except OSError as error:
        raise click.UsageError(f"--web {web} cannot be taken: {error.strerror}") from None
    bank_url = f"http://localhost:{banking.address[1]}/"
    banking.start()
    server = _Announcing(
        uvicorn.Config(
            kiosk_app(
                hall,
                join_code=join_code,
                bank_url=bank_url if is_loopback(listen.host) else "",
                reader=None if reader is None else _watching(reader, scenario),
            ),
            host=listen.host,
            port=listen.port,
            log_level="warning",
            ws_max_size=4_096,
            timeout_graceful_shutdown=2,
        ),
        listen,
        folder,
        join_code,
        bank_url,
    )
    signal.signal(signal.SIGTERM, _ends_well)  # uvicorn stops, and then raises the signal once more
    try:
        server.run()
    finally:
        banking.stop()
        notebook.close()
        store.close()


def _is_of(notebook: Notebook, lesson: str, folder: Path) -> None:
    """A folder goes on with what it was begun with: another lesson would find its people's money spent."""
    begun_with = notebook.lesson()
    if begun_with is None:
        notebook.begin_lesson(lesson)
    elif begun_with != lesson:
        notebook.close()
        held = f"the lesson “{begun_with}”" if begun_with else "a kiosk without a lesson"
        raise click.UsageError(f"--folder {folder} holds {held}: name another folder")


def _ends_well(*_: object) -> None:
    """Leaves by way of every `finally`, so that SIGTERM closes the stores and takes the made folder away too."""
    raise SystemExit(0)


def _watching(reader: str, scenario: Scenario) -> NewReader:
    try:
        transport = system_transport()
    except ReaderError as error:
        raise click.UsageError(f"--reader {reader}: {error}") from None
    return lambda came, went: ReaderWatch(transport, reader, scenario.day, came, went)


def _bank(scenario: Scenario, store: SqlStore) -> Bank:
    """The bank behind all ATMs as internet banking sees it: its accounts are opened by the ATMs' own side."""
    parts = Parts(store=lambda bank: store, opens_accounts=False)
    bank = Lab(scenario, seed=0, replication=1, run="kiosk", parts=parts).banks[DEFAULT_BANK]
    bank.passwords = Passwords()  # not the cheap ones of simulated time: these are typed over a network
    return bank


def _first_step_us(scenario: Scenario) -> int:
    """When the lesson's day begins."""
    return midnight_us(scenario.day) + min(scenario.after_midnight_us(step.at) for step in scenario.steps)


class _Announcing(uvicorn.Server):
    """Says where it listens once it does, which port 0 leaves open until then."""

    def __init__(
        self, config: uvicorn.Config, listen: Address, folder: Path, join_code: str, bank_url: str
    ) -> None:
        super().__init__(config)
        self._listen, self._folder, self._join_code = listen, folder, join_code
        self._bank_url = bank_url

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup()
        if not self.started:
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        click.echo(f"ATM: http://{_as_called(self._listen._replace(port=port))}/")
        click.echo(f"Internet banking: {self._bank_url}")
        click.echo(f"Database: {self._folder / DATABASE}")
        if self._join_code:
            click.echo(f"Join code: {self._join_code}")
        click.echo("Ready: Ctrl-C ends it")


def _as_called(listen: Address) -> Address:
    """What a class types: of every address of this computer the one by which it would call others itself."""
    if listen.host not in ("0.0.0.0", "::"):
        return listen
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses an address, and sends nothing
        except OSError:
            return listen._replace(host=socket.gethostname())
        return listen._replace(host=str(probe.getsockname()[0]))


def _new_code() -> str:
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(6))
