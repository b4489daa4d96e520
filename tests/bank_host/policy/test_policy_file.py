"""The policy file: dates, overrides, friendly refusals, the figures of the requirements (R2, R3, section 17)."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from bank_host.jst import HOUR_US, MINUTE_US
from bank_host.policy import Figures, PolicyError, load_policy
from bank_host.policy.figures import KEYS, PARTNER_COLUMNS

SOURCE = files("bank_host.policy").joinpath("policy.yaml").read_text(encoding="utf-8")
DAY = date(2014, 1, 15)


def on(day: date = DAY, **overrides: Any) -> Figures:
    return load_policy().with_overrides(overrides).on(day)


def refusal(key: str, value: Any) -> str:
    with pytest.raises(PolicyError) as caught:
        load_policy().with_overrides({key: value})
    assert caught.value.key in key
    return str(caught.value)


# ---------------------------------------------------------------- figures and dates


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("otp_step_s", 60),
        ("otp_digits", 6),
        ("otp_window", 1),
        ("otp_max_wrong", 5),
        ("token_max_per_account", 2),
        ("token_fee_first", 0),
        ("token_fee_failed", 0),
        ("login_max_wrong", 5),
        ("pin_max_wrong", 3),
        ("pin_block_code", "75"),
        ("atm_standing_initial", 500_000),
        ("atm_standing_max", 500_000),
        ("atm_standing_step", 1_000),
        ("atm_raise_days_ahead", 60),
        ("atm_raise_cap", {"individual": 2_000_000, "sole_proprietor": 2_000_000, "corporate": 5_000_000}),
        ("atm_counts", ("withdrawal", "j_debit", "card_loan")),
        ("atm_medium_ceiling", {"chip": None, "stripe": None}),
        ("transfer_step", 1_000),
        ("lock_id_card_paper_delay_bd", 7),
        ("lock_permit_60min", False),
        ("mail_quiet_hours", (21 * HOUR_US, 7 * HOUR_US)),
        ("compensation_negligence_share", Fraction(3, 4)),
        ("insurance_card", 500_000),
        ("insurance_net", 5_000_000),
        ("notice_refused_withdrawal", False),
        ("keep_card_on_break", False),
        ("stand_in_enabled", False),
        ("transfer_lock_holds_reservations", False),
    ],
)
def test_figures_of_january_2014(field: str, value: object) -> None:
    assert value == getattr(on(), field)


@pytest.mark.parametrize(
    ("day", "fee"),
    [
        (date(2014, 3, 31), 1_050),
        (date(2014, 4, 1), 1_080),
        (date(2019, 9, 30), 1_080),
        (date(2019, 10, 1), 1_100),
    ],
)
def test_the_second_token_costs_what_its_date_says(day: date, fee: int) -> None:
    """R3, Q14."""
    assert (fee, fee) == (on(day).token_fee_second, on(day).token_fee_lost)


def test_transfer_figures_by_kind_authenticator_and_opening_date() -> None:
    """R62-R67."""
    assert on(date(2015, 1, 14)).transfer_initial["individual"] == 3_000_000
    assert on(date(2015, 1, 15)).transfer_initial["individual"] == 300_000
    assert on(date(2015, 1, 15)).transfer_initial["corporate"] == 3_000_000
    caps = {(kind, how): cap for kind, row in on().transfer_cap.items() for how, cap in row.items()}
    cheap = {(kind, how) for (kind, how), cap in caps.items() if cap == 10_000_000}
    assert cheap == {("individual", "id_card"), ("sole_proprietor", "id_card")}
    assert set(caps.values()) == {10_000_000, 100_000_000}


def test_a_day_before_the_first_entry_uses_it_and_says_so() -> None:
    """R3."""
    early = on(date(2008, 5, 12))
    assert early.before_first
    assert early.token_fee_second == 1_050
    assert not on(date(2014, 1, 1)).before_first


def test_figures_name_their_day() -> None:
    assert ("2014-01", "1401", DAY) == (on().month, on().yymm, on().day)


def test_the_figures_of_a_day_are_resolved_once() -> None:
    policy = load_policy()
    assert policy.on(DAY) is policy.on(DAY)


# ---------------------------------------------------------------- partners


def test_the_partner_table() -> None:
    """R75, R76, R94, X2, X3, X10."""
    partners = on().partners
    assert load_policy().partner_codes() == tuple(partners)
    assert set(partners) == {"seven_bank", "e_net", "lawson", "japan_post", "smbc", "aeon"}
    assert [code for code, row in partners.items() if row.pin_change] == ["smbc"]
    assert (partners["e_net"].per_transaction_jpy, partners["seven_bank"].per_transaction_jpy) == (
        200_000,
        500_000,
    )
    assert (partners["e_net"].note_limit, partners["seven_bank"].note_limit) == (59, 50)
    assert {row.accepted for row in partners.values()} == {(10_000, 5_000, 2_000, 1_000)}
    assert {row.denominations for row in partners.values()} == {(10_000, 1_000)}
    assert partners["e_net"].maintenance_us == ((3 * HOUR_US, 3 * HOUR_US + 15 * MINUTE_US),)
    assert {len(row.acquirer_id) for row in partners.values()} == {11}


def test_one_entry_of_a_partner_can_be_overridden() -> None:
    changed = on(**{"partners.e_net.pin_change": "true"}).partners["e_net"]
    assert changed == on().partners["e_net"]._replace(pin_change=True)


def test_a_new_partner_can_be_added_whole() -> None:
    row = dict(load_policy().entries()["partners.aeon"][0].raw, acquirer_id="00000000777")
    assert "big_bank" in on(**{"partners.big_bank": row}).partners


# ---------------------------------------------------------------- overrides and refusals


def test_an_override_holds_on_every_date_and_leaves_the_original_alone() -> None:
    policy = load_policy()
    other = policy.with_overrides({"token.fee.second": 990})
    assert {other.on(day).token_fee_second for day in (date(2000, 1, 1), DAY, date(2030, 1, 1))} == {990}
    assert policy.on(DAY).token_fee_second == 1_050


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("pin.max_wrong", "4", "pin_max_wrong", 4),  # scenario scalars are text
        ("atm.standing.max", "¥300_000", "atm_standing_max", 300_000),
        ("atm.standing.max", "¥1,000,000", "atm_standing_max", 1_000_000),
        ("notice.refused_withdrawal", "on", "notice_refused_withdrawal", True),
        ("pin.pin_block_code", "38", "pin_block_code", "38"),
        ("atm.medium_ceiling", {"chip": "none", "stripe": "100000"}, "atm_medium_ceiling", None),
    ],
)
def test_scenario_text_is_read_like_the_file(key: str, value: Any, field: str, expected: Any) -> None:
    read = getattr(on(**{key: value}), field)
    assert read == (expected if expected is not None else {"chip": None, "stripe": 100_000})


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("pin.max_wrongs", 3, "did you mean 'pin.max_wrong'?"),
        ("otp.max_wrong", 2, "2 is outside 3 to 10"),
        ("otp.max_wrong", 11, "11 is outside 3 to 10"),
        ("otp.max_wrong", 5.0, "is not a whole number"),
        ("otp.max_wrong", True, "is not a whole number"),
        ("lock.id_card.paper_delay_bd", 4, "outside 5 to 10"),
        ("pin.pin_block_code", "57", "none of 75, 38"),
        ("atm.raise.cap", {"individual": 1}, "entry 'sole_proprietor' is missing"),
        ("atm.raise.cap", {"individal": 1}, "did you mean 'individual'?"),
        ("atm.counts", ["withdrawl"], "did you mean 'withdrawal'?"),
        ("atm.counts", ["j_debit", "j_debit"], "twice"),
        ("atm.counts", "j_debit", "is not a list"),
        ("stand_in.enabled", "maybe", "is not a switch"),
        ("mail.quiet_hours", ["21:00", "25:00"], "not a time of day"),
        ("mail.quiet_hours", ["21:00", "24:30"], "not a time of day"),
        ("compensation.negligence_share", 1.5, "outside 0 to 1"),
        ("compensation.negligence_share", "most", "not a share"),
        ("login.id_format", {"min_length": 8, "max_length": 7}, "min_length is above max_length"),
        (
            "fee.atm",
            [{"services": ["withdraw"], "partners": ["enet"], "fee_jpy": 1}],
            "did you mean 'e_net'?",
        ),
        ("fee.atm", [{"services": ["withdraw"], "fee_jpy": 1_000}], "outside 0 to 999"),
        ("partners.enet.pin_change", True, "did you mean 'partners.e_net'?"),
        ("partners.e_net.pin_chnge", True, "did you mean 'pin_change'?"),
        ("partners.e_net.hours", ["23:00", "08:00"], "is empty"),
        ("partners.e_net.denominations", [3_000], "Japanese notes"),
        ("partners.e_net.acquirer_id", "34", "11 digits"),
        ("partners.e_net.acquirer_id", "00000000034", "is that of 'seven_bank' too"),
        ("partners.e_net", 7, "is not a map"),
    ],
)
def test_a_figure_that_cannot_be_used_is_refused_by_name(key: str, value: Any, hint: str) -> None:
    assert hint in refusal(key, value)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("pin.max_wrong:", "pin.max_wrongs:", "did you mean 'pin.max_wrong'?"),
        ("- {as_of: 2014-01-01, value: 3, basis: assumed}", "", "not a list of entries"),
        ("as_of: 2014-04-01, value: 1080", "as_of: 2013-04-01, value: 1080", "ascending order"),
        ("value: 60, basis: page", "value: 60", "exactly as_of, value and basis"),
        ("value: 60, basis: page", "value: 60, basis: ''", "basis is empty"),
        ("value: 60, basis: page", "value: 6000, basis: page", "outside 10 to 600"),
        ("as_of: 2014-01-01, value: 60", "as_of: soon, value: 60", "is not a date"),
    ],
)
def test_a_broken_file_is_refused_at_load(old: str, new: str, hint: str) -> None:
    assert old in SOURCE
    with pytest.raises(PolicyError) as caught:
        load_policy(SOURCE.replace(old, new, 1))
    assert hint in str(caught.value)


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "otp.step_s: 60"])
def test_what_is_no_policy_is_refused_without_a_traceback(text: str) -> None:
    with pytest.raises(PolicyError):
        load_policy(text)


def test_a_file_without_one_key_names_it() -> None:
    cut = SOURCE.replace(
        "otp.digits:                   # 6桁の数字\n  - {as_of: 2014-01-01, value: 6, basis: page}\n", ""
    )
    with pytest.raises(PolicyError) as caught:
        load_policy(cut)
    assert caught.value.key == "otp.digits"


# ---------------------------------------------------------------- structure


def test_every_key_says_where_it_comes_from() -> None:
    for key, timeline in load_policy().entries().items():
        assert all(entry.basis.strip() for entry in timeline), key
        assert timeline[0].as_of == date(2014, 1, 1), key


def test_a_keys_dots_become_underscores_in_the_figures() -> None:
    """But nobody wants to read pin_pin_block_code."""
    differ = {key: field for key, (field, _) in KEYS.items() if key.replace(".", "_") != field}
    assert differ == {"pin.pin_block_code": "pin_block_code"}


def test_every_key_and_partner_column_is_in_the_reference() -> None:
    page = Path(__file__).parents[3].joinpath("docs", "reference", "policy.md").read_text(encoding="utf-8")
    missing = [key for key in (*KEYS, *PARTNER_COLUMNS) if f"`{key}`" not in page]
    assert missing == []


def test_figures_cannot_be_changed() -> None:
    with pytest.raises((AttributeError, TypeError)):
        on().otp_step_s = 30  # type: ignore[misc]
    with pytest.raises(TypeError):
        on().partners["x"] = on().partners["e_net"]  # type: ignore[index]


def test_the_calendar_closes_on_weekends_holidays_and_new_year() -> None:
    closed = on(DAY + timedelta(days=1)).calendar_closed
    assert closed["weekdays"] == ("sat", "sun")
    assert closed["dates"] == ("12-31", "01-01", "01-02", "01-03")
