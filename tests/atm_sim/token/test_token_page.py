"""The token's page shows a code to its holder and nothing to anybody else (R7, R10, R14, R33)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from atm_sim.cli import main
from atm_sim.token.page import token_page
from atm_sim.world.token_device import TokenDevice

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the published test seed of RFC 6238, in base 32
SECOND = 1_000_000
MINUTE = 60 * SECOND
NOON_US = 1_389_754_800 * SECOND
HERE = "http://127.0.0.1:8587/of-its-holder"


def page(now_us: int = NOON_US, device: TokenDevice | None = None, base_url: str = HERE) -> TestClient:
    device = device or TokenDevice(SECRET, serial="TK0010000001")
    return TestClient(token_page(device, lambda: now_us, "of-its-holder"), base_url=base_url)


def shown(now_us: int) -> str:
    found = re.search(r'<output class="code">(\d{6})</output>', page(now_us).get("/").text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("second", [0, 9, 59])
def test_the_page_shows_the_code_of_the_device_for_its_minute(second: int) -> None:
    assert TokenDevice(SECRET).display(NOON_US) == shown(NOON_US + second * SECOND)
    assert TokenDevice(SECRET).display(NOON_US + MINUTE) == shown(NOON_US + MINUTE + second * SECOND)


@pytest.mark.parametrize(
    ("second", "pieces", "again_s"), [(0, 6, 10), (9, 6, 1), (10, 5, 10), (25, 4, 5), (50, 1, 10), (59, 1, 1)]
)
def test_the_bar_loses_a_piece_every_ten_seconds_and_the_page_comes_again_at_each(
    second: int, pieces: int, again_s: int
) -> None:
    text = page(NOON_US + second * SECOND).get("/").text
    assert pieces == text.count('class="on"')
    assert f'http-equiv="refresh" content="{again_s}"' in text


def test_a_token_whose_clock_runs_ahead_changes_earlier() -> None:
    text = page(device=TokenDevice(SECRET, drift_s=15)).get("/").text
    assert 5 == text.count('class="on"')


def test_the_page_speaks_the_language_that_was_asked_for_else_the_browsers_else_japanese() -> None:
    client = page()
    assert '<html lang="ja">' in client.get("/").text
    assert '<html lang="en">' in client.get("/", headers={"accept-language": "en-GB,en;q=0.9"}).text
    assert '<html lang="en">' in client.get("/?lang=en").text
    assert '<html lang="ja">' in client.get("/?lang=ja", headers={"accept-language": "en"}).text


def test_the_page_has_no_cookie_no_script_no_form_and_no_address_beyond_itself() -> None:
    answer = page().get("/")
    assert "set-cookie" not in answer.headers
    assert [] == re.findall(r"<script|<form|<input|\son\w+=|https?://|//\w", answer.text)


def test_the_title_that_browsers_keep_holds_no_code_and_the_page_no_seed() -> None:
    answer = page().get("/?lang=en")
    assert "<title>Token</title>" in answer.text
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", ["/", "/static/token.css", "/nothing"])
def test_no_answer_is_kept_framed_or_read_from_elsewhere(path: str) -> None:
    headers = page().get(path).headers
    assert "no-store" == headers["cache-control"]
    assert "nosniff" == headers["x-content-type-options"]
    assert "same-origin" == headers["cross-origin-resource-policy"]
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8587", "", "[::1", "192.0.2.1"])
def test_a_name_that_was_made_to_point_here_gets_no_code(host: str) -> None:
    answer = page().get("/", headers={"host": host})
    assert 421 == answer.status_code
    assert TokenDevice(SECRET).display(NOON_US) not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8587", "localhost:1", "[::1]:8587"])
def test_each_name_of_this_computer_gets_the_page(host: str) -> None:
    assert 200 == page().get("/", headers={"host": host}).status_code


@pytest.mark.parametrize("path", ["/", "/static/token.css", "/another-secret/"])
def test_who_does_not_know_the_printed_path_gets_no_code(path: str) -> None:
    """Another user of this computer can come to the port, and has not seen what was printed."""
    answer = page(base_url="http://127.0.0.1:8587").get(path)
    assert 404 == answer.status_code
    assert TokenDevice(SECRET).display(NOON_US) not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_sent_to_the_token(method: str) -> None:
    assert 405 == page().request(method, "/").status_code


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token.json"
    file.write_text(f'{{"secret": "{SECRET}", "serial": "TK0010000001"}}', encoding="utf-8")
    return file


@pytest.mark.parametrize("address", ["0.0.0.0:8587", "192.0.2.1:8587", "[2001:db8::1]:8587", "a.example:1"])
def test_a_page_that_others_could_reach_is_refused(token_file: Path, address: str) -> None:
    result = CliRunner().invoke(main, ["token", str(token_file), "--page", address])
    assert 2 == result.exit_code
    assert "on this computer only" in result.output


def test_the_terminal_shows_the_same_picture(token_file: Path) -> None:
    """TIME is JST: 12:00:25 there is 25 seconds into the step."""
    result = CliRunner().invoke(main, ["token", str(token_file), "--at", "2014-01-15 12:00:25"])
    assert f"{TokenDevice(SECRET).display(NOON_US)}  ■■■■□□  35 s\n" == result.output


def test_a_file_that_is_no_token_is_told_without_quoting_it(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"secret": 12345678}', encoding="utf-8")
    result = CliRunner().invoke(main, ["token", str(file), "--page"])
    assert 2 == result.exit_code
    assert "not a token file" in result.output
    assert "12345678" not in result.output


def test_the_page_knows_nothing_of_the_bank_but_the_units_of_time() -> None:
    """In a process of its own: no host, no store, no rule, no key is even loaded."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys, atm_sim.token.page; print(*sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    loaded = {name for name in told.stdout.split() if name.startswith("bank_host.")}
    assert {"bank_host.jst"} == loaded
