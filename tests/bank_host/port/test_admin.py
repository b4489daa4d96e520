"""Beside the port: metrics, health and readiness over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from bank_host.port.admin import app
from bank_host.port.http_server import HttpServer
from bank_host.port.metrics import Metrics


class Looked:
    """An admin server, whose readiness the test decides."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.problem = ""
        self.server = HttpServer("admin", "127.0.0.1", 0, app(self.metrics.registry, lambda: self.problem))
        self.server.start()

    def get(self, path: str) -> tuple[int, str]:
        host, port = self.server.address
        try:
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()


@pytest.fixture
def looked() -> Iterator[Looked]:
    looked = Looked()
    yield looked
    looked.server.stop()


def test_a_host_that_works_is_healthy_and_ready(looked: Looked) -> None:
    assert ((200, "ok\n"), (200, "ready\n")) == (looked.get("/health"), looked.get("/ready"))


def test_a_host_that_cannot_work_is_healthy_and_not_ready(looked: Looked) -> None:
    looked.problem = "the database does not work"
    assert (503, "not ready: the database does not work\n") == looked.get("/ready")
    assert 200 == looked.get("/health")[0]


def test_what_was_counted_is_shown(looked: Looked) -> None:
    looked.metrics.answered("0210", "51", 1_500)
    status, text = looked.get("/metrics")
    assert 200 == status
    assert 'bank_host_answers_total{code="51",mti="0210"} 1.0' in text
    assert 'bank_host_answer_seconds_bucket{le="0.002"} 1.0' in text


def test_an_address_that_is_taken_is_told_when_the_server_is_made(looked: Looked) -> None:
    with pytest.raises(OSError, match="in use"):
        HttpServer("admin", *looked.server.address, app(looked.metrics.registry, lambda: ""))
