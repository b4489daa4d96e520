"""The store contract, on memory, SQLite and PostgreSQL alike (architecture: one contract test suite)."""

import contextlib
from datetime import date, timedelta

import pytest

from bank_host.ledger.posting import FEES, OPENING, Post, customer, suspense
from bank_host.rules.changes import (
    AddCard,
    Audit,
    CancelRaise,
    ChargeOtp,
    ChargePin,
    CloseException,
    ConsumeStep,
    CountMonth,
    CountUse,
    Notify,
    Open,
    PutRaise,
    RaiseException,
    Resolve,
    SetAccount,
    SetCard,
    SetToken,
)
from bank_host.rules.facts import (
    Account,
    ActFacts,
    Authorisation,
    Card,
    CardFacts,
    Customer,
    Exchange,
    Raise,
    Token,
)
from bank_host.secrets import Pan
from bank_host.store.contract import (
    ActResult,
    AuditRow,
    Conflict,
    ExceptionRow,
    JournalRow,
    OutboxRow,
    Refused,
    Store,
)

TODAY = date(2026, 4, 1)
NOW_US = 1_775_000_000_000_000
A, B = "0011234567", "0019999999"
AOKI = Account(A, "individual", "token", date(2020, 1, 6), standing_jpy=500_000)
BABA = Account(B, "corporate", "id_card", date(2021, 5, 10), standing_jpy=0)
CARD = Card("card-a", "aoki", A, "2912", "1234")
SECOND_CARD = Card("card-a2", "aoki-2", A, "3001", "4321")
TOKEN = Token("T-1", A, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", date(2030, 1, 1))
OPENED = Post(f"opening:{A}", "opening", TODAY, ((customer(A), 100_000), (OPENING, -100_000)))
WITHDRAWN = Post(
    "0200:1", "withdrawal", TODAY, ((customer(A), -10_110), (suspense("ATM1"), 10_000), (FEES, 110))
)
ROW = Authorisation(
    "original:1",
    "0200:1",
    "card-a",
    A,
    "seven",
    "ATM1",
    "withdraw",
    10_000,
    110,
    "chip",
    TODAY,
    NOW_US,
    "00",
    "",
    "open",
)


@pytest.fixture
def bank(store: Store) -> Store:
    """Two accounts; Aoki has two cards, a token and 100,000 yen."""
    with store.begin() as unit:
        for account in (BABA, AOKI):
            unit.add_account(account)
        for card in (SECOND_CARD, CARD):
            unit.add_card(card)
        unit.add_token(TOKEN)
        unit.apply([OPENED], NOW_US)
    return store


def write(store: Store, *changes) -> None:
    with store.begin() as unit:
        unit.apply(changes, NOW_US)


def facts(store: Store, day: date = TODAY, medium: str = "chip", service: str = "withdraw") -> CardFacts:
    with store.begin() as unit:
        found = unit.card_facts(CARD.card_id, day, "2026-04", service, medium)
    assert found is not None
    return found


def act_facts(store: Store, day: date = TODAY) -> ActFacts:
    with store.begin() as unit:
        found = unit.act_facts(A, day)
    assert found is not None
    return found


def everything(store: Store) -> list[list[object]]:
    sweeps = "accounts customers cards tokens transfers balances journal authorisations limit_uses exchanges"
    return [
        list(getattr(store, name)()) for name in (*sweeps.split(), "audit", "outbox", "exceptions", "raises")
    ]


# ---------------------------------------------------------------- loads


def test_facts_of_a_card_transaction_hold_its_account_with_the_opening_balance(bank):
    assert CardFacts(CARD, AOKI._replace(posted_jpy=100_000), None, 0, 0, 0) == facts(bank)


def test_facts_count_use_of_the_day_over_all_media_and_over_the_requests_medium(bank):
    write(bank, CountUse(A, TODAY, "chip", 30_000), CountUse(A, TODAY, "stripe", 5_000))
    write(bank, CountUse(A, TODAY, "chip", -10_000), CountUse(A, TODAY - timedelta(1), "chip", 99_000))
    found = facts(bank)
    assert (25_000, 20_000) == (found.used_jpy, found.used_medium_jpy)
    assert 5_000 == facts(bank, medium="stripe").used_medium_jpy


def test_facts_count_the_months_uses_of_the_same_service_only(bank):
    write(bank, CountMonth(A, "2026-04", "withdraw", 1), CountMonth(A, "2026-03", "withdraw", 7))
    write(bank, CountMonth(A, "2026-04", "withdraw", 1), CountMonth(A, "2026-04", "deposit", 3))
    assert 2 == facts(bank).month_uses
    assert 3 == facts(bank, service="deposit").month_uses
    write(bank, CountMonth(A, "2026-04", "withdraw", -1))
    assert 1 == facts(bank).month_uses


def test_facts_carry_the_raise_of_the_day_unless_cancelled(bank):
    write(bank, PutRaise(A, TODAY, 800_000, 3))
    assert Raise(A, TODAY, 800_000, 3) == facts(bank).raise_today
    assert facts(bank, day=TODAY + timedelta(1)).raise_today is None
    write(bank, CancelRaise(A, TODAY))
    assert facts(bank).raise_today is None


def test_unknown_card_account_authorisation_and_keys_load_as_none(bank):
    with bank.begin() as unit:
        assert unit.card_facts("nobody", TODAY, "2026-04", "withdraw", "chip") is None
        assert unit.act_facts("0000000000", TODAY) is None
        assert unit.authorisation("original:none") is None
        assert unit.exchange("none") is None
        assert unit.act_result("none") is None


def test_facts_of_an_act_hold_the_cards_the_raises_from_its_day_on_and_the_tokens(bank):
    days = [TODAY + timedelta(n) for n in (-1, 0, 9)]
    write(bank, *(PutRaise(A, day, 600_000, n) for n, day in enumerate(days, 1)), CancelRaise(A, days[2]))
    assert act_facts(bank) == ActFacts(
        AOKI._replace(posted_jpy=100_000),
        (CARD, SECOND_CARD),
        (Raise(A, days[1], 600_000, 2), Raise(A, days[2], 600_000, 3, cancelled=True)),
        (TOKEN,),
        customer=Customer(A),
    )


def test_an_account_without_cards_and_tokens_has_empty_facts(bank):
    with bank.begin() as unit:
        assert ActFacts(BABA, (), (), (), customer=Customer(B)) == unit.act_facts(B, TODAY)


def test_a_unit_of_work_sees_its_own_writes(bank):
    with bank.begin() as unit:
        unit.card_facts(CARD.card_id, TODAY, "2026-04", "withdraw", "chip")
        unit.apply([WITHDRAWN, CountUse(A, TODAY, "chip", 10_000), Open(ROW)], NOW_US)
        found = unit.card_facts(CARD.card_id, TODAY, "2026-04", "withdraw", "chip")
        assert found is not None
        assert (89_890, 10_000) == (found.account.posted_jpy, found.used_jpy)
        assert ROW == unit.authorisation("original:1")


# ---------------------------------------------------------------- postings


def test_a_posting_moves_the_cached_balances_of_all_its_ledger_accounts(bank):
    write(bank, WITHDRAWN)
    assert [
        (customer(A), 89_890),
        (customer(B), 0),
        (FEES, 110),
        (OPENING, -100_000),
        (suspense("ATM1"), 10_000),
    ] == list(bank.balances())


def test_the_journal_keeps_postings_in_order_with_their_legs(bank):
    write(bank, WITHDRAWN)
    assert [
        JournalRow(1, OPENED.key, "opening", TODAY, NOW_US, "", False, OPENED.legs),
        JournalRow(2, WITHDRAWN.key, "withdrawal", TODAY, NOW_US, "", False, WITHDRAWN.legs),
    ] == list(bank.journal())


def test_one_business_key_leads_to_one_posting_at_most(bank):
    """I2."""
    write(bank, WITHDRAWN)
    before = everything(bank)
    with pytest.raises(Conflict):
        write(bank, WITHDRAWN)
    assert before == everything(bank)


@pytest.mark.parametrize(
    "legs",
    [
        ((customer(A), -1_000),),
        ((customer(A), -1_000), (suspense("ATM1"), 999)),
        ((customer(A), -1_000), (suspense("ATM1"), 1_000), (FEES, 0)),
        (),
    ],
)
def test_unbalanced_one_legged_and_zero_postings_are_faults_of_the_caller(bank, legs):
    """I1."""
    before = everything(bank)
    with pytest.raises(ValueError, match="leg"):
        write(bank, Post("bad", "withdrawal", TODAY, legs))
    assert before == everything(bank)


def test_an_unforced_posting_never_takes_the_available_balance_below_zero(bank):
    """I4: the last net under the rules; exactly to 0 is allowed."""
    write(bank, SetAccount(A, "held_jpy", 40_000))
    with pytest.raises(Conflict):
        write(bank, Post("k", "withdrawal", TODAY, ((customer(A), -60_001), (suspense("ATM1"), 60_001))))
    write(bank, Post("k", "withdrawal", TODAY, ((customer(A), -60_000), (suspense("ATM1"), 60_000))))
    assert 40_000 == facts(bank).account.posted_jpy


def test_a_forced_posting_may_go_below_zero_and_a_deposit_brings_it_back(bank):
    """X8: what the switch paid out in stand-in is posted whatever the balance says."""
    write(
        bank,
        Post("f", "withdrawal", TODAY, ((customer(A), -130_000), (suspense("ATM1"), 130_000)), forced=True),
    )
    assert -30_000 == facts(bank).account.posted_jpy
    write(bank, Post("d1", "deposit", TODAY, ((customer(A), 10_000), (suspense("ATM1"), -10_000))))
    with pytest.raises(Conflict):
        write(bank, Post("w", "withdrawal", TODAY, ((customer(A), -1_000), (suspense("ATM1"), 1_000))))
    write(bank, Post("d2", "deposit", TODAY, ((customer(A), 20_000), (suspense("ATM1"), -20_000))))
    assert 0 == facts(bank).account.posted_jpy


def test_more_than_the_balance_cannot_be_held_but_a_hold_can_be_lowered(bank):
    with pytest.raises(Conflict):
        write(bank, SetAccount(A, "held_jpy", 100_001))
    write(bank, SetAccount(A, "held_jpy", 100_000))
    write(bank, SetAccount(A, "held_jpy", 1_000))
    assert 1_000 == facts(bank).account.held_jpy


def test_a_new_account_starts_empty_because_its_opening_balance_is_a_posting(store):
    with pytest.raises(ValueError, match="opening balance"), store.begin() as unit:
        unit.add_account(AOKI._replace(posted_jpy=1))
    assert [] == list(store.accounts())


# ---------------------------------------------------------------- counters, settings, guards


def test_a_limit_counter_never_falls_below_zero(bank):
    write(bank, CountUse(A, TODAY, "chip", 10_000))
    with pytest.raises(Conflict):
        write(bank, CountUse(A, TODAY, "chip", -10_001))
    with pytest.raises(Conflict):
        write(bank, CountUse(A, TODAY, "stripe", -1))
    with pytest.raises(Conflict):
        write(bank, CountMonth(A, "2026-04", "withdraw", -1))
    assert [(A, TODAY, "chip", 10_000)] == list(bank.limit_uses())


@pytest.mark.parametrize(
    ("change", "sweep"),
    [
        (SetAccount(A, "standing_jpy", 0), "accounts"),
        (SetAccount(A, "closed", True), "accounts"),
        (SetAccount(A, "zero_seq", 9), "accounts"),
        (SetAccount(A, "otp_fails", 2), "accounts"),
        (SetAccount(A, "otp_locked", True), "accounts"),
        (SetCard("card-a", "locked", True), "cards"),
        (SetCard("card-a", "hot", "stolen"), "cards"),
        (SetCard("card-a", "pvv", "9876"), "cards"),
        (SetCard("card-a", "pin_fails", 1), "cards"),
        (SetToken("T-1", "locked", True), "tokens"),
        (SetToken("T-1", "drift_steps", -2), "tokens"),
    ],
)
def test_a_setting_changes_its_one_field_of_its_one_row(bank, change, sweep):
    before = {row[0]: row for row in getattr(bank, sweep)()}
    write(bank, change)
    before[change[0]] = before[change[0]]._replace(**{change.field: change.value})
    assert before == {row[0]: row for row in getattr(bank, sweep)()}


@pytest.mark.parametrize(
    "change",
    [
        SetAccount(A, "posted_jpy", 1),
        SetAccount(A, "account_id", B),
        SetCard("card-a", "account_id", B),
        SetToken("T-1", "last_step", 1),
        SetToken("T-1", "secret", "x"),
    ],
)
def test_balances_identities_secrets_and_steps_are_no_settings(bank, change):
    with pytest.raises(ValueError, match="cannot set"):
        write(bank, change)


@pytest.mark.parametrize(
    "change",
    [
        SetAccount("none", "closed", True),
        SetCard("none", "locked", True),
        SetToken("none", "locked", True),
        ChargePin("none", 3),
        ChargeOtp("none", 5),
        ConsumeStep("none", 1),
        PutRaise("none", TODAY, 1_000, 1),
        Post("k", "withdrawal", TODAY, ((customer("none"), -1_000), (FEES, 1_000))),
    ],
)
def test_a_change_of_an_unknown_row_is_a_fault_of_the_caller(bank, change):
    before = everything(bank)
    with pytest.raises(LookupError):
        write(bank, change)
    assert before == everything(bank)


def test_pin_tries_are_charged_up_to_the_limit_and_then_refused(bank):
    """I18."""
    for _ in range(3):
        write(bank, ChargePin("card-a", 3))
    with pytest.raises(Refused):
        write(bank, ChargePin("card-a", 3))
    assert 3 == facts(bank).card.pin_fails
    write(bank, SetCard("card-a", "pin_fails", 0), ChargePin("card-a", 3))
    assert 1 == facts(bank).card.pin_fails


def test_otp_tries_are_charged_up_to_the_limit_and_not_while_locked(bank):
    """I18."""
    write(bank, *[ChargeOtp(A, 5)] * 5)
    with pytest.raises(Refused):
        write(bank, ChargeOtp(A, 5))
    write(bank, SetAccount(A, "otp_fails", 0), SetAccount(A, "otp_locked", True))
    with pytest.raises(Refused):
        write(bank, ChargeOtp(A, 5))
    assert 0 == facts(bank).account.otp_fails


def test_a_token_step_is_consumed_once_and_only_forwards(bank):
    """I19."""
    write(bank, ConsumeStep("T-1", 100))
    for step in (100, 99):
        with pytest.raises(Refused):
            write(bank, ConsumeStep("T-1", step))
    write(bank, ConsumeStep("T-1", 101))
    assert 101 == act_facts(bank).tokens[0].last_step


def test_a_locked_token_consumes_no_step(bank):
    write(bank, SetToken("T-1", "locked", True))
    with pytest.raises(Refused):
        write(bank, ConsumeStep("T-1", 100))


def test_a_second_raise_for_a_date_replaces_the_first_even_a_cancelled_one(bank):
    """Q9."""
    write(bank, PutRaise(A, TODAY, 800_000, 3), CancelRaise(A, TODAY), PutRaise(A, TODAY, 600_000, 8))
    assert [Raise(A, TODAY, 600_000, 8)] == list(bank.raises())


def test_a_raise_that_is_not_there_cannot_be_cancelled(bank):
    with pytest.raises(Conflict):
        write(bank, CancelRaise(A, TODAY))


def test_an_authorisation_moves_on_and_never_gives_back_less_than_before_or_too_much(bank):
    """I10."""
    write(bank, Open(ROW))
    write(bank, Resolve("original:1", "part_reversed", 4_000))
    assert [ROW._replace(state="part_reversed", reversed_jpy=4_000)] == list(bank.authorisations())
    for back_jpy in (3_999, 10_001):
        with pytest.raises(Conflict):
            write(bank, Resolve("original:1", "reversed", back_jpy))
    with pytest.raises(Conflict):
        write(bank, Resolve("original:none", "completed", 0))


# ---------------------------------------------------------------- unique keys


def test_message_identities_are_kept_once_with_their_answer(bank):
    """X7, I13."""
    exchange = Exchange("id:1", "fingerprint", b"\x02answer\xff", NOW_US)
    with bank.begin() as unit:
        unit.remember(exchange)
    with pytest.raises(Conflict), bank.begin() as unit:
        unit.remember(exchange._replace(answer=b"other"))
    with bank.begin() as unit:
        assert exchange == unit.exchange("id:1")


def test_results_of_acts_are_kept_once(bank):
    with bank.begin() as unit:
        unit.remember_act("req-1", ActResult("print", "refused", "OTP_WRONG"))
    with pytest.raises(Conflict), bank.begin() as unit:
        unit.remember_act("req-1", ActResult("print", "done", ""))
    with bank.begin() as unit:
        assert ActResult("print", "refused", "OTP_WRONG") == unit.act_result("req-1")


@pytest.mark.parametrize(
    "change", [Open(ROW), Notify("n", A, "atm_withdrawal", 1), RaiseException("x", "STAND_IN", A, 1, "")]
)
def test_authorisations_notices_and_exception_items_have_unique_keys(bank, change):
    write(bank, change)
    with pytest.raises(Conflict):
        write(bank, change)


def test_accounts_cards_and_tokens_are_added_once(bank):
    for add in ("add_account", "add_card", "add_token"):
        row = {"add_account": AOKI, "add_card": CARD, "add_token": TOKEN}[add]
        with pytest.raises(Conflict), bank.begin() as unit:
            getattr(unit, add)(row)


def test_a_card_of_an_unknown_account_cannot_be_added(bank):
    with pytest.raises(LookupError), bank.begin() as unit:
        unit.add_card(CARD._replace(card_id="new", account_id="none"))


# ---------------------------------------------------------------- history


def test_notices_audit_rows_and_exception_items_carry_the_time_of_their_commit(bank):
    """I20, I21."""
    write(
        bank,
        Notify("n", A, "atm_withdrawal", 10_000),
        Audit("customer", "pc", A, "set_limit", "500000", "0", "why"),
        RaiseException("x", "STAND_IN", A, 10_000, "withdraw"),
    )
    assert [OutboxRow(1, "n", NOW_US, A, "atm_withdrawal", 10_000, "waiting")] == list(bank.outbox())
    assert [AuditRow(1, NOW_US, "customer", "pc", A, "set_limit", "500000", "0", "why")] == list(bank.audit())
    assert [ExceptionRow(1, "x", NOW_US, "STAND_IN", A, 10_000, "withdraw", "open")] == list(
        bank.exceptions()
    )


def test_an_item_is_closed_where_it_stands_and_a_rolled_back_closing_closes_nothing(bank):
    write(bank, RaiseException("x", "STAND_IN", A, 1, ""), RaiseException("y", "STAND_IN", A, 2, ""))
    with contextlib.suppress(InterruptedError), bank.begin() as unit:
        unit.apply([CloseException("x")], NOW_US)
        raise InterruptedError
    assert ["open", "open"] == [item.state for item in bank.exceptions()]
    with bank.begin() as unit:
        seen = unit.exception_item("x")
        assert ("x", "open") == (seen.key, seen.state)
        unit.apply([CloseException("x")], NOW_US)
        assert "closed" == unit.exception_item("x").state
    assert [("x", "closed", 1), ("y", "open", 2)] == [(i.key, i.state, i.seq) for i in bank.exceptions()]


def test_an_item_that_is_not_there_cannot_be_closed(bank):
    with bank.begin() as unit:
        assert unit.exception_item("none") is None
    with pytest.raises(LookupError):
        write(bank, CloseException("none"))


def test_a_card_comes_with_its_number_and_its_name_is_taken_from_then_on(bank):
    new = CARD._replace(card_id="new")
    with bank.begin() as unit:
        assert not unit.card_taken("new")
    write(bank, AddCard(new, Pan("4999000000000062")))
    with bank.begin() as unit:
        assert unit.card_taken("new")
        assert "4999000000000062" == unit.pan("new")
    assert new in list(bank.cards())


def test_sweeps_are_in_ascending_order_of_their_keys(bank):
    assert [A, B] == [row.account_id for row in bank.accounts()]
    assert ["card-a", "card-a2"] == [row.card_id for row in bank.cards()]
    write(bank, *(CountUse(A, TODAY - timedelta(n), m, 1) for n in (0, 2, 1) for m in ("stripe", "chip")))
    uses = list(bank.limit_uses())
    assert len(uses) == 6
    assert uses == sorted(uses)


def test_an_untouched_store_has_no_chain_faults(bank):
    write(bank, WITHDRAWN, Audit("host", "", A, "x"))
    assert [] == list(bank.chain_faults())


# ---------------------------------------------------------------- units of work


def test_sequence_numbers_grow_strictly_over_units_of_work(store):
    numbers = []
    for _ in range(3):
        with store.begin() as unit:
            numbers += [unit.next_seq(), unit.next_seq()]
    assert numbers[0] > 0
    assert numbers == sorted(set(numbers))


def test_a_unit_of_work_left_by_an_exception_leaves_nothing(bank):
    before = everything(bank)
    with pytest.raises(RuntimeError, match="power"), bank.begin() as unit:  # noqa: PT012
        unit.card_facts(CARD.card_id, TODAY, "2026-04", "withdraw", "chip")
        unit.add_account(AOKI._replace(account_id="0020000001"))
        unit.add_card(CARD._replace(card_id="new"))
        unit.add_token(TOKEN._replace(serial="T-2"))
        unit.apply(
            [
                WITHDRAWN,
                CountUse(A, TODAY, "chip", 1),
                CountMonth(A, "2026-04", "withdraw", 1),
                SetAccount(A, "standing_jpy", 0),
                SetCard("card-a", "locked", True),
                SetToken("T-1", "locked", True),
                ChargePin("card-a2", 3),
                ChargeOtp(A, 5),
                PutRaise(A, TODAY, 1_000, 1),
                CancelRaise(A, TODAY),
                Open(ROW),
                Resolve("original:1", "completed", 0),
                Notify("n", A, "k"),
                Audit("host", "", A, "x"),
                RaiseException("x", "k", A, 1, ""),
            ],
            NOW_US,
        )
        unit.remember(Exchange("id:1", "f", b"", NOW_US))
        unit.remember_act("req-1", ActResult("print", "done", ""))
        raise RuntimeError("power")
    assert before == everything(bank)
    assert 0 == facts(bank).month_uses
    with bank.begin() as unit:
        assert unit.act_result("req-1") is None


def test_after_a_refusal_nothing_of_the_unit_of_work_remains(bank):
    before = everything(bank)
    with pytest.raises(Refused):
        write(bank, SetCard("card-a", "locked", True), ConsumeStep("T-1", 5), ConsumeStep("T-1", 5))
    assert before == everything(bank)


def test_the_same_keys_can_be_used_after_a_roll_back(bank):
    for outcome in ("lost", "kept"):
        try:
            with bank.begin() as unit:
                unit.apply([WITHDRAWN, Open(ROW), Notify("n", A, "k")], NOW_US)
                unit.remember(Exchange("id:1", "f", b"", NOW_US))
                if outcome == "lost":
                    raise RuntimeError
        except RuntimeError:
            assert [OPENED.key] == [row.key for row in bank.journal()]
    assert [OPENED.key, WITHDRAWN.key] == [row.key for row in bank.journal()]
