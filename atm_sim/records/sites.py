"""Where a run's machines stand: one row a site, as `sites.csv` keeps it for maps and replays."""

from __future__ import annotations

from typing import NamedTuple


class SiteRow(NamedTuple):
    """One site of the scenario as it stands: where it is, if anybody says, and what lies in its machines at first."""

    site: str
    prefecture: str
    lat: float | None
    lon: float | None
    machines: int
    stock_jpy: int  # 0 = nobody knows how it goes on from the sessions alone, as where guards drive
