"""Notices as e-mail: a text for every kind the rules promise, in both languages, and nothing that must not be in it."""

import ast
from datetime import date
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bank_host.rules
from bank_host.jst import HOUR_US, midnight_us
from bank_host.notices.message import READABLE, BadAddress, message_id, render
from bank_host.notices.texts import CLOSING, TEXTS
from bank_host.rules.card import NOTICES
from bank_host.store.contract import MailRow

AT_US = midnight_us(date(2014, 1, 15)) + 10 * HOUR_US + 30_000_000
ROW = MailRow(
    *(1, "aoki@example.jp", "0200:1", AT_US, "0011234567", "atm_withdrawal", 30_000),
    *("waiting", 0, AT_US, ""),
)


def rendered(row: MailRow = ROW):
    return message_from_bytes(render(row).as_bytes(), policy=default)


PAGE = Path(__file__).parents[3].joinpath("docs", "reference", "notices.md").read_text(encoding="utf-8")


# ---------------------------------------------------------------- every promise has its text


def promised_kinds() -> list[str]:
    """Every kind that a rule writes into a Notify, read from the rules' own source."""
    found: list[str] = []
    for path in sorted(Path(bank_host.rules.__file__).parent.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            if call.func.id == "Notify":
                found += _texts(call.args[2], path)
            elif call.func.id == "new" and getattr(call.args[0], "id", "") == "Notify":
                found += _texts(call.args[1].elts[2], path)
    return sorted({*found})


def _texts(kind: ast.expr, path: Path) -> list[str]:
    if isinstance(kind, ast.IfExp):
        return [*_texts(kind.body, path), *_texts(kind.orelse, path)]
    if isinstance(kind, ast.Name) and kind.id == "notice":
        return list(NOTICES.values())
    assert isinstance(kind, ast.Constant), (
        f"{path.name}:{kind.lineno}: a kind of notice that is not written out"
    )
    return [kind.value]


def test_every_kind_that_the_rules_promise_has_a_text_and_no_other():
    """R104-R108, R20."""
    assert sorted(TEXTS) == promised_kinds()


def test_the_reference_page_has_every_kind_with_its_urgency():
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    told = {
        row[0].strip("| `"): row[-1].strip(" |") == "yes"
        for row in rows
        if row[-1].strip(" |") in ("yes", "no")
    }
    assert {kind: text.urgent for kind, text in TEXTS.items()} == told


def test_the_notices_that_the_page_names_are_promised_and_urgent():
    """R104-R107."""
    for kind in ("atm_deposit", "atm_withdrawal", "incoming_transfer", "password_lapsed"):
        assert kind in promised_kinds()
        assert TEXTS[kind].urgent


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_a_notice_is_told_in_both_languages_with_time_and_no_more_of_the_account_than_three_digits(kind):
    message = rendered(ROW._replace(kind=kind))
    text, body = TEXTS[kind], message.get_content()
    assert f"【my m@il】{text.subject.ja} / {text.subject.en}" == message["Subject"]
    for part in (text.body.ja, text.body.en):
        assert part.format(amount="¥30,000") in body
    assert 2 == body.count("2014-01-15 10:00:30 JST")
    assert 2 == body.count("•••567")
    for forbidden in ("0011234567", "1234567", "http", "www.", "残高", "balance"):
        assert forbidden not in message.as_string() + body
    assert [CLOSING.ja in body, CLOSING.en in body] == [True, True]


# ---------------------------------------------------------------- the form of a message


def test_a_message_says_who_sends_it_to_whom_when_and_that_no_answer_is_expected():
    message = rendered()
    assert '"my m@il" <notice@jnb.example>' == message["From"]
    assert "aoki@example.jp" == message["To"]
    assert "auto-generated" == message["Auto-Submitted"]
    assert "Wed, 15 Jan 2014 10:00:30 +0900" == message["Date"]


def test_on_the_wire_a_message_is_seven_bits_of_utf_8():
    raw = render(ROW).as_bytes()
    assert raw.isascii()
    assert b"Content-Transfer-Encoding: base64" in raw
    assert 'text/plain; charset="utf-8"' == rendered()["Content-Type"]


def test_in_a_folder_the_same_message_can_be_read_with_the_eye():
    text = render(ROW).as_bytes(policy=READABLE).decode("utf-8")
    assert "Subject: 【my m@il】ATM出金のお知らせ / Cash withdrawal at an ATM" in text
    assert "ATMで¥30,000の出金がありました。" in text


def test_one_event_at_one_address_has_one_message_id_and_one_form():
    again = ROW._replace(attempts=7, next_at_us=AT_US + 1, problem="busy")
    assert render(ROW).as_bytes() == render(again).as_bytes()
    others = [ROW._replace(key="0200:2"), ROW._replace(address="b@example.jp")]
    assert 3 == len({message_id(row) for row in (ROW, *others)})


@pytest.mark.parametrize(
    "address",
    [
        "",
        "aoki",
        "aoki@",
        "a@b.jp, c@d.jp",
        "<a@b.jp>",
        "a b@c.jp",
        "青木@example.jp",
        "a@b.jp\r\nBcc: c@d.jp",
    ],
)
def test_what_is_not_one_plain_address_is_refused_without_quoting_it(address):
    with pytest.raises(BadAddress) as refused:
        render(ROW._replace(address=address))
    assert not address or address not in str(refused.value)


@given(st.text(max_size=40))
def test_no_address_adds_a_header_or_a_second_receiver(address):
    try:
        message = rendered(ROW._replace(address=address))
    except BadAddress:
        return
    assert ["Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted"] == message.keys()[:6]
    assert 9 == len(message.keys())
    assert 1 == len(message["To"].addresses)
