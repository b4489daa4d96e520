"""What holds for every claim, and what a year of claims adds up to (R123-R136; survey figures of the JBA)."""

import random
from collections.abc import Iterator
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.jst import DAY_US, midnight_us
from bank_host.policy import load_policy
from bank_host.rules.compensation import BY_BANK, BY_DEPOSITOR, CAUSES, Claim, Loss, assess

FIGURES = load_policy().on(date(2014, 1, 15))
START_US = midnight_us(date(2013, 1, 1))
CONDITIONS = ("prompt_notice", "full_explanation", "police_report")
ORDINARY = (
    "guessable_pin_after_warnings",
    "kept_with_revealing_papers",
    "pin_note_with_card",
    "other_negligence",
)

moments = st.integers(START_US, START_US + 900 * DAY_US)
losses = st.builds(Loss, moments, st.integers(1, 9_000_000), st.booleans(), st.booleans())
claims = st.builds(
    Claim,
    claim_id=st.just("C"),
    kind=st.sampled_from(["individual", "sole_proprietor", "corporate"]),
    cause=st.sampled_from(CAUSES),
    losses=st.lists(losses, min_size=1, max_size=5).map(tuple),
    noticed_us=moments,
    stolen_on=st.none() | st.dates(date(2012, 1, 1), date(2015, 6, 30)),
    proved=st.lists(st.sampled_from((*BY_BANK, *BY_DEPOSITOR)), unique=True).map(tuple),
    delay_days=st.integers(0, 40),
    insured_paid=st.lists(st.tuples(st.integers(2013, 2015), st.integers(0, 6_000_000)), max_size=2).map(
        tuple
    ),
)


def paid(claim: Claim) -> list[int]:
    return [each.amount_jpy for each in assess(claim, FIGURES).decided]


@given(claims)
def test_shares_are_nothing_three_quarters_or_all_and_never_pay_more_than_the_loss(claim):
    for each in assess(claim, FIGURES).decided:
        assert each.share in (None, Fraction(0), Fraction(3, 4), Fraction(1))
        assert 0 <= each.amount_jpy <= each.loss.amount_jpy
        assert (each.payer == "none") is (each.amount_jpy == 0)
        assert each.trail
        assert each.trail[-1].effect


@given(claims)
def test_only_net_misuse_is_referred_and_only_a_stolen_card_is_paid_in_part(claim):
    shares = [each.share for each in assess(claim, FIGURES).decided]
    assert None not in shares or claim.cause in ("spyware", "phishing")
    assert Fraction(3, 4) not in shares or claim.cause == "stolen"


@given(claims, st.sampled_from(ORDINARY))
def test_ordinary_negligence_reduces_nothing_for_a_forged_card_of_a_person(claim, negligence):
    forged = claim._replace(cause="forged", kind="individual", proved=())
    assert paid(forged) == paid(forged._replace(proved=(negligence, "bank_good_faith")))


@given(claims, st.integers(1, 400))
def test_a_later_notice_never_pays_more(claim, days):
    later = claim._replace(noticed_us=claim.noticed_us + days * DAY_US)
    assert sum(paid(later)) <= sum(paid(claim))


@given(claims, st.sampled_from(BY_BANK))
def test_what_the_bank_proves_never_pays_more(claim, fact):
    assert all(
        after <= before for before, after in zip(paid(claim), paid(_proving(claim, fact)), strict=True)
    )


@given(claims, st.sampled_from(BY_DEPOSITOR))
def test_what_the_depositor_proves_never_pays_less(claim, fact):
    assert sum(paid(_proving(claim, fact))) >= sum(paid(claim))


def _proving(claim: Claim, fact: str) -> Claim:
    return claim._replace(proved=(*claim.proved, fact))


@given(claims)
def test_a_company_is_paid_by_its_insurance_within_the_ceiling_of_a_year(claim):
    company = claim._replace(kind="corporate", insured_paid=())
    card = claim.cause in ("forged", "stolen")
    ceiling_jpy = FIGURES.insurance_card if card else FIGURES.insurance_net
    by_year: dict[int, int] = {}
    for each in assess(company, FIGURES).decided:
        assert each.payer in ("none", "card_insurance" if card else "net_insurance")
        year = (each.loss.at_us - START_US) // (365 * DAY_US)
        by_year[year] = by_year.get(year, 0) + each.amount_jpy
    assert all(total_jpy <= ceiling_jpy for total_jpy in by_year.values())


@given(claims, st.randoms(use_true_random=False))
def test_the_order_of_the_losses_does_not_matter(claim, chance):
    shuffled = list(claim.losses)
    chance.shuffle(shuffled)
    assert sum(paid(claim)) == sum(paid(claim._replace(losses=tuple(shuffled))))


# ---------------------------------------------------------------- a year of claims


def population(cause: str, size: int, excluded: Fraction, chance: random.Random) -> Iterator[Claim]:
    """Claims as the survey counts them: `excluded` of them meet an exception, the bank being without fault."""
    exceptions = ("pin_told", "used_by_relative", "used_by_spouse", "false_statement")
    if cause == "forged":
        exceptions = ("pin_told", "pin_written_on_card")
    for n in range(size):
        at_us = START_US + chance.randrange(365 * DAY_US)
        proved = [*CONDITIONS, "bank_good_faith"]
        if n < excluded * size:
            proved.append(chance.choice(exceptions))
        elif chance.random() < 0.1:
            proved.append("pin_note_with_card")
        amounts = (chance.randrange(1_000, 500_001, 1_000) for _ in range(chance.randint(1, 3)))
        withdrawn = tuple(Loss(at_us + hour, amount_jpy) for hour, amount_jpy in enumerate(amounts))
        yield Claim(f"{cause}-{n}", "individual", cause, withdrawn, at_us + DAY_US, None, tuple(proved))


def compensated(claims_of_a_year: Iterator[Claim]) -> Fraction:
    """Share of the claims that are compensated, in full or in part, as the survey counts them."""
    outcomes = [assess(claim, FIGURES).outcome for claim in claims_of_a_year]
    return Fraction(sum(outcome in ("paid", "part") for outcome in outcomes), len(outcomes))


@pytest.mark.parametrize("gross", [Fraction(0), Fraction(1, 100), Fraction(2, 100)])
def test_with_about_no_gross_negligence_98_to_100_percent_of_forged_cases_are_compensated(gross):
    assert Fraction(98, 100) <= compensated(population("forged", 1_000, gross, random.Random(1))) <= 1


@pytest.mark.parametrize("excluded", [Fraction(n, 100) for n in (10, 11, 12)])
def test_with_10_to_12_percent_excluded_87_to_90_percent_of_stolen_cases_are_compensated(excluded):
    share = compensated(population("stolen", 1_000, excluded, random.Random(2)))
    assert Fraction(87, 100) <= share <= Fraction(90, 100)
