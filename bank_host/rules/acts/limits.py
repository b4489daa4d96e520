"""The daily ATM limit and its dated raises, and the daily transfer limit (R53-R71, R78-R97, Q5, Q7, Q9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bank_host.policy import Figures
from bank_host.rules.acts.rule import CUSTOMER, NOTHING, ActRule, Needs, audit, code_of_account, done
from bank_host.rules.changes import CancelRaise, Change, Notify, Outcome, PutRaise, SetAccount, SetCustomer
from bank_host.rules.facts import Account, Act, ActFacts, At, Raise
from bank_host.rules.limits import effective, raise_of

# ---------------------------------------------------------------- does a limit rise?


def _needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    """A code where any limit is higher on any date afterwards (Q7); lowering needs none."""
    higher = "raise" in figures.otp_required and makes_limit_higher(act, facts, at)
    return code_of_account(facts) if higher else NOTHING


def makes_limit_higher(act: Act, facts: ActFacts, at: At) -> bool:
    """Is the effective limit of any date from today on higher after the act than before it?"""
    before, raises = facts.account, facts.raises
    after, raises_after = _limits_after(act, facts, at)
    if effective(after, None) > effective(before, None):  # every date without an entry
        return True
    days = sorted({entry.day for entry in raises + raises_after if entry.day >= at.day})
    return any(
        effective(after, raise_of(raises_after, day)) > effective(before, raise_of(raises, day))
        for day in days
    )


def _limits_after(act: Act, facts: ActFacts, at: At) -> tuple[Account, tuple[Raise, ...]]:
    """Account and raises as they would be with the act done."""
    account, raises = facts.account, facts.raises
    if act.kind == "set_limit":
        zero_seq = at.seq if act.amount_jpy == 0 else account.zero_seq
        return account._replace(standing_jpy=act.amount_jpy, zero_seq=zero_seq), raises
    if act.day is None:
        return account, raises
    others = tuple(entry for entry in raises if entry.day != act.day)
    cancelled = act.kind == "cancel_raise"
    return account, (*others, Raise(account.account_id, act.day, act.amount_jpy, at.seq, cancelled))


# ---------------------------------------------------------------- what speaks against it


def _refuse_limit(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if act.amount_jpy % figures.atm_standing_step:
        return "BAD_STEP"
    return "" if 0 <= act.amount_jpy <= figures.atm_standing_max else "OUT_OF_RANGE"


def _refuse_raise(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    last_day = at.day + timedelta(days=figures.atm_raise_days_ahead)
    if act.day is None or not at.day <= act.day <= last_day:
        return "DATE_OUT_OF_RANGE"
    if act.amount_jpy % figures.atm_raise_step:
        return "BAD_STEP"
    if act.amount_jpy > figures.atm_raise_cap[facts.account.kind]:
        return "OUT_OF_RANGE"
    return "" if act.amount_jpy > facts.account.standing_jpy else "NOT_ABOVE_STANDING"


def _refuse_cancel(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    entry = raise_of(facts.raises, act.day) if act.day is not None and act.day >= at.day else None
    return "" if entry is not None and not entry.cancelled else "NOTHING_TO_CANCEL"


# ---------------------------------------------------------------- what it changes


def _set_limit(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    account, amount = facts.account, act.amount_jpy
    changes: tuple[Change, ...] = (SetAccount(account.account_id, "standing_jpy", amount),)
    if amount == 0:  # suspends every raise recorded before it (Q5)
        changes += (SetAccount(account.account_id, "zero_seq", at.seq),)
    changes += _limit_notice(act, facts, at)
    return done(*changes, audit(act, str(account.standing_jpy), str(amount)))


def _raise_limit(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    assert act.day is not None, "a raise without a date was refused"
    put = PutRaise(act.account_id, act.day, act.amount_jpy, at.seq)
    told = audit(act, _entry_text(act, facts), f"{act.day} {act.amount_jpy}")
    return done(put, *_limit_notice(act, facts, at), told)


def _cancel_raise(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    assert act.day is not None, "there is nothing to cancel without a date"
    return done(
        CancelRaise(act.account_id, act.day), audit(act, _entry_text(act, facts), f"{act.day} cancelled")
    )


def _limit_notice(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    if not makes_limit_higher(act, facts, at):
        return ()
    return (Notify(act.key, act.account_id, "limit_raised", act.amount_jpy),)


def _entry_text(act: Act, facts: ActFacts) -> str:
    entry = raise_of(facts.raises, act.day) if act.day is not None else None
    if entry is None:
        return f"{act.day} none"
    return f"{entry.day} {'cancelled' if entry.cancelled else entry.amount_jpy}"


# ---------------------------------------------------------------- the daily transfer limit


def _refuse_transfer_limit(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    account = facts.account
    if act.amount_jpy % figures.transfer_step:
        return "BAD_STEP"
    if not 0 <= act.amount_jpy <= figures.transfer_cap[account.kind][account.authenticator]:
        return "OUT_OF_RANGE"
    rises = act.amount_jpy > facts.customer.transfer_limit_jpy
    if rises and account.authenticator == "id_card" and act.channel == "pc":  # R68
        return "NOT_FROM_PC"
    return ""


def _transfer_limit_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    rises = act.amount_jpy > facts.customer.transfer_limit_jpy
    return code_of_account(facts) if rises and "raise" in figures.otp_required else NOTHING


def _set_transfer_limit(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    before = facts.customer.transfer_limit_jpy
    changes: tuple[Change, ...] = (SetCustomer(act.account_id, "transfer_limit_jpy", act.amount_jpy),)
    if act.amount_jpy > before:
        changes += (Notify(act.key, act.account_id, "transfer_limit_raised", act.amount_jpy),)
    return done(*changes, audit(act, str(before), str(act.amount_jpy)))


ROWS: Mapping[str, ActRule] = {
    "set_limit": ActRule(CUSTOMER, _refuse_limit, _set_limit, _needs),
    "raise_limit": ActRule(CUSTOMER, _refuse_raise, _raise_limit, _needs),
    "cancel_raise": ActRule(CUSTOMER, _refuse_cancel, _cancel_raise, _needs),
    "set_transfer_limit": ActRule(
        CUSTOMER, _refuse_transfer_limit, _set_transfer_limit, _transfer_limit_needs
    ),
}
