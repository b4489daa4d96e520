"""The pages of the web bank, as a customer without scripts walks through them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount

from bank_host.jst import HOUR_US
from tests.bank_host.netbank.visitor import Web


@pytest.fixture
def web() -> Web:
    return Web()


def test_the_welcome_page_shows_the_login_before_this_one_and_the_failed_ones_in_between(web: Web) -> None:
    first = web.visitor()
    assert "None: this is your first login" in first.log_in().text
    web.wait(HOUR_US)
    stranger = web.visitor(address="198.51.100.7")
    assert stranger.log_in("wrong").status_code == 401
    web.wait(HOUR_US)
    page = first.log_in().text
    assert "Wed 15 Jan 2014 10:30:00" in page
    assert "<dd>1</dd>" in page


def test_the_statement_shows_whose_it_is_and_each_movement_to_the_second_in_both_languages(web: Web) -> None:
    visitor = web.visitor()
    visitor.log_in()
    page = visitor.get("/statement").text
    assert '山田 花子 <span class="hint">branch 001, account 0000001' in page
    assert "Wed 15 Jan 2014 10:30:00" in page
    assert "¥250,000" in page
    page = visitor.send("/language", language="ja").text
    assert "2014年1月15日(水) 10:30:00" in page
    assert "250,000円" in page


def test_a_page_for_customers_asks_strangers_to_log_in(web: Web) -> None:
    visitor = web.visitor()
    assert visitor.get("/statement").url.path == "/login"


def test_a_session_ends_by_logout_and_by_ten_idle_minutes(web: Web) -> None:
    visitor = web.visitor()
    visitor.log_in()
    assert visitor.send("/logout").url.path == "/login"
    assert visitor.get("/welcome").url.path == "/login"
    visitor.log_in()
    web.wait(HOUR_US // 6)
    assert "Your session has ended" in visitor.get("/welcome").text


def test_locking_needs_no_code_and_unlocking_does(web: Web) -> None:
    visitor = web.visitor()
    visitor.log_in()
    visitor.get("/locks")
    visitor.send("/locks", act="lock_card")
    assert visitor.told == "Locked. It holds from now on."
    assert visitor.send("/locks", act="unlock_card", otp="").status_code == 422
    assert visitor.problem == "Please enter a one-time password."
    visitor.send("/locks", act="unlock_card", otp=web.code("hanako"))
    assert visitor.told == "Unlocked."


def test_mounted_below_a_path_every_link_and_form_stays_there(web: Web) -> None:
    whole = Starlette(routes=[Mount("/bank", web.app)])
    client = TestClient(whole, base_url="https://hall.example", headers={"sec-fetch-site": "same-origin"})
    page = client.get("/bank/").text
    targets = re.findall(r'(?:href|action|src)="([^"#]+)"', page)
    assert [] == [each for each in targets if not each.startswith("/bank/")]
    assert "/bank/login" in targets
    holding = web.people["hanako"]
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    form = {"csrf": csrf[1], "branch": holding.account_id[:3], "account": holding.account_id[3:]}
    welcome = client.post("/bank/login", data=form | {"password": holding.password.reveal(), "channel": "pc"})
    assert "/bank/welcome" == welcome.url.path
    assert 'aria-current="page"' in welcome.text
    assert 401 == client.get("/bank/api/account").status_code


@pytest.mark.parametrize(
    ("language", "locked"), [("en", "2 locked"), ("ja", "2件ロック中")], ids=["en", "ja"]
)
def test_the_welcome_page_counts_every_switch_that_stands_on_locked(
    web: Web, language: str, locked: str
) -> None:
    """Of those on the page of locks: a card, and withdrawals, which a limit of 0 yen stops."""
    visitor = web.visitor(language=language)
    visitor.log_in()
    for switch in ("lock_card", "set_limit"):
        visitor.get("/locks")
        visitor.send("/locks", act=switch)
    assert f"<b>{locked}</b>" in visitor.get("/welcome").text


def test_a_period_that_is_named_backwards_is_the_same_period(web: Web) -> None:
    visitor = web.visitor()
    visitor.log_in()
    page = visitor.get("/statement?from=2014-01-31&to=2014-01-01").text
    assert "Wed 1 Jan 2014 – Fri 31 Jan 2014" in page
    assert "Opening balance" in page


@pytest.mark.parametrize(
    ("path", "sent", "field", "why"),
    [
        (
            "/transfer",
            {"branch": "001", "account": "9999999", "amount": "1"},
            "branch",
            "There is no such account",
        ),
        ("/transfer", {"branch": "001", "account": "0000002", "amount": "0"}, "amount", "Enter an amount"),
        (
            "/limits",
            {"act": "set_limit", "amount": "80万"},
            "set_limit",
            "Enter an amount in whole yen, in digits.",
        ),
        ("/limits", {"act": "set_limit", "amount": "1500"}, "set_limit", "Enter an amount in the steps"),
        (
            "/limits",
            {"act": "set_transfer_limit", "amount": "5000000"},
            "otp_set_transfer_limit",
            "Please enter a one-",
        ),
        (
            "/limits",
            {"act": "raise_limit", "day": "2014-01-20", "amount": "9000000000"},
            "raise",
            "The amount is outside",
        ),
        ("/settings", {"act": "change_customer_data", "emails": "nowhere"}, "emails", "Enter one to five"),
        ("/settings", {"act": "set_login_id", "login_id": "me"}, "login_id", "A login ID has"),
        (
            "/settings",
            {"act": "change_pin_online", "new_pin_1": "1", "new_pin_2": "2"},
            "new_pin_1",
            "The two entries",
        ),
    ],
)
def test_what_is_wrong_is_said_beside_the_one_field_that_it_is_about(
    web: Web, path: str, sent: dict[str, str], field: str, why: str
) -> None:
    """The field has the focus, and a screen reader says the reason with it."""
    visitor = web.visitor()
    visitor.log_in()
    visitor.get(path)
    page = visitor.send(path, **sent).text
    assert visitor.problem.startswith(why)
    assert [visitor.problem] == [
        unescape(said) for said in re.findall(r'<span class="fault" id="fault">(.*?)</span>', page)
    ]
    marked = re.search(r'id="fault">.*?<(?:input|textarea)([^>]*)>', page, re.DOTALL)
    assert marked is not None
    assert f'id="{field}"' in marked[1]
    assert ' aria-invalid="true" aria-describedby="fault" autofocus' in marked[1]
    assert 1 == page.count("autofocus")


def test_what_was_typed_is_not_lost_when_it_is_refused_except_what_proves_identity(web: Web) -> None:
    visitor = web.visitor()
    visitor.log_in()
    visitor.get("/settings")
    entry = {"address": "東京都千代田区1-1", "phone": "03-0000-0000", "emails": "new@example.jp"}
    page = visitor.send("/settings", act="change_customer_data", **entry, otp="123456").text
    assert [] == [each for each in entry.values() if each not in page]
    assert "123456" not in page
    visitor.get("/limits")
    assert 1 == visitor.send("/limits", act="set_limit", amount="1500").text.count('value="1500"')


def test_a_page_that_is_none_keeps_the_customers_menu_and_tells_a_stranger_nothing(web: Web) -> None:
    visitor = web.visitor()
    assert (404, False) == (visitor.get("/none").status_code, "/logout" in visitor.page.text)
    visitor.log_in()
    assert (404, True) == (visitor.get("/none").status_code, 'href="/statement"' in visitor.page.text)
    assert visitor.send("/logout").url.path == "/login"
