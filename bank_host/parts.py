"""What a bank is made of: store, policy, PIN module, rules. `host.Bank` and `desk` work with the same parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

from bank_host.hsm import Hsm
from bank_host.passwords import Passwords
from bank_host.policy import Policy
from bank_host.rules import RULES, Rules
from bank_host.store.contract import Store
from bank_host.turns import Turns
from bank_host.work import Commit


def _nobody_watches(commit: Commit) -> None:
    """Nobody is told."""


@dataclass(eq=False, repr=False)
class Parts:
    """One issuing bank, wired together; `watch` is told of every commit."""

    name: str
    store: Store
    policy: Policy
    hsm: Hsm
    _: KW_ONLY
    rules: Rules = RULES
    passwords: Passwords = field(default_factory=Passwords)
    turns: Turns = field(default_factory=Turns, init=False)
    watch: Callable[[Commit], None] = _nobody_watches
