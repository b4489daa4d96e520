"""How what customers do at home is broken on purpose: acts that see, prove, write or show something else.

The first part holds the ways, the second the branches that `atm_sim.disturbances.table_online` sets wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from atm_sim.disturbances.ways import Rewire
from atm_sim.world.at_home import OFFICES, Offices
from bank_host.host import Bank
from bank_host.ledger.entries import charged_fee, transferred
from bank_host.policy import Figures
from bank_host.rules import Compare, Rules
from bank_host.rules.changes import Change, Notify, Outcome, SetCustomer
from bank_host.rules.compensation import Assessment, Claim, Decided
from bank_host.rules.contacts import Contact
from bank_host.rules.facts import Act, ActFacts, At, OtpVerdict, Token
from bank_host.rules.views import Safeguard, StatementLine

# ---------------------------------------------------------------- the ways


class Question(NamedTuple):
    """What the rules are asked about an act."""

    act: Act
    facts: ActFacts
    figures: Figures


def acting_on(change: Callable[[Question], Question]) -> Rewire:
    """Acts are decided as if something else had been asked, or were known."""

    def rewired(rules: Rules) -> Rules:
        def precheck(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome | Compare | None:
            return rules.precheck_act(*change(Question(act, facts, figures)), at)

        def decide(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
            return rules.decide_act(*change(Question(act, facts, figures)), at)

        return rules._replace(precheck_act=precheck, decide_act=decide)

    return rewired


def ending(change: Callable[[Act, ActFacts, At, Outcome], Outcome]) -> Rewire:
    """What was decided on an act is changed before it is written."""

    def rewired(rules: Rules) -> Rules:
        def decide(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
            return change(act, facts, at, rules.decide_act(act, facts, figures, at))

        return rules._replace(decide_act=decide)

    return rewired


def also(kind: str, make: Callable[[Act, ActFacts, At], Iterable[Change]]) -> Rewire:
    """An act of this kind that is done writes something more."""

    def more(act: Act, facts: ActFacts, at: At, outcome: Outcome) -> Outcome:
        if act.kind != kind or outcome.outcome != "done":
            return outcome
        return outcome._replace(changes=(*outcome.changes, *make(act, facts, at)))

    return ending(more)


def writing_in(kind: str, change: Callable[[Change], Iterator[Change]]) -> Rewire:
    """In acts of this kind something else is written for each change."""

    def other(act: Act, facts: ActFacts, at: At, outcome: Outcome) -> Outcome:
        if act.kind != kind:
            return outcome
        return outcome._replace(changes=tuple(new for old in outcome.changes for new in change(old)))

    return ending(other)


def by_channel(kind: str, channel: str) -> Callable[[Act, ActFacts], bool]:
    return lambda act, facts: act.kind == kind and act.channel == channel


def locks_by(channel: str) -> Callable[[Act, ActFacts], bool]:
    kinds = ("lock_card", "lock_token", "lock_id_card")
    return lambda act, facts: act.kind in kinds and act.channel == channel


# ---------------------------------------------------------------- one-time codes


def codes_not_asked_for(*operations: str) -> Rewire:
    """These operations of the policy's list ask for no code."""

    def fewer(question: Question) -> Question:
        kept = tuple(each for each in question.figures.otp_required if each not in operations)
        return question._replace(figures=replace(question.figures, otp_required=kept))

    return acting_on(fewer)


ALL_OPERATIONS = (
    "transfer",
    "pin_change",
    "password_change",
    "customer_data",
    "raise",
    "unlock",
    "token_registration",
)


def the_list_is_fixed(question: Question) -> Question:
    return question._replace(figures=replace(question.figures, otp_required=ALL_OPERATIONS))


def any_code_of_the_last_hour(rules: Rules) -> Rules:
    def compare(code: str, tokens: Iterable[Token], now_us: int, figures: Figures) -> OtpVerdict:
        known = tuple(tokens)
        for minutes in range(60):
            verdict = rules.compare_otp(code, known, now_us - minutes * 60_000_000, figures)
            if verdict.result == "matched":
                return verdict
        return rules.compare_otp(code, known, now_us, figures)

    return rules._replace(compare_otp=compare)


def any_code_is_right(rules: Rules) -> Rules:
    """What was typed before is as good as what is on the display."""

    def compare(code: str, tokens: Iterable[Token], now_us: int, figures: Figures) -> OtpVerdict:
        known = tuple(tokens)
        verdict = rules.compare_otp(code, known, now_us, figures)
        if verdict.result == "matched" or not known:
            return verdict
        return OtpVerdict("matched", known[0].serial, known[0].last_step + 1)

    return rules._replace(compare_otp=compare)


def the_first_token_alone(rules: Rules) -> Rules:
    return rules._replace(
        compare_otp=lambda code, tokens, now_us, figures: rules.compare_otp(
            code, tuple(tokens)[:1], now_us, figures
        )
    )


def one_lock_for_all_tokens(question: Question) -> Question:
    tokens = question.facts.tokens
    locked = any(token.locked for token in tokens)
    facts = question.facts._replace(tokens=tuple(token._replace(locked=locked) for token in tokens))
    return question._replace(facts=facts)


# ---------------------------------------------------------------- transfers


def executed_when(kind: str) -> Rewire:
    """A transfer is executed where it should only be dropped, or not even that."""

    def moved(act: Act, facts: ActFacts, at: At) -> Iterator[Change]:
        entry = next((each for each in facts.transfers if each.transfer_id == act.transfer), None)
        payee, amount_jpy = (entry.payee, entry.amount_jpy) if entry else (act.payee, act.amount_jpy)
        if payee is not None:
            yield transferred(f"{act.key}/moved", at.day, act.account_id, "", payee.account_id, amount_jpy)

    return also(kind, moved)


def nothing_transferred_yet(question: Question) -> Question:
    return question._replace(facts=question.facts._replace(transferred_jpy=0))


def one_yen_transferred(question: Question) -> Question:
    facts = question.facts
    return question._replace(facts=facts._replace(transferred_jpy=facts.transferred_jpy + 1))


def zero_is_no_lock(question: Question) -> Question:
    customer = question.facts.customer
    if customer.transfer_limit_jpy or question.act.kind == "set_transfer_limit":
        return question
    return question._replace(
        facts=question.facts._replace(customer=customer._replace(transfer_limit_jpy=1_000_000))
    )


def lowers_transfers_to_zero(act: Act, facts: ActFacts) -> bool:
    return act.kind == "set_transfer_limit" and not act.amount_jpy


def raises_transfers(act: Act, facts: ActFacts) -> bool:
    return act.kind == "set_transfer_limit" and act.amount_jpy > facts.customer.transfer_limit_jpy


def with_id_card(when: Callable[[Act, ActFacts], bool]) -> Callable[[Act, ActFacts], bool]:
    return lambda act, facts: facts.account.authenticator == "id_card" and when(act, facts)


def lowers_by_pc(act: Act, facts: ActFacts) -> bool:
    return act.kind == "set_transfer_limit" and act.channel == "pc" and not raises_transfers(act, facts)


def pc_counts_as_smartphone(question: Question) -> Question:
    if question.act.kind != "set_transfer_limit":
        return question
    return question._replace(act=question.act._replace(channel="smartphone"))


# ---------------------------------------------------------------- login


def login_id_not_asked_by(channel: str) -> Rewire:
    def filled_in(question: Question) -> Question:
        act, customer = question.act, question.facts.customer
        if act.kind != "login" or channel not in ("", act.channel):
            return question
        return question._replace(act=act._replace(login_id=customer.login_id))

    return acting_on(filled_in)


def any_third_item(question: Question) -> Question:
    facts = question.facts
    if question.act.kind != "login":
        return question
    return question._replace(
        facts=facts._replace(
            pin_ok=facts.pin_ok is not None or None, password_ok=facts.password_ok is not None or None
        )
    )


def says_what_was_wrong(act: Act, facts: ActFacts, at: At, outcome: Outcome) -> Outcome:
    wrong_id = act.kind == "login" and act.login_id != facts.customer.login_id
    return outcome._replace(reason="LOGIN_ID_WRONG") if wrong_id else outcome


def shows_the_present_login(change: Change) -> Iterator[Change]:
    yield change
    if isinstance(change, SetCustomer) and change.field == "last_login_us":
        yield change._replace(field="previous_login_us")


def silent_act(kind: str) -> Callable[[Change], Iterator[Change]]:
    def kept(change: Change) -> Iterator[Change]:
        if not (isinstance(change, Notify) and change.kind == kind):
            yield change

    return kept


# ---------------------------------------------------------------- money that nobody should be asked for


def costs(kind: str, fee_jpy: int, what: str) -> Rewire:
    """Whenever an act of this kind is done the customer pays for it."""
    return also(
        kind,
        lambda act, facts, at: (charged_fee(f"{act.key}/{what}", what, at.day, act.account_id, fee_jpy),),
    )


# ---------------------------------------------------------------- what is shown


def statement_lines(change: Callable[[StatementLine], StatementLine]) -> Callable[[Bank], Bank]:
    """The statement shows other lines than were posted."""

    def changed(bank: Bank) -> Bank:
        shown = bank.statement

        def statement(account_id: str, first: date, last: date) -> tuple[StatementLine, ...]:
            return tuple(change(line) for line in shown(account_id, first, last))

        bank.statement = statement  # type: ignore[method-assign]
        return bank

    return changed


def reports_without(name: str) -> Callable[[Bank], Bank]:
    """A safeguard is missing from the security report."""

    def changed(bank: Bank) -> Bank:
        shown = bank.security_report

        def report(account_id: str, now_us: int) -> tuple[Safeguard, ...]:
            return tuple(line for line in shown(account_id, now_us) if line.name != name)

        bank.security_report = report  # type: ignore[method-assign]
        return bank

    return changed


# ---------------------------------------------------------------- claims and complaints


def assessing(change: Callable[[Claim], Claim]) -> Offices:
    """A claim is decided as if it said something else."""
    return OFFICES._replace(assess=lambda claim, figures: OFFICES.assess(change(claim), figures))


def deciding(change: Callable[[Claim, Decided], Decided]) -> Offices:
    """What was decided on each loss is changed."""

    def assess(claim: Claim, figures: Figures) -> Assessment:
        found = OFFICES.assess(claim, figures)
        return found._replace(decided=tuple(change(claim, each) for each in found.decided))

    return OFFICES._replace(assess=assess)


def _refused(each: Decided) -> Decided:
    return each._replace(share=Fraction(0), amount_jpy=0, payer="none")


def pays_nothing(when: Callable[[Claim], bool] = lambda claim: True) -> Offices:
    return deciding(lambda claim, each: _refused(each) if when(claim) else each)


def nine_tenths_in_principle(claim: Claim, each: Decided) -> Decided:
    if each.share != 1:
        return each
    return each._replace(share=Fraction(9, 10), amount_jpy=each.loss.amount_jpy * 9 // 10)


def never_negligent(claim: Claim) -> Claim:
    return claim._replace(proved=tuple(each for each in claim.proved if each != "other_negligence"))


def always_within_the_period(claim: Claim) -> Claim:
    return claim._replace(delay_days=1_000)


def everybody_a_company(claim: Claim) -> Claim:
    return claim._replace(kind="corporate")


def sole_proprietors_are_companies(claim: Claim) -> Claim:
    return everybody_a_company(claim) if claim.kind == "sole_proprietor" else claim


def complaints_go_to(topic: str) -> Offices:
    """Whatever a complaint is about, it goes to the office of one topic."""
    return OFFICES._replace(
        contact=lambda about, figures, language: OFFICES.contact(topic, figures, language)
    )


def told_of(change: Callable[[Contact], Contact]) -> Offices:
    """People are told something else of the office."""
    return OFFICES._replace(
        contact=lambda about, figures, language: change(OFFICES.contact(about, figures, language))
    )
