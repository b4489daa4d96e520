"""A study's report: whole in itself, the same again from the folder, and true to the event records it is made from."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from atm_sim.cli import main
from atm_sim.records.event import EventRecord
from atm_sim.records.folder import EVENT_SCHEMA
from atm_sim.records.sites import SiteRow
from atm_sim.report.japan import map_of, tiles
from atm_sim.report.replay import MINUTE_US, by_prefecture, replay_of
from atm_sim.report.study_charts import Whisker, whiskers
from tests.atm_sim.study.test_study_files import plan_of

BODY = """\
replications: 3
measures: [wait.mean, utilisation]
variants: {three: {about: One more, set: {places.hall.machines: 3}}, fewer: {remove: [hall/1]}}
sweep: {streams.lunch.visit: [45 s, 60 s]}
expect: [{measure: wait.mean, at_most: 1 h}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study")
    plan_of(path, BODY)
    out = path / "out"
    done = CliRunner().invoke(main, ["study", f"{path / 'study.yaml'}", "--workers", "1", "--out", f"{out}"])
    assert done.exit_code == 0, done.output
    return out


def test_the_page_asks_for_nothing_and_runs_no_other_script(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"|@import|url\((?!#)', page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    allowed = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'" in page


def test_the_page_is_built_again_from_the_folder_alone(folder: Path) -> None:
    page = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    assert CliRunner().invoke(main, ["report", f"{folder}"]).exit_code == 0
    assert page == (folder / "report.html").read_bytes()


def test_the_page_shows_every_part_in_both_languages(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    for english, japanese in (
        ("What the variants change", "案ごとの差"),
        ("Sweep over", "値を変えたときの推移："),
        ("The day again", "一日の再生"),
        ("mean wait", "平均待ち時間"),
    ):
        assert f'<span lang="en">{english}</span><span lang="ja">{japanese}</span>' in page
    assert page.count("<svg") == 2 * 2 + 2  # each measure: differences, intervals; a sweep of two measures


def events(rows: Iterable[EventRecord]) -> pa.Table:
    return pa.Table.from_pylist([row._asdict() for row in rows], schema=EVENT_SCHEMA)


def left(minute: float, wait_min: float, service_min: float, site: str = "a") -> EventRecord:
    wait_us, service_us = round(wait_min * MINUTE_US), round(service_min * MINUTE_US)
    return EventRecord(
        "r", 1, round(minute * MINUTE_US), "left", site, wait_us=wait_us, service_us=service_us
    )


def test_the_replay_counts_who_waits_at_each_moment() -> None:
    """Arrivals at 0:00, 1:00 and 1:30; the first is served for 3 minutes, the others follow one by one."""
    day = events([left(3, 0, 3), left(5, 2, 2), left(6, 3.5, 1)])
    found = replay_of(day, [SiteRow("a", "", None, None, 1, 0)])
    assert found is not None
    (site,) = found["sites"]
    assert (0, 1, "0121100", "") == (found["start_min"], found["step_min"], site["queue"], site["stock"])


def test_the_replay_follows_the_cassettes() -> None:
    """A machine with ¥2,000,000 pays out half at 2:00 and all but a twentieth at 4:00."""
    rows = [
        left(6, 0, 6),
        EventRecord("r", 1, 2 * MINUTE_US, "cassette", "a", "a", reason="100x10000_0x1000"),
        EventRecord("r", 1, 4 * MINUTE_US, "cassette", "a", "a", reason="10x10000_0x1000"),
    ]
    found = replay_of(events(rows), [SiteRow("a", "", None, None, 1, 2_000_000)])
    assert found is not None
    assert "zzii222" == found["sites"][0]["stock"]


def test_customers_and_waits_are_summed_by_prefecture() -> None:
    sites = [
        SiteRow(name, home, None, None, 1, 0)
        for name, home in (("a", "tokyo"), ("b", "tokyo"), ("c", "osaka"))
    ]
    day = events([left(3, 2, 1, "a"), left(3, 0, 1, "b"), left(3, 0, 1, "c"), left(3, 9, 1, "unknown")])
    found = by_prefecture(day, sites)
    assert {"tokyo": 2, "osaka": 1} == found["customers"]
    assert {"tokyo": MINUTE_US, "osaka": 0} == found["wait.mean"]


def test_the_map_has_every_prefecture_once_and_is_darkest_at_the_highest() -> None:
    assert 47 == len(tiles()) == len({(tile.column, tile.row) for tile in tiles()})
    svg = str(map_of({"tokyo": 30.0, "osaka": 10.0}, lambda value: f"{value:g}"))
    shades = {name: float(shade) for name, shade in re.findall(r"<title>(\w+) .*?--shade: ([0-9.]+)", svg)}
    assert (0.95, 0.1, 0.0) == (shades["tokyo"], shades["osaka"], shades["nara"])


def test_money_below_zero_has_its_sign_before_the_yen() -> None:
    drawn = whiskers("less", [Whisker("without", -8e6, -12e6, -5e6)], "yen", wide=True)
    assert "-¥10M" in drawn.replace("\N{MINUS SIGN}", "-")
    assert "¥-" not in drawn
    smaller = whiskers("less", [Whisker("without", -5e5, -9e5, -1e5)], "yen", wide=True)
    assert ("-¥" in smaller, "¥-" in smaller) == (True, False)
