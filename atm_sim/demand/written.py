"""A fitted demand as a demand file: fitted figures with their source, shipped assumptions where the data is silent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from atm_sim.demand.fit import Chance, Effects
from atm_sim.demand.history import History
from atm_sim.demand.model import Demand


def demand_text(
    history: History, effects: Effects, chance: Chance, plain: Demand, file: str, about: str
) -> str:
    """The YAML; `plain` is the shipped demand that stands in where the data says nothing."""
    days = f"{file}: {len(history.atms)} machines, {history.days[0]} to {history.days[-1]}"
    assumed = f"not in {file}; as in the shipped demand '{plain.name}'"
    share = dict(plain.mix)["withdraw"]
    level = float(np.nanmean(history.counts / effects.multipliers(history.days)[:, None])) / share
    hours = history.hours or plain.hours
    tree = CommentedMap(demand=f"Fitted to {file}", version=1, about=about)
    tree["per_atm_day"] = _cited(_round(level), "fitted", f"{days}; withdrawals are {share:.3f} of visits")
    tree["hours"] = _cited(
        _flow(_round(hour / sum(hours)) for hour in hours),
        "fitted" if history.hours else "assumed",
        days if history.hours else assumed,
    )
    tree["weekdays"] = _cited(_flow(map(_round, effects.weekdays)), "fitted", days)
    tree["holiday"] = _cited(_round(effects.holiday), "fitted", days)
    tree["months"] = _cited(_flow(map(_round, effects.months)), "fitted", days)
    tree["days_of_month"] = _cited(_flow(map(_round, effects.days_of_month)), "fitted", days)
    if effects.occasions:
        tree["occasions"] = CommentedMap(
            {name: _cited(_round(value), "fitted", days) for name, value in effects.occasions.items()}
        )
    tree["day_factor"] = CommentedMap(
        cv=_cited(_round(chance.cv), "fitted", days), lag1=_cited(_round(chance.lag1), "fitted", days)
    )
    tree["mix"] = _cited(_mapping((name, _round(part)) for name, part in plain.mix), "assumed", assumed)
    withdraw = history.amounts or plain.amounts["withdraw"]
    told = ("fitted", days) if history.amounts else ("assumed", assumed)
    tree["amounts"] = CommentedMap(
        withdraw=_cited(_choice(withdraw), *told),
        deposit=_cited(_choice(plain.amounts["deposit"]), "assumed", assumed),
    )
    text = StringIO()
    yaml = YAML()
    yaml.width = 110
    yaml.dump(tree, text)
    return text.getvalue()


def _cited(value: object, status: str, source: str) -> CommentedMap:
    return CommentedMap(value=value, status=status, source=source)


def _round(value: float) -> float:
    return round(float(value), 4)


def _flow(values: Iterable[float]) -> CommentedSeq:
    found = CommentedSeq(list(values))
    found.fa.set_flow_style()
    return found


def _mapping(pairs: Iterable[tuple[str, float]]) -> CommentedMap:
    found = CommentedMap(pairs)
    found.fa.set_flow_style()
    return found


def _choice(pairs: Sequence[tuple[int, float]]) -> CommentedMap:
    return CommentedMap(choose=_mapping((f"¥{jpy:_}", _round(often)) for jpy, often in pairs))
