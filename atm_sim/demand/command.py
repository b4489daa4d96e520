"""The command `atm-sim fit`: the user's withdrawals in, a demand file out, with what its forecast is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from atm_sim.demand.file import load_demand
from atm_sim.demand.fit import HOLD_OUT_DAYS, LEAST_DAYS, fit_chance, fit_effects, forecast
from atm_sim.demand.history import History, read_history
from atm_sim.demand.smape import last_week, naive, smape
from atm_sim.demand.written import demand_text
from atm_sim.exits import WRONG_USAGE, stop

_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Judged(NamedTuple):
    """sMAPE over the days held out; lower is better."""

    fit: float
    last_week: float
    naive: float

    @property
    def verdict(self) -> str:
        beaten_by = [
            f"{name} forecast ({value:.2f})"
            for name, value in (("last-week", self.last_week), ("naive", self.naive))
            if value <= self.fit
        ]
        if beaten_by:
            return f"The fit is WORSE than the {' and the '.join(beaten_by)}: do not plan with it."
        return "The fit is better than both."


def judge(history: History, *, japan: bool) -> Judged:
    """Fit on all but the last 56 days, forecast these, compare."""
    days, counts = history.days[:-HOLD_OUT_DAYS], history.counts[:-HOLD_OUT_DAYS]
    ahead, seen = history.days[-HOLD_OUT_DAYS:], history.counts[-HOLD_OUT_DAYS:]
    effects = fit_effects(counts, days, japan=japan)
    ours = forecast(counts, days, ahead, effects)
    # the simple forecasts get their gaps filled, as ours would fill them
    whole = counts.copy()
    for day, row in enumerate(whole):
        gaps = row != row
        if gaps.any():
            row[gaps] = forecast(counts, days, days[day : day + 1], effects)[0][gaps]
    return Judged(
        smape(ours, seen),
        smape(last_week(whole, HOLD_OUT_DAYS), seen),
        smape(naive(whole, HOLD_OUT_DAYS), seen),
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("demand.yaml"),
    show_default=True,
    help="The demand file to write.",
)
@click.option(
    "--calendar",
    type=click.Choice(["japan", "none"]),
    default="japan",
    show_default=True,
    help="Whose holidays, paydays and pension days to look for.",
)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def fit(file: Path, out: Path, calendar: str, as_json: bool) -> None:
    """Fit weekday, month, day of the month, occasions, spread and hours to the withdrawals in the CSV FILE.

    The last 56 days are held out first and forecast; the error stands beside that of two simple forecasts.
    """
    history = read_history(file)
    if (known := history.known_days) < LEAST_DAYS:
        stop(
            WRONG_USAGE,
            f"{file}: {known} days; a fit that can be judged needs {LEAST_DAYS} "
            f"({HOLD_OUT_DAYS} are held out). Add earlier days, or those that are missing.",
        )
    if not np.nansum(history.counts[:-HOLD_OUT_DAYS]):
        stop(
            WRONG_USAGE,
            f"{file}: no withdrawal before the last {HOLD_OUT_DAYS} days; there is nothing to fit",
        )
    japan = calendar == "japan"
    judged = judge(history, japan=japan)
    effects = fit_effects(history.counts, history.days, japan=japan)
    chance = fit_chance(history.counts, effects.multipliers(history.days))
    about = (
        f"sMAPE over the last {HOLD_OUT_DAYS} days, held out: {judged.fit:.2f}, "
        f"last week {judged.last_week:.2f}, naive {judged.naive:.2f}. {judged.verdict}"
    )
    text = demand_text(history, effects, chance, load_demand("convenience"), file.name, about)
    out.write_text(text, encoding="utf-8")
    if as_json:
        click.echo(json.dumps(_data(history, effects, chance, judged, out)))
        return
    click.echo(f"{file}: {len(history.atms)} machines, {history.days[0]} to {history.days[-1]}")
    click.echo(
        "Weekday index  " + "  ".join(f"{n} {v:.3f}" for n, v in zip(_WEEK, effects.weekdays, strict=True))
    )
    for name, value in effects.occasions.items():
        click.echo(f"  {name:13}{value:.3f}")
    click.echo(f"Day factor     cv {chance.cv:.3f}, lag-1 correlation {chance.lag1:.3f}")
    click.echo(f"Hours          {'fitted' if history.hours else 'not in the file: as shipped, assumed'}")
    click.echo(f"sMAPE over the last {HOLD_OUT_DAYS} days, held out:")
    click.echo(f"  this fit {judged.fit:.2f}, last week {judged.last_week:.2f}, naive {judged.naive:.2f}")
    click.echo(judged.verdict)
    click.echo(f"Written: {out}")


def _data(history: History, effects: Any, chance: Any, judged: Judged, out: Path) -> dict[str, Any]:
    return {
        "machines": len(history.atms),
        "days": len(history.days),
        "effects": effects._asdict(),
        "day_factor": chance._asdict(),
        "smape": {**judged._asdict(), "better": judged.fit < min(judged.last_week, judged.naive)},
        "demand_file": out.as_posix(),
    }
