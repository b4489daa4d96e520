"""How many worlds `atm-sim fuzz` needs to notice each mutant, as the table of docs/reliability.md.

python -m tests.faults.seeds_to_find            # prints the table (a minute)
python -m tests.faults.seeds_to_find --write    # puts it into the page
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.faults.in_worlds import WORLD_MUTANTS, WorldMutant, worlds_to_find

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGINS, ENDS = "<!-- mutants: begin -->\n", "<!-- mutants: end -->\n"


def row(mutant: WorldMutant) -> str:
    found = worlds_to_find(mutant, mutant.within)
    return f"| {mutant.name} | {', '.join(mutant.caught_by)} | {found or 'not found'} | {mutant.within} |"


def table(mutants: Iterable[WorldMutant] = WORLD_MUTANTS) -> str:
    lines = ["| mutant | noticed by | worlds needed | at most |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *map(row, mutants)]) + "\n"


def main() -> None:
    found = table()
    if "--write" not in sys.argv:
        sys.stdout.write(found)
        return
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGINS)
    PAGE.write_text(f"{before}{BEGINS}\n{found}\n{ENDS}{rest.partition(ENDS)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
