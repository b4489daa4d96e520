"""docs/reference/network.md names every record kind that the network writes."""

from __future__ import annotations

import random
import re
from pathlib import Path

from tests.atm_sim.network.small_network import FOREIGN_PAN, OUR_PAN, SmallNetwork, healthy, withdrawal

REFERENCE = Path(__file__).parents[3] / "docs/reference/network.md"


def documented_kinds() -> list[str]:
    table = REFERENCE.read_text(encoding="utf-8").split("## Record kinds")[1]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [kind for cell in cells for kind in re.findall(r"`(\w+)`", cell)]


def kinds_seen_on_bad_links() -> list[str]:
    chance = random.Random(7)
    network = SmallNetwork(
        link=lambda one: chance.choice([healthy(one), healthy(one) * 2, (), (30_000_000,), (70_000_000,)])
    )
    for stan in range(1, 41):
        pan = FOREIGN_PAN if stan == 5 else OUR_PAN
        network.start("atm-1", withdrawal(stan=stan, pan=pan, at_us=network.now_us), broken=stan % 3 == 0)
        network.pass_time(40_000_000)
    network.run()
    return [record.kind for _, record in network.records]


def test_every_kind_that_is_written_is_documented() -> None:
    seen = sorted(set(kinds_seen_on_bad_links()))
    assert [] == [kind for kind in seen if kind not in documented_kinds()]
    assert 10 < len(seen)


def test_no_kind_is_documented_twice() -> None:
    assert sorted(set(documented_kinds())) == sorted(documented_kinds())
