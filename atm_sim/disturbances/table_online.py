"""What is disturbed at home: codes, tokens, logins, transfers, locks, pages, claims (R1-R77, R98-R140)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from atm_sim.disturbances.ways import (
    Disturbance,
    act_is,
    no_lock,
    otp_lock_unseen,
    refuses,
    sees,
    without,
    writes,
)
from atm_sim.disturbances.ways_online import (
    acting_on,
    always_within_the_period,
    any_code_is_right,
    any_code_of_the_last_hour,
    any_third_item,
    assessing,
    by_channel,
    codes_not_asked_for,
    complaints_go_to,
    costs,
    deciding,
    ending,
    everybody_a_company,
    executed_when,
    locks_by,
    login_id_not_asked_by,
    lowers_by_pc,
    lowers_transfers_to_zero,
    never_negligent,
    nine_tenths_in_principle,
    nothing_transferred_yet,
    one_lock_for_all_tokens,
    one_yen_transferred,
    pays_nothing,
    pc_counts_as_smartphone,
    raises_transfers,
    reports_without,
    says_what_was_wrong,
    shows_the_present_login,
    silent_act,
    sole_proprietors_are_companies,
    statement_lines,
    the_first_token_alone,
    the_list_is_fixed,
    told_of,
    with_id_card,
    writing_in,
    zero_is_no_lock,
)
from bank_host.ledger.posting import Post
from bank_host.rules.changes import MoveTransfer, SetCustomer, SetToken


def transfer_cap(kind: str, authenticator: str, cap_jpy: int) -> Mapping[str, Any]:
    """The caps with one of them set wrong."""
    token, card = 100_000_000, 10_000_000
    caps = {
        "individual": {"token": token, "id_card": card},
        "sole_proprietor": {"token": token, "id_card": card},
        "corporate": {"token": token, "id_card": token},
    }
    caps[kind][authenticator] = cap_jpy
    return {"transfer.cap": caps}


INITIAL = {"individual": 3_000_000, "sole_proprietor": 3_000_000, "corporate": 3_000_000}

ONLINE: tuple[Disturbance, ...] = (
    Disturbance("R1", "the report leaves the card lock out", bank=reports_without("card_lock")),
    # ---- one-time passwords
    Disturbance("R4", "transfers ask for no code", rules=codes_not_asked_for("transfer")),
    Disturbance("R4", "releasing a lock asks for no code", rules=codes_not_asked_for("unlock")),
    Disturbance("R11", "whatever was typed is right", rules=any_code_is_right),
    Disturbance("R16", "the lock of OTP operations is not looked at", rules=otp_lock_unseen),
    Disturbance("R20", "changing data asks for no code", rules=codes_not_asked_for("customer_data")),
    Disturbance("R21", "changing the PIN asks for no code", rules=codes_not_asked_for("pin_change")),
    Disturbance("R22", "transfers ask for no code", rules=codes_not_asked_for("transfer")),
    Disturbance("R23", "which operations ask is fixed", rules=acting_on(the_list_is_fixed)),
    Disturbance("R24", "the screen has no field for the code", rules=codes_not_asked_for("transfer")),
    Disturbance("R25", "a code is good for an hour", rules=any_code_of_the_last_hour),
    Disturbance("R26", "[Transfer] moves no money", rules=writes(without(Post))),
    Disturbance("R27", "[Correct] moves money", rules=executed_when("correct_transfer")),
    Disturbance(
        "R27", "[Correct] drops nothing", rules=writing_in("correct_transfer", without(MoveTransfer))
    ),
    Disturbance("R28", "[Cancel] moves money", rules=executed_when("cancel_transfer")),
    Disturbance("R28", "[Cancel] drops nothing", rules=writing_in("cancel_transfer", without(MoveTransfer))),
    Disturbance("R29", "what was entered is moved at once", rules=executed_when("enter_transfer")),
    Disturbance("R30", "what was entered is moved at once", rules=executed_when("enter_transfer")),
    Disturbance("R34", "what was typed before is as good as new", rules=any_code_is_right),
    # ---- tokens
    Disturbance("R36", "the first token costs ¥500", policy={"token.fee.first": 500}),
    Disturbance("R37", "each code costs ¥10", rules=costs("set_limit", 10, "token_usage")),
    Disturbance("R38", "a failed token costs ¥1,050", policy={"token.fee.failed": 1_050}),
    Disturbance("R39", "one token is all there can be", policy={"token.max_per_account": 1}),
    Disturbance("R40", "three tokens are possible", policy={"token.max_per_account": 3}),
    Disturbance("R41", "only the first token's codes count", rules=the_first_token_alone),
    Disturbance("R42", "one lock is for all tokens", rules=acting_on(one_lock_for_all_tokens)),
    Disturbance("R43", "the second token costs nothing", policy={"token.fee.second": 0}),
    Disturbance("R44", "the fee is ¥1,050 on every date", policy={"token.fee.second": 1_050}),
    # ---- login
    Disturbance("R45", "nobody can set a login ID", rules=refuses(act_is("set_login_id"))),
    Disturbance("R46", "by PC no login ID is asked for", rules=login_id_not_asked_by("pc")),
    Disturbance("R47", "by smartphone no login ID is asked for", rules=login_id_not_asked_by("smartphone")),
    Disturbance("R48", "by mobile phone no login ID is asked for", rules=login_id_not_asked_by("mobile")),
    Disturbance("R49", "any password and any PIN will do", rules=acting_on(any_third_item)),
    Disturbance("R50", "the login ID is not looked at", rules=login_id_not_asked_by("")),
    Disturbance(
        "R51",
        "on the mobile phone too it is the password",
        policy={"login.third_item": {"pc": "password", "smartphone": "password", "mobile": "password"}},
    ),
    Disturbance("R52", "the answer says that it was the login ID", rules=ending(says_what_was_wrong)),
    # ---- the transfer limit
    Disturbance("R53", "not by PC", rules=refuses(by_channel("set_transfer_limit", "pc"))),
    Disturbance("R54", "not by smartphone", rules=refuses(by_channel("set_transfer_limit", "smartphone"))),
    Disturbance("R55", "not by mobile phone", rules=refuses(by_channel("set_transfer_limit", "mobile"))),
    Disturbance("R56", "the customer cannot do it", rules=refuses(act_is("set_transfer_limit"))),
    Disturbance("R57", "each transfer is looked at alone", rules=acting_on(nothing_transferred_yet)),
    Disturbance("R58", "one yen less than the limit goes through", rules=acting_on(one_yen_transferred)),
    Disturbance("R59", "zero is no limit one can set", rules=refuses(lowers_transfers_to_zero)),
    Disturbance("R60", "limit zero is no lock", rules=acting_on(zero_is_no_lock)),
    Disturbance("R60", "the lock holds what was reserved", policy={"transfer.lock_holds_reservations": True}),
    Disturbance("R61", "it can only be lowered", rules=refuses(raises_transfers)),
    Disturbance(
        "R62", "it begins at ¥1,000,000", policy={"transfer.initial": dict.fromkeys(INITIAL, 1_000_000)}
    ),
    Disturbance("R62", "it begins at ¥3,000,000 on every date", policy={"transfer.initial": INITIAL}),
    Disturbance(
        "R63", "a company's cap is ¥10,000,000", policy=transfer_cap("corporate", "token", 10_000_000)
    ),
    Disturbance("R63", "with ID card it is lower", policy=transfer_cap("corporate", "id_card", 10_000_000)),
    Disturbance(
        "R64", "a person's cap is ¥10,000,000", policy=transfer_cap("individual", "token", 10_000_000)
    ),
    Disturbance(
        "R65", "a shop's cap is ¥10,000,000", policy=transfer_cap("sole_proprietor", "token", 10_000_000)
    ),
    Disturbance(
        "R66",
        "a person's cap with ID card is higher",
        policy=transfer_cap("individual", "id_card", 100_000_000),
    ),
    Disturbance(
        "R67",
        "a shop's cap with ID card is higher",
        policy=transfer_cap("sole_proprietor", "id_card", 100_000_000),
    ),
    Disturbance("R68", "a PC is as good as a smartphone", rules=acting_on(pc_counts_as_smartphone)),
    Disturbance("R69", "by PC it cannot be lowered", rules=refuses(with_id_card(lowers_by_pc))),
    Disturbance("R70", "it cannot be raised at all", rules=refuses(with_id_card(raises_transfers))),
    Disturbance(
        "R70",
        "the limit is kept with the ID card",
        rules=writing_in("change_authenticator", without(SetCustomer)),
    ),
    Disturbance("R71", "the step is ¥500", policy={"transfer.step": 500}),
    Disturbance("R71", "a person's cap is higher", policy=transfer_cap("individual", "token", 900_000_000)),
    # ---- PIN
    Disturbance("R72", "not by PC", rules=refuses(by_channel("change_pin_online", "pc"))),
    Disturbance("R73", "not by smartphone", rules=refuses(by_channel("change_pin_online", "smartphone"))),
    Disturbance("R74", "not by mobile phone", rules=refuses(by_channel("change_pin_online", "mobile"))),
    # ---- visible times
    Disturbance("R98", "no login is remembered", rules=writes(without(SetCustomer, "previous_login_us"))),
    Disturbance("R99", "the page shows this login", rules=writes(shows_the_present_login)),
    Disturbance("R100", "no login is remembered", rules=writes(without(SetCustomer, "previous_login_us"))),
    Disturbance(
        "R101",
        "the statement is a day behind",
        bank=statement_lines(lambda line: line._replace(at=line.at - timedelta(days=1))),
    ),
    Disturbance(
        "R102",
        "the statement shows no seconds",
        bank=statement_lines(lambda line: line._replace(at=line.at.replace(second=0))),
    ),
    # ---- notices and locks
    Disturbance("R106", "money comes in silently", rules=writes(silent_act("incoming_transfer"))),
    Disturbance("R107", "a password lapses silently", rules=writes(silent_act("password_lapsed"))),
    Disturbance("R110", "a token lock is taken and does not act", rules=writes(without(SetToken, "locked"))),
    Disturbance("R111", "an ID card cannot be locked", rules=refuses(act_is("lock_id_card"))),
    Disturbance("R112", "nothing is locked by PC", rules=refuses(locks_by("pc"))),
    Disturbance("R113", "nothing is locked by smartphone", rules=refuses(locks_by("smartphone"))),
    Disturbance("R114", "nothing is locked by mobile phone", rules=refuses(locks_by("mobile"))),
    Disturbance("R114", "the card's lock is not looked at", rules=sees(no_lock)),
    Disturbance("R117", "a locked token stays locked", rules=refuses(act_is("unlock_token"))),
    Disturbance("R118", "five business days are enough", policy={"lock.id_card.paper_delay_bd": 5}),
    Disturbance("R118", "the paper releases nothing", rules=refuses(act_is("end_id_card_lock"))),
    Disturbance("R122", "an ID card's lock does not act", rules=writes(without(SetToken, "locked"))),
    # ---- claims and complaints
    Disturbance("R123", "no claim is paid", offices=pays_nothing()),
    Disturbance(
        "R124", "forged cards are not covered", offices=pays_nothing(lambda claim: claim.cause == "forged")
    ),
    Disturbance(
        "R125", "stolen cards are not covered", offices=pays_nothing(lambda claim: claim.cause == "stolen")
    ),
    Disturbance(
        "R126", "spyware is not covered", offices=pays_nothing(lambda claim: claim.cause == "spyware")
    ),
    Disturbance(
        "R127", "phishing is not covered", offices=pays_nothing(lambda claim: claim.cause == "phishing")
    ),
    Disturbance("R128", "nine tenths are paid in principle", offices=deciding(nine_tenths_in_principle)),
    Disturbance("R129", "the law is about nobody", offices=assessing(everybody_a_company)),
    Disturbance(
        "R129", "sole proprietors are no natural persons", offices=assessing(sole_proprietors_are_companies)
    ),
    Disturbance("R130", "negligence plays no part", offices=assessing(never_negligent)),
    Disturbance("R131", "the card insurance ends at ¥400,000", policy={"insurance.card": 400_000}),
    Disturbance("R131", "an account is not insured", bank=reports_without("card_theft_insurance")),
    Disturbance(
        "R132", "companies are not insured", offices=pays_nothing(lambda claim: claim.kind == "corporate")
    ),
    Disturbance("R133", "a premium is debited", rules=costs("login", 120, "card_insurance_premium")),
    Disturbance(
        "R134",
        "forged cards are not insured",
        offices=pays_nothing(lambda claim: claim.kind == "corporate" and claim.cause == "forged"),
    ),
    Disturbance("R135", "the net insurance ends at ¥4,000,000", policy={"insurance.net": 4_000_000}),
    Disturbance("R136", "a premium is debited", rules=costs("login", 240, "net_insurance_premium")),
    Disturbance(
        "R137",
        "the number is another one",
        offices=told_of(lambda office: office._replace(telephone=("0120-000-000",))),
    ),
    Disturbance(
        "R138", "nobody says what the office is", offices=told_of(lambda office: office._replace(role=""))
    ),
    Disturbance("R139", "every complaint goes to the bankers", offices=complaints_go_to("account")),
    Disturbance("R140", "every complaint goes to FINMAC", offices=complaints_go_to("fx")),
    # ---- the page's open questions
    Disturbance("Q6", "it takes six wrong logins", policy={"login.max_wrong": 6}),
    Disturbance(
        "Q6", "a right login does not set the count back", rules=writes(without(SetCustomer, "login_fails"))
    ),
    Disturbance("Q12", "negligence costs a half", policy={"compensation.negligence_share": 0.5}),
    Disturbance("Q12", "sixty days before the notice count", policy={"compensation.days_before_notice": 60}),
    Disturbance(
        "Q13", "the period before the notice has no end", offices=assessing(always_within_the_period)
    ),
    Disturbance("Q13", "negligence plays no part", offices=assessing(never_negligent)),
    Disturbance("Q14", "the fee is ¥1,050 on every date", policy={"token.fee.second": 1_050}),
)
