"""Under the glass and in the slot: what a trainer sees of a decision, and what a chip does that was pulled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from atm_sim.kiosk.glass import MOST, Glass, passed_before
from atm_sim.kiosk.slot import InSlot, Slot
from atm_sim.sansio.effects import CardInserted, Show
from atm_sim.terminal.card import CardData
from atm_sim.world.people import Act, Wish
from bank_host.host import CHARGE, Commit
from bank_host.ledger.posting import Post
from bank_host.rules.facts import At, CardRequest
from bank_host.rules.reasons import ORDER_OF_CHECKS
from cardreader.card import Exchange
from tests.atm_sim.terminal.bench import HANAKO, NOON_US, new_bench

REQUEST = CardRequest("key", "original", "withdraw", 30_000, "392", "seven_bank", "TERM0001")
POSTED = Post(
    "key", "withdrawal", date(2014, 1, 15), (("customer:0010000001", -30_000), ("suspense:34", 30_000))
)


def commit(code: str, reason: str = "", *changes: Post) -> Commit:
    return Commit("jnb", At(NOON_US, date(2014, 1, 15), 1), REQUEST, code, reason, changes)


def test_a_decline_is_told_with_the_rule_that_decided_and_the_checks_before_it() -> None:
    glass = Glass()
    glass.committed(commit("61", "LIMIT_EXCEEDED"))
    (seen,) = glass.view(new_bench().terminal, (), NOON_US, "en")["decisions"]
    assert (False, True) == (seen["approved"], "¥30,000 → 61" in seen["title"])
    assert "LIMIT_EXCEEDED" in seen["rule"]
    assert "amount not possible" in seen["passed"]
    assert "not enough money" not in seen["passed"], "it was not looked at any more"


def test_the_charge_of_a_pin_try_is_no_decision_and_an_approval_shows_its_posting() -> None:
    glass = Glass()
    glass.committed(commit(CHARGE))
    glass.committed(commit("00", "", POSTED))
    view = glass.view(new_bench().terminal, (), NOON_US, "ja")
    assert [True] == [each["approved"] for each in view["decisions"]]
    assert [["口座 0010000001", "仮勘定 34"]] == [[leg[0] for leg in each["legs"]] for each in view["ledger"]]


def test_chip_commands_are_told_in_the_language_of_the_page_without_data() -> None:
    glass = Glass()
    glass.apdus.append(Exchange("READ RECORD", 0, 32, 0x9000))
    told = [glass.view(new_bench().terminal, (), NOON_US, lang)["apdus"] for lang in ("en", "ja")]  # type: ignore[arg-type]
    assert [
        ["READ RECORD: 0 bytes, answer 9000 with 32 bytes"],
        ["READ RECORD: 0バイト、応答 9000 32バイト"],
    ] == told


def test_only_the_latest_are_shown_and_each_keeps_its_number() -> None:
    glass = Glass()
    for _ in range(MOST + 5):
        glass.committed(commit("51", "NO_FUNDS"))
    numbers = [each["id"] for each in glass.view(new_bench().terminal, (), NOON_US, "en")["decisions"]]
    assert list(range(6, MOST + 6)) == numbers


def test_without_a_reason_all_checks_were_passed_and_a_reason_that_is_no_check_says_nothing() -> None:
    assert ORDER_OF_CHECKS == passed_before("")
    assert () == tuple(passed_before("MALFUNCTION"))


# ---------------------------------------------------------------- the slot


class Agreeing:
    """A chip that signs and agrees to everything."""

    def sign(self, terminal: Mapping[str, bytes]) -> Mapping[str, bytes] | None:
        return {"9F26": b"\x01"}

    def conclude(self, code: str, answer: bytes, *, approved: bool) -> bool:
        return True


def test_a_chip_that_is_pulled_signs_nothing_and_agrees_to_nothing() -> None:
    chip = InSlot(Agreeing(), lambda trace: None)
    assert (True, True) == (chip.sign({}) is not None, chip.conclude("00", b"", approved=True))
    chip.gone = True
    assert (None, False) == (chip.sign({}), chip.conclude("00", b"", approved=True))


@pytest.mark.parametrize("ending", ["thank_you", "card_retained"])
def test_a_visit_ends_with_the_screen_that_ends_it_and_pulling_reaches_the_chip(ending: str) -> None:
    slot = Slot(lambda trace: None)
    card = CardData(HANAKO.alias, HANAKO.pan, HANAKO.expires, HANAKO.track2, chip=Agreeing())
    visit = slot.visit(card, "1234", Wish("withdraw", 30_000), lambda what: 0)
    inserted = next(visit)
    assert isinstance(inserted, Act)
    assert isinstance(inserted.event, CardInserted)
    assert visit.send(Show("enter_pin")) is None
    slot.pull()
    chip = inserted.event.card.chip
    assert chip is not None
    assert (True, None) == (slot.pulled, chip.sign({}))
    with pytest.raises(StopIteration):
        visit.send(Show(ending))
