"""Pages in Chromium are waited for as long as a busy machine needs, not for Playwright's five seconds."""

from __future__ import annotations

from playwright.sync_api import expect

expect.set_options(timeout=60_000)
