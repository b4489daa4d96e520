"""What must hold whatever a scenario does: the invariants, judged by code that shares no rule with the bank.

`catalogue` names them, `model` remembers what was decided, `decisions`, `advices`, `acts` and `postings` judge each
commit against that memory, `answers` and `cash` watch the messages and the notes, `sweeps` looks at everything once
more at the end, `canary` searches what a run wrote for secrets. `atm_sim.checks.auditor` wires them together.
"""
