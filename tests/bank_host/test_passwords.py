"""Login passwords: Argon2id with OWASP's figures, seeded salts in simulations, the same work for nobody (security)."""

from __future__ import annotations

import pytest

from bank_host.passwords import Passwords
from bank_host.secrets import Secret
from tests.bank_host.online_bank import HANAKO, PASSWORD, open_bank

RIGHT = Secret("correct horse")


def test_the_figures_are_those_of_owasp() -> None:
    hashed = Passwords(bytes).hash(RIGHT)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    ("stored", "typed", "right"),
    [
        ("hash", RIGHT, True),
        ("hash", Secret("wrong"), False),
        ("hash", None, False),
        ("", RIGHT, False),
        ("", Secret("nobody's password"), False),
        ("no hash at all", RIGHT, False),
        ("hash", Secret("\ud800"), False),
    ],
)
def test_only_the_right_password_of_somebody_who_has_one_is_right(
    stored: str, typed: Secret | None, right: bool
) -> None:
    passwords = Passwords.fast(b"seed")
    hashed = passwords.hash(RIGHT) if stored == "hash" else stored
    assert right is passwords.verify(hashed, typed)


def test_a_simulation_makes_the_same_hashes_of_the_same_seed_and_never_one_twice() -> None:
    """I23."""
    first, again, other = (Passwords.fast(seed) for seed in (b"1", b"1", b"2"))
    hashes = [first.hash(RIGHT), first.hash(RIGHT)]
    assert hashes == [again.hash(RIGHT), again.hash(RIGHT)]
    assert 3 == len({*hashes, other.hash(RIGHT)})


def test_a_hash_made_with_old_figures_is_made_anew_at_the_next_login() -> None:
    online = open_bank()
    before = online.customer().password_hash
    online.bank.passwords = Passwords(bytes, memory_kib=16, passes=1)
    assert ("refused", "LOGIN_FAILED") == online.login(password="wrong")
    assert before == online.customer(HANAKO).password_hash
    assert ("done", "") == online.login(password=PASSWORD)
    assert "m=16," in online.customer().password_hash
    assert ("done", "") == online.login(password=PASSWORD)
