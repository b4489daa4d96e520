"""What a bank is made of: store, policy, PIN module, rules. `host.Bank` and `desk` work with the same parts."""

from __future__ import annotations

from collections.abc import Callable

from bank_host.hsm import Hsm
from bank_host.passwords import Passwords
from bank_host.policy import Policy
from bank_host.rules import RULES, Rules
from bank_host.store.contract import Store
from bank_host.turns import Turns
from bank_host.work import Commit


class Parts:
    """One issuing bank, wired together; `watch` is told of every commit."""

    def __init__(
        self,
        name: str,
        store: Store,
        policy: Policy,
        hsm: Hsm,
        *,
        rules: Rules = RULES,
        passwords: Passwords | None = None,
    ) -> None:
        self.name = name
        self.store = store
        self.policy = policy
        self.hsm = hsm
        self.rules = rules
        self.passwords = passwords or Passwords()
        self.turns = Turns()
        self.watch: Callable[[Commit], None] = lambda commit: None
