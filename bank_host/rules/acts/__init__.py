"""What customers do in internet banking, what the bank's staff does, and what the bank does when it is due.

`ACTS` has one row for each kind of act; `precheck_act` and `decide_act` work through a row. A new act is a new row.
"""

from __future__ import annotations

from bank_host.rules.acts.flow import ACTS, decide_act, precheck_act
from bank_host.rules.acts.rule import CUSTOMER, HOST, OPERATOR, ActRule, Compare

__all__ = ["ACTS", "CUSTOMER", "HOST", "OPERATOR", "ActRule", "Compare", "decide_act", "precheck_act"]
