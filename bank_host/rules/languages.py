"""One text in the bank's two languages, English and Japanese."""

from __future__ import annotations

from typing import NamedTuple

LANGUAGES = ("en", "ja")


class Words(NamedTuple):
    en: str
    ja: str


def say(words: Words, language: str) -> str:
    """The text in one of LANGUAGES."""
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}; use en or ja")
    return words.ja if language == "ja" else words.en
