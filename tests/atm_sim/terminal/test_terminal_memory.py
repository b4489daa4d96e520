"""What outlasts an ATM's program: a new terminal settles what the old one left open (RS1, RS6, RS9)."""

from __future__ import annotations

from pydantic import TypeAdapter

from atm_sim.sansio.effects import CardTaken, Dispensed, PowerRestored, ReturnCard
from atm_sim.terminal.memory import Memory
from tests.atm_sim.terminal.bench import HANAKO, PAN, Bench, new_bench, of, sent, sent_types, the_record

STORED = TypeAdapter(Memory)


def started_again(old: Bench) -> Bench:
    """A new program with the old one's memory, through text as a disk holds it."""
    memory = STORED.validate_json(STORED.dump_json(old.terminal.remembered()))
    new = new_bench()
    new.now_us = old.now_us
    new.terminal.recall(memory, HANAKO if memory.card_alias else None, {})
    return new


def test_a_request_without_answer_is_reversed_and_the_card_comes_back() -> None:
    old = new_bench()
    request = old.choose("withdraw", 30_000)
    new = started_again(old)
    restored = new.feed(PowerRestored())
    assert ["0420"] == sent_types(restored)
    assert request[37] == sent(restored)[0][37]
    assert [ReturnCard()] == of(ReturnCard, restored)


def test_notes_that_were_being_counted_are_a_suspect_transaction() -> None:
    old = new_bench()
    old.reply(old.choose("withdraw", 30_000))
    new = started_again(old)
    assert "power_loss" == the_record("suspect", new.feed(PowerRestored())).reason
    assert {10_000: 3} == dict(new.terminal.cash.unknown)


def test_what_was_paid_stays_paid_and_trace_numbers_go_on() -> None:
    old = new_bench()
    old.withdraw(30_000)
    old.take_card_and_cash()
    stock, trace = old.terminal.cash.stock, int(sent(old.effects)[-1][11])
    new = started_again(old)
    new.feed(PowerRestored())
    assert stock == new.terminal.cash.stock
    assert int(new.choose("balance")[11]) > trace


def test_no_pin_block_no_track_and_no_pin_are_in_the_memory() -> None:
    """Security I22: at every moment of a withdrawal; the card is known by its alias."""
    bench = new_bench()
    texts = []
    bench.insert("1357")
    texts.append(STORED.dump_json(bench.terminal.remembered()).decode())
    request = new_bench()
    asked = request.choose("withdraw", 30_000)
    texts.append(STORED.dump_json(request.terminal.remembered()).decode())
    request.reply(asked)
    texts.append(STORED.dump_json(request.terminal.remembered()).decode())
    request.feed(Dispensed(((10_000, 3),)), CardTaken())
    texts.append(STORED.dump_json(request.terminal.remembered()).decode())
    for text in texts:
        for secret in (asked[52], HANAKO.track2, "1357", f"{PAN}="):
            assert secret not in text
    assert '"hanako"' in texts[1]
