"""`kill -9` of host and PostgreSQL under load: what was answered is booked, once, and is answered alike again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import URL

from tests.bank_host.crash.drill import Drill, Figures, Victim
from tests.bank_host.crash.postgres import Postgres, own_postgres

AGAINST_POSTGRES: tuple[Victim, ...] = ("host", "postmaster", "host", "postgres", "postmaster")
EARLY_HOST = (sys.executable, "-m", "tests.bank_host.crash.early_host")

pytestmark = pytest.mark.xdist_group("crash")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with own_postgres(syncs=False) as server:
        yield server


def is_what_it_should_be(figures: Figures, kills: int) -> None:
    """The kills hit something: answers were lost by them, and money was booked in spite of them."""
    assert kills == figures.kills
    assert figures.lost > 0
    assert figures.postings > kills


def test_five_kills_on_sqlite(sqlite_databases: Callable[[], URL], tmp_path: Path) -> None:
    is_what_it_should_be(Drill(tmp_path, sqlite_databases(), seed=1).play(["host"] * 5), 5)


def test_five_kills_on_postgresql_of_two_hosts_and_of_the_database(
    postgres: Postgres, tmp_path: Path
) -> None:
    """Where one host is killed the other goes on at once; where the database is, both do when it is back."""
    drill = Drill(tmp_path, postgres.new_database(), 2, postgres, hosts=2)
    is_what_it_should_be(drill.play(AGAINST_POSTGRES), 5)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_sixty_kills_on_sqlite(sqlite_databases: Callable[[], URL], tmp_path: Path) -> None:
    is_what_it_should_be(Drill(tmp_path, sqlite_databases(), seed=3).play(["host"] * 60), 60)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_sixty_kills_on_postgresql(tmp_path: Path) -> None:
    victims = Random(4).choices(AGAINST_POSTGRES, k=60)
    with own_postgres(syncs=True) as server:
        drill = Drill(tmp_path, server.new_database(), 4, server)
        is_what_it_should_be(drill.play(victims), 60)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_twenty_kills_with_two_hosts_on_one_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    victims = Random(7).choices(AGAINST_POSTGRES, k=20)
    drill = Drill(tmp_path, postgres.new_database(), 7, postgres, hosts=2)
    is_what_it_should_be(drill.play(victims), 20)


def test_a_host_that_answers_before_its_commit_is_found_out(
    sqlite_databases: Callable[[], URL], tmp_path: Path
) -> None:
    drill = Drill(tmp_path, sqlite_databases(), seed=5, program=EARLY_HOST)
    with pytest.raises(AssertionError, match="is approved and not posted"):
        drill.play(["host"] * 40)  # it is found once the last thing before a kill was an approval
