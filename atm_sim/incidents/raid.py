"""People with copied cards who draw the machine's ceiling again and again at many shops (S5, S5b)."""

from __future__ import annotations

from datetime import date

import numpy as np

from bank_host.rules.facts import Account
from bank_host.rules.limits import effective, room


def raid(
    rng: np.random.Generator,
    *,
    people: float,
    cards: float,
    minutes: float,
    withdrawal_min: float,
    at_a_machine: float,
    walk_min: float,
    amount_jpy: float,
    limit_jpy: float,
    fill_jpy: float,
) -> dict[str, float]:
    """Each person draws `at_a_machine` times at a machine that nobody else has, walks `walk_min`, and goes on for
    `minutes`; times are exponential around their means. Cards are used in turn; the issuer decides by the rule for its
    daily limit. A person whose card is refused takes the next one.
    """
    amount, number = round(amount_jpy), round(cards)
    account = _account(round(limit_jpy))
    used = np.zeros(number, dtype=np.int64)
    next_card = paid = refused = machines = outs = 0
    most_at_a_machine = 0
    for _ in range(round(people)):
        clock, here, out_of_here = 0.0, 0, 0
        machines += 1
        stays = 1 + rng.poisson(at_a_machine - 1)
        while True:
            clock += float(rng.exponential(withdrawal_min))
            if clock >= minutes:
                break
            card, next_card = next_card % number, next_card + 1
            if room(effective(account, None), int(used[card])) < amount:
                refused += 1
            elif out_of_here + amount > fill_jpy:
                outs += 1
            else:
                used[card] += amount
                paid += 1
                out_of_here += amount
            here += 1
            most_at_a_machine = max(most_at_a_machine, out_of_here)
            if here >= stays:
                clock += float(rng.exponential(walk_min))
                if clock >= minutes:
                    break
                here = out_of_here = 0
                stays = 1 + rng.poisson(at_a_machine - 1)
                machines += 1
    return {
        "withdrawals": float(paid),
        "loss_jpy": float(paid * amount),
        "refused": float(refused),
        "machines": float(machines),
        "cash_outs": float(outs),
        "most_at_a_machine_jpy": float(most_at_a_machine),
        "jpy_a_machine": paid * amount / machines,
        "jpy_a_card": paid * amount / number,
        "withdrawals_a_card": paid / number,
    }


def _account(limit_jpy: int) -> Account:
    """The issuer's account of a copied card: what its rule for the daily limit looks at."""
    return Account("copied", "individual", "token", date(2000, 1, 1), standing_jpy=limit_jpy)
