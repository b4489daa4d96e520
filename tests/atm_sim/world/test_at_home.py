"""Steps at home and of the staff: which acts they become, one after the other, and what people read (R24-R30, R39)."""

from __future__ import annotations

from collections.abc import Sequence

from atm_sim.records.event import EventRecord
from atm_sim.scenario import loads
from atm_sim.world.lab import Lab
from atm_sim.world.simulate import simulate

MINUTE = 60_000_000
HOUR = 60 * MINUTE
HEAD = """\
scenario: At home
version: 1
day: 2014-01-15
banks:
  sakura: {bin: "499911"}
cast:
  hanako: {name: 山田 花子, balance: ¥250_000, tokens: 2, password: "sakura-0401", login_id: "hanako77"}
  taro: {name: 鈴木 太郎, authenticator: id_card, balance: ¥250_000}
  jiro: {name: 伊藤 次郎, bank: sakura, balance: ¥5_000}
steps:
"""


def played(*steps: str) -> list[EventRecord]:
    scenario = loads(HEAD + "".join(f"  - {{{step}}}\n" for step in steps)).scenario
    return list(simulate(Lab(scenario, seed=1, replication=1, run="at-home")))


def acts(rows: Sequence[EventRecord]) -> list[tuple[str, str, str]]:
    """Kind, outcome and reason of each act."""
    return [(row.service, row.code, row.reason) for row in rows if row.kind == "act"]


def read(rows: Sequence[EventRecord], what: str) -> list[str]:
    return [row.reason for row in rows if row.kind == "shown" and row.code == what]


def balances(rows: Sequence[EventRecord]) -> dict[str, int]:
    """What each person has after the last step."""
    return {row.actor: row.amount_jpy for row in rows if row.kind == "state" and row.reason == "balance"}


TRANSFER = "who: hanako, do: transfer, to: taro, amount: ¥10_000, via: pc, otp: current"


def test_a_transfer_is_entered_and_then_confirmed():
    rows = played(f"at: 10:00, {TRANSFER}")
    assert [("enter_transfer", "done", ""), ("confirm_transfer", "done", "executed")] == acts(rows)
    assert ["executed"] == read(rows, "transfer")


def test_a_transfer_that_cannot_be_entered_ends_there():
    rows = played(
        "at: 10:00, who: hanako, do: transfer, to: taro, amount: ¥10_000_000, via: pc, otp: current"
    )
    assert [("enter_transfer", "refused", "transfer_limit_exceeded")] == acts(rows)


def test_a_code_typed_now_may_be_sent_later():
    rows = played(f"at: 10:00, {TRANSFER}, wait: 90 s")
    entered, confirmed = (row.time_us for row in rows if row.kind == "act")
    assert 10 * HOUR == entered
    assert 10 * HOUR + 90 * 1_000_000 == confirmed


def test_somebody_who_waits_before_pressing_does_nothing_else_meanwhile():
    rows = played(f"at: 10:00, {TRANSFER}, wait: 90 s", "at: 10:01, who: hanako, do: lock_card, via: pc")
    assert "lock_card" == acts(rows)[-1][0]
    assert 10 * HOUR + 90 * 1_000_000 == [row.time_us for row in rows if row.kind == "act"][-1]


def test_a_repeated_request_is_the_same_request_and_moves_money_once():
    rows = played(f"at: 10:00, {TRANSFER}, repeat_request: true")
    assert [("confirm_transfer", "done", "executed")] * 2 == acts(rows)[1:]
    assert {"hanako": 240_000} == balances(rows)


def test_a_transfer_to_another_bank_names_that_bank():
    rows = played("at: 10:00, who: hanako, do: transfer, to: jiro, amount: ¥10_000, via: pc, otp: current")
    assert [("enter_transfer", "done", ""), ("confirm_transfer", "done", "executed")] == acts(rows)


def test_an_id_cards_holder_reads_the_positions_that_the_bank_asks_for():
    rows = played("at: 10:00, who: taro, do: transfer, to: hanako, amount: ¥10_000, via: pc, otp: current")
    assert ("confirm_transfer", "done", "executed") == acts(rows)[-1]
    rows = played("at: 10:00, who: taro, do: transfer, to: hanako, amount: ¥10_000, via: pc, otp: wrong")
    assert ("confirm_transfer", "refused", "otp_wrong") == acts(rows)[-1]


def test_a_login_has_every_item_right_unless_the_step_says_otherwise():
    right = "who: hanako, do: login, via: pc"
    rows = played(
        f"at: 10:00, {right}", f"at: 10:01, {right}, login_id: none", f"at: 10:02, {right}, password: wrong"
    )
    assert ["done", "refused", "refused"] == [outcome for _, outcome, _ in acts(rows)]
    assert ["none"] == read(rows, "previous_login")


def test_a_new_password_is_the_right_one_from_then_on():
    rows = played(
        'at: 10:00, who: hanako, do: reissue_password, password: "momiji-0402"',
        "at: 10:01, who: hanako, do: login, via: pc",
    )
    assert ["done", "done"] == [outcome for _, outcome, _ in acts(rows)]


def test_a_token_that_was_sent_is_registered_with_its_own_code_and_counts_from_then_on():
    rows = played(
        "at: 10:00, who: hanako, do: exchange_token, token: 2, because: failed, via: pc",
        "at: 10:01, who: hanako, do: issue_token",
        "at: 10:02, who: hanako, do: set_transfer_limit, amount: ¥5_000_000, via: pc, otp: current, otp_token: 3",
        "at: 10:04, who: hanako, do: register_token, token: 3, via: pc, otp: current",
        "at: 10:06, who: hanako, do: set_transfer_limit, amount: ¥5_000_000, via: pc, otp: current, otp_token: 3",
    )
    assert ["done", "done", "refused", "done", "done"] == [outcome for _, outcome, _ in acts(rows)]


def test_what_is_due_is_done_in_the_morning_whoever_acts_that_day():
    rows = played(
        "at: 18:00, who: hanako, do: transfer, to: jiro, amount: ¥10_000, via: pc, otp: current",
        "at: 2014-01-16 12:00, who: jiro, do: statement, via: pc",
    )
    (posted,) = [row for row in rows if row.kind == "posted"]
    assert 24 * HOUR + 8 * HOUR + 30 * MINUTE == posted.time_us
    assert "" == posted.step


def test_a_claim_shows_every_check_that_led_to_its_decision():
    rows = played(
        "at: 12:00, who: hanako, do: claim, cause: forged, losses: [{at: 03:00, amount: ¥50_000}],"
        " proved: [bank_good_faith, pin_told]"
    )
    assert ["refused"] == read(rows, "decision")
    assert [
        "act_2 natural_person yes on",
        "act act_in_force yes on",
        "act_4 intent no on",
        "act_4 bank_without_fault yes on",
        "act_4 gross_negligence yes nothing",
    ] == read(rows, "trail")


def test_no_row_holds_a_code_a_password_or_a_login_id():
    rows = played(
        f"at: 10:00, {TRANSFER}",
        'at: 10:02, who: hanako, do: transfer, to: taro, amount: ¥10_000, via: pc, otp: "271828"',
        "at: 10:01, who: hanako, do: login, via: pc",
    )
    assert not [row for row in rows for secret in ("271828", "sakura-0401", "hanako77") if secret in str(row)]
