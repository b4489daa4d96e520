"""Three-way reconciliation: what each log says by itself, and which differences something listed explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.checks.reconciliation import EXPLANATIONS, OpenItems, compare
from atm_sim.checks.three_logs import AtmSays, BankSays, NetworkSays, Request
from atm_sim.records.difference import UNEXPLAINED, Difference
from atm_sim.records.folder import RunFolder
from atm_sim.report.texts import LABELS
from atm_sim.runner.play import CaseRun, play
from atm_sim.sansio.saf import Entry
from atm_sim.scenario import loads, rows
from bank_host.iso8583 import build
from bank_host.iso8583.identity import original_key, request_id
from bank_host.iso8583.message import Message
from bank_host.store.contract import ExceptionRow
from tests.atm_sim.checks.test_rest import NOON_US, request
from tests.atm_sim.world.small_world import HEAD

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "reconciliation.md"
YEN = 30_000
ABOUT = Request(request_id(request()), original_key(request()), "withdraw", YEN)

PAID = AtmSays("shop", "paid", "00", YEN)
PART = AtmSays("shop", "paid", "00", 10_000)
NOT_PAID = AtmSays("shop", "nothing", "00", 0)
NOT_TOLD = AtmSays("shop", "nothing", "", 0)
REFUSED = AtmSays("shop", "nothing", "51", 0)
UNKNOWN = AtmSays("shop", "unknown", "00", None)
BUSY = AtmSays("shop", "busy", "", None)

PASSED = NetworkSays("switch", "00", False, 1, YEN)
TAKEN_BACK = NetworkSays("switch", "00", False, 1, 0)
SAID_91 = NetworkSays("switch", "91", False, 1, 0)
STOOD_IN = NetworkSays("switch", "00", True, 0, YEN)
TWICE = PASSED._replace(asked=2)

OPEN = BankSays("jnb", "open", "withdraw", YEN, True, YEN, YEN)
REVERSED = BankSays("jnb", "reversed", "withdraw", YEN, True, 0, 0)
DECLINED = BankSays("jnb", "declined", "withdraw", YEN)
ABSENT = BankSays()

REVERSAL = build.reversal_advice(request(), "timeout", stan=2, now_us=NOON_US)
PART_REVERSAL = build.reversal_advice(
    request(), "part_dispense", stan=2, now_us=NOON_US, dispensed_jpy=10_000
)
STAND_IN = build.stand_in_advice(request(), "stand_in_timeout", approval_code="1", now_us=NOON_US)


def listed(waiting: Message | None = None, manual: Message | None = None, item: str = "") -> OpenItems:
    def entry(message: Message | None) -> dict[str, Entry]:
        reason = message.get(60) if message is not None else ""
        return {ABOUT.original_key: Entry(1, "switch", message, reason, NOON_US)} if message else {}

    row = ExceptionRow(1, "key", NOON_US, item, "account", YEN, ABOUT.original_key, "open")
    return OpenItems(entry(waiting), entry(manual), {ABOUT.original_key: row} if item else {})


NOTHING = listed()


@pytest.mark.parametrize(
    ("expected", "atm", "network", "bank", "items"),
    [
        ("", PAID, PASSED, OPEN, NOTHING),
        ("", REFUSED, NetworkSays("switch", "51", False, 1, 0), DECLINED, NOTHING),
        ("", NOT_PAID, TAKEN_BACK, REVERSED, NOTHING),
        ("", NOT_TOLD, SAID_91, ABSENT, NOTHING),
        ("suspect", UNKNOWN, PASSED, OPEN, NOTHING),
        ("in_session", BUSY, PASSED, OPEN, NOTHING),
        ("in_session", BUSY, NetworkSays("switch", "", False, 1, 0), OPEN, NOTHING),
        ("advice_waiting", NOT_TOLD, SAID_91, OPEN, listed(waiting=REVERSAL)),
        ("advice_waiting", PART, PASSED, OPEN, listed(waiting=PART_REVERSAL)),
        ("stand_in_waiting", PAID, STOOD_IN, ABSENT, listed(waiting=STAND_IN)),
        ("manual", NOT_TOLD, SAID_91, OPEN, listed(manual=REVERSAL)),
        ("exception", PAID, TAKEN_BACK, OPEN, listed(item="REVERSAL_AFTER_COMPLETION")),
        ("stand_in", PAID, STOOD_IN, OPEN, NOTHING),
        ("late_answer", NOT_TOLD, SAID_91, REVERSED, NOTHING),
        ("duplicate", PAID, TWICE, OPEN, NOTHING),
    ],
)
def test_what_is_listed_explains_a_difference(
    expected: str, atm: AtmSays, network: NetworkSays, bank: BankSays, items: OpenItems
) -> None:
    assert expected == compare(ABOUT, atm, network, bank, items, staged=False)


@pytest.mark.parametrize(
    ("atm", "network", "bank", "items"),
    [
        pytest.param(NOT_PAID, PASSED, OPEN, NOTHING, id="booked and not paid"),
        pytest.param(PAID, TAKEN_BACK, REVERSED, NOTHING, id="paid and given back"),
        pytest.param(PAID, PASSED, ABSENT, NOTHING, id="approved by nobody"),
        pytest.param(PAID, PASSED, ABSENT, listed(item="COMPLETION_UNKNOWN"), id="an item is no approval"),
        pytest.param(PAID, SAID_91, OPEN, NOTHING, id="told what the network never said"),
        pytest.param(PAID, STOOD_IN, ABSENT, NOTHING, id="stood in and never advised"),
        pytest.param(NOT_TOLD, SAID_91, OPEN, NOTHING, id="approved, not told, not taken back"),
        pytest.param(PAID, TAKEN_BACK, OPEN, listed(waiting=REVERSAL), id="the advice says not paid"),
        pytest.param(NOT_PAID, PASSED, OPEN, listed(waiting=PART_REVERSAL), id="the advice says another part"),
        pytest.param(PAID, PASSED, OPEN._replace(booked_jpy=YEN + 1), NOTHING, id="booked beside its decision"),
        pytest.param(UNKNOWN, PASSED, REVERSED, NOTHING, id="unknown at the ATM, given back by nobody"),
    ],
)  # fmt: skip
def test_any_other_difference_is_unexplained(
    atm: AtmSays, network: NetworkSays, bank: BankSays, items: OpenItems
) -> None:
    assert UNEXPLAINED == compare(ABOUT, atm, network, bank, items, staged=False)


def test_a_testers_message_explains_an_approval_that_nobody_gave_but_not_the_banks_own_books() -> None:
    assert "staged" == compare(ABOUT, PAID, SAID_91, OPEN, NOTHING, staged=True)
    wrong = OPEN._replace(booked_jpy=1)
    assert UNEXPLAINED == compare(ABOUT, PAID, PASSED, wrong, NOTHING, staged=True)


# ---------------------------------------------------------------- whole runs


def played(text: str, head: str = HEAD) -> CaseRun:
    loaded = loads(head + text)
    return play(loaded, rows(loaded)[0])


def test_withdrawals_deposits_parts_and_counts_agree() -> None:
    """Paid in full, in part, not at all, kept, and settled by a count: all three say the same in the end."""
    done = played("""
steps:
  - {at: 10:00, who: hanako, do: withdraw, amount: ¥30_000, atm: shop}
  - {at: 10:10, who: hanako, do: deposit, notes: {10000: 2}, atm: shop}
  - {at: 10:20, who: taro, do: withdraw, amount: ¥15_000, atm: bank, device: {partial: ¥10_000}}
  - {at: 10:30, who: taro, do: withdraw, amount: ¥15_000, atm: bank, device: jam}
  - {at: 10:40, who: taro, do: withdraw, amount: ¥15_000, atm: bank/1, device: cash_not_taken}
  - {at: 11:00, do: count_cash, atm: bank}
  - {at: 11:10, who: taro, do: balance, atm: bank}
""")
    assert ([], 5) == (done.differences, done.compared)


def test_a_banks_own_route_is_read_from_the_acquirer() -> None:
    """The switch sees nothing of it: the acquirer passed the request on, and what it says is compared."""
    done = played(
        """
banks: {minato: {bin: "499911", atms: [smbc]}}
faults:
  - {from: "10:00", to: "10:02", is: down, link: acquirer-issuer, mti: "0210"}
steps:
  - {at: 10:00, who: taro, do: withdraw, amount: ¥30_000, atm: bank}
  - {at: 10:10, who: taro, do: withdraw, amount: ¥20_000, atm: bank}
""",
        HEAD.replace("鈴木 太郎", "鈴木 太郎, bank: minato"),
    )
    (late,) = done.differences
    assert (2, "late_answer", "acquirer:smbc") == (done.compared, late.explained_by, late.node)


def test_a_difference_is_a_row_of_the_record_and_of_the_folder(tmp_path: Path) -> None:
    done = played("""
faults:
  - {from: "12:00", to: "12:10", is: down, link: switch-issuer, mti: "0210"}
steps:
  - {at: 12:05, who: hanako, do: withdraw, amount: ¥30_000, atm: shop}
expect:
  - {measure: reconciliation.explained, equals: 1}
  - {measure: reconciliation.explained, at: bank, equals: 0}
  - {measure: reconciliation.unexplained, equals: 0}
""")
    assert done.verdict.met
    (row,) = [row for row in done.logs[1].events if row.kind == "difference"]
    assert ("late_answer", "hanako", "shop", "1", YEN) == (
        row.reason, row.actor, row.site, row.step, row.amount_jpy,
    )  # fmt: skip
    folder = RunFolder.create(tmp_path)
    folder.write_differences(done.differences)
    assert done.differences == folder.read_differences()
    folder.write_differences([])
    assert not (tmp_path / "reconciliation.csv").exists()


def test_an_atm_that_is_never_counted_stays_in_the_list() -> None:
    done = played(
        "steps:\n  - {at: 10:00, who: hanako, do: withdraw, amount: ¥30_000, atm: shop, device: cash_not_taken}\n"
    )
    assert ["suspect"] == [each.explained_by for each in done.differences]


def test_what_only_a_tester_asked_for_is_told_as_such() -> None:
    """The same request under another trace number: the bank books it, and no ATM has ever sent it."""
    done = played("""
steps:
  - {at: 10:00, who: hanako, do: withdraw, amount: ¥30_000, atm: shop}
  - {at: 10:10, do: send, from: switch, to: jnb, mti: "0200", about: 1, elements: {11: "900001"},
     expect: {code: "00"}}
""")
    (row,) = done.differences
    assert ("staged", "absent", "", YEN) == (row.explained_by, row.atm_state, row.request_id, row.bank_jpy)


# ---------------------------------------------------------------- words


@pytest.mark.parametrize("name", [*EXPLANATIONS, UNEXPLAINED])
def test_every_explanation_is_on_its_page_and_in_both_languages(name: str) -> None:
    assert f"| `{name}` |" in PAGE.read_text(encoding="utf-8")
    assert LABELS[f"difference_{name}"].en != LABELS[f"difference_{name}"].ja


def test_the_page_lists_the_columns_in_their_order() -> None:
    assert ", ".join(Difference._fields) in PAGE.read_text(encoding="utf-8").replace("\n", " ")
