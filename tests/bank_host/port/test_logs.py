"""The log: one JSON object a line, nothing of a card in it, and no flood."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from bank_host.port.logs import JsonLines, RateLimited, log_to, masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4999000000000013", "•"),
        ("card 4999000000000013 declined", "card • declined"),
        ("4999000000000013=18012011234567", "•"),
        ("pin block 0412AC89ABCDEF67", "pin block •"),
        ("0123456789ABCDEFFEDCBA9876543210", "•"),
        ("ATM00007 stan 000123 at 1127225451", "ATM00007 stan 000123 at 1127225451"),
    ],
)
def test_what_may_be_a_card_or_a_key_is_masked(text: str, expected: str) -> None:
    assert expected == masked(text)


def record(event: str, **facts: object) -> logging.LogRecord:
    made = logging.LogRecord("bank_host.port", logging.INFO, "", 0, event, (), None)
    made.facts = facts
    return made


def test_a_line_is_one_json_object_with_its_facts_masked() -> None:
    line = JsonLines().format(record("closed", peer="10.0.0.1", reason="of 4999000000000013\n", count=3))
    told = json.loads(line)
    assert ("closed", "info", "10.0.0.1", "of •\n", 3) == (
        told["event"],
        told["level"],
        told["peer"],
        told["reason"],
        told["count"],
    )
    assert "\n" not in line


def test_an_error_is_named_without_its_text() -> None:
    made = record("broken")
    made.exc_info = (ValueError, ValueError("4831"), None)
    told = json.loads(JsonLines().format(made))
    assert "ValueError" == told["error"]
    assert "4831" not in str(told)


def test_the_log_can_go_to_a_file(tmp_path: Path) -> None:
    logger = logging.getLogger("bank_host")
    before = logger.handlers[:], logger.level, logger.propagate
    try:
        log_to(tmp_path / "log")
        logging.getLogger("bank_host.port.server").warning("closed", extra={"facts": {"peer": "::1"}})
        told = json.loads((tmp_path / "log").read_text(encoding="utf-8"))
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers[:], logger.level, logger.propagate = before
    assert ("closed", "::1") == (told["event"], told["peer"])


def test_lines_of_a_kind_are_limited_and_what_was_left_out_is_told(caplog: pytest.LogCaptureFixture) -> None:
    now_us = 0
    logger = logging.getLogger("limited")
    say = RateLimited(logger, lambda: now_us, most=3, every_us=1_000)
    with caplog.at_level(logging.INFO, "limited"):
        for _ in range(10):
            say(logging.INFO, "format_error")
        say(logging.INFO, "closed")
        now_us = 1_000
        say(logging.INFO, "format_error")
    assert ["format_error"] * 3 + ["closed", "format_error"] == [r.getMessage() for r in caplog.records]
    assert {"left_out": 7} == caplog.records[-1].facts  # type: ignore[attr-defined]
