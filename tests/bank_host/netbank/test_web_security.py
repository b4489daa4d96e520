"""Sessions, forms, headers, guessing: what keeps a stranger out, and what a stranger cannot find out."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from bank_host.jst import DAY_US, HOUR_US, MINUTE_US
from bank_host.netbank.app import create_app
from bank_host.netbank.gate import PER_ADDRESS, Entry, LoggedIn, NotLoggedIn
from bank_host.netbank.sessions import csrf_of
from bank_host.secrets import Secret
from bank_host.store.sql import SqlStore
from tests.bank_host.netbank.visitor import Visitor, Web


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def visitor(web: Web) -> Visitor:
    visitor = web.visitor()
    visitor.log_in()
    return visitor


def cookies_set(answer: httpx2.Response) -> list[str]:
    return [value for each in (*answer.history, answer) for value in each.headers.get_list("set-cookie")]


# ---------------------------------------------------------------- cookies and headers


def test_every_cookie_is_of_this_host_secure_and_out_of_reach_of_scripts(web: Web) -> None:
    visitor = web.visitor()
    first = cookies_set(visitor.page)
    assert first
    for cookie in [*first, *cookies_set(visitor.log_in())]:
        assert cookie.startswith("__Host-")
        assert {"HttpOnly", "Path=/", "SameSite=strict", "Secure"} <= set(cookie.split("; "))


@pytest.mark.parametrize("path", ["/login", "/no-such-page", "/static/netbank.css", "/api/account"])
def test_every_answer_forbids_scripts_frames_and_caches(web: Web, path: str) -> None:
    headers = web.visitor().get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("no-store", "nosniff") == (headers["cache-control"], headers["x-content-type-options"])


# ---------------------------------------------------------------- forms of others


def test_a_form_from_another_site_is_refused_even_with_the_customers_cookies(visitor: Visitor) -> None:
    visitor.get("/locks")
    form = {**visitor.hidden("/locks"), "act": "lock_card"}
    for foreign in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
        assert 403 == visitor.client.post("/locks", data=form, headers=foreign).status_code
    del visitor.client.headers["sec-fetch-site"]
    for origin in ("https://evil.example", "null", ""):
        assert 403 == visitor.client.post("/locks", data=form, headers={"origin": origin}).status_code
    assert (
        200
        == visitor.client.post("/locks", data=form, headers={"origin": "https://bank.example"}).status_code
    )


@pytest.mark.parametrize("token", ["", "x", csrf_of(""), "é"])
def test_a_form_without_the_sessions_token_changes_nothing(visitor: Visitor, token: str) -> None:
    answer = visitor.client.post("/locks", data={"csrf": token, "act": "lock_card"})
    assert (403, False) == (answer.status_code, "Locked." in visitor.get("/locks").text)


@pytest.mark.parametrize("token", ["", csrf_of("")])
def test_the_login_form_has_its_token_too(web: Web, token: str) -> None:
    visitor = web.visitor()
    visitor.client.cookies.clear()
    assert 403 == visitor.client.post("/login", data={"csrf": token}).status_code


def test_no_page_changes_anything_by_a_link(visitor: Visitor) -> None:
    for path in ("/logout", "/language"):
        assert 405 == visitor.get(path).status_code
    assert 200 == visitor.get("/welcome").status_code


def test_a_body_that_is_too_long_is_refused(visitor: Visitor) -> None:
    assert 413 == visitor.client.post("/locks", data={"act": "x" * 70_000}).status_code
    chunks = (b"a" * 1_000 for _ in range(70))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert 413 == visitor.client.post("/locks", content=chunks, headers=kind).status_code


# ---------------------------------------------------------------- sessions


def test_the_sessions_id_is_new_after_login_and_after_a_code(web: Web, visitor: Visitor) -> None:
    before = visitor.client.cookies["__Host-session"]
    visitor.get("/limits")
    visitor.send("/limits", act="raise_limit", day="2014-01-20", amount="800000", otp=web.code("hanako"))
    after = visitor.client.cookies["__Host-session"]
    assert before != after
    web.wait(MINUTE_US)
    visitor.client.cookies.set("__Host-session", before, domain="bank.example", path="/")
    assert "/login" == visitor.get("/welcome").url.path


def test_eight_hours_are_the_longest_session(web: Web, visitor: Visitor) -> None:
    for _ in range(8 * 12 - 1):
        web.wait(5 * MINUTE_US)
        assert "/welcome" == visitor.get("/welcome").url.path
    web.wait(5 * MINUTE_US)
    assert "/login" == visitor.get("/welcome").url.path


def test_a_locked_token_ends_every_session(web: Web, visitor: Visitor) -> None:
    other = web.visitor()
    other.log_in()
    visitor.get("/locks")
    visitor.send("/locks", act="lock_token", serial=web.people["hanako"].tokens[0].serial)
    assert "Locked. All sessions have ended; please log in again." == visitor.told
    assert "/login" == other.get("/welcome").url.path


# ---------------------------------------------------------------- guessing


def test_an_unknown_account_and_a_wrong_password_look_the_same(web: Web) -> None:
    wrong = web.visitor(address="198.51.100.1").log_in("wrong")
    stranger = web.visitor(address="198.51.100.2")
    unknown = stranger.send("/login", branch="001", account="9999999", password="wrong", channel="pc")
    assert (401, 401) == (wrong.status_code, unknown.status_code)
    account = web.people["hanako"].account_id[3:]
    without = lambda page: page.text.replace(account, "").replace("9999999", "").split("<main", 1)[1]  # noqa: E731
    strip = [line for line in without(wrong).splitlines() if "csrf" not in line]
    assert strip == [line for line in without(unknown).splitlines() if "csrf" not in line]


def test_strangers_need_hours_to_make_a_password_lapse_and_the_customers_browser_still_gets_in(
    web: Web,
) -> None:
    known = web.visitor()
    known.log_in()
    known.send("/logout")
    began_us, answers = web.now_us, []
    for n in range(40):
        answers.append(web.visitor(address=f"198.51.100.{n}").log_in("wrong").status_code)
        web.wait(2 * MINUTE_US)
    assert answers.count(401) < 5, "not enough guesses for a lapse"
    assert HOUR_US < web.now_us - began_us < DAY_US
    assert "/welcome" == known.log_in().url.path


def test_a_source_that_a_browser_made_up_itself_does_not_become_a_known_one(web: Web) -> None:
    """Else a guessable one would let strangers past the delay."""
    careless = web.visitor()
    careless.client.cookies.set("__Host-device", "my-pc", domain="bank.example")
    assert "/welcome" == careless.log_in().url.path
    given = careless.client.cookies.get("__Host-device", domain="bank.example")
    assert given not in (None, "my-pc")
    assert "/welcome" == careless.log_in().url.path
    assert given == careless.client.cookies.get("__Host-device", domain="bank.example")


def test_several_processes_on_one_database_share_the_bounds(tmp_path: Path) -> None:
    """A right login costs nothing at either of them."""
    web = Web(SqlStore.create(f"sqlite:///{tmp_path / 'bank.sqlite'}"))
    other = create_app(web.bank, clock=lambda: web.now_us)
    gates = web.app.state.netbank.gate, other.state.netbank.gate

    def tries(number: int, address: str) -> NotLoggedIn | LoggedIn:
        unknown = Entry("pc", f"002{number:07d}", "", Secret("wrong 12345"), address, "")
        return gates[number % 2].log_in(unknown, web.now_us)

    burst, every_us = PER_ADDRESS
    answers = [tries(number, f"2001:db8::{number:x}") for number in range(burst)]
    assert {NotLoggedIn("LOGIN_FAILED")} == set(answers)
    assert NotLoggedIn("TOO_MANY_ATTEMPTS", every_us) == tries(burst, "2001:db8::ffff")
    assert NotLoggedIn("LOGIN_FAILED") == tries(burst + 1, "2001:db8:0:1::1")
    for _ in range(burst):
        assert 303 == web.visitor(address="198.51.100.7").log_in().history[0].status_code
    web.bank.store.close()


def test_one_address_cannot_try_many_accounts(web: Web) -> None:
    client = web.visitor(address="198.51.100.9")
    codes = []
    for n in range(30):
        client.get("/login")
        codes.append(
            client.send(
                "/login", branch="001", account=f"{n + 500:07d}", password="x", channel="pc"
            ).status_code
        )
    assert (401, 429) == (codes[0], codes[-1])
