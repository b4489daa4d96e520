"""Customers, devices, transfers and what is due: the store contract on memory, SQLite and PostgreSQL alike."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import text

from bank_host.ledger.entries import opening, received, transferred
from bank_host.ledger.posting import FEES, OPENING, Post, customer
from bank_host.rules.acts.transfers import digest
from bank_host.rules.changes import (
    AddToken,
    ChargeLogin,
    KeepSender,
    MoveTransfer,
    Notify,
    Open,
    OpenTransfer,
    RaiseException,
    Resolve,
    SetAccount,
    SetCustomer,
    SetToken,
)
from bank_host.rules.facts import (
    Account,
    ActFacts,
    Authorisation,
    Card,
    Customer,
    Payee,
    Sender,
    Sides,
    Token,
    Transfer,
)
from bank_host.store.contract import Conflict, Refused, Store
from bank_host.store.engine import open_engine
from bank_host.store.migrate import upgrade
from bank_host.store.sql import SqlStore

TODAY, TOMORROW = date(2026, 4, 1), date(2026, 4, 2)
NOW_US = 1_775_000_000_000_000
A, B = "0011234567", "0019999999"
AOKI = Account(A, "individual", "token", date(2020, 1, 6), standing_jpy=500_000)
BABA = Account(B, "corporate", "id_card", date(2021, 5, 10), standing_jpy=0)
HOLDER = Customer(
    A,
    "青木",
    "東京都",
    "03-0000-0000",
    ("a@mail.example", "b@mail.example"),
    date(1980, 7, 31),
    "Aoki80",
    "$argon2id$...",
    transfer_limit_jpy=3_000_000,
)
CARD = Card("card-a", "aoki", A, "2912", "1234")
TOKEN = Token("T-1", A, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", date(2030, 1, 1))
ID_CARD = TOKEN._replace(serial="ID-1", device="id_card", locked=True, release_on=TOMORROW)
PAYEE = Payee("", B, "馬場")


def entry(n: int, amount_jpy: int = 1_000) -> Transfer:
    return Transfer(f"t{n}", A, PAYEE, amount_jpy, digest(A, PAYEE, amount_jpy), NOW_US + n)


@pytest.fixture
def bank(store: Store) -> Store:
    with store.begin() as unit:
        unit.add_account(AOKI, HOLDER)
        unit.add_account(BABA)
        unit.add_card(CARD)
        unit.add_token(TOKEN)
    return store


def write(store: Store, *changes: object) -> None:
    with store.begin() as unit:
        unit.apply(changes, NOW_US)  # type: ignore[arg-type]


def facts(store: Store, day: date = TODAY, payee_id: str = "") -> ActFacts:
    with store.begin() as unit:
        found = unit.act_facts(A, day, payee_id)
    assert found is not None
    return found


def test_an_account_is_opened_with_its_holder_or_with_an_empty_row(bank):
    assert [HOLDER, Customer(B)] == list(bank.customers())
    assert HOLDER == facts(bank).customer


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("emails", ("one@mail.example",)),
        ("emails", ()),
        ("birthday", None),
        ("login_id", "Aoki81"),
        ("last_login_us", NOW_US),
        ("transfer_limit_jpy", 0),
        ("password_lapsed", True),
    ],
)
def test_a_customers_row_takes_every_field_and_gives_it_back(bank, field, value):
    write(bank, SetCustomer(A, field, value))
    assert HOLDER._replace(**{field: value}) == facts(bank).customer


def test_the_number_of_an_account_cannot_be_set(bank):
    with pytest.raises(ValueError, match="account_id"):
        write(bank, SetCustomer(A, "account_id", B))


@pytest.mark.parametrize(
    "change",
    [
        SetCustomer("0010000000", "name", "x"),
        ChargeLogin("0010000000", 5),
        MoveTransfer("t9", "pending", "dropped"),
        OpenTransfer(entry(1)._replace(account_id="0010000000")),
        AddToken(TOKEN._replace(serial="T-9", account_id="0010000000")),
    ],
)
def test_a_change_of_a_row_that_is_not_there_is_a_fault_of_the_caller(bank, change):
    with pytest.raises(LookupError):
        write(bank, change)


def test_login_tries_are_charged_up_to_the_limit_and_never_after_a_lapse(bank):
    """I18."""
    for _ in range(3):
        write(bank, ChargeLogin(A, 3))
    with pytest.raises(Refused):
        write(bank, ChargeLogin(A, 3))
    write(bank, SetCustomer(A, "login_fails", 0), SetCustomer(A, "password_lapsed", True))
    with pytest.raises(Refused):
        write(bank, ChargeLogin(A, 3))
    assert 0 == facts(bank).customer.login_fails


def test_facts_hold_waiting_transfers_and_what_was_confirmed_on_the_day(bank):
    """R57: reservations count on the day they were made; what was dropped or executed waits no more."""
    write(bank, *(OpenTransfer(entry(n, 1_000 * n)) for n in (1, 2, 3, 4)))
    write(
        bank,
        MoveTransfer("t2", "pending", "reserved", TODAY, NOW_US + 5),
        MoveTransfer("t3", "pending", "executed", TODAY, NOW_US),
        MoveTransfer("t4", "pending", "dropped"),
    )
    found = facts(bank)
    reserved = entry(2, 2_000)._replace(state="reserved", day=TODAY, due_us=NOW_US + 5)
    assert (entry(1), reserved) == found.transfers
    assert (5_000, 0) == (found.transferred_jpy, facts(bank, TOMORROW).transferred_jpy)


def test_a_transfer_moves_only_from_the_state_that_was_seen(bank):
    write(bank, OpenTransfer(entry(1)))
    write(bank, MoveTransfer("t1", "pending", "dropped"))
    with pytest.raises(Conflict):
        write(bank, MoveTransfer("t1", "pending", "executed", TODAY, NOW_US))
    with bank.begin() as unit:
        assert "dropped" == unit.transfer("t1").state
        assert unit.transfer("t9") is None


def test_a_request_id_enters_one_transfer(bank):
    write(bank, OpenTransfer(entry(1)))
    with pytest.raises(Conflict):
        write(bank, OpenTransfer(entry(1)))
    assert [entry(1)] == list(bank.transfers())


def test_facts_hold_the_payees_account_when_one_is_asked_for(bank):
    assert BABA == facts(bank, payee_id=B).payee
    assert facts(bank).payee is None
    assert facts(bank, payee_id="0010000000").payee is None


def test_devices_keep_what_they_are_and_when_their_lock_ends(bank):
    write(bank, AddToken(ID_CARD), AddToken(TOKEN._replace(serial="T-2", state="issued")))
    assert [("ID-1", "id_card"), ("T-1", "token"), ("T-2", "token")] == [
        (each.serial, each.device) for each in facts(bank).tokens
    ]
    write(bank, SetToken("T-2", "state", "registered"), SetToken("ID-1", "release_on", None))
    assert [ID_CARD._replace(release_on=None), TOKEN, TOKEN._replace(serial="T-2")] == list(bank.tokens())
    with bank.begin() as unit:
        assert (True, False) == (unit.serial_taken("T-2"), unit.serial_taken("T-3"))


def test_card_numbers_are_kept_for_those_cards_that_have_one(bank):
    with bank.begin() as unit:
        unit.add_card(CARD._replace(card_id="card-b"))
        unit.add_pan("card-a", "4999000000000013")
    assert ("card-a",) == facts(bank).numbered
    with bank.begin() as unit:
        assert ("4999000000000013", None) == (unit.pan("card-a"), unit.pan("card-b"))
    with pytest.raises(LookupError), bank.begin() as unit:
        unit.add_pan("card-z", "4999000000000013")


def test_movements_are_the_postings_of_one_customer_in_their_order(bank):
    def moved(key: str, account_id: str, jpy: int, other: str) -> Post:
        return Post(key, "x", TODAY, ((customer(account_id), jpy), (other, -jpy)))

    write(bank, moved("1", A, 500, OPENING), moved("2", B, 700, OPENING), moved("3", A, -100, FEES))
    assert ["1", "3"] == [row.key for row in bank.movements(A)]
    assert [(customer(A), 500), (OPENING, -500)] == list(next(bank.movements(A)).legs)


def test_both_sides_of_a_posted_transfer_are_found_by_either_account(bank):
    write(bank, opening(A, 10_000, TODAY), OpenTransfer(entry(1)), OpenTransfer(entry(2)))
    write(bank, transferred("t1", TODAY, A, "", B, 1_000), MoveTransfer("t1", "pending", "executed", TODAY))
    write(bank, received("r1", TODAY, B, "smbc", 500), KeepSender(Sender("received:r1", "smbc", "ヤマダ")))
    within = Sides("transfer:t1", "", A, HOLDER.name, PAYEE)
    write(bank, transferred("never entered", TODAY, A, "", B, 100))
    assert [within] == list(bank.sides(A)), "t2 was never executed"
    assert [Sides("received:r1", "smbc", "", "ヤマダ", Payee("", B)), within] == sorted(bank.sides(B))


def test_what_is_due_comes_in_the_order_of_its_time(bank):
    write(bank, *(OpenTransfer(entry(n)) for n in (1, 2, 3, 4)), AddToken(ID_CARD))
    for n, due_us in ((1, 30), (2, 10), (3, 20)):
        write(bank, MoveTransfer(f"t{n}", "pending", "reserved", TODAY, due_us))
    assert ["t2", "t3"] == [row.transfer_id for row in bank.due_transfers(20)]
    assert [[], [(A, "ID-1")]] == [list(bank.due_releases(day)) for day in (TODAY, TOMORROW)]
    write(bank, SetToken("ID-1", "locked", False))
    assert [] == list(bank.due_releases(TOMORROW))


def test_open_authorisations_are_those_that_nobody_has_ended(bank):
    def approved(n: int) -> Authorisation:
        money = (10_000, 0, "chip", TODAY, NOW_US + n, "00", "", "open")
        return Authorisation(f"o{n}", f"k{n}", "card-a", A, "seven", "ATM1", "withdraw", *money)

    write(bank, *(Open(approved(n)) for n in (3, 1, 2)), Resolve("o2", "completed", 0))
    assert ["o1", "o3"] == list(bank.open_authorisations(NOW_US + 3))
    assert ["o1"] == list(bank.open_authorisations(NOW_US + 1))


def test_what_is_held_for_a_reservation_is_not_available(bank):
    write(bank, Post("1", "x", TODAY, ((customer(A), 500), (OPENING, -500))), SetAccount(A, "held_jpy", 400))
    with pytest.raises(Conflict):
        write(bank, Post("2", "x", TODAY, ((customer(A), -101), (FEES, 101))))


def test_a_card_number_and_a_secret_are_not_readable_in_the_database(sqlite_databases: Callable[[], object]):
    """I22."""
    url = sqlite_databases()
    store = SqlStore(open_engine(url))
    with store.begin() as unit:
        unit.add_account(AOKI, HOLDER)
        unit.add_card(CARD)
        unit.add_token(TOKEN)
        unit.add_pan("card-a", "4999000000000013")
    store.close()
    written = open(url.database, "rb").read()  # type: ignore[attr-defined]  # noqa: SIM115
    assert b"card-a" in written
    assert b"4999000000000013" not in written
    assert TOKEN.secret.encode() not in written


def test_accounts_older_than_customers_get_the_transfer_limit_of_their_opening(tmp_path):
    """R62: what the third migration writes for them."""
    engine = open_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    upgrade(engine, "0002")
    rows = {
        "a": ("individual", "2015-01-14"),
        "b": ("individual", "2015-01-15"),
        "c": ("corporate", "2015-01-15"),
    }
    with engine.begin() as connection:
        for account_id, (kind, opened) in rows.items():
            values = f"('{account_id}', '{kind}', 'token', '{opened}', 0, 0, 0, false, 0, 0, false, false)"
            connection.execute(text(f"INSERT INTO account VALUES {values}"))
        connection.execute(text("INSERT INTO token VALUES ('T', 'a', x'00', '2030-01-01', 0, 0, false)"))
        connection.execute(text("INSERT INTO act_result VALUES ('k', 'done', '')"))
    upgrade(engine)
    with SqlStore(engine).begin() as unit:
        assert ("", "done", "") == unit.act_result("k")
    limits = {row.account_id: row.transfer_limit_jpy for row in SqlStore(engine).customers()}
    assert {"a": 3_000_000, "b": 300_000, "c": 3_000_000} == limits
    engine.dispose()


def test_exception_items_are_those_of_one_account_in_their_order(bank):
    raised = [RaiseException(f"{n}", "LOSS_CLAIM", owner, 1, "") for n, owner in enumerate((A, B, A))]
    write(bank, *raised)
    assert ["0", "2"] == [row.key for row in bank.items(A)]


def test_notices_are_those_of_one_account_in_their_order(bank):
    told = [Notify("1", A, "card_locked"), Notify("2", B, "card_locked"), Notify("3", A, "card_unlocked")]
    write(bank, *told)
    assert ["1", "3"] == [row.key for row in bank.notices(A)]
