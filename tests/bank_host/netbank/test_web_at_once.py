"""Many requests at once, over HTTP and on a database, keep the bounds of the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx2
import pytest

from bank_host.passwords import Passwords
from bank_host.policy.figures import CHANNELS
from bank_host.secrets import Secret
from bank_host.store.sql import SqlStore
from tests.bank_host.netbank.test_api import Program
from tests.bank_host.netbank.visitor import Web

AT_ONCE = 16


@pytest.fixture
def web(sql_store: SqlStore) -> Web:
    return Web(sql_store)


def together(call: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    barrier = Barrier(AT_ONCE)

    def one(n: int) -> httpx2.Response:
        barrier.wait()
        return call(n)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


class Counted(Passwords):
    """Counts what is compared with a customer's password; the comparisons with nobody's are not."""

    compared = 0

    def verify(self, hashed: str, password: Secret | None) -> bool:
        self.compared += bool(hashed)
        return super().verify(hashed, password)


def test_of_wrong_passwords_at_once_no_more_than_five_are_compared(web: Web) -> None:
    program = Program(web)
    counted = web.bank.passwords = Counted(bytes, memory_kib=8, passes=1)
    body = {"account_id": program.holding.account_id, "password": "wrong", "channel": CHANNELS[0]}
    answers = together(
        lambda n: program.client.post("/api/sessions", json={**body, "device": program.device})
    )
    assert {401} == {answer.status_code for answer in answers}
    assert 5 == counted.compared
    assert web.bank.facts(program.holding.account_id, web.now_us).customer.password_lapsed


def raise_on(program: Program, day: int, code: str) -> httpx2.Response:
    body = {"amount_jpy": 800_000, "otp": code}
    return program.client.put(f"/api/limits/raises/2014-01-{day}", json=body)


def test_of_wrong_codes_at_once_no_more_than_five_count_and_then_none_is_taken(web: Web) -> None:
    program = Program(web)
    answers = together(lambda n: raise_on(program, 16 + n, f"{n:06d}"))
    reasons = Counter(answer.json()["reason"] for answer in answers)
    assert {"OTP_WRONG": 5, "OTP_LOCKED": AT_ONCE - 5} == reasons
    assert "OTP_LOCKED" == raise_on(program, 16, web.code("hanako")).json()["reason"]


def test_one_right_code_sent_many_times_is_taken_once(web: Web) -> None:
    program, code = Program(web), web.code("hanako")
    answers = together(lambda n: raise_on(program, 16 + n, code))
    assert 1 == sum(answer.status_code == 204 for answer in answers)
    assert 1 == len(program.client.get("/api/limits").json()["raises"])


def test_one_confirmation_sent_many_times_posts_once_and_every_answer_says_so(web: Web) -> None:
    program = Program(web)
    order = {"account_id": web.people["kenji"].account_id, "amount_jpy": 5_000}
    stored = program.client.post("/api/transfers", json=order, headers={"Idempotency-Key": "order-0001"})
    path, code = f"/api/transfers/{stored.json()['transfer_id']}/confirmation", web.code("hanako")
    key = {"Idempotency-Key": "confirm-1"}
    answers = together(lambda n: program.client.post(path, json={"otp": code}, headers=key))
    assert 245_000 == program.balance_jpy
    assert {"executed"} == {answer.json().get("state") for answer in answers}
    assert "executed" == program.client.post(path, json={"otp": ""}, headers=key).json()["state"]
