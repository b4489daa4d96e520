"""Where the scenarios that ship with the product are: inside the wheel, or in the checkout beside this package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped_scenarios() -> Path:
    """The folder with tutorial, rulebook, validation and incidents."""
    packaged = _PACKAGE / "_scenarios"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "scenarios"
