"""docs/reference/web-bank.md names every call and every page that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from bank_host.netbank import words
from bank_host.netbank.visit import MENU
from tests.bank_host.netbank.visitor import Web

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "web-bank.md").read_text(encoding="utf-8")
TEMPLATES = Path(words.__file__).with_name("templates")


def test_the_table_of_calls_is_the_description_of_the_api() -> None:
    paths = Web().app.openapi()["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert described == set(re.findall(r"^\| `([A-Z]+ /api/\S+)` \|", PAGE, re.MULTILINE))


def test_every_page_of_the_menu_is_in_the_table_of_pages() -> None:
    assert {f"/{name}" for name in MENU} <= set(re.findall(r"`(/[a-z]+)`", PAGE))


def test_every_text_has_both_languages_and_every_text_of_a_page_is_used() -> None:
    for table in words.TEXTS.values():
        for key, pair in table.items():
            assert all(pair), key
    pages = "".join(file.read_text(encoding="utf-8") for file in TEMPLATES.iterdir())
    said = set(re.findall(r'say\(\s*"(\w+)"', pages)) | set(re.findall(r"say\('(\w+)'", pages))
    built = re.findall(r'say\("(\w+_)" ~', pages)
    unused = [
        key
        for key in words.TEXTS["page"]
        if f'"{key}"' not in pages
        and f"'{key}'" not in pages
        and not key.startswith(tuple(built))
        and key not in MENU
    ]
    assert [] == unused
    assert said - set(built) <= set(words.TEXTS["page"])
