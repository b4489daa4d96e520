"""Login to internet banking as customers and attackers see it (R45-R52, R98-R100, R107, Q6)."""

from __future__ import annotations

import pytest

from bank_host.jst import civil
from bank_host.secrets import Secret
from tests.bank_host.online_bank import HANAKO, NOON_US, PASSWORD, PINS, TARO, OnlineBank, open_bank

FAILED = ("refused", "LOGIN_FAILED")


@pytest.fixture
def online() -> OnlineBank:
    return open_bank()


@pytest.mark.parametrize("channel", ["pc", "smartphone"])
def test_branch_account_and_password_let_in(online: OnlineBank, channel: str) -> None:
    """R49, R51."""
    assert ("done", "") == online.login(channel=channel)
    assert FAILED == online.login(channel=channel, password="wrong")


def test_on_the_mobile_phone_the_third_item_is_the_pin(online: OnlineBank) -> None:
    """R51."""
    assert ("done", "") == online.act("login", channel="mobile", pin_block=online.pin_block())
    assert FAILED == online.act("login", channel="mobile", pin_block=online.pin_block(pin="0000"))
    assert FAILED == online.act("login", channel="mobile", password=Secret(PASSWORD))


@pytest.mark.parametrize("channel", ["pc", "smartphone", "mobile"])
def test_a_login_id_once_set_is_asked_for_on_every_channel(online: OnlineBank, channel: str) -> None:
    """R46-R48, R50, R52: with three right items and a wrong or missing ID the answer is that of any failure."""
    assert ("done", "") == online.act("set_login_id", login_id="Hanako80")
    items = {"password": Secret(PASSWORD), "pin_block": online.pin_block(), "channel": channel}
    assert FAILED == online.act("login", **items)
    assert FAILED == online.act("login", login_id="hanako80", **items)
    assert ("done", "") == online.act("login", login_id="Hanako80", **items)


@pytest.mark.parametrize(
    ("login_id", "right"),
    [
        ("abc123", True),
        ("Abcdef123456", True),
        ("abc12", False),
        ("abcdef1234567", False),
        ("abcdef", False),
        ("123456", False),
        ("abc-123", False),
        ("abc１２３", False),
        ("", False),
    ],
)
def test_a_login_id_has_6_to_12_half_width_letters_and_digits_of_both_kinds(
    online: OnlineBank, login_id: str, right: bool
) -> None:
    """R45."""
    expected = ("done", "") if right else ("refused", "BAD_LOGIN_ID")
    assert expected == online.act("set_login_id", login_id=login_id)


def test_every_failure_has_the_same_answer(online: OnlineBank) -> None:
    """R52, Q6: nothing tells a stranger which item was wrong, nor whether the account exists."""
    answers = {
        online.login(password="wrong"),
        online.login(login_id="abc123"),
        online.login("0019999999"),
        online.act("login"),
        online.act("login", channel="mobile"),
        online.login(channel="fax"),
    }
    assert {FAILED} == answers


def test_five_failures_in_a_row_lapse_the_password_with_one_notice(online: OnlineBank) -> None:
    """R107, Q6: the counter is shared by the channels; card and code counters stay as they are."""
    wrong_pin = online.pin_block(pin="0000")
    for channel in ("pc", "smartphone", "mobile", "mobile", "pc"):
        assert not online.customer().password_lapsed
        assert FAILED == online.act("login", channel=channel, password=Secret("x"), pin_block=wrong_pin)
    assert online.customer().password_lapsed
    assert FAILED == online.login()
    assert FAILED == online.act("login", channel="mobile", pin_block=online.pin_block())
    assert ["password_lapsed"] == online.notices()
    assert 0 == online.account().otp_fails
    assert {0} == {card.pin_fails for card in online.bank.store.cards()}


def test_a_lapsed_password_is_issued_again_by_staff_only(online: OnlineBank) -> None:
    """Q6."""
    for _ in range(5):
        online.login(password="wrong")
    new = {"password": Secret("a new one")}
    assert ("refused", "WRONG_CHANNEL") == online.act("reissue_password", **new)
    assert ("refused", "BAD_PASSWORD") == online.act("reissue_password", channel="operator")
    assert ("done", "") == online.act("reissue_password", channel="operator", **new)
    assert FAILED == online.login()
    assert ("done", "") == online.login(password="a new one")


NEW = Secret("momiji 0402")


def test_a_customer_changes_the_password_with_the_old_one_and_a_code(online: OnlineBank) -> None:
    change = {"password": Secret(PASSWORD), "new_password": NEW}
    assert ("refused", "OTP_REQUIRED") == online.act("change_password", **change)
    assert ("done", "") == online.act("change_password", otp=online.code(), **change)
    assert FAILED == online.login()
    assert ("done", "") == online.login(password=NEW.reveal())


@pytest.mark.parametrize(
    "new", ["short 1", "nodigitshere", "123456789", PASSWORD, f"x{HANAKO}", "a" * 64 + "1"]
)
def test_a_password_that_is_short_plain_old_or_ones_own_number_is_refused_before_anything_is_spent(
    online: OnlineBank, new: str
) -> None:
    code = online.code()
    refused = online.act("change_password", password=Secret(PASSWORD), new_password=Secret(new), otp=code)
    assert refused in (("refused", "BAD_PASSWORD"), ("refused", "SAME_PASSWORD"))
    right = {"password": Secret(PASSWORD), "new_password": NEW}
    assert ("done", "") == online.act("change_password", otp=code, **right)


def test_a_session_that_was_taken_over_guesses_the_password_five_times(online: OnlineBank) -> None:
    """Q6: a wrong one counts as at a login, and gives back the charge of the code that nobody looked at."""
    guess = {"password": Secret("a guess"), "new_password": NEW}
    for _ in range(5):
        assert not online.customer().password_lapsed
        assert ("refused", "PASSWORD_WRONG") == online.act("change_password", otp=online.code(), **guess)
    assert online.customer().password_lapsed
    assert ["password_lapsed"] == online.notices()
    assert 0 == online.account().otp_fails
    refused = online.act("change_password", otp=online.code(), password=Secret(PASSWORD), new_password=NEW)
    assert ("refused", "PASSWORD_LAPSED") == refused


def test_a_wrong_code_does_not_count_against_a_right_password(online: OnlineBank) -> None:
    right = {"password": Secret(PASSWORD), "new_password": NEW}
    assert ("refused", "OTP_WRONG") == online.act("change_password", otp=online.wrong_code(), **right)
    assert (0, 1) == (online.customer().login_fails, online.account().otp_fails)
    assert ("done", "") == online.login()


def test_success_starts_the_count_again(online: OnlineBank) -> None:
    """Q6: in a row means since the last success."""
    for _ in range(4):
        online.login(password="wrong")
    assert ("done", "") == online.login()
    for _ in range(4):
        online.login(password="wrong")
    assert ("done", "") == online.login()


def test_the_welcome_page_shows_the_login_before_this_one(online: OnlineBank) -> None:
    """R98-R100: none at the first; failed ones do not count as logins and are told apart."""
    online.login()
    assert (None, 0) == online.bank.welcome(HANAKO)
    online.later(hours=1)
    online.login(password="somebody else's guess")
    online.later(hours=1)
    online.login()
    assert (civil(NOON_US), 1) == online.bank.welcome(HANAKO)
    online.later(hours=1)
    online.login()
    assert civil(NOON_US).replace(hour=14) == online.bank.welcome(HANAKO).previous_login


def test_a_login_is_judged_anew_under_a_request_id_seen_before(online: OnlineBank) -> None:
    assert ("done", "") == online.login(key="same")
    assert FAILED == online.login(key="same", password="wrong")


def test_a_password_issued_while_the_old_one_is_being_compared_wins(online: OnlineBank) -> None:
    """The comparison happens outside of any commit, so its verdict holds for the hash it was made on."""
    compared = online.bank.passwords.verify

    class Slow:
        def verify(self, stored: str, password: Secret | None) -> bool:
            online.bank.passwords = passwords
            online.act("reissue_password", channel="operator", password=Secret("a new one"))
            return compared(stored, password)

    passwords = online.bank.passwords
    online.bank.passwords = Slow()  # type: ignore[assignment]
    assert FAILED == online.login()


def test_nothing_that_proves_identity_is_written(online: OnlineBank) -> None:
    """R14, I22."""
    online.act("set_login_id", login_id="Hanako80")
    online.login(login_id="Hanako80")
    online.act("login", TARO, "mobile", pin_block=online.pin_block(TARO))
    text = " ".join(online.texts())
    assert text
    for secret in ("Hanako80", PASSWORD, PINS[TARO], online.pin_block(TARO)):
        assert secret not in text
