"""Money and limits on the pages: what is approved is what was shown, and a form sent twice acts once."""

from __future__ import annotations

import csv
import re
from html import unescape
from itertools import pairwise

import pytest

from bank_host.jst import moment_us
from tests.bank_host.netbank.visitor import Visitor, Web

SATURDAY = "2014-01-18 10:30"


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def visitor(web: Web) -> Visitor:
    visitor = web.visitor()
    visitor.log_in()
    return visitor


def enter(
    visitor: Visitor, amount: str = "30,000", payee: str = "taro", name: str = "スズキ タロウ", bank: str = ""
) -> None:
    account_id = visitor.web.people[payee].account_id
    visitor.get("/transfer")
    visitor.send(
        "/transfer", bank=bank, branch=account_id[:3], account=account_id[3:], name=name, amount=amount
    )


def balance(web: Web, alias: str = "hanako") -> int:
    return web.bank.facts(web.people[alias].account_id, web.now_us).account.posted_jpy


@pytest.mark.parametrize(
    ("language", "paid_from", "payer", "left", "nothing_else", "reserved"),
    [
        (
            *("en", "Paid from", "branch 001, account 0000001", "Balance after the transfer ¥{}"),
            *("If nothing else is posted before.", "Reserved transfers of ¥30,000 are taken off."),
        ),
        (
            *("ja", "出金口座", "001支店 普通 0000001", "振込後残高 {}円"),
            *("それまでに他のお取引がない場合の金額です。", "振込予約中の30,000円を差し引いています。"),
        ),
    ],
    ids=["en", "ja"],
)
def test_the_confirm_screen_shows_which_account_pays_and_what_the_transfer_leaves(
    web: Web, language: str, paid_from: str, payer: str, left: str, nothing_else: str, reserved: str
) -> None:
    """The account as on the Welcome Page; what is reserved for later is no longer there to be left."""
    visitor = web.visitor(language=language)
    assert payer in visitor.log_in().text
    enter(visitor)
    assert f"{paid_from} {payer} " in shown(visitor)
    assert f" {left.format('220,000')} {nothing_else} " in shown(visitor)
    assert reserved not in shown(visitor)
    web.now_us = moment_us(SATURDAY)  # when Zengin rests: to another bank on Monday
    visitor.log_in()
    enter(visitor, bank="みほん銀行")
    visitor.send("/transfer/confirm", button="transfer", otp=web.code("hanako"))
    assert f"{paid_from} {payer} " in shown(visitor), "the receipt says it too"
    assert nothing_else not in shown(visitor), "what is left then is on the Welcome Page"
    enter(visitor)
    assert f" {left.format('190,000')} {nothing_else} {reserved} " in shown(visitor)


def shown(visitor: Visitor) -> str:
    """What the page tells of a transfer."""
    return words(visitor.page.text, "dl")


def test_a_confirmed_transfer_is_executed_and_its_form_sent_again_changes_nothing(
    web: Web, visitor: Visitor
) -> None:
    enter(visitor)
    assert visitor.page.url.path == "/transfer/confirm"
    assert "¥30,000" in visitor.page.text
    form = {**visitor.hidden("/transfer/confirm"), "button": "transfer", "otp": web.code("hanako")}
    first = visitor.client.post("/transfer/confirm", data=form)
    assert (220_000, "The transfer has been executed." in first.text) == (balance(web), True)
    second = visitor.client.post("/transfer/confirm", data=form)
    assert 403 == second.status_code, "the session's id is new after a code, so the old form is over"
    visitor.page = first
    form["csrf"] = visitor.hidden("/logout")["csrf"]
    again = visitor.client.post("/transfer/confirm", data=form)
    assert (220_000, first.url.path) == (balance(web), again.url.path), "and under the new one it is a repeat"


def test_a_wrong_code_moves_no_money_and_the_right_one_still_does(web: Web, visitor: Visitor) -> None:
    enter(visitor)
    visitor.send("/transfer/confirm", button="transfer", otp="000000")
    assert ("The one-time password is not right.", 250_000) == (visitor.problem, balance(web))
    visitor.send("/transfer/confirm", button="transfer", otp=web.code("hanako"))
    assert 220_000 == balance(web)


def test_correct_shows_the_entry_again_and_cancel_drops_it(web: Web, visitor: Visitor) -> None:
    enter(visitor)
    page = visitor.send("/transfer/confirm", button="correct").text
    assert 'value="30000"' in page
    enter(visitor)
    visitor.send("/transfer/confirm", button="cancel")
    assert "The transfer is cancelled. Nothing was sent." == visitor.told
    assert visitor.get("/transfer/confirm").url.path == "/transfer"
    assert 250_000 == balance(web)


def test_a_code_approves_the_transfer_that_was_shown_not_a_later_entry(web: Web, visitor: Visitor) -> None:
    enter(visitor)
    shown = visitor.page
    enter(visitor, amount="200000")
    visitor.page = shown
    visitor.send("/transfer/confirm", button="transfer", otp=web.code("hanako"))
    assert visitor.problem.startswith("This transfer is no longer waiting")
    assert 250_000 == balance(web)


@pytest.mark.parametrize(
    ("language", "to", "sent_by"),
    [
        ("en", "Transfer {} This bank, branch 001, account 0000002", "Transfer received 山田 花子 This bank"),
        ("ja", "振込 {} 当行 001支店 普通 0000002", "振込入金 山田 花子 当行"),
    ],
    ids=["en", "ja"],
)
def test_a_statement_names_the_other_side_as_entered_and_as_text(
    web: Web, language: str, to: str, sent_by: str
) -> None:
    """What the payer typed for a name goes to no one else, and is no markup on any page."""
    typed = '<img src=x onerror="alert(1)">&amp;ﾀﾛｳ'
    payer, payee = web.visitor(language=language), web.visitor("taro", language)
    payer.log_in()
    enter(payer, name=typed)
    payer.send("/transfer/confirm", button="transfer", otp=web.code("hanako"))
    shown = payer.get("/statement").text
    assert to.format('<img src=x onerror="alert(1)">&amp;タロウ') in words(shown)
    assert "<img src=x" not in shown + payer.get("/welcome").text
    payee.log_in()
    shown = payee.get("/statement").text
    assert sent_by in words(shown)
    assert [] == [word for word in ("onerror", web.people["hanako"].account_id[3:]) if word in words(shown)]


@pytest.mark.parametrize(
    ("language", "row"),
    [
        ("en", ["Transfer", "'=1+1", "This bank", "branch 001, account 0000002", "-30000", "220000"]),
        ("ja", ["振込", "'=1+1", "当行", "001支店 普通 0000002", "-30000", "220000"]),
    ],
    ids=["en", "ja"],
)
def test_a_statement_can_be_saved_for_a_spreadsheet_in_which_no_name_is_a_formula(
    web: Web, language: str, row: list[str]
) -> None:
    visitor = web.visitor(language=language)
    visitor.log_in()
    enter(visitor, name="=1+1")
    visitor.send("/transfer/confirm", button="transfer", otp=web.code("hanako"))
    link = re.search(r'href="(/statement\.csv[^"]*)"', visitor.get("/statement").text)
    assert link is not None
    saved = visitor.get(unescape(link[1]))
    assert (
        'attachment; filename="statement-2013-12-15-2014-01-15.csv"' == saved.headers["content-disposition"]
    )
    heading, opening, moved = csv.reader(saved.content.decode("utf-8-sig").splitlines())
    assert len(heading) == len(opening) == len(moved)
    assert ["2014-01-15 10:31:00", *row] == moved
    assert 2 == len(visitor.get("/statement.csv?from=2014-01-15&to=2014-01-15").text.splitlines()) - 1
    assert 1 == len(visitor.get("/statement.csv?to=2014-01-14").text.splitlines()), "nothing before"


def words(page: str, part: str = "tbody") -> str:
    """What a page's movements say, or another part of it, without their markup."""
    table = page[page.index(f"<{part}") : page.index(f"</{part}>")]
    return " ".join(unescape(re.sub("<[^>]*>", " ", table)).split())


def test_another_customers_receipt_does_not_exist(web: Web, visitor: Visitor) -> None:
    enter(visitor)
    done = visitor.send("/transfer/confirm", button="transfer", otp=web.code("hanako"))
    other = web.visitor("kenji")
    other.log_in()
    assert 404 == other.get(done.url.path).status_code


@pytest.mark.parametrize(
    "amount", ["30000", "３０，０００", "¥30,000", "￥30,000", "30,000円", "３０，０００円"]
)
def test_an_amount_is_read_as_people_write_it(visitor: Visitor, amount: str) -> None:
    enter(visitor, amount=amount)
    assert "Amount ¥30,000 " in shown(visitor)


@pytest.mark.parametrize("amount", ["0", "-1", "1.5", "１２ab", "3万", "円", "9" * 400, ""])
def test_what_is_no_amount_is_refused(visitor: Visitor, amount: str) -> None:
    enter(visitor, amount=amount)
    assert "Enter an amount in whole yen, in digits." == visitor.problem


def test_a_limit_is_raised_for_a_day_with_a_code_and_cancelled_without(web: Web, visitor: Visitor) -> None:
    visitor.get("/limits")
    visitor.send("/limits", act="raise_limit", day="2014-01-20", amount="800000", otp="")
    assert "Please enter a one-time password." == visitor.problem
    visitor.send("/limits", act="raise_limit", day="2014-01-20", amount="800000", otp=web.code("hanako"))
    assert "The limit is raised for that day." == visitor.told
    assert "<small>800k</small>" in visitor.page.text
    visitor.send("/limits", act="cancel_raise", day="2014-01-20")
    assert "The raise is cancelled." == visitor.told


@pytest.mark.parametrize(
    ("language", "stopped"),
    [
        ("en", ["refuses every withdrawal.", "refuses every transfer."]),
        ("ja", ["ATMでのお引き出しを停止します。", "すべての振込を停止します。"]),
    ],
    ids=["en", "ja"],
)
def test_each_limit_says_what_0_yen_stops(web: Web, language: str, stopped: list[str]) -> None:
    visitor = web.visitor(language=language)
    visitor.log_in()
    page = visitor.get("/limits").text
    ends = [0, *(page.index(f'value="{act}"') for act in ("set_limit", "set_transfer_limit"))]
    shown = [[each for each in stopped if each in page[a:b]] for a, b in pairwise(ends)]
    assert [[each] for each in stopped] == shown


def test_lowering_a_limit_needs_no_code_and_raising_it_does(web: Web, visitor: Visitor) -> None:
    visitor.get("/limits")
    visitor.send("/limits", act="set_transfer_limit", amount="10000", otp="")
    assert "The limit is changed." == visitor.told
    visitor.send("/limits", act="set_transfer_limit", amount="20000", otp="")
    assert "Please enter a one-time password." == visitor.problem
