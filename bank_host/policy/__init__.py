"""The bank's figures by date: a checked data file, resolved for a day (requirements R2, R3)."""

from bank_host.policy.figures import AtmFee, Figures, Partner
from bank_host.policy.policy import Policy, load_policy
from bank_host.policy.readers import PolicyError

__all__ = ["AtmFee", "Figures", "Partner", "Policy", "PolicyError", "load_policy"]
