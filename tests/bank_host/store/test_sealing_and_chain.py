"""Secrets are sealed in the database, and a keyed chain shows every change to its history (I6, I22)."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from bank_host.hsm import SEAL, Hsm
from bank_host.ledger.entries import opening
from bank_host.rules.changes import Audit
from bank_host.rules.facts import Account, Token
from bank_host.store.engine import open_engine
from bank_host.store.sealing import PURPOSE, SIMULATION_KEY, derive, seal, unseal
from bank_host.store.sql import SqlStore

TODAY = date(2026, 4, 1)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTHER_KEY = bytes(range(32))


def write(store: SqlStore, n: int) -> None:
    account_id = f"001000000{n}"
    with store.begin() as unit:
        unit.add_account(Account(account_id, "individual", "token", TODAY, 0))
        unit.apply([opening(account_id, 1_000 * n, TODAY), Audit("operator", "", account_id, "open")], n)


@pytest.fixture
def bank(sql_store):
    """Three commits, so three links."""
    for n in (1, 2, 3):
        write(sql_store, n)
    return sql_store


def tamper(store: SqlStore, *statements: str) -> None:
    """Write as somebody who may do everything in the database except know the key."""
    with store.engine.begin() as connection:
        if store.engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            for (name,) in triggers.all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(text(statement))


def test_the_chain_over_untouched_history_is_whole(bank):
    assert [] == list(bank.chain_faults())


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "UPDATE leg SET amount_jpy = amount_jpy * 2 WHERE journal_seq = 2",
            "link 2: a row of it was changed",
        ),
        ("UPDATE journal SET forced = true WHERE seq = 2", "link 2: a row of it was changed"),
        ("UPDATE audit SET reason = 'x' WHERE seq = 3", "link 3: a row of it was changed"),
        ("DELETE FROM audit WHERE seq = 1", "link 1: audit row 1 is gone"),
        ("INSERT INTO audit VALUES (9, 1, 'host', '', 'a', 'w', '', '', '')", "audit row 9: in 0 links"),
        ("DELETE FROM chain_link WHERE n = 2", "link 2 is missing before link 3"),
        ("DELETE FROM chain_tail", "its tail mark is gone"),
        ("UPDATE chain_tail SET n = 2", "its tail mark was changed"),
    ],
)
def test_who_changes_adds_or_deletes_history_without_the_key_is_found(bank, statement, fault):
    tamper(bank, statement)
    assert any(fault in found for found in bank.chain_faults()), list(bank.chain_faults())


def test_a_tail_that_was_cut_is_found_even_when_its_mark_is_moved_back(bank):
    before = "(SELECT digest FROM chain_link WHERE n = 2)"
    tamper(
        bank,
        "DELETE FROM chain_link WHERE n = 3",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM leg WHERE journal_seq = 3",
        "DELETE FROM journal WHERE seq = 3",
        f"UPDATE chain_tail SET n = 2, digest = {before}",
    )
    assert ["chain host: its tail mark was changed"] == list(bank.chain_faults())


def test_under_another_key_no_link_holds(bank):
    foreign = SqlStore(bank.engine, OTHER_KEY)
    assert 3 <= sum("was changed" in found for found in foreign.chain_faults())


def test_each_writing_process_has_a_chain_of_its_own(bank):
    second = SqlStore(bank.engine, SIMULATION_KEY, "host-2")
    write(second, 4)
    write(bank, 5)
    with bank.engine.connect() as connection:
        chains = connection.execute(text("SELECT chain, n FROM chain_tail ORDER BY chain")).all()
    assert [("host", 4), ("host-2", 1)] == list(map(tuple, chains))
    assert [] == list(bank.chain_faults())


# ---------------------------------------------------------------- whose keys


def test_the_simulation_s_store_key_is_what_the_published_seal_key_gives():
    assert SIMULATION_KEY == Hsm.simulation().derived(SEAL, PURPOSE)


def test_a_store_tells_that_it_is_under_another_key(sql_store):
    foreign = SqlStore(sql_store.engine, OTHER_KEY)
    assert (True, True) == (sql_store.is_under_its_key(), foreign.is_under_its_key())  # nothing is there yet
    write(sql_store, 1)
    assert (True, False) == (sql_store.is_under_its_key(), foreign.is_under_its_key())


def test_a_store_that_was_tampered_with_is_still_under_its_key(bank):
    with bank.begin() as unit:
        unit.add_token(Token("T-1", "0010000001", SECRET, date(2030, 1, 1)))
    tamper(bank, "UPDATE chain_tail SET mark = 'x'")
    assert bank.is_under_its_key()
    tamper(bank, "DELETE FROM token")
    assert not bank.is_under_its_key()  # nothing fits any more


# ---------------------------------------------------------------- sealing


def test_a_token_secret_cannot_be_read_in_the_database(sql_store):
    write(sql_store, 1)
    token = Token("T-1", "0010000001", SECRET, date(2030, 1, 1))
    with sql_store.begin() as unit:
        unit.add_token(token)
    with sql_store.engine.connect() as connection:
        sealed = bytes(connection.execute(text("SELECT secret_sealed FROM token")).scalar_one())
    assert SECRET.encode() not in sealed
    assert [token] == list(sql_store.tokens())


def test_a_secret_is_nowhere_in_the_files_of_an_sqlite_store(sqlite_databases):
    url = sqlite_databases()
    store = SqlStore(open_engine(url))
    write(store, 1)
    with store.begin() as unit:
        unit.add_token(Token("T-1", "0010000001", SECRET, date(2030, 1, 1)))
    from_disk = b"".join(path.read_bytes() for path in tmp_files(url))
    assert b"T-1" in from_disk  # the row itself is there
    assert SECRET.encode() not in from_disk
    store.close()


def tmp_files(url: URL) -> list[Path]:
    path = Path(url.database)
    return sorted(path.parent.glob(path.name + "*"))


def test_what_is_sealed_opens_for_its_owner_and_key_alone():
    keys = derive(SIMULATION_KEY)
    sealed = seal(keys, "T-1", SECRET)
    assert SECRET == unseal(keys, "T-1", sealed)
    for other, owner, data in (
        (derive(OTHER_KEY), "T-1", sealed),
        (keys, "T-2", sealed),
        (keys, "T-1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ):
        with pytest.raises(ValueError, match="does not open") as caught:
            unseal(other, owner, data)
        assert SECRET not in str(caught.value)


def test_sealing_repeats_itself_and_differs_by_owner_so_runs_are_reproducible():
    keys = derive(SIMULATION_KEY)
    assert seal(keys, "T-1", SECRET) == seal(keys, "T-1", SECRET)
    assert seal(keys, "T-1", SECRET)[:12] != seal(keys, "T-2", SECRET)[:12]


def test_a_store_key_of_another_length_is_refused_and_keys_never_show():
    with pytest.raises(ValueError, match="32 bytes"):
        derive(b"short")
    assert "hidden" in repr(derive(SIMULATION_KEY))
