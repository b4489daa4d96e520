"""The accounts of a partition, as arrays: kind, balance, limit, raise and lock of each, drawn from the scenario."""

from __future__ import annotations

from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from atm_sim.demand import generator
from atm_sim.scenario.fleet import Accounts, Spread
from atm_sim.scenario.vocabulary import Kind

KINDS: tuple[str, ...] = get_args(Kind)
YEN_STEP = 1_000


class Population(NamedTuple):
    """One row an account; `first` is the number of the first one in the whole bank, counted from 1."""

    first: int
    kind: NDArray[np.int64]  # place in KINDS
    balance_jpy: NDArray[np.int64]
    limit_jpy: NDArray[np.int64]
    locked: NDArray[np.bool_]
    raised_day: NDArray[np.int64]  # day of the run, counted from 0; -1 = none
    raised_jpy: int

    def __len__(self) -> int:
        return len(self.kind)


def population(
    accounts: Accounts, days: int, initial_limit_jpy: int, seed: int, partition: int, partitions: int
) -> Population:
    """The accounts of one partition, the same in every replication of a seed."""
    first, last = (accounts.count * edge // partitions for edge in (partition - 1, partition))
    count = last - first

    def stream(name: str) -> np.random.Generator:
        return generator(seed, 0, f"fleet/accounts/{partition}/{name}")

    kinds, weights = zip(*accounts.kinds, strict=True)
    limit = (
        np.full(count, initial_limit_jpy, dtype=np.int64)
        if accounts.limit is None
        else drawn_jpy(stream("limit"), accounts.limit, count)
    )
    raised = np.full(count, -1, dtype=np.int64)
    if accounts.raised is not None:
        rng = stream("raised")
        has = rng.random(count) < accounts.raised.share
        raised[has] = rng.integers(0, days, size=int(has.sum()))
    return Population(
        first + 1,
        np.array([KINDS.index(kind) for kind in kinds])[_chosen(stream("kind"), weights, count)],
        drawn_jpy(stream("balance"), accounts.balance, count),
        limit,
        stream("locked").random(count) < accounts.locked,
        raised,
        accounts.raised.amount_jpy if accounts.raised is not None else 0,
    )


def drawn_jpy(rng: np.random.Generator, spread: Spread, count: int) -> NDArray[np.int64]:
    """Yen from a distribution; a lognormal's are whole thousands."""
    if spread.choices:
        amounts, weights = zip(*spread.choices, strict=True)
        return np.array(amounts, dtype=np.int64)[_chosen(rng, weights, count)]
    sigma = np.sqrt(np.log1p(spread.cv * spread.cv))
    drawn = rng.lognormal(np.log(spread.mean_jpy) - sigma * sigma / 2, sigma, count)
    return np.asarray((drawn / YEN_STEP).round().astype(np.int64) * YEN_STEP)


def _chosen(rng: np.random.Generator, weights: tuple[float, ...], count: int) -> NDArray[Any]:
    sums = np.cumsum(weights)
    found = np.searchsorted(sums, rng.random(count) * sums[-1], side="right")
    return np.minimum(found, len(sums) - 1)
