"""A session at the web bank with known secrets, faults included; then everything it left is searched for them (I22)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.checks.invariants.canary import Canary, contents_of, leaks
from bank_host.cli import main as bank_host
from bank_host.port.logs import LOGGER, log_to
from bank_host.store.sql import SqlStore
from tests.bank_host.netbank.test_api import Program
from tests.bank_host.netbank.visitor import Visitor, Web

NEW_PIN, WRONG_PASSWORD, NEW_PASSWORD = "8306", "Sakura-Fubuki-88", "Yuki-Tsubaki-57"


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], list[Canary]]:
    """What a session left behind: database with its journal, log, mail, pages; and the secrets that it used."""
    folder = tmp_path_factory.mktemp("web")
    logger = logging.getLogger(LOGGER)
    before = logger.handlers[:], logger.level, logger.propagate
    log_to(folder / "web.log")
    try:
        web = Web(SqlStore.create(f"sqlite:///{folder / 'bank.sqlite'}"))
        visitor, pages, secrets = web.visitor(), [], []
        visitor.client.event_hooks["response"].append(lambda answer: pages.append(answer.read()))
        _session(web, visitor, secrets)
        written = contents_of(folder)  # while the database is open: its write-ahead log too
        web.bank.store.close()
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers[:], logger.level, logger.propagate = before
    mail = CliRunner().invoke(bank_host, ["mail", str(folder / "bank.sqlite"), "--to", str(folder / "mail")])
    assert mail.exit_code == 0, mail.output
    written |= contents_of(folder) | {"mail command": mail.output.encode(), "pages": b"\n".join(pages)}
    return written, secrets


def _session(web: Web, visitor: Visitor, secrets: list[Canary]) -> None:
    """Login, mistakes, a raise, a transfer, a new PIN, a new password, and a fault while a code is in hand."""
    holding = visitor.holding
    codes: list[str] = []

    def code() -> str:
        codes.append(web.code("hanako"))
        return codes[-1]

    visitor.log_in(WRONG_PASSWORD)
    visitor.log_in()
    session, device = (visitor.client.cookies[f"__Host-{name}"] for name in ("session", "device"))
    visitor.get("/limits")
    visitor.send("/limits", act="raise_limit", day="2014-01-20", amount="800000", otp=code())
    visitor.send("/limits", act="raise_limit", day="2014-01-21", amount="wrong", otp=code())
    account_id = web.people["kenji"].account_id
    visitor.get("/transfer")
    visitor.send("/transfer", branch=account_id[:3], account=account_id[3:], amount="1000")
    visitor.send("/transfer/confirm", button="transfer", otp=code())
    visitor.get("/nothing-here")
    program = Program(web)
    program.client.put("/api/limits/atm", json={"amount_jpy": "x", "otp": code(), "pin": NEW_PIN})
    act, web.bank.act = web.bank.act, _broken  # type: ignore[method-assign]
    visitor.get("/limits")
    assert 500 == visitor.send("/limits", act="raise_limit", day="2014-01-22", otp=code()).status_code
    web.bank.act = act  # type: ignore[method-assign]
    visitor.get("/settings")
    visitor.send("/settings", act="change_pin_online", new_pin_1=NEW_PIN, new_pin_2=NEW_PIN, otp=code())
    assert visitor.told.startswith("The PIN is changed")
    visitor.log_in()
    visitor.get("/settings")
    new = {"new_password_1": NEW_PASSWORD, "new_password_2": NEW_PASSWORD}
    visitor.send("/settings", act="change_password", password=holding.password.reveal(), otp=code(), **new)
    assert visitor.told.startswith("The login password is changed")
    secrets += [
        Canary("PAN", holding.pan.reveal()),
        Canary("PIN", NEW_PIN),
        Canary("password", holding.password.reveal()),
        Canary("wrong password", WRONG_PASSWORD),
        Canary("new password", NEW_PASSWORD),
        Canary("session id", session),
        Canary("device", device),
        *(Canary("one-time password", each) for each in codes),
    ]


def _broken(act: object, now_us: int) -> None:
    raise RuntimeError(f"a fault whose text quotes {act._asdict()}")  # type: ignore[attr-defined]


def test_nothing_that_a_session_leaves_holds_a_secret(left: tuple[dict[str, bytes], list[Canary]]) -> None:
    written, secrets = left
    assert [] == leaks(written, secrets)


def test_the_scan_looks_at_log_database_mail_and_pages(left: tuple[dict[str, bytes], list[Canary]]) -> None:
    """What a scan does not open, it cannot find."""
    written, _ = left
    assert {".sqlite", ".log", ".eml"} <= {Path(name).suffix for name in written}
    assert b"internal_error" in written["web.log"]
    assert "¥250,000".encode() in written["pages"]


def test_a_planted_secret_raises_the_alarm(left: tuple[dict[str, bytes], list[Canary]]) -> None:
    written, secrets = left
    for secret in secrets:
        planted = {**written, "web.log": written["web.log"] + f"debug value={secret.value}\n".encode()}
        assert ("web.log", secret.kind, "plain") in leaks(planted, secrets)
