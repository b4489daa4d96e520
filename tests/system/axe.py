"""What axe finds on a page that people with a screen reader or weak eyes cannot use."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_WITHOUT_COLOURS = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": False}}}
_AXE = Axe()


def violations(page: Page, *, colours: bool = True) -> list[str]:
    """Contrast costs most of the time, and is the same in every language."""
    found = _AXE.run(page) if colours else _AXE.run(page, options=_WITHOUT_COLOURS)
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found.response["violations"]]
