"""What axe finds on a page that people with a screen reader or weak eyes cannot use."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()


def violations(page: Page) -> list[str]:
    """Names, roles, contrast: each rule that is broken, with the first place."""
    found = _AXE.run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]
