"""The host's log: one JSON object a line, without message data; a filter masks what may still slip in.

Each logger call names an event and gives its facts (`extra={"facts": {...}}`). Lines of one kind are limited, so that
a peer cannot fill the disk: what was left out is told with the next line of the kind.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from bank_host.jst import utc

LOGGER = "bank_host"

_LONG_NUMBER = re.compile(r"[0-9]{12,19}[=D][0-9]{7,}|(?<![0-9])[0-9]{12,19}(?![0-9])", re.ASCII)
_LONG_HEX = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{16,}(?![0-9A-Fa-f])", re.ASCII)


def masked(text: str) -> str:
    """The text without what may be a card number, a track, a PIN block or a key."""
    return _LONG_HEX.sub("•", _LONG_NUMBER.sub("•", text))


class JsonLines(logging.Formatter):
    """time, level, event and facts; no traceback, because its text may quote data."""

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, Any] = {
            "at": utc(int(record.created * 1_000_000)).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": masked(record.getMessage()),
        }
        for name, value in getattr(record, "facts", {}).items():
            facts[name] = masked(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[0] is not None:
            facts["error"] = record.exc_info[0].__name__
        return json.dumps(facts, ensure_ascii=False)


def log_to(file: Path | None) -> None:
    """Send the bank's log to a file, or to standard error."""
    handler: logging.Handler = (
        logging.StreamHandler(sys.stderr) if file is None else logging.FileHandler(file, encoding="utf-8")
    )
    handler.setFormatter(JsonLines())
    logger = logging.getLogger(LOGGER)
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


class Say(Protocol):
    """Logs an event with its facts."""

    def __call__(self, level: int, event: str, **facts: Any) -> None: ...


def log_at_once(level: int, event: str, **facts: Any) -> None:
    logging.getLogger(__name__).log(level, event, extra={"facts": facts})


class RateLimited:
    """At most `most` lines of a kind in each interval."""

    def __init__(
        self, log: logging.Logger, clock: Callable[[], int], most: int = 10, every_us: int = 10_000_000
    ) -> None:
        self._log = log
        self._clock = clock
        self._most = most
        self._every_us = every_us
        self._since_us: dict[str, int] = {}
        self._lines: dict[str, int] = {}
        self._lock = Lock()  # the loop and the writer both have something to say

    def __call__(self, level: int, event: str, **facts: Any) -> None:
        with self._lock:
            now_us = self._clock()
            if now_us - self._since_us.get(event, -self._every_us) >= self._every_us:
                left_out = self._lines.get(event, 0) - self._most
                if left_out > 0:
                    facts["left_out"] = left_out
                self._since_us[event], self._lines[event] = now_us, 0
            self._lines[event] += 1
            if self._lines[event] > self._most:
                return
        self._log.log(level, event, extra={"facts": facts})
