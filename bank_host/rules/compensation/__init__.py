"""Who bears an unauthorised loss: two laws, two insurances, and a trail of why (requirements R123-R136, Q12, Q13).

`assess(claim, figures)` decides each transaction of a claim; `report(assessment, figures, language)` says it to
people, in English or Japanese.
"""

from bank_host.rules.compensation.assess import Assessment, Decided, Step, assess
from bank_host.rules.compensation.claim import BY_BANK, BY_DEPOSITOR, CAUSES, Claim, Loss
from bank_host.rules.compensation.words import report, step_text

__all__ = [
    "BY_BANK",
    "BY_DEPOSITOR",
    "CAUSES",
    "Assessment",
    "Claim",
    "Decided",
    "Loss",
    "Step",
    "assess",
    "report",
    "step_text",
]
