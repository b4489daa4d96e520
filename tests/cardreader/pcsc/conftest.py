"""One private pcscd for the tests of this folder, with both of its readers empty at the start of each test.

All of them carry `xdist_group("pcscd")`: a process has one pcscd, so they run in one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cardreader.pcsc import PcscTransport
from cardreader.pcsc.machine import Binding, system_transport
from tests.cardreader.pcsc.daemon import Pcscd, missing
from tests.cardreader.waiting import until


@pytest.fixture(scope="session")
def daemon() -> Iterator[Pcscd]:
    if reason := missing():
        pytest.skip(reason)
    pcscd = Pcscd()
    pcscd.start()
    yield pcscd
    pcscd.clean()


@pytest.fixture
def pcscd(daemon: Pcscd) -> Iterator[Pcscd]:
    """Running, with two empty readers; whatever a test leaves in them is pulled."""
    if not daemon.is_running:
        daemon.start()
    transport = system_transport("libpcsclite")
    try:
        until(
            lambda: [state.present for state in transport.states()] == [False, False], "readers are not empty"
        )
    except AssertionError:
        daemon.stop()  # the next test begins with a new one
        raise
    finally:
        transport.close()
    yield daemon
    daemon.pull_all()


@pytest.fixture(params=["pyscard", "libpcsclite"])
def transport(pcscd: Pcscd, request: pytest.FixtureRequest) -> Iterator[PcscTransport]:
    binding: Binding = request.param
    if binding == "pyscard":
        pytest.importorskip("smartcard", reason="pyscard is not installed: make pcsc")
    made = system_transport(binding)
    yield made
    made.close()
