"""What a page shows of a run's sites: Japan by prefecture, and the day to replay, with the one script that plays it."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from markupsafe import Markup

from atm_sim.checks.values import duration
from atm_sim.records.sites import SiteRow
from atm_sim.report.japan import map_of
from atm_sim.report.replay import by_prefecture, replay_of

SCRIPT = Path(__file__).parent / "templates" / "replay.js"
NOTHING: Mapping[str, object] = {"maps": [], "replay": None}


def shown(events: pa.Table, sites: Sequence[SiteRow]) -> Mapping[str, object]:
    """What `replay.html` and `map.html` ask for; `script_hash` goes into the page's Content-Security-Policy."""
    replay, script = replay_of(events, sites), SCRIPT.read_text("utf-8")
    return {
        "maps": _maps(by_prefecture(events, sites)),
        "replay": replay,
        "replay_data": Markup(json.dumps(replay, separators=(",", ":")).replace("<", "\\u003c")),
        "script": Markup(script),
        "script_hash": b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _maps(values: dict[str, dict[str, float]]) -> list[tuple[str, Markup]]:
    if not values:
        return []
    return [
        ("study_map_customers", map_of(values["customers"], lambda value: f"{value:,.0f}", 1)),
        ("study_map_wait", map_of(values["wait.mean"], lambda value: duration(round(value)), 3)),
    ]
