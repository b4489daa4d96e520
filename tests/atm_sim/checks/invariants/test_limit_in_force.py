"""The limit as the auditor replays it from the acts, on the acceptance sequence of the effective limit (Q5, Q9)."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from atm_sim.checks.invariants.model import AccountModel, LimitAct
from bank_host.rules.facts import Account, Raise
from bank_host.rules.limits import effective, raise_of

D, E, OTHER = date(2014, 2, 3), date(2014, 2, 4), date(2014, 2, 5)
ACCOUNT = Account("0010000001", "individual", "token", date(2010, 4, 1), 500_000)


def test_the_acceptance_sequence_holds_step_by_step() -> None:
    model = AccountModel(ACCOUNT, [], {})
    sequence = (
        (LimitAct("raise_limit", D, 1_000_000), (1_000_000, 500_000, 500_000)),
        (LimitAct("set_limit", None, 0), (0, 0, 0)),
        (LimitAct("raise_limit", E, 300_000), (0, 300_000, 0)),
        (LimitAct("set_limit", None, 200_000), (1_000_000, 300_000, 200_000)),
        (LimitAct("set_limit", None, 0), (0, 0, 0)),
        (LimitAct("raise_limit", D, 400_000), (400_000, 0, 0)),
        (LimitAct("cancel_raise", D, 0), (0, 0, 0)),
    )
    for act, expected in sequence:
        model.acts.append(act)
        assert expected == tuple(model.limit_on(day) for day in (D, E, OTHER)), act


_ACTS = st.one_of(
    st.builds(LimitAct, st.just("set_limit"), st.none(), st.sampled_from((0, 0, 200_000, 500_000))),
    st.builds(
        LimitAct, st.just("raise_limit"), st.sampled_from((D, E)), st.sampled_from((300_000, 1_000_000))
    ),
    st.builds(LimitAct, st.just("cancel_raise"), st.sampled_from((D, E)), st.just(0)),
)


@given(st.lists(_ACTS, max_size=12))
def test_replaying_the_acts_gives_what_the_bank_keeps_in_rows(acts: list[LimitAct]) -> None:
    """Two ways to the same limit: a log replayed, and a standing limit with sequence numbers."""
    account, raises = ACCOUNT, dict[date, Raise]()
    model = AccountModel(ACCOUNT, [], {})
    for seq, act in enumerate(acts, 1):
        if act.kind == "set_limit":
            zero_seq = account.zero_seq if act.amount_jpy else seq
            account = account._replace(standing_jpy=act.amount_jpy, zero_seq=zero_seq)
        elif act.kind == "raise_limit" and act.day is not None:
            raises[act.day] = Raise(account.account_id, act.day, act.amount_jpy, seq)
        elif act.day in raises:
            raises[act.day] = raises[act.day]._replace(cancelled=True)
        model.acts.append(act)
    rows = tuple(raises.values())
    for day in (D, E, OTHER):
        kept_jpy = effective(account, raise_of(rows, day))
        assert kept_jpy == model.limit_on(day)
        assert kept_jpy == AccountModel(account, list(rows), {}).limit_on(day), "taken up late"
