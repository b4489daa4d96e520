"""Leading zeros survive every layer between the scenario file and the ledger (X14)."""

from __future__ import annotations

from atm_sim.runner.play import play
from atm_sim.scenario import loads, rows
from atm_sim.world.lab import Lab

ZEROS = """\
scenario: A PIN that begins with zeros
version: 1
day: 2014-01-15
cast:
  aoi: {name: 高橋 葵, balance: ¥100_000, pin: "0042"}
places:
  marunouchi: {operator: smbc}
steps:
  - {at: 10:00, who: aoi, do: balance, atm: marunouchi, expect: {outcome: approved}}
  - {at: 10:10, who: aoi, do: balance, atm: marunouchi, pin: wrong, expect: {outcome: declined, code: "55"}}
  - {at: 10:20, who: aoi, do: change_pin, new_pin: "0007", atm: marunouchi, expect: {outcome: approved}}
  - {at: 10:30, who: aoi, do: balance, atm: marunouchi, expect: {outcome: approved}}
"""


def test_leading_zeros_of_pin_and_account_are_kept() -> None:
    """PIN 4 digits, branch 3, account 7: none of them is a number."""
    loaded = loads(ZEROS)
    (case,) = rows(loaded)
    aoi = Lab(case.scenario, seed=1, replication=1, run="").people["aoi"]
    assert ("001", "0000001") == (aoi.account_id[:3], aoi.account_id[3:])
    assert "0042" == aoi.pin
    assert [] == [check for check in play(loaded, case).checks if not check.passed]
