"""Every row of the decided rules on losses: forged, stolen, net misuse, terms, insurances (R123-R136, Q12, Q13)."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from bank_host.jst import HOUR_US, midnight_us
from bank_host.policy import load_policy
from bank_host.rules.compensation import Claim, Loss, assess, report, step_text
from bank_host.rules.compensation.assess import FACTS, INSURANCES, LAWS
from bank_host.rules.compensation.words import EFFECTS, FACT_WORDS, RULES

FIGURES = load_policy().on(date(2014, 1, 15))
NOTICED = date(2014, 3, 31)
CONDITIONS = ("prompt_notice", "full_explanation", "police_report")
GOOD_FAITH = ("bank_good_faith",)
FULL, PART, NONE = Fraction(1), Fraction(3, 4), Fraction(0)


def at(day: date, hour: int = 12) -> int:
    return midnight_us(day) + hour * HOUR_US


def loss(day: date = date(2014, 3, 30), amount_jpy: int = 300_000, **flags: bool) -> Loss:
    return Loss(at(day), amount_jpy, **flags)


def claim(cause: str, *proved: str, **other: object) -> Claim:
    """A claim whose depositor has met every condition."""
    values = {
        "claim_id": "C-1",
        "kind": "individual",
        "cause": cause,
        "losses": (loss(),),
        "noticed_us": at(NOTICED),
        "proved": (*CONDITIONS, *proved),
    }
    return Claim(**{**values, **other})


def decided(a_claim: Claim):
    (only,) = assess(a_claim, FIGURES).decided
    return only


def share_of(cause: str, *proved: str, **other: object) -> Fraction | None:
    return decided(claim(cause, *proved, **other)).share


# ---------------------------------------------------------------- forged: Act Art. 4


@pytest.mark.parametrize(
    ("share", "proved"),
    [
        (FULL, ()),
        (FULL, GOOD_FAITH),
        (FULL, ("pin_note_with_card", *GOOD_FAITH)),  # ordinary negligence reduces nothing
        (FULL, ("pin_told",)),  # gross negligence without the bank's own proof
        (NONE, ("pin_told", *GOOD_FAITH)),
        (NONE, ("pin_written_on_card", *GOOD_FAITH)),
        (NONE, ("card_handed_over", *GOOD_FAITH)),
        (NONE, ("intent",)),  # whether or not the bank is at fault
        (FULL, ("used_by_spouse", *GOOD_FAITH)),  # no exception of Art. 4
    ],
)
def test_a_forged_card_is_paid_in_full_but_for_intent_or_gross_negligence(share, proved):
    """R124, R128, Q12."""
    assert share == share_of("forged", *proved)


def test_a_forged_card_asks_for_no_condition_and_knows_no_period():
    long_ago = (loss(date(2010, 1, 1)),)
    assert FULL == share_of("forged", *GOOD_FAITH, proved=GOOD_FAITH, losses=long_ago)


# ---------------------------------------------------------------- stolen: Act Art. 5


@pytest.mark.parametrize(
    ("share", "proved"),
    [
        (FULL, ()),
        (FULL, GOOD_FAITH),
        (FULL, ("other_negligence",)),  # the bank has not proved that itself is without fault
        (PART, ("other_negligence", *GOOD_FAITH)),
        (PART, ("pin_note_with_card", *GOOD_FAITH)),
        (FULL, ("guessable_pin_after_warnings", *GOOD_FAITH)),  # not kept with revealing papers
        (FULL, ("kept_with_revealing_papers", *GOOD_FAITH)),
        (PART, ("guessable_pin_after_warnings", "kept_with_revealing_papers", *GOOD_FAITH)),
        (FULL, ("pin_told",)),
        *((NONE, (gross, *GOOD_FAITH)) for gross in ("pin_told", "pin_written_on_card", "card_handed_over")),
        (NONE, ("used_by_spouse", *GOOD_FAITH)),
        (NONE, ("used_by_relative", *GOOD_FAITH)),
        (NONE, ("used_by_cohabitant", *GOOD_FAITH)),
        (NONE, ("used_by_domestic_employee", *GOOD_FAITH)),
        (NONE, ("false_statement", *GOOD_FAITH)),
        (NONE, ("war_or_riot", *GOOD_FAITH)),
        (FULL, ("used_by_spouse",)),
        (FULL, ("false_statement",)),
        (NONE, ("intent",)),
    ],
)
def test_a_stolen_card_is_paid_by_what_the_bank_has_proved(share, proved):
    """R125, Q12."""
    assert share == share_of("stolen", *proved)


@pytest.mark.parametrize("cause", ["stolen", "phishing", "spyware"])
@pytest.mark.parametrize("missing", CONDITIONS)
def test_without_each_of_its_conditions_nothing_is_paid(cause, missing):
    """What is not proved is taken as not given."""
    proved = tuple(name for name in CONDITIONS if name != missing)
    assert NONE == share_of(cause, proved=proved)


@pytest.mark.parametrize("cause", ["stolen", "phishing"])
@pytest.mark.parametrize(
    ("share", "days_before", "delay_days"),
    [(FULL, 0, 0), (FULL, 30, 0), (NONE, 31, 0), (FULL, 31, 1), (FULL, 40, 10), (NONE, 41, 10)],
)
def test_the_30th_day_before_the_notice_counts_and_unavoidable_delay_adds_days(
    cause, share, days_before, delay_days
):
    losses = (loss(NOTICED - timedelta(days_before)),)
    assert share == share_of(cause, losses=losses, delay_days=delay_days)


def test_the_first_second_of_the_30th_day_counts_and_the_last_one_before_does_not():
    first_us = midnight_us(NOTICED - timedelta(30))
    assert FULL == share_of("stolen", losses=(Loss(first_us, 1_000),))
    assert NONE == share_of("stolen", losses=(Loss(first_us - 1, 1_000),))


@pytest.mark.parametrize("cause", ["stolen", "spyware"])
@pytest.mark.parametrize(
    ("share", "stolen_on"),
    [
        (FULL, date(2012, 4, 1)),
        (FULL, date(2012, 3, 31)),  # the anniversary is in time
        (NONE, date(2012, 3, 30)),
        (NONE, date(2012, 2, 29)),
    ],
)
def test_a_notice_later_than_two_years_after_the_theft_pays_nothing(cause, share, stolen_on):
    assert share == share_of(cause, stolen_on=stolen_on)


@pytest.mark.parametrize(("share", "day"), [(FULL, date(2014, 2, 28)), (NONE, date(2014, 3, 1))])
def test_a_theft_on_29_february_has_its_anniversary_on_the_28th(share, day):
    losses = (loss(day),)
    assert share == share_of("stolen", stolen_on=date(2012, 2, 29), noticed_us=at(day, 23), losses=losses)


def test_where_the_theft_is_not_clear_the_first_loss_counts():
    losses = (loss(date(2012, 3, 30)), loss())
    assert [NONE, NONE] == [each.share for each in assess(claim("stolen", losses=losses), FIGURES).decided]


@pytest.mark.parametrize(
    ("share", "losses"),
    [
        (PART, (loss(),)),
        (FULL, (loss(after_lock=True),)),
        (FULL, (loss(above_limit=True),)),
        (FULL, (Loss(at(NOTICED) + 1, 300_000),)),  # after the notice
        (PART, (Loss(at(NOTICED), 300_000),)),
    ],
)
def test_what_lock_notice_or_limit_forbade_is_the_banks_negligence(share, losses):
    """Q12 terms."""
    assert share == share_of("stolen", "other_negligence", *GOOD_FAITH, losses=losses)


@pytest.mark.parametrize(("paid_jpy", "loss_jpy"), [(225_000, 300_000), (1, 1), (751, 1_001), (76, 101)])
def test_three_quarters_are_rounded_up_to_a_whole_yen(paid_jpy, loss_jpy):
    a_claim = claim("stolen", "other_negligence", *GOOD_FAITH, losses=(loss(amount_jpy=loss_jpy),))
    assert (PART, paid_jpy) == (decided(a_claim).share, decided(a_claim).amount_jpy)


# ---------------------------------------------------------------- net misuse: JBA agreement


@pytest.mark.parametrize("cause", ["spyware", "phishing"])
@pytest.mark.parametrize(
    ("share", "proved"),
    [
        (FULL, ()),
        (FULL, GOOD_FAITH),  # even if the bank is not at fault
        (None, ("other_negligence",)),
        (None, ("pin_told", *GOOD_FAITH)),
        (NONE, ("intent",)),
        (NONE, ("used_by_relative",)),
        (NONE, ("false_statement",)),
    ],
)
def test_net_misuse_is_paid_in_full_and_negligence_is_for_a_person_to_judge(cause, share, proved):
    """R126, R127, R130, Q13."""
    assert share == share_of(cause, *proved)


def test_a_referred_claim_pays_nothing_yet_and_says_so():
    assessment = assess(claim("phishing", "other_negligence"), FIGURES)
    assert ("refer", 0) == (assessment.outcome, assessment.amount_jpy)


# ---------------------------------------------------------------- who pays: persons, companies, insurances


@pytest.mark.parametrize("kind", ["individual", "sole_proprietor"])
@pytest.mark.parametrize("cause", ["forged", "stolen", "spyware", "phishing"])
def test_natural_persons_are_paid_by_the_bank_without_a_ceiling(kind, cause):
    """R128-R130; sole proprietors are natural persons."""
    only = decided(claim(cause, kind=kind, losses=(loss(amount_jpy=8_000_000),)))
    assert ("bank", 8_000_000) == (only.payer, only.amount_jpy)


@pytest.mark.parametrize(
    ("payer", "paid_jpy", "cause"),
    [
        ("card_insurance", 500_000, "stolen"),
        ("card_insurance", 500_000, "forged"),
        ("net_insurance", 5_000_000, "spyware"),
        ("net_insurance", 5_000_000, "phishing"),
    ],
)
def test_companies_have_the_insurance_alone_up_to_its_ceiling(payer, paid_jpy, cause):
    """R131, R132, R134, R135."""
    only = decided(claim(cause, kind="corporate", losses=(loss(amount_jpy=8_000_000),)))
    assert (payer, paid_jpy) == (only.payer, only.amount_jpy)


def test_a_ceiling_is_for_the_account_and_the_year():
    days = (date(2013, 12, 31), date(2014, 1, 1), date(2014, 1, 2), date(2014, 1, 3))
    losses = tuple(loss(day, 300_000) for day in reversed(days))
    a_claim = claim("stolen", kind="corporate", losses=losses, noticed_us=at(days[-1], 23))
    paid = [(each.amount_jpy, each.payer) for each in assess(a_claim, FIGURES).decided]
    card = "card_insurance"
    assert [(300_000, card), (300_000, card), (200_000, card), (0, "none")] == paid


def test_what_the_insurance_has_paid_in_the_year_is_gone():
    a_claim = claim("stolen", kind="corporate", insured_paid=((2013, 500_000), (2014, 450_000)))
    assert 50_000 == decided(a_claim).amount_jpy


@pytest.mark.parametrize("fact", ["intent", "pin_told", "used_by_relative", "false_statement", "war_or_riot"])
def test_an_insurance_pays_for_unknown_third_parties_only(fact):
    """R135; the insurers' further terms are assumed."""
    assert ("none", 0) == decided(claim("phishing", fact, kind="corporate"))[3:1:-1]


@pytest.mark.parametrize(
    ("payer", "cause", "day"),
    [
        ("bank", "stolen", date(2006, 2, 10)),
        ("card_insurance", "stolen", date(2006, 2, 9)),
        ("bank", "spyware", date(2008, 2, 19)),
        ("net_insurance", "spyware", date(2008, 2, 18)),
    ],
)
def test_before_a_law_was_in_force_the_insurance_covers_everybody(payer, cause, day):
    """R132."""
    assert payer == decided(claim(cause, losses=(loss(day),), noticed_us=at(day, 13))).payer


def test_the_figures_come_from_the_policy():
    policy = load_policy().with_overrides(
        {
            "compensation.days_before_notice": 10,
            "compensation.negligence_share": 0.5,
            "insurance.card": 1_000,
            "compensation.years_limit": 1,
        }
    )
    figures = policy.on(NOTICED)
    negligent = claim("stolen", "other_negligence", *GOOD_FAITH)
    assert Fraction(1, 2) == assess(negligent, figures).decided[0].share
    assert 0 == assess(claim("stolen", losses=(loss(NOTICED - timedelta(11)),)), figures).amount_jpy
    assert 0 == assess(claim("stolen", stolen_on=date(2013, 3, 30)), figures).amount_jpy
    assert 1_000 == assess(claim("stolen", kind="corporate"), figures).amount_jpy


# ---------------------------------------------------------------- the trail


def test_the_trail_holds_every_check_up_to_the_one_that_decides():
    trail = decided(claim("forged", "pin_told", *GOOD_FAITH)).trail
    assert [
        ("act_2", "natural_person", True, ""),
        ("act", "act_in_force", True, ""),
        ("act_4", "intent", False, ""),
        ("act_4", "bank_without_fault", True, ""),
        ("act_4", "gross_negligence", True, "nothing"),
    ] == [tuple(step) for step in trail]


def test_a_step_can_be_read_in_both_languages():
    step = decided(claim("stolen", proved=())).trail[-1]
    assert "Act Art. 5: the bank was told promptly → no, or not proved → nothing is paid" == step_text(
        step, "en"
    )
    assert "預金者保護法第5条: 速やかに銀行へ通知した → いいえ(証明なし) → 補償しない" == step_text(
        step, "ja"
    )


def test_every_rule_fact_and_effect_has_its_words():
    checks = [check for table in (*LAWS.values(), *INSURANCES.values()) for check in table]
    assert [] == [c for c in checks if c.rule not in RULES or c.effect not in EFFECTS]
    assert sorted({*FACTS, "ceiling_left", "no_exception"}) == sorted(FACT_WORDS)
    words = (*RULES.values(), *FACT_WORDS.values(), *EFFECTS.values())
    assert [] == [each for each in words if not each.en.isascii() or each.ja.isascii()]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["compensated in part", "¥225,000", "75 %", "0570-017109"]),
        ("ja", ["一部補償", "全国銀行協会相談室"]),
    ],
)
def test_a_report_gives_result_reasons_and_whom_to_complain_to(language, expected):
    """R123, R140."""
    text = report(assess(claim("stolen", "other_negligence", *GOOD_FAITH), FIGURES), FIGURES, language)
    assert [] == [words for words in expected if words not in text]


@pytest.mark.parametrize(
    ("problem", "other"),
    [
        ("no cause 'forgd'; did you mean 'forged'", {"cause": "forgd"}),
        ("no fact 'police_reprt'; did you mean 'police_report'", {"proved": ("police_reprt",)}),
        ("no account kind", {"kind": "club"}),
        ("at least one transaction", {"losses": ()}),
        ("not above 0", {"losses": (loss(amount_jpy=0),)}),
        ("below 0", {"delay_days": -1}),
    ],
)
def test_what_is_no_claim_is_refused_by_name(problem, other):
    a_claim = claim("forged")._replace(**other)
    with pytest.raises(ValueError, match=problem.replace("?", "")):
        assess(a_claim, FIGURES)
