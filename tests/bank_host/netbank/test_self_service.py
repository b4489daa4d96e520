"""What customers do for themselves: tokens, data, PIN, notices, security report, a claim."""

from __future__ import annotations

import pytest

from bank_host.rules.facts import Act
from tests.bank_host.netbank.visitor import Visitor, Web

PAGES = ("welcome", "statement", "transfer", "limits", "locks")
MORE = ("tokens", "security", "notices", "settings", "claim")


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def visitor(web: Web) -> Visitor:
    visitor = web.visitor()
    visitor.log_in()
    return visitor


@pytest.mark.parametrize("alias", ["hanako", "taro"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_of_the_menu_opens_in_both_languages_with_token_and_id_card(
    web: Web, alias: str, language: str
) -> None:
    visitor = web.visitor(alias, language)
    visitor.log_in()
    for page in (*PAGES, *MORE):
        assert (200, f"/{page}") == (visitor.get(f"/{page}").status_code, visitor.page.url.path)
        assert f'<html lang="{language}">' in visitor.page.text


def test_a_new_address_needs_a_code_and_is_told_to_the_customer(web: Web, visitor: Visitor) -> None:
    visitor.get("/settings")
    entry = {"address": "東京都千代田区1-1", "phone": "", "emails": "new@example.jp"}
    visitor.send("/settings", act="change_customer_data", **entry, otp="")
    assert "Please enter a one-time password." == visitor.problem
    visitor.send("/settings", act="change_customer_data", **entry, otp=web.code("hanako"))
    assert "Your data are changed." == visitor.told
    assert "new@example.jp" in visitor.page.text
    assert 2 == visitor.get("/notices").text.count('class="line"'), (
        "to the new address and to the one given up"
    )


def test_a_changed_pin_ends_every_session(web: Web, visitor: Visitor) -> None:
    other = web.visitor()
    other.log_in()
    visitor.get("/settings")
    visitor.send(
        "/settings", act="change_pin_online", new_pin_1="8306", new_pin_2="8306", otp=web.code("hanako")
    )
    assert "The PIN is changed. Please log in again." == visitor.told
    assert "/login" == other.get("/welcome").url.path


def test_a_changed_password_ends_every_session_and_is_the_only_one_that_lets_in(
    web: Web, visitor: Visitor
) -> None:
    other = web.visitor()
    other.log_in()
    visitor.get("/settings")
    entry = {
        "act": "change_password",
        "password": web.people["hanako"].password.reveal(),
        "new_password_1": "momiji 0402",
        "new_password_2": "momiji 0402",
    }
    visitor.send("/settings", **entry | {"new_password_2": "momiji 0403"}, otp="")
    assert visitor.problem.startswith("The two entries differ")
    visitor.send("/settings", **entry | {"password": "not it"}, otp=web.code("hanako"))
    assert "The current login password is not right." == visitor.problem
    visitor.send("/settings", **entry, otp=web.code("hanako"))
    assert "The login password is changed. Please log in again." == visitor.told
    assert "/login" == other.get("/welcome").url.path
    assert 401 == web.visitor().log_in().status_code
    assert "/welcome" == visitor.log_in("momiji 0402").url.path


def test_two_pins_that_differ_are_refused(visitor: Visitor) -> None:
    visitor.get("/settings")
    visitor.send("/settings", act="change_pin_online", new_pin_1="8306", new_pin_2="8307", otp="")
    assert visitor.problem.startswith("The two entries differ")


def test_with_a_login_id_the_three_items_alone_let_nobody_in(visitor: Visitor) -> None:
    visitor.get("/settings")
    visitor.send("/settings", act="set_login_id", login_id="hanako2014")
    assert 401 == visitor.log_in().status_code


def test_a_claim_is_answered_by_the_rules(visitor: Visitor) -> None:
    visitor.get("/claim")
    described = {"cause": "forged", "day": "2014-01-14", "amount": "50,000", "prompt_notice": "yes"}
    page = visitor.send("/claim", **described, act="look").text
    assert [] == list(visitor.web.bank.store.exceptions())
    for words in ("compensated in full", "¥50,000 of ¥50,000", "0570-017109"):
        assert words in page
    assert 1 < page.count("<li>"), "the rules that were looked at"
    assert 422 == visitor.send("/claim", **described | {"day": "2014-01-16"}).status_code


def test_a_claim_that_is_sent_is_an_item_of_the_staff_and_the_customer_knows_its_number(
    web: Web, visitor: Visitor
) -> None:
    """X12. Sent twice it is one; what the staff sees says what happened, when and how much."""
    visitor.get("/claim")
    described = {"cause": "stolen", "day": "2014-01-14", "amount": "50,000", "police_report": "yes"}
    form = visitor.hidden("/claim") | described | {"act": "send"}
    for _ in range(2):
        visitor.page = visitor.client.post("/claim", data=form)
    (item,) = web.bank.store.exceptions()
    account_id = web.people["hanako"].account_id
    assert ("LOSS_CLAIM", account_id, 50_000, "open") == item[3:6] + item[7:]
    assert "stolen 2014-01-14; police_report yes" == item.detail
    assert f"We have received your report. Its number is {item.seq};" in visitor.page.text
    assert "file_claim" in {row.what for row in web.bank.store.audit()}


def test_a_customer_sees_the_claims_sent_and_when_the_staff_has_closed_one(
    web: Web, visitor: Visitor
) -> None:
    """X12. What was sent is not in the form any more, and what others sent is not in the list."""
    for alias, amount in (("kenji", "70,000"), ("hanako", "50,000")):
        each = visitor if alias == "hanako" else web.visitor(alias)
        each.log_in()
        each.get("/claim")
        each.send("/claim", cause="forged", day="2014-01-14", amount=amount, act="send")
    page = visitor.get("/claim").text
    assert "No. 2" in page
    assert "The bank is looking into it" in page
    assert "70,000" not in page
    assert 'value="50,000"' not in page
    *_, item = web.bank.store.exceptions()
    closing = Act("c", "close_exception", "", "operator", detail=item.key, operator="sato", because="paid")
    web.bank.close_exception(closing, web.now_us)
    assert "Closed by the bank" in visitor.get("/claim").text


def test_a_claim_without_a_cause_is_not_sent(web: Web, visitor: Visitor) -> None:
    visitor.get("/claim")
    visitor.send("/claim", day="2014-01-14", amount="50,000", act="send")
    assert "Fill in cause, day and amount." == visitor.problem
    assert [] == list(web.bank.store.exceptions())
