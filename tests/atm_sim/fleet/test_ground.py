"""Where sites stand: drawn or from a file, in groups by prefecture, and who is near whom."""

from __future__ import annotations

import pytest

from atm_sim.fleet.ground import Neighbours, SitesError, partition_of, sites_of
from atm_sim.scenario import loads

HEAD = "scenario: x\nversion: 1\nday: 2014-12-25\nfleet:\n"
FILE = "id,lat,lon,machines,hours\nshinjuku,35.6896,139.7006,2,07:00-23:00\nyoyogi,35.6830,139.7020,1,24h\n"


def fleet(block: str):
    return loads(HEAD + block).scenario.fleet


def test_drawn_sites_hold_the_machines_of_each_operator_whatever_the_sites_sizes(tmp_path):
    drawn = fleet(
        "  operators: {seven_bank: {machines: 50, machines_per_site: {1: 1, 3: 1}}, e_net: 7}\n  accounts: 9\n"
    )
    sites = sites_of(drawn, tmp_path, seed=1)
    by_operator = {
        code: sum(s.machines for s in sites if s.operator == code) for code in ("seven_bank", "e_net")
    }
    assert {"seven_bank": 50, "e_net": 7} == by_operator
    assert [sum(s.machines for s in sites[:n]) for n in range(len(sites))] == [s.first_machine for s in sites]


def test_partitions_take_all_sites_once_and_neighbours_together(tmp_path):
    sites = sites_of(fleet("  operators: {e_net: 100}\n  accounts: 9\n"), tmp_path, seed=1)
    parts = [partition_of(sites, number, 3) for number in (1, 2, 3)]
    assert list(sites) == [site for part in parts for site in part]
    shared = {s.prefecture for s in parts[0]} & {s.prefecture for s in parts[1]}
    assert len(shared) <= 1


def test_sites_of_a_file_have_its_names_machines_and_hours(tmp_path):
    (tmp_path / "sites.csv").write_text(FILE, encoding="utf-8")
    sites = sites_of(fleet("  operators: {e_net: 1}\n  accounts: 9\n  sites: sites.csv\n"), tmp_path, seed=1)
    assert [("shinjuku", 2, "tokyo"), ("yoyogi", 1, "tokyo")] == [
        (s.name, s.machines, s.prefecture) for s in sites
    ]
    assert [(7 * 3_600_000_000, 23 * 3_600_000_000), None] == [s.hours_us for s in sites]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,lat,lon\n", r"sites.csv:1: no column machines, hours"),
        (FILE + "x,35,139,two,24h\n", r"sites.csv:4: .*write for example"),
        (FILE + "yoyogi,35,139,1,24h\n", r"sites.csv:4: the id 'yoyogi' is empty or stands twice"),
        (FILE + "x,35,139,1,23:00-07:00\n", r"sites.csv:4: hours .* end before they begin"),
        (
            FILE + "x,99,139,1,24h\n",
            r"sites.csv:4: lat is degrees of Japan, from 20 to 46, not '99'; write for",
        ),
        (
            FILE + "x,35,abc,1,24h\n",
            r"sites.csv:4: lon is degrees of Japan, from 122 to 154, not 'abc'; write for",
        ),
        (FILE + "x,51.5,-0.1,1,24h\n", r"sites.csv:4: lat is degrees of Japan"),
        (
            FILE + "x,35,139,0,24h\n",
            r"sites.csv:4: machines is a whole number from 1 to 1000, not '0'; write for",
        ),
        (FILE + "x,35,139,1.5,24h\n", r"sites.csv:4: machines is a whole number from 1 to 1000, not '1.5'"),
        (FILE + "x,35\n", r"sites.csv:4: as many cells as the first line has columns, 5"),
        (FILE + "x,35,139,1,24h,e_net\n", r"sites.csv:4: as many cells as the first line has columns, 5"),
        ("id,lat,lon,machines,hours\n", r"sites.csv:2: no site below the names of the columns"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(tmp_path, text, told):
    (tmp_path / "sites.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SitesError, match=told):
        sites_of(fleet("  operators: {e_net: 1}\n  accounts: 9\n  sites: sites.csv\n"), tmp_path, seed=1)


def test_a_site_that_is_to_go_has_to_be_there(tmp_path):
    (tmp_path / "sites.csv").write_text(FILE, encoding="utf-8")
    block = "  operators: {e_net: 1}\n  accounts: 9\n  sites: sites.csv\n  removed: [yoyogi, shinjuk]\n"
    with pytest.raises(SitesError, match=r"no site 'shinjuk'; did you mean 'shinjuku'"):
        sites_of(fleet(block), tmp_path, seed=1)


def test_neighbours_are_those_within_reach_nearest_first(tmp_path):
    """All pairs compared, on a few hundred sites: the grid of cells misses none."""
    from atm_sim.fleet.ground import metres_between

    sites = sites_of(fleet("  operators: {e_net: 400}\n  accounts: 9\n"), tmp_path, seed=2)
    near = Neighbours(sites, 3_000)
    for index, site in enumerate(sites):
        metres = [
            (round(metres_between(site, other)), place) for place, other in enumerate(sites) if place != index
        ]
        expected = tuple((place, away) for away, place in sorted(metres) if away <= 3_000)
        assert expected == near.of(index)


def test_sites_have_the_classes_of_their_operator_by_its_shares(tmp_path):
    classes = "{big: {cassettes: {10000: 4000}}, small: {cassettes: {10000: 400, 1000: 900}}}"
    drawn = fleet(
        "  operators: {seven_bank: {machines: 400, classes: {big: 0.25, small: 0.75}}, e_net: 5}\n"
        f"  accounts: 9\n  classes: {classes}\n"
    )
    sites = sites_of(drawn, tmp_path, seed=1)
    big = sum(site.machine_class == "big" for site in sites)
    assert 74 <= big <= 126  # 100 expected, 3 standard deviations of a binomial
    assert {""} == {site.machine_class for site in sites if site.operator == "e_net"}
    assert {10000: 4000} == drawn.class_of("seven_bank", "big").cassettes
