"""Every store: a notice is addressed once, and of several relays one alone moves a mail row on (R103)."""

from datetime import date

import pytest

from bank_host.rules.changes import Notify
from bank_host.rules.facts import Account, Customer
from bank_host.store.contract import MailRow, OutboxRow

DAY = date(2014, 1, 15)
NOW_US = 1_389_747_600_000_000
ACCOUNT = "0010000001"
NOTICE = OutboxRow(1, "0200:1", NOW_US, ACCOUNT, "atm_withdrawal", 30_000, "waiting")


def mail_row(address: str, **other: object) -> MailRow:
    row = MailRow(1, address, "0200:1", NOW_US, ACCOUNT, "atm_withdrawal", 30_000, "waiting", 0, NOW_US, "")
    return row._replace(**other)


@pytest.fixture
def delivery(store):
    with store.begin() as unit:
        unit.apply([Notify("0200:1", ACCOUNT, "atm_withdrawal", 30_000)], NOW_US)
    return store.delivery


def test_a_notice_waits_until_it_is_addressed(delivery):
    assert [NOTICE] == list(delivery.unaddressed())
    assert [] == list(delivery.mail("waiting"))
    assert delivery.address(1, [mail_row("b@example.jp"), mail_row("a@example.jp")])
    assert [] == list(delivery.unaddressed())
    assert [mail_row("a@example.jp"), mail_row("b@example.jp")] == list(delivery.mail("waiting"))


def test_a_notice_for_one_address_alone_says_so(store):
    with store.begin() as unit:
        unit.apply([Notify("act:1#old", ACCOUNT, "email_changed", 0, "old@example.jp")], NOW_US)
    assert ["old@example.jp"] == [row.address for row in store.delivery.unaddressed()]


def test_the_holders_addresses_are_those_registered_now(store):
    with store.begin() as unit:
        unit.add_account(
            Account(ACCOUNT, "individual", "token", DAY, 0), Customer(ACCOUNT, emails=("a@b.jp", "c@d.jp"))
        )
        unit.add_account(Account("0010000002", "individual", "token", DAY, 0))
    assert ("a@b.jp", "c@d.jp") == store.delivery.emails(ACCOUNT)
    assert () == store.delivery.emails("0010000002")
    assert () == store.delivery.emails("nobody")


def test_the_second_relay_to_address_a_notice_writes_nothing(delivery):
    assert delivery.address(1, [mail_row("a@example.jp")])
    assert not delivery.address(1, [mail_row("b@example.jp")])
    assert ["a@example.jp"] == [row.address for row in delivery.mail("waiting")]


def test_an_addressed_notice_stays_in_the_outbox(store, delivery):
    delivery.address(1, [mail_row("a@example.jp")])
    assert [NOTICE._replace(state="addressed")] == list(store.outbox())


@pytest.mark.parametrize("seen", [{"state": "sent"}, {"attempts": 1}, {"next_at_us": NOW_US + 1}])
def test_a_row_that_has_moved_meanwhile_is_not_moved_again(delivery, seen):
    delivery.address(1, [mail_row("a@example.jp")])
    stale = mail_row("a@example.jp", **seen)
    assert not delivery.move(stale, stale._replace(state="dead"))
    assert [mail_row("a@example.jp")] == list(delivery.mail("waiting"))


def test_of_two_claims_on_one_row_the_first_wins(delivery):
    row = mail_row("a@example.jp")
    delivery.address(1, [row, mail_row("b@example.jp")])
    claimed = row._replace(attempts=1, next_at_us=NOW_US + 5)
    assert [True, False] == [delivery.move(row, claimed) for _ in range(2)]
    assert delivery.move(claimed, claimed._replace(state="dead", problem="no such address"))
    assert [claimed._replace(state="dead", problem="no such address")] == list(delivery.mail("dead"))
    assert [mail_row("b@example.jp")] == list(delivery.mail("waiting"))
    assert [] == list(delivery.mail("sent"))
