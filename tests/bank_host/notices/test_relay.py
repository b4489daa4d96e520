"""The relay on every store: nothing is lost, nothing has two Message-IDs, order holds, failures end (R103-R108)."""

from collections.abc import Callable
from datetime import date
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from threading import Thread

import pytest

from bank_host.jst import HOUR_US, MINUTE_US, midnight_us
from bank_host.notices.mailbox import MailboxFolder
from bank_host.notices.message import message_id
from bank_host.notices.plan import Pace
from bank_host.notices.relay import AddressRefused, Counts, NotDelivered, Relay
from bank_host.policy import load_policy
from bank_host.rules.changes import Notify
from bank_host.rules.facts import Account, Customer
from bank_host.store.contract import Conflict, MailRow

DAY = date(2014, 1, 15)
NOON_US = midnight_us(DAY) + 12 * HOUR_US
PACE = Pace(lease_us=5 * MINUTE_US, first_delay_us=MINUTE_US, longest_delay_us=HOUR_US, attempts=20)
AOKI, BABA = "0010000001", "0010000002"


class Clock:
    def __init__(self, now_us: int = NOON_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


class PowerCut(Exception):
    """The relay's process dies; nothing catches it."""


class Letterbox:
    """Keeps what it is given; `trouble(n)` says what goes wrong with the n-th delivery, if anything."""

    def __init__(self, trouble: Callable[[int], Exception | None] = lambda n: None) -> None:
        self.got: list[tuple[str, str]] = []  # (address, Message-ID)
        self.calls = 0
        self.trouble = trouble

    def __call__(self, message) -> None:
        self.calls += 1
        problem = self.trouble(self.calls)
        if problem is not None and not isinstance(problem, PowerCut):
            raise problem
        self.got.append((str(message["To"]), str(message["Message-ID"])))
        if problem is not None:  # taken, and then the relay dies before it can mark it
            raise problem

    def ids(self) -> list[str]:
        """In the order of first arrival."""
        return list(dict.fromkeys(each for _, each in self.got))


@pytest.fixture
def bank(store):
    with store.begin() as unit:
        for account_id, emails in ((AOKI, ("aoki@example.jp",)), (BABA, ("b1@example.jp", "b2@example.jp"))):
            account = Account(account_id, "individual", "token", DAY, 500_000)
            unit.add_account(account, Customer(account_id, emails=emails))
    return store


def notify(store, *notices: Notify, at_us: int = NOON_US) -> None:
    with store.begin() as unit:
        unit.apply(notices, at_us)


def withdrawals(count: int, account_id: str = AOKI) -> list[Notify]:
    return [
        Notify(f"{account_id}:{n}", account_id, "atm_withdrawal", 1_000 * n + 1_000) for n in range(count)
    ]


def relay(store, sink, clock: Clock, pace: Pace = PACE) -> Relay:
    return Relay(store, sink, clock, load_policy(), pace)


def run_to_the_end(store, sink, clock: Clock, pace: Pace = PACE) -> None:
    """Starts a relay again and again, also after a power cut, until nothing waits."""
    for _ in range(400):
        try:
            if relay(store, sink, clock, pace).run().left == 0:
                return
        except PowerCut:
            pass
        clock.now_us += MINUTE_US
    raise AssertionError("mail still waits")


def expected_ids(store) -> list[str]:
    return sorted(message_id(row) for row in store.delivery.mail("sent"))


# ---------------------------------------------------------------- nothing is lost


def test_what_is_in_the_outbox_arrives_once_at_every_registered_address(bank):
    """R103."""
    notify(bank, *withdrawals(2), *withdrawals(1, BABA))
    sink = Letterbox()
    assert Counts(sent=4) == relay(bank, sink, Clock()).run()
    assert ["aoki@example.jp", "aoki@example.jp", "b1@example.jp", "b2@example.jp"] == [
        to for to, _ in sink.got
    ]
    assert Counts() == relay(bank, sink, Clock()).run()
    assert 4 == sink.calls
    assert ["addressed"] * 3 == [row.state for row in bank.outbox()]


def test_every_4th_delivery_refused_and_none_is_lost(bank):
    notify(bank, *withdrawals(10), *withdrawals(10, BABA))
    sink = Letterbox(lambda n: NotDelivered("busy") if n % 4 == 0 else None)
    run_to_the_end(bank, sink, Clock())
    assert expected_ids(bank) == sorted(each for _, each in sink.got)
    assert (30, 0) == (len(sink.got), len(list(bank.delivery.mail("dead"))))


def test_a_crash_between_the_delivery_and_its_mark_sends_the_same_message_id_again(bank):
    notify(bank, *withdrawals(8), *withdrawals(4, BABA))
    sink = Letterbox(lambda n: PowerCut() if n % 3 == 0 else None)
    run_to_the_end(bank, sink, Clock())
    assert expected_ids(bank) == sorted(sink.ids())
    assert 16 == len(sink.ids())
    assert len(sink.got) > 16  # at least once: what was in flight came twice


def test_refusals_and_crashes_together_leave_one_file_for_each_message(bank, tmp_path):
    notify(bank, *withdrawals(9), *withdrawals(9, BABA))
    folder, calls = MailboxFolder(tmp_path / "mail"), Letterbox()

    def sink(message) -> None:
        calls.calls += 1
        if calls.calls % 4 == 0:
            raise OSError(28, "No space left on device")
        folder(message)
        if calls.calls % 5 == 0:
            raise PowerCut

    run_to_the_end(bank, sink, Clock())
    files = sorted((tmp_path / "mail").iterdir())
    assert 27 == len(files)
    assert expected_ids(bank) == sorted(_read(file)["Message-ID"] for file in files)


def test_a_crash_before_the_first_delivery_leaves_every_notice_waiting(bank):
    notify(bank, *withdrawals(3))

    def dies(message) -> None:
        raise PowerCut

    clock = Clock()
    with pytest.raises(PowerCut):
        relay(bank, dies, clock).run()
    assert Counts(left=3) == relay(bank, Letterbox(), clock).run()  # the lease of the dead relay still runs
    clock.now_us += PACE.lease_us
    assert Counts(sent=3) == relay(bank, Letterbox(), clock).run()


# ---------------------------------------------------------------- order


def test_a_failed_notice_holds_back_the_later_ones_to_its_address_and_no_others(bank):
    notify(bank, *withdrawals(3), *withdrawals(1, BABA))
    sink = Letterbox(lambda n: NotDelivered("busy") if n == 1 else None)
    clock = Clock()
    assert Counts(sent=2, delayed=1, left=3) == relay(bank, sink, clock).run()
    assert ["b1@example.jp", "b2@example.jp"] == [to for to, _ in sink.got]
    clock.now_us += PACE.first_delay_us
    assert Counts(sent=3) == relay(bank, sink, clock).run()
    to_aoki = [message_id(row) for row in bank.delivery.mail("sent") if row.address == "aoki@example.jp"]
    assert to_aoki == [each for to, each in sink.got if to == "aoki@example.jp"]


def test_order_per_address_holds_through_any_failures(bank):
    notify(bank, *withdrawals(12), *withdrawals(6, BABA))
    sink = Letterbox(lambda n: {1: NotDelivered("busy"), 2: PowerCut()}.get(n % 5))
    run_to_the_end(bank, sink, Clock())
    for address in ("aoki@example.jp", "b1@example.jp", "b2@example.jp"):
        sent = [message_id(row) for row in bank.delivery.mail("sent") if row.address == address]
        assert sent == list(dict.fromkeys(each for to, each in sink.got if to == address))


def test_two_relays_in_step_send_each_message_once_and_in_order(bank):
    """The second one runs in the middle of each delivery of the first."""
    notify(bank, *withdrawals(6))
    clock, inner = Clock(), Letterbox()
    outer = Letterbox()

    def sink(message) -> None:
        outer(message)
        relay(bank, inner, clock).run()

    assert 6 == relay(bank, sink, clock).run().sent
    assert [message_id(row) for row in bank.delivery.mail("sent")] == outer.ids()
    assert [] == inner.got


def test_relays_that_run_at_the_same_time_send_each_message_once_and_in_order(bank):
    notify(bank, *withdrawals(8), *withdrawals(4, BABA))
    clock, sink = Clock(), Letterbox()

    def work() -> None:
        for _ in range(12):
            relay(bank, sink, clock).run()

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert 16 == len(sink.got)
    for address in ("aoki@example.jp", "b1@example.jp", "b2@example.jp"):
        sent = [message_id(row) for row in bank.delivery.mail("sent") if row.address == address]
        assert sent == [each for to, each in sink.got if to == address]


def test_a_mark_that_came_too_late_changes_nothing(bank):
    """The lease ran out while the receiver was slow: another relay has sent and marked it."""
    notify(bank, *withdrawals(1))
    clock, other = Clock(), Letterbox()

    def slow(message) -> None:
        clock.now_us += PACE.lease_us
        relay(bank, other, clock).run()
        raise NotDelivered("time out")

    relay(bank, slow, clock).run()
    assert 1 == len(other.got)
    assert [("sent", "")] == [(row.state, row.problem) for row in bank.delivery.mail("sent")]


# ---------------------------------------------------------------- quiet hours


def test_at_night_low_urgency_waits_until_seven_and_the_rest_goes_out(bank):
    """R108."""
    night_us = midnight_us(DAY) + 23 * HOUR_US
    notify(bank, Notify("a:1", AOKI, "card_locked"), *withdrawals(1), at_us=night_us)
    clock, sink = Clock(night_us), Letterbox()
    assert Counts(sent=1, left=1) == relay(bank, sink, clock).run()
    clock.now_us = midnight_us(date(2014, 1, 16)) + 7 * HOUR_US - 1
    assert Counts(left=1) == relay(bank, sink, clock).run()
    clock.now_us += 1
    assert Counts(sent=1) == relay(bank, sink, clock).run()


# ---------------------------------------------------------------- failures that end


def dead_letters(store) -> list[tuple[str, int, str]]:
    return [(row.address, row.attempts, row.problem) for row in store.delivery.mail("dead")]


def test_a_refused_address_is_not_tried_again_and_holds_nothing_back(bank):
    notify(bank, *withdrawals(1, BABA), *withdrawals(1))
    sink = Letterbox(lambda n: AddressRefused("no such mailbox") if n == 1 else None)
    assert Counts(sent=2, dead=1) == relay(bank, sink, Clock()).run()
    assert [("b1@example.jp", 1, "no such mailbox")] == dead_letters(bank)
    assert ["b2@example.jp", "aoki@example.jp"] == [to for to, _ in sink.got]


def test_patience_ends_in_a_visible_dead_letter_and_the_next_notice_gets_its_turn(bank):
    notify(bank, *withdrawals(2))
    pace = PACE._replace(attempts=3)
    sink = Letterbox(lambda n: NotDelivered("busy") if n <= 3 else None)
    run_to_the_end(bank, sink, Clock(), pace)
    assert [("aoki@example.jp", 3, "given up after 3 attempts: busy")] == dead_letters(bank)
    assert 1 == len(sink.got)


def test_a_message_that_kills_every_relay_becomes_a_dead_letter(bank):
    notify(bank, *withdrawals(2))
    pace = PACE._replace(attempts=3)
    sink = Letterbox(lambda n: PowerCut() if n <= 3 else None)
    run_to_the_end(bank, sink, Clock(), pace)
    assert [("aoki@example.jp", 3, "given up after 3 attempts without an answer")] == dead_letters(bank)


def test_notices_that_cannot_become_mail_are_dead_letters_that_say_why(bank):
    with bank.begin() as unit:
        unit.add_account(Account("0010000003", "individual", "token", DAY, 0))
    notify(
        bank,
        Notify("n:1", "0010000003", "atm_deposit", 1_000),
        Notify("n:2", AOKI, "unheard_of"),
        Notify("n:3", AOKI, "email_changed", 0, "not an address"),
    )
    assert Counts(dead=3) == relay(bank, Letterbox(), Clock()).run()
    assert [
        ("", 0, "no address is registered"),
        ("aoki@example.jp", 1, "no text for a notice of kind unheard_of"),
        ("not an address", 1, "the registered address is not one that mail can go to"),
    ] == dead_letters(bank)


def test_a_store_that_is_busy_loses_nothing(bank):
    """A conflict on the way means: look again later."""
    notify(bank, *withdrawals(4))
    clock, sink = Clock(), Letterbox()
    busy = Relay(BusyStore(bank), sink, clock, load_policy(), PACE)
    for _ in range(40):
        busy.run()
        clock.now_us += MINUTE_US
    assert expected_ids(bank) == sorted(sink.ids())
    assert 4 == len(sink.ids())


class BusyStore:
    """Every third write to the delivery tables meets a conflict."""

    def __init__(self, store) -> None:
        self.delivery = self
        self._inner = store.delivery
        self._calls = 0

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def _turn(self) -> None:
        self._calls += 1
        if self._calls % 3 == 0:
            raise Conflict("busy")

    def address(self, seq: int, mail: list[MailRow]) -> bool:
        self._turn()
        return self._inner.address(seq, mail)

    def move(self, before: MailRow, after: MailRow) -> bool:
        self._turn()
        return self._inner.move(before, after)


def _read(file: Path):
    return message_from_bytes(file.read_bytes(), policy=default)
