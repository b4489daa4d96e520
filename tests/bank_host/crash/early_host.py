"""The planted fault of the crash tests: a host that answers before its commit, which comes with the next unit of work.

python -m tests.bank_host.crash.early_host --listen 127.0.0.1:0 --admin 127.0.0.1:0 --database URL --name host
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import click

from bank_host.address import Address
from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.iso8583.dialect import DEFAULT
from bank_host.policy import load_policy
from bank_host.port.link import LinkSettings
from bank_host.port.serve import Opened, Plan, serve
from bank_host.port.server import PortSettings
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.sql_unit import SqlUnit


class LateUnit:
    """A unit of work that leaves its transaction open when it has gone well."""

    def __init__(self, store: LateStore, unit: SqlUnit) -> None:
        self._store = store
        self._unit = unit

    def __enter__(self) -> SqlUnit:
        return self._unit.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._store.uncommitted = self._unit
        else:
            self._unit.__exit__(kind, error, trace)


class LateStore(SqlStore):
    """Commits a unit of work when the next one begins."""

    uncommitted: SqlUnit | None = None

    def begin(self) -> Any:
        if self.uncommitted is not None:
            self.uncommitted.__exit__(None, None, None)
            self.uncommitted = None
        return LateUnit(self, super().begin())


@click.command()
@click.option("--listen")
@click.option("--admin")
@click.option("--database")
@click.option("--name")
def main(listen: str, admin: str, database: str, name: str) -> None:
    bank = Bank(name, LateStore(open_engine(database), chain_name=name), load_policy(), Hsm.simulation())
    plan = Plan(_address(listen), None, _address(admin), DEFAULT, PortSettings(LinkSettings(window_us=0)))

    def opened(at: Opened) -> None:
        click.echo(f"listening on {at.listen}; metrics http://{at.admin}/metrics")

    raise SystemExit(serve(bank, plan, lambda: "", opened))


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host, int(port))


if __name__ == "__main__":
    main()
