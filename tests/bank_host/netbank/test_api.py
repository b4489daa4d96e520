"""The JSON API: a bearer session, idempotent money, and a description that holds for whatever is sent."""

from __future__ import annotations

import httpx2
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bank_host.jst import SECOND_US
from tests.bank_host.netbank.visitor import Web

WEB = Web()
"""Of the drawn requests; every one of them has a session of its own."""
SCHEMA = schemathesis.openapi.from_asgi("/api/openapi.json", WEB.app)
KEPT = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@SCHEMA.parametrize()
@settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
def test_no_request_breaks_the_server_and_every_answer_is_as_described(case: schemathesis.Case) -> None:
    WEB.wait(60_000_000)
    session = WEB.app.state.netbank.sessions.open(WEB.people["hanako"].account_id, "pc", WEB.now_us)
    headers = {"Authorization": f"Bearer {session.session_id}"}
    case.call_and_validate(headers=headers, checks=KEPT)


def test_the_check_of_drawn_requests_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(account_id: str) -> None:
        raise RuntimeError

    session = WEB.app.state.netbank.sessions.open(WEB.people["hanako"].account_id, "pc", WEB.now_us)
    headers = {"Authorization": f"Bearer {session.session_id}"}
    monkeypatch.setattr(WEB.bank, "notices", broken)
    with pytest.raises(FailureGroup):
        SCHEMA["/api/notices"]["GET"].Case().call_and_validate(headers=headers, checks=KEPT)


class Program:
    """A program of a customer; it knows no cookies."""

    def __init__(self, web: Web, alias: str = "hanako") -> None:
        self.web, self.holding = web, web.people[alias]
        self.client = TestClient(web.app, base_url="https://bank.example", client=("192.0.2.9", 5))
        answer = self.log_in(self.holding.password.reveal())
        assert 201 == answer.status_code, answer.text
        assert "set-cookie" not in answer.headers
        self.device: str = answer.json()["device"]
        self.client.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def log_in(self, password: str) -> httpx2.Response:
        body = {"account_id": self.holding.account_id, "password": password}
        return self.client.post("/api/sessions", json=body)

    @property
    def balance_jpy(self) -> int:
        return int(self.client.get("/api/account").json()["balance_jpy"])


@pytest.fixture
def web() -> Web:
    return Web()


def test_a_transfer_is_stored_confirmed_and_repeated_without_a_second_posting(web: Web) -> None:
    program = Program(web)
    kenji = web.people["kenji"].account_id
    order = {"account_id": kenji, "amount_jpy": 5_000, "name": "タナカ"}
    stored = program.client.post("/api/transfers", json=order, headers={"Idempotency-Key": "order-0001"})
    assert (201, "pending") == (stored.status_code, stored.json()["state"])
    path, key = (
        f"/api/transfers/{stored.json()['transfer_id']}/confirmation",
        {"Idempotency-Key": "yes-00001"},
    )
    done = program.client.post(path, json={"otp": web.code("hanako")}, headers=key)
    assert (200, "executed", 245_000) == (done.status_code, done.json()["state"], program.balance_jpy)
    again = program.client.post(path, json={"otp": "000000"}, headers=key)
    assert (200, 245_000) == (again.status_code, program.balance_jpy), "the key is looked up before the code"
    opened, sent = (line["other"] for line in program.client.get("/api/statement").json())
    assert (None, {"bank": "", "account_id": kenji, "name": "タナカ"}) == (opened, sent)


def test_another_customers_transfer_does_not_exist(web: Web) -> None:
    hanako, kenji = Program(web), Program(web, "kenji")
    order = {"account_id": web.people["kenji"].account_id, "amount_jpy": 5_000}
    stored = hanako.client.post(
        "/api/transfers", json=order, headers={"Idempotency-Key": "order-0001"}
    ).json()
    path = f"/api/transfers/{stored['transfer_id']}"
    assert (200, 404) == (hanako.client.get(path).status_code, kenji.client.get(path).status_code)
    assert 404 == kenji.client.delete(path).status_code


def test_without_a_session_and_after_its_end_nothing_is_told(web: Web) -> None:
    program = Program(web)
    assert 204 == program.client.delete("/api/session").status_code
    answer = program.client.get("/api/account")
    assert (401, "NOT_LOGGED_IN", "Bearer") == (
        answer.status_code,
        answer.json()["reason"],
        answer.headers["www-authenticate"],
    )


def test_a_code_gives_the_session_a_new_id_and_the_old_one_ends(web: Web) -> None:
    """ASVS v5.0.0-7.2.4. Calls that were under way beside it are still answered for ten seconds."""
    program = Program(web)
    old = dict(program.client.headers)
    answer = program.client.put("/api/limits/atm", json={"amount_jpy": 1_000})
    assert "session-token" not in answer.headers, "lowering a limit proves no more than the login"
    raised = {"amount_jpy": 400_000, "otp": web.code("hanako")}
    answer = program.client.put("/api/limits/atm", json=raised)
    program.client.headers["Authorization"] = f"Bearer {answer.headers['session-token']}"
    assert 200 == program.client.get("/api/account", headers=old).status_code
    web.wait(11 * SECOND_US)
    assert 401 == program.client.get("/api/account", headers=old).status_code
    assert 400_000 == program.client.get("/api/limits").json()["atm_standing_jpy"]


def test_a_claim_is_filed_once_and_listed_with_its_state(web: Web) -> None:
    program, other = Program(web), Program(web, "kenji")
    loss = {"cause": "stolen", "day": "2014-01-14", "amount_jpy": 50_000, "declared": ["police_report"]}
    key = {"Idempotency-Key": "loss-0001"}
    first, again = (program.client.post("/api/claims", json=loss, headers=key) for _ in range(2))
    assert (201, "open") == (first.status_code, first.json()["state"])
    assert [first.json()] == program.client.get("/api/claims").json() == [again.json()]
    assert [] == other.client.get("/api/claims").json()
    assert "stolen 2014-01-14; police_report yes" == next(web.bank.store.exceptions()).detail
    future = program.client.post("/api/claims", json=loss | {"day": "2014-01-16"}, headers=key)
    assert (409, "BAD_CLAIM") == (future.status_code, future.json()["reason"])


def test_a_new_password_ends_the_session_of_every_program(web: Web) -> None:
    program, other = Program(web), Program(web)
    change = {"password": program.holding.password.reveal(), "new_password": "momiji 0402"}
    assert 409 == program.client.put("/api/password", json=change).status_code, "without a code"
    answer = program.client.put("/api/password", json=change | {"otp": web.code("hanako")})
    assert 204 == answer.status_code, answer.text
    assert [401, 401] == [each.client.get("/api/account").status_code for each in (program, other)]
    assert 201 == program.log_in("momiji 0402").status_code


def test_what_was_sent_is_not_said_again_in_a_refusal(web: Web) -> None:
    program = Program(web)
    answer = program.client.put("/api/limits/atm", json={"amount_jpy": "x", "otp": "918273"})
    assert (422, False) == (answer.status_code, "918273" in answer.text)
