"""`bank-host customers`, `cards`, `accounts`, `audit`, `exceptions`: staff looks, and acts through the bank's rules."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import URL

from bank_host.cli import main
from bank_host.hsm import PVK, SEAL, TPK
from bank_host.hsm.key_file import fresh_keys, make_sealing_key, write_keys
from bank_host.hsm.keys import SIMULATION_KEYS
from bank_host.jst import moment_us
from bank_host.rules.changes import RaiseException, SetAccount, SetCard, SetCustomer
from bank_host.rules.facts import Act
from bank_host.store.contract import AuditRow
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.online_bank import HANAKO, PANS, PINS, SECRET, SHOP, TARO, OnlineBank, open_bank

AT = "2014-01-15 12:10"
BY = ("--operator", "sato", "--reason", "the holder called", "--yes", "--at", AT)
CARD = f"card-{HANAKO}"


@pytest.fixture
def online(sql_store: SqlStore) -> Iterator[OnlineBank]:
    """Hanako, Taro and the shop in a database; afterwards its books are in order and no secret was printed."""
    PRINTED.clear()
    online = open_bank(sql_store)
    yield online
    assert [] == verify(sql_store)
    for text in PRINTED:
        assert [] == leaks(text)


@pytest.fixture
def name(database: URL) -> str:
    """How the database is named on the command line."""
    if database.get_backend_name() == "sqlite":
        return str(database.database)
    return database.render_as_string(hide_password=False)


PRINTED: list[str] = []


def leaks(text: str) -> list[str]:
    """Card numbers, PINs and token secrets in a text; an account number may hold the digits of a PIN."""
    found = [pan for pan in PANS.values() if pan in re.sub(r"[ -]", "", text)]
    words = re.findall(r"\w+", text)
    return found + [secret for secret in (*PINS.values(), SECRET, SECRET[::-1]) if secret in words]


def call(*words: str, answer: str | None = None, environment: dict[str, str] | None = None) -> Result:
    result = CliRunner().invoke(main, list(words), input=answer, env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    PRINTED.append(result.output)
    return result


def done(*words: str) -> str:
    result = call(*words, *BY)
    assert 0 == result.exit_code, result.output
    return result.output


def shown(*words: str) -> list[dict[str, object]]:
    rows = json.loads(call(*words, "--json").output)
    assert isinstance(rows, list)
    return rows


def latest_audit(online: OnlineBank) -> AuditRow:
    return list(online.bank.store.audit())[-1]


def test_the_canary_sings() -> None:
    """Each kind of secret is found where it does stand."""
    assert [PANS[HANAKO]] == leaks(f"card {PANS[HANAKO]}")
    assert [PANS[HANAKO]] == leaks("card 4999 0000 0000 0013")
    assert [PINS[HANAKO]] == leaks(f"PIN {PINS[HANAKO]}.")
    assert [SECRET] == leaks(f'"{SECRET}"')
    assert [] == leaks("499900••••••0013")


# ---------------------------------------------------------------- looking


@pytest.mark.parametrize("what", ["customers", "accounts", "cards"])
def test_without_a_command_everything_is_listed_and_nothing_is_written(
    what: str, online: OnlineBank, name: str
) -> None:
    before = list(online.bank.store.audit())
    lines = call(what, name).output.splitlines()
    assert 4 == len(lines)
    for account_id, line in zip((HANAKO, TARO, SHOP), lines[1:], strict=True):
        assert account_id in line
    assert before == list(online.bank.store.audit())


def test_a_card_is_shown_with_six_and_four_digits_and_never_with_what_its_pin_is_checked_by(
    online: OnlineBank, name: str
) -> None:
    (card,) = shown("cards", name, "list", "--find", HANAKO)
    assert "499900••••••0013" == card["number"]
    assert "pvv" not in card
    (row,) = (each for each in online.bank.store.cards() if each.account_id == HANAKO)
    assert row.pvv not in re.findall(r"\w+", call("cards", name, "show", CARD).output)


def test_cards_are_found_by_name_and_by_their_last_digits(online: OnlineBank, name: str) -> None:
    assert [HANAKO] == [row["account_id"] for row in shown("cards", name, "list", "--ends", "0013")]
    assert [TARO] == [row["account_id"] for row in shown("cards", name, "list", "--find", TARO)]
    assert [] == shown("cards", name, "list", "--find", "%")
    assert 2 == call("cards", name, "list", "--ends", PANS[HANAKO]).exit_code


def test_a_long_list_says_that_there_is_more(online: OnlineBank, name: str) -> None:
    assert 2 == len(shown("accounts", name, "list", "--limit", "2"))
    assert "raise --limit above 2" in call("accounts", name, "list", "--limit", "2").output
    assert "--limit" not in call("accounts", name, "list", "--limit", "3").output


def test_an_account_is_shown_with_cards_tokens_movements_and_open_items(
    online: OnlineBank, name: str
) -> None:
    with online.bank.store.begin() as unit:
        unit.apply([RaiseException("k1", "STAND_IN", HANAKO, 30_000, "original")], online.now_us)
    text = call("accounts", name, "show", HANAKO).output
    for part in ("¥250,000", "499900••••••0013", "T1, registered", "+250,000", "STAND_IN ¥30,000"):
        assert part in text
    seen = json.loads(call("accounts", name, "show", HANAKO, "--json").output)
    assert (250_000, 1, 1) == (seen["posted_jpy"], len(seen["cards"]), len(seen["open_items"]))


def test_a_customer_is_shown_without_what_proves_identity(online: OnlineBank, name: str) -> None:
    seen = json.loads(call("customers", name, "show", HANAKO, "--json").output)
    assert "佐藤花子" == seen["name"]
    assert {"password_hash", "login_id"}.isdisjoint(seen)


@pytest.mark.parametrize(
    "words", [("cards", "show", "nobody"), ("accounts", "show", "1"), ("customers", "show", "1")]
)
def test_what_the_bank_does_not_have_exits_2_and_says_how_to_find_it(
    words: tuple[str, ...], online: OnlineBank, name: str
) -> None:
    result = call(words[0], name, *words[1:])
    assert 2 == result.exit_code
    assert "lists them" in result.output


def test_a_card_number_that_is_typed_in_place_of_a_name_is_not_repeated(
    online: OnlineBank, name: str
) -> None:
    assert 2 == call("cards", name, "show", PANS[HANAKO]).exit_code  # `online` looks for leaks


# ---------------------------------------------------------------- acting


def test_an_act_leaves_an_audit_row_with_who_and_why(online: OnlineBank, name: str) -> None:
    """X12."""
    done("cards", name, "hot", CARD, "--as", "stolen")
    (card,) = (each for each in online.bank.store.cards() if each.account_id == HANAKO)
    assert "stolen" == card.hot
    row = latest_audit(online)
    assert ("operator:sato", "operator", HANAKO, "report_card", "", "stolen", "the holder called") == row[2:]
    assert moment_us(AT) == row.at_us
    (told,) = shown("audit", name, "--by", "sato")
    assert "the holder called" == told["reason"]
    assert "operator:sato" in call("audit", name, "--account", HANAKO).output
    assert [] == shown("audit", name, "--by", "tanaka")


@pytest.mark.parametrize(
    ("missing", "flag"),
    [
        (("--operator", "sato"), "--reason"),
        (("--reason", "he called"), "--operator"),
        (("--operator", "sato", "--reason", " "), "--reason"),
        (("--operator", "sato", "--reason", "two\nlines"), "--reason"),
        (("--operator", "sato", "--reason", f"card {PANS[TARO]}"), "card number"),
        (("--operator", "a b", "--reason", "he called"), "--operator"),
    ],
)
def test_an_act_without_a_name_or_a_reason_is_not_done(
    missing: tuple[str, ...], flag: str, online: OnlineBank, name: str
) -> None:
    before = list(online.bank.store.audit())
    result = call("cards", name, "hot", CARD, "--as", "lost", "--yes", *missing)
    assert 2 == result.exit_code
    assert flag in result.output
    assert before == list(online.bank.store.audit())


def test_the_operator_may_stand_in_the_environment(online: OnlineBank, name: str) -> None:
    words = ("accounts", name, "unlock", HANAKO, "--reason", "he called", "--yes")
    assert 0 == call(*words, environment={"BANK_HOST_OPERATOR": "ito"}).exit_code
    assert "operator:ito" == latest_audit(online).actor


@pytest.mark.parametrize(("answer", "exit_code"), [("y\n", 0), ("n\n", 1), ("", 2)])
def test_an_act_is_shown_before_it_is_done_and_needs_a_yes(
    answer: str, exit_code: int, online: OnlineBank, name: str
) -> None:
    words = ("accounts", name, "close", HANAKO, "--operator", "sato", "--reason", "moved abroad")
    result = call(*words, answer=answer)
    assert exit_code == result.exit_code
    assert "balance ¥250,000, becomes closed\n  by sato: moved abroad" in result.output
    assert (exit_code == 0) == online.account().closed


def test_a_refused_act_exits_1_says_why_and_is_audited(online: OnlineBank, name: str) -> None:
    done("accounts", name, "close", HANAKO)
    result = call("cards", name, "hot", CARD, "--as", "lost", *BY)
    assert (1, True) == (result.exit_code, "refused: account closed" in result.output)
    assert "ACCOUNT_CLOSED; the holder called" == latest_audit(online).reason


def test_used_up_pin_tries_and_one_time_passwords_are_released(online: OnlineBank, name: str) -> None:
    store = online.bank.store
    (card,) = (each for each in store.cards() if each.account_id == HANAKO)
    with store.begin() as unit:
        spent = (SetCard(card.card_id, "pin_fails", 3), SetAccount(HANAKO, "otp_locked", True))
        unit.apply(spent, online.now_us)
    assert "3 wrong PINs" in call("cards", name).output
    assert "one-time passwords locked" in call("accounts", name).output
    done("cards", name, "unlock", CARD)
    done("accounts", name, "unlock", HANAKO)
    assert "valid" in call("cards", name, "list", "--find", HANAKO).output
    assert not online.account().otp_locked


def test_an_authenticator_is_changed(online: OnlineBank, name: str) -> None:
    done("accounts", name, "authenticator", HANAKO, "--to", "id_card")
    assert "id_card" == online.account().authenticator


def test_a_request_that_is_repeated_is_carried_out_once(online: OnlineBank, name: str) -> None:
    words = ("cards", name, "hot", CARD, "--as", "lost", "--request", "r-1")
    done(*words)
    rows = len(list(online.bank.store.audit()))
    done(*words)
    assert rows == len(list(online.bank.store.audit()))


# ---------------------------------------------------------------- what the holder gets by post


def letter_in(folder: Path) -> str:
    (file,) = folder.iterdir()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    return file.read_text(encoding="utf-8")


def test_a_replaced_card_works_with_the_pin_of_its_letter_and_the_old_one_is_hot(
    online: OnlineBank, name: str, tmp_path: Path
) -> None:
    output = done("cards", name, "reissue", CARD, "--as", "lost", "--hand-over", str(tmp_path / "post"))
    letter = letter_in(tmp_path / "post")
    found = re.search(r"cash card (\d{16}), valid until 2019-01\nPIN (\d{4})\n", letter)
    assert found is not None, letter
    pan, pin = found.groups()
    assert pan not in output
    assert pin not in re.findall(r"\w+", output)
    old, new = sorted(
        (each for each in online.bank.store.cards() if each.account_id == HANAKO), key=lambda card: card.alias
    )
    assert ("lost", "", f"{CARD}-2") == (old.hot, new.hot, new.alias)
    hsm = online.bank.hsm
    assert hsm.card_id(pan) == new.card_id
    block = hsm.encrypt_pin_block(TPK, pin, pan)
    assert hsm.verify_pin(TPK, block, pan, PVK, new.pvv)
    with online.bank.store.begin() as unit:
        assert pan == unit.pan(new.card_id)
    assert "reissue_card" == latest_audit(online).what


def test_a_card_that_is_not_hot_is_not_replaced_without_saying_what_it_becomes(
    online: OnlineBank, name: str, tmp_path: Path
) -> None:
    result = call("cards", name, "reissue", CARD, "--hand-over", str(tmp_path / "post"), *BY)
    assert (2, True) == (result.exit_code, "--as lost" in result.output)
    assert not (tmp_path / "post").exists()


def test_a_card_is_not_replaced_under_keys_that_are_not_the_banks(
    online: OnlineBank, name: str, tmp_path: Path
) -> None:
    keys = ("--keys", str(tmp_path / "bank.keys"), "--sealing-key", str(tmp_path / "seal"))
    found = fresh_keys() | {
        SEAL: SIMULATION_KEYS[SEAL]
    }  # it opens the database, and the others are not the bank's
    write_keys(tmp_path / "bank.keys", found, make_sealing_key(tmp_path / "seal"))
    words = ("reissue", CARD, "--as", "lost", "--hand-over", str(tmp_path / "post"))
    result = call("cards", *keys, name, *words, *BY)
    assert (2, True) == (result.exit_code, "not the keys of this bank" in result.output)
    assert not (tmp_path / "post").exists()


def test_the_letter_of_a_refused_act_is_taken_back(online: OnlineBank, name: str, tmp_path: Path) -> None:
    done("accounts", name, "close", HANAKO)
    words = ("cards", name, "reissue", CARD, "--as", "lost", "--hand-over", str(tmp_path / "post"))
    assert 1 == call(*words, *BY).exit_code
    assert [] == list((tmp_path / "post").iterdir())


def test_a_new_password_ends_a_lapse(online: OnlineBank, name: str, tmp_path: Path) -> None:
    """Q6."""
    with online.bank.store.begin() as unit:
        unit.apply([SetCustomer(HANAKO, "password_lapsed", True)], online.now_us)
    assert "password lapsed" in call("customers", name).output
    done("customers", name, "password", HANAKO, "--hand-over", str(tmp_path / "post"))
    found = re.search(r"login password (\S+)\n", letter_in(tmp_path / "post"))
    assert found is not None
    assert not online.customer().password_lapsed
    online.bank.passwords = type(online.bank.passwords)()  # the command's own parameters
    online.later(minutes=20)
    assert "done" == online.login(password=found[1], otp=online.code())[0]


def test_a_token_that_was_ordered_leaves_for_its_holder(
    online: OnlineBank, name: str, tmp_path: Path
) -> None:
    post = str(tmp_path / "post")
    refused = call("customers", name, "token", HANAKO, "--hand-over", post, *BY)
    assert (1, True) == (refused.exit_code, "nothing ordered" in refused.output)
    assert ("done", "") == online.act("order_token")
    done("customers", name, "token", HANAKO, "--hand-over", post)
    secret = json.loads(letter_in(tmp_path / "post"))["secret"]
    assert secret in {token.secret for token in online.bank.store.tokens() if token.state == "issued"}
    assert all(secret not in text for text in PRINTED)


def test_an_id_card_is_released_when_its_paper_has_come(online: OnlineBank, name: str) -> None:
    """R118."""
    assert ("done", "") == online.act("lock_id_card", TARO)
    done("customers", name, "id-card", TARO)
    assert online.token("ID1").release_on is not None


# ---------------------------------------------------------------- exception items


def test_an_open_item_is_listed_and_closed_with_a_reason(online: OnlineBank, name: str) -> None:
    """An item may belong to no account of the bank; it is closed once."""
    of_hanako = RaiseException("k1", "REVERSAL_TOO_OLD", HANAKO, 30_000, "a")
    with online.bank.store.begin() as unit:
        unit.apply([of_hanako, RaiseException("k2", "STAND_IN", "", 1, "b")], online.now_us)
    first, second = shown("exceptions", name, "list")
    assert ("REVERSAL_TOO_OLD", "open") == (first["kind"], first["state"])
    done("exceptions", name, "close", str(second["seq"]))
    assert "close_exception" == latest_audit(online).what
    assert "operator:sato" == latest_audit(online).actor
    assert [first] == shown("exceptions", name, "list")
    assert 2 == len(shown("exceptions", name, "list", "--all"))
    assert "REVERSAL_TOO_OLD" in call("exceptions", name).output
    again = call("exceptions", name, "close", str(second["seq"]), *BY)
    assert (1, True) == (again.exit_code, "already closed" in again.output)
    assert 2 == call("exceptions", name, "close", "99", *BY).exit_code


def test_only_an_item_that_was_closed_is_closed(online: OnlineBank) -> None:
    """The unit of work that is rolled back closes nothing."""
    store = online.bank.store
    with store.begin() as unit:
        unit.apply([RaiseException("k1", "STAND_IN", HANAKO, 1, "")], online.now_us)
    asked = Act("r", "close_exception", "", "operator", detail="none", operator="sato", because="x")
    assert "UNKNOWN_ITEM" == online.bank.close_exception(asked, online.now_us).reason
    assert ["open"] == [item.state for item in store.exceptions()]


def test_looking_at_a_bank_that_is_not_there_exits_2(tmp_path: Path) -> None:
    result = call("cards", str(tmp_path / "missing.sqlite"))
    assert (2, True) == (result.exit_code, "does not exist" in result.output)
