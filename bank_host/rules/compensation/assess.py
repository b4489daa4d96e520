"""The decision on a loss claim, transaction by transaction: tables of checks, the first that bites decides.

Depositor Protection Act of 2005 for forged (Art. 4) and stolen cards (Art. 5), JBA agreement of 2008-02-19 for
net misuse, the bank's two insurances for whom neither covers (requirements R123-R136, Q12, Q13). Each check
that was made is a step of the trail. What no check catches is paid in full: there are no other exceptions (R128).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from bank_host.jst import jst_date
from bank_host.policy import Figures
from bank_host.rules.compensation.claim import EXCLUDED_USERS, GROSS_NEGLIGENCE, Claim, Loss, check

BANK, CARD_INSURANCE, NET_INSURANCE, NOBODY = "bank", "card_insurance", "net_insurance", "none"

# effects of a check that bites
FULL, PART, NOTHING, REFER, INSURANCE = "full", "part", "nothing", "refer", "insurance"

_ACT_IN_FORCE, _JBA_IN_FORCE = date(2006, 2, 10), date(2008, 2, 19)


class Step(NamedTuple):
    """One check of the trail: by which rule, what was looked at, what was found, and what follows."""

    rule: str
    fact: str
    found: bool
    effect: str  # '' = the next check is made


class Decided(NamedTuple):
    """One transaction of a claim with its decision."""

    loss: Loss
    share: Fraction | None  # None: a person decides (refer)
    amount_jpy: int  # at most the share of the loss; an insurance ends at its ceiling
    payer: str  # bank | card_insurance | net_insurance | none
    trail: tuple[Step, ...]


class Assessment(NamedTuple):
    claim: Claim
    decided: tuple[Decided, ...]  # in the order of their times

    @property
    def loss_jpy(self) -> int:
        return sum(each.loss.amount_jpy for each in self.decided)

    @property
    def amount_jpy(self) -> int:
        return sum(each.amount_jpy for each in self.decided)

    @property
    def outcome(self) -> str:
        """refer as soon as one transaction needs a person; else paid, part or refused, over the whole loss."""
        if any(each.share is None for each in self.decided):
            return "refer"
        if not self.amount_jpy:
            return "refused"
        return "paid" if self.amount_jpy == self.loss_jpy else "part"


def assess(claim: Claim, figures: Figures) -> Assessment:
    """Decide a claim by the figures of the day of its notice. Raises ValueError for what is no claim."""
    check(claim)
    left = _Ceiling(claim, figures)
    losses = sorted(claim.losses, key=lambda loss: loss.at_us)
    return Assessment(claim, tuple(_decide(claim, loss, figures, left) for loss in losses))


def _decide(claim: Claim, loss: Loss, figures: Figures, left: _Ceiling) -> Decided:
    effect, trail = _walk(LAWS[claim.cause], claim, loss, figures)
    payer = BANK
    if effect == INSURANCE:
        payer = CARD_INSURANCE if claim.cause in ("forged", "stolen") else NET_INSURANCE
        effect, insured = _walk(INSURANCES[payer], claim, loss, figures)
        trail += insured
    if effect == REFER:
        return Decided(loss, None, 0, NOBODY, trail)
    share = {FULL: Fraction(1), PART: figures.compensation_negligence_share, NOTHING: Fraction(0)}[effect]
    amount_jpy = _rounded_up(share * loss.amount_jpy)
    if payer != BANK and amount_jpy:
        wanted_jpy, amount_jpy = amount_jpy, left.take(loss, amount_jpy)
        trail += (Step(payer, "ceiling_left", amount_jpy == wanted_jpy, FULL if amount_jpy else NOTHING),)
    return Decided(loss, share, amount_jpy, payer if amount_jpy else NOBODY, trail)


def _rounded_up(yen: Fraction) -> int:
    return -(-yen.numerator // yen.denominator)


class _Ceiling:
    """What the insurance of an account still has for each calendar year (JST)."""

    def __init__(self, claim: Claim, figures: Figures) -> None:
        card = claim.cause in ("forged", "stolen")
        self._yearly_jpy = figures.insurance_card if card else figures.insurance_net
        self._paid_jpy: dict[int, int] = {}
        for year, paid_jpy in claim.insured_paid:
            self._paid_jpy[year] = self._paid_jpy.get(year, 0) + paid_jpy

    def take(self, loss: Loss, amount_jpy: int) -> int:
        year = jst_date(loss.at_us).year
        paid_jpy = self._paid_jpy.get(year, 0)
        taken_jpy = max(0, min(amount_jpy, self._yearly_jpy - paid_jpy))
        self._paid_jpy[year] = paid_jpy + taken_jpy
        return taken_jpy


# ---------------------------------------------------------------- the facts that a check looks at


def _bank_without_fault(claim: Claim, loss: Loss, figures: Figures) -> bool:
    """Good faith proved, and nothing paid out that the holder's lock, notice or limit forbade (Q12 terms)."""
    forbidden = loss.after_lock or loss.above_limit or loss.at_us > claim.noticed_us
    return "bank_good_faith" in claim.proved and not forbidden


def _negligence(claim: Claim, loss: Loss, figures: Figures) -> bool:
    """A guessable PIN alone is none: the card was kept with papers that reveal it, too (Q12 terms)."""
    proved = claim.proved
    guessable = "guessable_pin_after_warnings" in proved and "kept_with_revealing_papers" in proved
    return guessable or "pin_note_with_card" in proved or "other_negligence" in proved


def _any_negligence(claim: Claim, loss: Loss, figures: Figures) -> bool:
    return _negligence(claim, loss, figures) or _any_of(GROSS_NEGLIGENCE)(claim, loss, figures)


def _in_window(claim: Claim, loss: Loss, figures: Figures) -> bool:
    days = figures.compensation_days_before_notice + claim.delay_days
    return jst_date(loss.at_us) >= jst_date(claim.noticed_us) - timedelta(days=days)


def _notice_in_time(claim: Claim, loss: Loss, figures: Figures) -> bool:
    """The anniversary is in time; 29 February has its own on 28 February."""
    stolen_on = claim.stolen_on or jst_date(min(each.at_us for each in claim.losses))
    year = stolen_on.year + figures.compensation_years_limit
    try:
        last_day = stolen_on.replace(year=year)
    except ValueError:
        last_day = date(year, 2, 28)
    return jst_date(claim.noticed_us) <= last_day


def _in_force(day: date) -> _Fact:
    return lambda claim, loss, figures: jst_date(loss.at_us) >= day


def _any_of(names: tuple[str, ...]) -> _Fact:
    return lambda claim, loss, figures: any(name in claim.proved for name in names)


_Fact = Callable[[Claim, Loss, Figures], bool]

FACTS: Mapping[str, _Fact] = {
    "natural_person": lambda claim, loss, figures: claim.kind != "corporate",
    "act_in_force": _in_force(_ACT_IN_FORCE),
    "agreement_in_force": _in_force(_JBA_IN_FORCE),
    "intent": _any_of(("intent",)),
    "bank_without_fault": _bank_without_fault,
    "gross_negligence": _any_of(GROSS_NEGLIGENCE),
    "negligence": _negligence,
    "any_negligence": _any_negligence,
    "excluded_user": _any_of(EXCLUDED_USERS),
    "false_statement": _any_of(("false_statement",)),
    "war_or_riot": _any_of(("war_or_riot",)),
    "prompt_notice": _any_of(("prompt_notice",)),
    "full_explanation": _any_of(("full_explanation",)),
    "police_report": _any_of(("police_report",)),
    "notice_in_time": _notice_in_time,
    "in_window": _in_window,
}


# ---------------------------------------------------------------- the checks, in order


class _Check(NamedTuple):
    """Decides with `effect` where the fact is found to be `bites`; else the next check is made."""

    rule: str
    fact: str
    bites: bool
    effect: str


def _conditions(rule: str, outer_limit: str) -> tuple[_Check, ...]:
    """What the depositor has to show, and the two periods."""
    return (
        _Check(rule, "prompt_notice", False, NOTHING),
        _Check(rule, "full_explanation", False, NOTHING),
        _Check(rule, "police_report", False, NOTHING),
        _Check(outer_limit, "notice_in_time", False, NOTHING),
        _Check(rule, "in_window", False, NOTHING),
    )


def _exclusions(rule: str) -> tuple[_Check, ...]:
    return (
        _Check(rule, "excluded_user", True, NOTHING),
        _Check(rule, "false_statement", True, NOTHING),
        _Check(rule, "war_or_riot", True, NOTHING),
    )


_NET = (
    _Check("jba", "natural_person", False, INSURANCE),
    _Check("jba", "agreement_in_force", False, INSURANCE),
    _Check("jba", "intent", True, NOTHING),
    *_conditions("jba", "jba"),
    *_exclusions("jba"),
    _Check("jba", "any_negligence", True, REFER),
)

LAWS: Mapping[str, tuple[_Check, ...]] = {
    "forged": (
        _Check("act_2", "natural_person", False, INSURANCE),
        _Check("act", "act_in_force", False, INSURANCE),
        _Check("act_4", "intent", True, NOTHING),
        _Check("act_4", "bank_without_fault", False, FULL),
        _Check("act_4", "gross_negligence", True, NOTHING),
    ),
    "stolen": (
        _Check("act_2", "natural_person", False, INSURANCE),
        _Check("act", "act_in_force", False, INSURANCE),
        _Check("act_5", "intent", True, NOTHING),
        *_conditions("act_5", "act_7"),
        _Check("act_5", "bank_without_fault", False, FULL),
        _Check("act_5", "gross_negligence", True, NOTHING),
        *_exclusions("act_5"),
        _Check("act_5", "negligence", True, PART),
    ),
    "spyware": _NET,
    "phishing": _NET,
}


def _insurance(rule: str) -> tuple[_Check, ...]:
    """The insurers' terms are not published: those of Art. 5 without the reduction to a part (assumed)."""
    return (
        _Check(rule, "intent", True, NOTHING),
        *_conditions(rule, rule),
        _Check(rule, "gross_negligence", True, NOTHING),
        *_exclusions(rule),
    )


INSURANCES = {name: _insurance(name) for name in (CARD_INSURANCE, NET_INSURANCE)}


def _walk(
    checks: tuple[_Check, ...], claim: Claim, loss: Loss, figures: Figures
) -> tuple[str, tuple[Step, ...]]:
    """The effect of the first check that bites, and every check up to it."""
    trail: list[Step] = []
    for rule, fact, bites, effect in checks:
        found = FACTS[fact](claim, loss, figures)
        trail.append(Step(rule, fact, found, effect if found is bites else ""))
        if found is bites:
            return effect, tuple(trail)
    trail.append(Step(checks[-1].rule, "no_exception", True, FULL))
    return FULL, tuple(trail)
