"""The command that runs the bank as a server: ISO 8583 over TCP, with metrics and health beside it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import SystemRandom

import click
from sqlalchemy import Engine, literal, select

from bank_host.address import Address, AddressType, is_loopback
from bank_host.cli.common import open_database, shown
from bank_host.cli.exits import NOT_REACHED, WRONG_USAGE, stop
from bank_host.cli.keys import key_options, keys_of, store_of, told
from bank_host.cli.script import script_of
from bank_host.clock import wall_clock
from bank_host.example import hand_over, open_example
from bank_host.host import Bank
from bank_host.hsm.link_keys import MAC_CIPHERS
from bank_host.iso8583.dialect import Dialect, load_dialect
from bank_host.jst import MINUTE_US, SECOND_US
from bank_host.policy import load_policy
from bank_host.port import tls
from bank_host.port.link import LinkSettings
from bank_host.port.logs import log_to
from bank_host.port.scripted import ScriptedJudge
from bank_host.port.security import HsmSecurity, unfit_mac_key
from bank_host.port.serve import AddressError, Opened, Plan, serve
from bank_host.port.server import PortSettings
from bank_host.port.verdict import no_judge
from bank_host.store import schema
from bank_host.store.contract import Unavailable
from bank_host.store.engine import reading
from bank_host.store.migrate import upgrade

DATABASE = "bank.sqlite"
LETTERS = "bank-letters"


@click.command("serve")
@click.option("--database", help=f"SQLite file or URL; without it {DATABASE}, made with an example bank.")
@click.option("--name", default="host", show_default=True, help="Of this process, one per process.")
@click.option(
    "--listen", type=AddressType(any_port=True), help="Where peers connect; default 127.0.0.1:8583."
)
@click.option(
    "--connect", type=AddressType(), help="A switch to call; without --listen nobody is listened to."
)
@click.option(
    "--admin",
    type=AddressType(any_port=True),
    default="127.0.0.1:8584",
    show_default=True,
    help="/metrics, /ready.",
)
@click.option(
    "--web",
    type=AddressType(any_port=True),
    default="127.0.0.1:8580",
    show_default=True,
    help="Internet banking; beyond loopback with --web-certificate and --web-key.",
)
@click.option(
    "--web-certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of internet banking, with its chain, PEM.",
)
@click.option("--web-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM.")
@click.option("--no-web", is_flag=True, help="No internet banking.")
@click.option(
    "--dialect", "dialect_name", default="atm-sim", show_default=True, help="Name, or path of a .toml file."
)
@click.option(
    "--script",
    "script_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rules for messages that the bank is not to answer as it would.",
)
@click.option("--no-sign-on", is_flag=True, help="Take business of peers that have not signed on.")
@click.option(
    "--time-window",
    "window_min",
    metavar="MINUTES",
    type=click.IntRange(0, 1_440),
    default=LinkSettings().window_us // MINUTE_US,
    show_default=True,
    help="How far DE7 of a 0200 or 0800 may be from our clock; 0: anything.",
)
@click.option("--mac-mandatory", is_flag=True, help="Refuse business without a MAC.")
@key_options
@click.option("--plain", is_flag=True, help="Allow plain TCP beyond loopback.")
@click.option("--tls-certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM.")
@click.option(
    "--tls-ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The authority of the peers' certificates, PEM.",
)
@click.option("--log", "log_file", type=click.Path(dir_okay=False, path_type=Path), help="Instead of stderr.")
@told
def serve_command(
    database: str | None,
    name: str,
    listen: Address | None,
    connect: Address | None,
    admin: Address,
    web: Address,
    web_certificate: Path | None,
    web_key: Path | None,
    no_web: bool,
    dialect_name: str,
    script_file: Path | None,
    no_sign_on: bool,
    window_min: int,
    mac_mandatory: bool,
    key_file: Path | None,
    sealed_by: Path | None,
    plain: bool,
    tls_certificate: Path | None,
    tls_key: Path | None,
    tls_ca: Path | None,
    log_file: Path | None,
) -> None:
    """Run the issuing bank as an ISO 8583 server until SIGTERM or Ctrl-C; a second one stops it at once."""
    if listen is None and connect is None:
        listen = Address("127.0.0.1", 8583)
    dialect = _dialect(dialect_name)
    algorithm = dialect.settings.mac.algorithm
    hsm = keys_of(key_file, sealed_by, MAC_CIPHERS[algorithm])
    published = hsm.published_keys()
    files = _tls_files(tls_certificate, tls_key, tls_ca)
    warning = _refuse_to_expose(listen, connect, files is not None, plain, published)
    if not is_loopback(admin.host):
        stop(WRONG_USAGE, f"--admin {admin}: metrics and health are served on loopback only")
    web_tls = _page_tls(web_certificate, web_key)
    if not is_loopback(web.host) and web_tls is None and not no_web:
        stop(
            WRONG_USAGE,
            f"--web {web} is beyond loopback, where internet banking is served over TLS only: give "
            "--web-certificate and --web-key, or put a web server with TLS before 127.0.0.1",
        )
    script = None if script_file is None else script_of(script_file)
    settings = _settings(
        dialect, sign_on=not no_sign_on, window_us=window_min * MINUTE_US, mac_mandatory=mac_mandatory
    )
    if unfit := unfit_mac_key(hsm, algorithm, settings.link.mac_mandatory):
        stop(WRONG_USAGE, f"--dialect {dialect_name}: {unfit}")
    listening, calling = _tls_contexts(files)
    plan = Plan(
        listen,
        connect,
        admin,
        dialect,
        settings,
        judge=no_judge if script is None else ScriptedJudge(script),
        new_security=partial(HsmSecurity, hsm, algorithm=algorithm),
        tls=listening,
        calling_tls=calling,
        web=None if no_web else web,
        web_tls=web_tls,
    )
    _log_to(log_file)
    given = _database(database)
    new = database is None and not Path(given).exists()
    with open_database(given, must_exist=not new) as engine:
        if new:
            upgrade(engine)
        store = store_of(engine, given, hsm, chain_name="")
        bank = Bank(name, store, load_policy(), hsm, identify=dialect.identity)
        if new:
            _example(bank)
        _check(engine)

        def opened(at: Opened) -> None:
            if script_file is not None and script is not None:
                click.echo(
                    f"bank-host: {len(script.rules)} rules of {script_file.as_posix()} come before the bank"
                )
            _announce(at, plan, given, published, warning)

        try:
            code = serve(bank, plan, lambda: problem_of(engine), opened)
        except AddressError as error:
            stop(NOT_REACHED, f"{error}")
    raise SystemExit(code)


# ---------------- what the options say


def _dialect(name: str) -> Dialect:
    try:
        return load_dialect(name)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--dialect") from None


def _settings(dialect: Dialect, *, sign_on: bool, window_us: int, mac_mandatory: bool) -> PortSettings:
    told = dialect.settings
    return PortSettings(
        link=LinkSettings(
            sign_on=sign_on,
            window_us=window_us,
            mac_mandatory=mac_mandatory or told.mac.mandatory,
            answer_garbage=told.link.garbage == "answer",
            echo_after_us=told.link.echo_interval_s * SECOND_US,
        )
    )


def _database(name: str | None) -> str:
    """The database to open; one that was named has to be there."""
    if name is not None and "://" not in name and not Path(name).exists():
        stop(
            WRONG_USAGE,
            f"there is no file {name}: `bank-host init {name} --hand-over {LETTERS}` makes an example bank",
        )
    return name or DATABASE


def _log_to(file: Path | None) -> None:
    try:
        log_to(file)
    except OSError as error:
        stop(WRONG_USAGE, f"--log {file}: {error.strerror}")


def _refuse_to_expose(
    listen: Address | None, connect: Address | None, has_tls: bool, plain: bool, published: tuple[str, ...]
) -> str:
    """Beyond loopback only with TLS, or when plain TCP was asked for; the warning that is then given."""
    exposed = [
        f"{option} {address}"
        for option, address in (("--listen", listen), ("--connect", connect))
        if address is not None and not is_loopback(address.host)
    ]
    if exposed and not has_tls and not plain:
        stop(
            WRONG_USAGE,
            f"{exposed[0]} is beyond loopback: give --tls-certificate, --tls-key and --tls-ca, "
            "or allow plain TCP by --plain",
        )
    if listen is not None and not is_loopback(listen.host) and published:
        stop(
            WRONG_USAGE,
            f"--listen {listen} is beyond loopback, where published test keys ({', '.join(published)}) are "
            "not taken: everybody has them",
        )
    if not exposed or has_tls:
        return ""
    return f"warning: {' and '.join(exposed)} is plain TCP: everybody on the way can read and change messages"


def _tls_files(certificate: Path | None, key: Path | None, authority: Path | None) -> tls.TlsFiles | None:
    if certificate is not None and key is not None and authority is not None:
        return tls.TlsFiles(certificate, key, authority)
    if certificate or key or authority:
        stop(WRONG_USAGE, "--tls-certificate, --tls-key and --tls-ca go together")
    return None


def _page_tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        stop(WRONG_USAGE, "--web-certificate and --web-key go together")
    with _told_of_tls():
        return tls.pages(certificate, key)


def _tls_contexts(files: tls.TlsFiles | None) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """For those who call, and for the switch that we call."""
    if files is None:
        return None, None
    with _told_of_tls():
        return tls.listening(files), tls.calling(files)


@contextmanager
def _told_of_tls() -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        stop(WRONG_USAGE, f"the TLS files do not fit together: {error.reason or error}")
    except OSError as error:
        stop(WRONG_USAGE, f"{error.filename}: {error.strerror}")


# ---------------- the database, and what is printed


def _example(bank: Bank) -> None:
    for holding in open_example(bank, SystemRandom(), wall_clock()()):
        hand_over(holding, Path(LETTERS))
    click.echo(f"{DATABASE}: a new example bank; letters with card numbers and PINs are in {LETTERS}")


def _check(engine: Engine) -> None:
    """What keeps the database from being used is told now rather than to the first customer."""
    with reading(engine) as connection:
        empty = connection.execute(select(schema.account.c.account_id).limit(1)).first() is None
    if empty:
        click.echo(
            "bank-host: the database holds no accounts yet; `bank-host init` makes an example bank", err=True
        )


def problem_of(engine: Engine) -> str:
    """Why the database cannot be used now, '' when it can."""
    try:
        with reading(engine) as connection:
            connection.execute(select(literal(1)).select_from(schema.account).limit(1))
    except Unavailable as error:
        return f"{error}"
    return ""


def _announce(
    at: Opened,
    plan: Plan,
    database: str,
    published: tuple[str, ...],
    warning: str,
) -> None:
    if warning:
        click.echo(f"bank-host: {warning}", err=True)
    doors = [f"listening on {at.listen}"] if at.listen else []
    if plan.call:
        doors.append(f"calling {plan.call}")
    web = f"web bank {_web_url(at.web, plan.web_tls is not None)}; " if at.web else ""
    click.echo(
        f"bank-host: {', '.join(doors)}; dialect {plan.dialect.name}; database {shown(database)}; "
        f"{web}metrics http://{at.admin}/metrics; published test keys: {', '.join(published) or 'none'}"
    )


def _web_url(address: Address, has_tls: bool) -> str:
    """By name on loopback: browsers keep cookies of secure sites there without TLS."""
    host = address._replace(host="localhost") if is_loopback(address.host) else address
    return f"{'https' if has_tls else 'http'}://{host}/"
