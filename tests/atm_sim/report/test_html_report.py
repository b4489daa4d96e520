"""report.html: rebuilt from the folder alone, self-contained, in two languages, safe to show."""

from __future__ import annotations

import html
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from atm_sim.records.difference import Difference
from atm_sim.records.folder import RunFolder
from atm_sim.report.html import render
from atm_sim.report.texts import LABELS

_VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """The elements of a page: ids, links, attributes, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.unclosed: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags[tag] += 1
        if values.get("id"):
            self.ids[str(values["id"])] += 1
        self.links += [str(values[name]) for name in ("href", "src") if values.get(name)]
        if tag not in _VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.unclosed.pop()


@pytest.fixture(scope="module")
def text(run_folder: Path) -> str:
    return render(run_folder)


def test_the_report_needs_the_run_folder_and_nothing_else(
    run_folder: Path, text: str, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(run_folder, moved)
    assert render(moved) == text


def test_the_page_is_well_formed_and_no_id_stands_twice(text: str) -> None:
    page = Page(text)
    assert page.unclosed == []
    assert [name for name, count in page.ids.items() if count > 1] == []


def test_the_page_asks_for_nothing_outside_itself(text: str) -> None:
    page = Page(text)
    assert [link for link in page.links if not link.startswith("#")] == []
    assert not page.tags.keys() & {"script", "link", "img", "iframe"}
    assert not re.findall(r"https?://|@import|url\((?!#)", text)


def test_every_link_inside_the_page_leads_somewhere(text: str) -> None:
    page = Page(text)
    assert {link.removeprefix("#") for link in page.links} <= page.ids.keys()


def test_every_heading_is_there_in_both_languages(text: str) -> None:
    for key in ("checks", "declines", "waiting", "cash", "hours", "trouble", "people", "scenario"):
        english, japanese = (html.escape(words).replace("&#x27;", "&#39;") for words in LABELS[key])
        assert f'<span lang="en">{english}</span><span lang="ja">{japanese}</span>' in text


def test_the_language_it_opens_in_can_be_chosen(run_folder: Path, text: str) -> None:
    assert '<input type="radio" name="lang" id="lang-en" checked>' in text
    assert '<input type="radio" name="lang" id="lang-ja" checked>' in render(run_folder, "ja")


def test_a_failure_shows_line_expected_actual_both_messages_and_the_replay_command(text: str) -> None:
    failure = text.split('<article class="failure">')[1].split("</article>")[0]
    for part in (
        "payday.yaml:10:5",
        "approved",
        "<strong>declined</strong>",
        "0200 Financial request",
        "0210 Financial answer",
        "62 locked by its holder",
        "62 ご本人によるロック中",
        "atm-sim run scenarios/tutorial/payday.yaml --seed 42",
    ):
        assert part in failure


def test_failures_come_before_what_passed(text: str) -> None:
    table = text[text.index("All checks") :].split("</table>")[0]
    assert re.findall(r'class="pill (bad)?', table) == ["bad"] * 4 + [""] * 4


def test_the_banner_counts_what_passed_and_failed(text: str) -> None:
    assert 'class="banner bad"' in text
    counted = re.sub(r"<[^>]+>", "", text.split('class="counts">')[1].split("\n")[0])
    assert "Checks:検査: 4 passed件 合格 · 4 failed件 不合格" == counted.strip()


def test_a_scenario_cannot_write_markup_into_the_report(text: str) -> None:
    assert "<b>One card" not in text
    assert "&lt;b&gt;One card&lt;/b&gt;" in text


def test_a_card_number_or_pin_planted_in_the_scenario_text_is_not_shown(text: str) -> None:
    assert "499900••••••7890" in text
    assert not re.search(r"4999[ _-]?0012[ _-]?3456[ _-]?7890", text)
    assert "4711" not in text


def test_each_decline_reason_stands_in_words_with_its_number(text: str) -> None:
    assert "not enough money in the account" in text
    assert "残高不足" in text


def test_charts_have_a_table_and_no_picture_is_needed_to_read_them(text: str) -> None:
    page = Page(text)
    assert page.tags["svg"] == 4
    assert text.count('<figure role="img" aria-label="') == 4
    assert text.count("Show the figures as a table") == 2


def test_the_same_folder_gives_the_same_bytes(run_folder: Path, text: str) -> None:
    assert render(run_folder) == text


def test_a_run_in_which_nothing_happened_has_a_report_too(empty_folder: Path) -> None:
    text = render(empty_folder)
    assert "Nothing was checked" in text
    assert Page(text).tags["svg"] == 0


def test_the_scenario_stands_in_the_report_line_by_line(run_folder: Path, text: str) -> None:
    lines = RunFolder.open(run_folder).read_manifest().scenario_text.splitlines()
    assert len(re.findall(r'class="line" id="L\d+"', text)) == len(lines)


def test_differences_of_the_three_logs_are_listed_in_both_languages(run_folder: Path, tmp_path: Path) -> None:
    """Every state that a row can have has its words, and an unexplained difference is marked."""
    moved = tmp_path / "run"
    shutil.copytree(run_folder, moved)
    atm_states = ("paid", "kept", "nothing", "unknown", "busy", "absent")
    bank_states = ("open", "completed", "settled", "reversed", "part_reversed", "declined", "early", "manual",
                   "absent", "no_request")  # fmt: skip
    rows = [
        Difference(1, f"T1/{n}", "withdraw", 30_000, "shop", atm_states[n % 6], 0, "switch", "91", 0, "jnb", state,
                   30_000, "late_answer", "")
        for n, state in enumerate(bank_states)
    ]  # fmt: skip
    unexplained = rows[0]._replace(request_id="T1/99", explained_by="unexplained")
    RunFolder.open(moved).write_differences([*rows, unexplained])
    shown = render(moved)
    for words in (LABELS["differences"], LABELS["difference_late_answer"], LABELS["bank_settled"]):
        assert words.en in shown
        assert words.ja in shown
    assert [] == Page(shown).unclosed
    assert shown.index("T1/99") < shown.index("T1/0")  # what nothing explains comes first
    assert '<span class="pill bad">' in shown.partition("T1/99")[2].partition("T1/0")[0]


def test_a_run_without_differences_has_no_such_list(text: str) -> None:
    assert LABELS["differences"].en not in text
