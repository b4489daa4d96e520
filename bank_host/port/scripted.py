"""The scripted issuer at the port: a script's word on each message, and a log line that names the rule that had it."""

from __future__ import annotations

import logging
from functools import partial

from bank_host.iso8583.message import Message
from bank_host.port.verdict import AS_THE_BANK, Verdict
from bank_host.script import START, Script, decide, own_answer, treated

log = logging.getLogger(__name__)


class ScriptedJudge:
    """Asks the script about each message, in the order in which they come, and keeps what it remembers."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._state = START

    def __call__(self, message: Message, now_us: int) -> Verdict:
        found, self._state = decide(self._script, message, self._state)
        if not found.rule:
            return AS_THE_BANK
        of = {"mti": message.mti, "terminal": message.get(41).rstrip(), "stan": message.get(11)}
        log.info("scripted", extra={"facts": {"rule": found.rule, **of}})
        actions = found.actions
        return Verdict(
            answer=own_answer(found, message),
            silent=actions.silent,
            close=actions.close,
            delay_us=actions.late_us,
            copies=actions.copies,
            treat=partial(treated, found),
        )
