"""What is disturbed to prove a claim: for each requirement a policy figure, or a branch of a rule, set wrong.

A scenario that claims a requirement shows it only if it notices when the requirement does not hold. Each row breaks one
requirement, as little as possible, and says how. A requirement with several rows is proven when each is noticed.
"""

from __future__ import annotations

from typing import Any

from atm_sim.disturbances.table_online import ONLINE
from atm_sim.disturbances.ways import (
    Disturbance,
    act_is,
    answers,
    asked,
    early_reversals_are_forgotten,
    fee_counts,
    lock_after_pin,
    lowers_while_otp_locked,
    no_lock,
    no_pin_change,
    nothing_back_after_midnight,
    on_greenwich_day,
    one_yen_less,
    otp_lock_unseen,
    partial_dispenses_are_given_back_in_full,
    raise_also_on,
    raise_stays,
    raise_with_code_via,
    refuses,
    reversals_post_nothing,
    rounded_down,
    sees,
    silent,
    stand_in,
    without,
    without_reset,
    writes,
    zero_is_no_limit,
)
from bank_host.rules.changes import CancelRaise, ConsumeStep, SetAccount, SetCard


def cap(**caps: int) -> dict[str, Any]:
    usual = {"individual": 2_000_000, "sole_proprietor": 2_000_000, "corporate": 5_000_000}
    return {"atm.raise.cap": {**usual, **caps}}


FREE = [{"services": ["withdraw", "deposit"], "fee_jpy": 0}]
JANUARY = [
    {"services": ["withdraw", "deposit"], "up_to_use": 1, "fee_jpy": 0},
    {"services": ["withdraw", "deposit"], "fee_jpy": 157},
]

AT_THE_ATM: tuple[Disturbance, ...] = (
    Disturbance("R3", "the fee of January 2014 holds on every date", policy={"fee.atm": JANUARY}),
    # ---- one-time passwords
    Disturbance("R8", "a code that was accepted is not used up", rules=writes(without(ConsumeStep))),
    Disturbance("R11", "one more step is inside the window", policy={"otp.window": 2}),
    Disturbance("R12", "a code that was accepted is not used up", rules=writes(without(ConsumeStep))),
    Disturbance("R13", "a code that was seen can be used again", rules=writes(without(ConsumeStep))),
    Disturbance("R15", "it takes six wrong codes to lock", policy={"otp.max_wrong": 6}),
    Disturbance("R17", "the lock of OTP operations is not looked at", rules=otp_lock_unseen),
    Disturbance(
        "R18",
        "while OTP-locked, a limit cannot be lowered either",
        rules=refuses(lowers_while_otp_locked),
    ),
    # ---- PIN change at an ATM
    Disturbance("R75", "no partner offers a PIN change", policy={"partners.smbc.pin_change": False}),
    Disturbance("R76", "Seven Bank offers a PIN change too", policy={"partners.seven_bank.pin_change": True}),
    Disturbance("R77", "a PIN change at an ATM is refused", rules=answers(no_pin_change)),
    # ---- the daily ATM limit
    Disturbance("R78", "the standing limit cannot be changed", rules=refuses(act_is("set_limit"))),
    Disturbance(
        "R79",
        "zero is no limit one can set",
        rules=refuses(lambda act, facts: act.kind == "set_limit" and not act.amount_jpy),
    ),
    Disturbance("R80", "the highest limit is ¥400,000", policy={"atm.standing.max": 400_000}),
    Disturbance("R81", "the step is ¥10,000", policy={"atm.standing.step": 10_000}),
    Disturbance("R82", "the step is ¥500", policy={"atm.standing.step": 500}),
    Disturbance("R82", "the step of a raise is ¥500", policy={"atm.raise.step": 500}),
    Disturbance("R83", "the highest limit is ¥3,000,000", policy={"atm.standing.max": 3_000_000}),
    Disturbance(
        "R84",
        "nothing was drawn yet, whatever was drawn",
        rules=sees(lambda facts: facts._replace(used_jpy=0)),
    ),
    Disturbance("R85", "limit zero is no limit", rules=sees(zero_is_no_limit)),
    Disturbance("R86", "the lock of a card is not looked at", rules=sees(no_lock)),
    Disturbance("R87", "a raise by PC is refused", rules=refuses(raise_with_code_via("pc"))),
    Disturbance("R88", "a raise by smartphone is refused", rules=refuses(raise_with_code_via("smartphone"))),
    Disturbance("R89", "a raise by mobile phone is refused", rules=refuses(raise_with_code_via("mobile"))),
    Disturbance("R90", "raises are taken a year ahead", policy={"atm.raise.days_ahead": 365}),
    Disturbance("R90", "raises are taken a month ahead", policy={"atm.raise.days_ahead": 30}),
    Disturbance("R91", "a raise holds on the day before it too", rules=writes(raise_also_on(-1))),
    Disturbance("R92", "an individual may raise to ¥3,000,000", policy=cap(individual=3_000_000)),
    Disturbance("R93", "a sole proprietor may raise to ¥3,000,000", policy=cap(sole_proprietor=3_000_000)),
    Disturbance("R94", "a company may raise to ¥2,000,000 only", policy=cap(corporate=2_000_000)),
    Disturbance("R94", "E-net takes company cards too", policy={"partners.e_net.accepts_corporate": True}),
    Disturbance("R95", "a raise sets the standing limit too", rules=writes(raise_stays)),
    Disturbance("R96", "a raise holds on the day after it too", rules=writes(raise_also_on(1))),
    Disturbance(
        "R97",
        "there is no cap to speak of",
        policy=cap(individual=9_000_000, sole_proprietor=9_000_000, corporate=9_000_000),
    ),
    # ---- notices and locks
    Disturbance("R104", "a deposit gives no notice", rules=answers(silent("atm_deposit"))),
    Disturbance("R105", "a withdrawal gives no notice", rules=answers(silent("atm_withdrawal"))),
    Disturbance("R109", "a card cannot be locked", rules=refuses(act_is("lock_card"))),
    Disturbance("R115", "a lock is taken and does not act", rules=writes(without(SetCard, "locked"))),
    Disturbance("R116", "a locked card cannot be unlocked", rules=refuses(act_is("unlock_card"))),
    Disturbance(
        "R119",
        "a card can be unlocked once only",
        rules=refuses(
            lambda act, facts: act.kind == "unlock_card" and any(token.last_step for token in facts.tokens)
        ),
    ),
    Disturbance("R120", "the lock is looked at after the PIN", rules=lock_after_pin),
    # ---- what the page omits
    Disturbance("X1", "it takes four wrong PINs to block", policy={"pin.max_wrong": 4}),
    Disturbance("X1", "a right PIN does not set the count of tries back", rules=answers(without_reset)),
    Disturbance(
        "X2", "E-net's ATMs pay ¥500,000 at once", policy={"partners.e_net.per_transaction_jpy": 500_000}
    ),
    Disturbance(
        "X3", "the post office's ATMs never close", policy={"partners.japan_post.hours": ["00:00", "24:00"]}
    ),
    Disturbance("X3", "E-net's ATMs never rest", policy={"partners.e_net.maintenance": []}),
    Disturbance("X4", "no fee is ever taken", policy={"fee.atm": FREE}),
    Disturbance("X4", "the fee of January 2014 holds on every date", policy={"fee.atm": JANUARY}),
    Disturbance("X5", "one yen has to stay in the account", rules=sees(one_yen_less)),
    Disturbance("X6", "a reversal is answered and not posted", rules=reversals_post_nothing),
    Disturbance(
        "X6", "notes that did come out are given back too", rules=partial_dispenses_are_given_back_in_full
    ),
    Disturbance(
        "X6", "a reversal that comes before its request is forgotten", rules=early_reversals_are_forgotten
    ),
    Disturbance("X8", "the switch pays in place of a bank out of reach", node=stand_in),
    Disturbance(
        "X9", "a card is kept whenever a transaction breaks off", policy={"keep_card_on_break": True}
    ),
    Disturbance("X9", "a card is kept when its PIN tries are used up", policy={"pin.pin_block_code": "38"}),
    Disturbance("X10", "E-net's ATMs take 60 notes", policy={"partners.e_net.note_limit": 60}),
    Disturbance("X11", "the bank rounds down to whole notes", rules=asked(rounded_down)),
    Disturbance("X13", "an individual has the cap of a company", policy=cap(individual=5_000_000)),
    Disturbance("X15", "the day is that of Greenwich", rules=asked(on_greenwich_day)),
    # ---- the page's open questions
    Disturbance(
        "Q1",
        "a right code does not set the count of wrong ones back",
        rules=writes(without(SetAccount, "otp_fails")),
    ),
    Disturbance("Q2", "the code shown just before is not accepted", policy={"otp.window": 0}),
    Disturbance(
        "Q4", "a reversal after midnight leaves the day before as it was", rules=nothing_back_after_midnight
    ),
    Disturbance(
        "Q5", "setting the limit to zero is not remembered", rules=writes(without(SetAccount, "zero_seq"))
    ),
    Disturbance("Q7", "no setting needs a one-time password", policy={"otp_required": ["transfer"]}),
    Disturbance("Q8", "no partner offers a PIN change", policy={"partners.smbc.pin_change": False}),
    Disturbance("Q9", "a cancelled raise holds all the same", rules=writes(without(CancelRaise))),
    Disturbance("Q10", "fees use up the limit", rules=answers(fee_counts)),
    Disturbance(
        "Q11",
        "nothing was drawn over this medium yet",
        rules=sees(lambda facts: facts._replace(used_medium_jpy=0)),
    ),
)

DISTURBANCES: tuple[Disturbance, ...] = (*AT_THE_ATM, *ONLINE)
"""Everything that is known to break a requirement."""
