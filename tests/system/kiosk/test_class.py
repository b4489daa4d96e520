"""A class at the kiosk: twenty people at twenty ATMs at once, with a join code; nobody's state is another's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest

from bank_host.policy import load_policy
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.system.kiosk.conftest import Kiosk
from tests.system.kiosk.learner import Learner, cookie_of, line_of

pytestmark = pytest.mark.xdist_group("kiosk")

LEARNERS = 20
OPENED_JPY = 250_000


async def at_once(url: str, cookies: list[str], course: Callable[[int, Learner], Awaitable[None]]) -> None:
    async def one(number: int, cookie: str) -> None:
        async with line_of(url, cookie) as line:
            await course(number, Learner(line))

    await asyncio.gather(*(one(number, cookie) for number, cookie in enumerate(cookies)))


@pytest.fixture(scope="module")
def kiosk() -> Iterator[Kiosk]:
    kiosk = Kiosk("--join-code", pace="1")  # twenty at once: the bank has its usual time for each
    yield kiosk
    kiosk.stop()


def test_twenty_people_withdraw_at_once_and_every_sum_is_right(kiosk: Kiosk) -> None:
    """Each takes another amount, so a mixed-up account, screen or drawer would show."""
    cookies = [cookie_of(kiosk.url, kiosk.told["Join code"]) for _ in range(LEARNERS)]
    assert LEARNERS == len(set(cookies))

    def amount_notes(number: int) -> int:
        return 1 + number % 5

    async def course(number: int, learner: Learner) -> None:
        await learner.withdraws(amount_notes(number))

    asyncio.run(at_once(kiosk.url, cookies, course))
    store = SqlStore.create(f"sqlite:///{kiosk.database}")
    balances = {each.account_id: each.posted_jpy for each in store.accounts()}
    accounts = [f"001{1_000 * (number + 1) + 1:07d}" for number in range(LEARNERS)]
    expected = [OPENED_JPY - 10_000 * amount_notes(number) for number in range(LEARNERS)]
    assert expected == [balances[account] for account in accounts]
    kinds = Counter(row.kind for row in store.journal())
    assert (LEARNERS, LEARNERS) == (kinds["withdrawal"], kinds["completion"])
    assert [] == list(verify(store, load_policy()))
    store.close()


def test_without_the_join_code_nobody_gets_an_atm(kiosk: Kiosk) -> None:
    refused = httpx.post(f"{kiosk.url}join", data={"code": "AAAAAA"}, headers={"origin": kiosk.url[:-1]})
    assert 403 == refused.status_code
    assert "atm" not in refused.cookies
    assert "<form" in httpx.get(kiosk.url).text


def test_a_code_of_full_width_opens_too_and_a_wrong_one_does_not_lose_the_name(kiosk: Kiosk) -> None:
    """A Japanese keyboard writes letters and figures of full width."""
    code = "".join(chr(ord(each) + 0xFEE0) for each in kiosk.told["Join code"].lower())
    assert cookie_of(kiosk.url, code)
    refused = httpx.post(
        f"{kiosk.url}join", data={"code": "AAAAAA", "learner": "佐藤 <b>"}, headers={"origin": kiosk.url[:-1]}
    )
    assert 'value="佐藤 &lt;b&gt;"' in refused.text
    assert "<form" in httpx.get(f"{kiosk.url}join?lang=ja").text, "opened again, it is the door"


def test_a_page_of_another_site_cannot_use_the_line(kiosk: Kiosk) -> None:
    cookie = cookie_of(kiosk.url, kiosk.told["Join code"])

    async def foreign() -> int | None:
        async with line_of(kiosk.url, cookie, origin="http://elsewhere.example") as line:
            await line.wait_closed()
            return line.close_code

    assert 4004 == asyncio.run(foreign())


def test_a_kiosk_that_is_told_to_end_leaves_no_folder_behind(new_kiosk: Callable[..., Kiosk]) -> None:
    """SIGTERM, as a service manager sends it, ends it as Ctrl-C does: without --folder nothing is kept."""
    kiosk = new_kiosk()
    folder = kiosk.database.parent
    assert folder.is_dir()
    assert 0 == kiosk.stop()
    assert not folder.exists()
