"""Takes secrets out of what people write: PINs, one-time passwords and card numbers become • of the same length.

A message about a broken line masks by what the line looks like (the file may not even be YAML); a loaded file is
masked by the exact places of its secret scalars, and of the same digits in comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

DOT = "•"
SECRET_KEYS = ("pin", "new_pin", "otp", "pan", "password", "login_id")
_SECRET_PAIR = re.compile(r"""((?:pin|otp|pan)["']?\s*:\s*["']?)([0-9０-９][0-9０-９ -]*)""")
_SECRET_WORD = re.compile(
    r"""((?:password|login_id)["']?\s*:\s*)("[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s,}]*[0-9][^\s,}]*)"""
)
_ANY_PAIR = re.compile(
    r"""([A-Za-z_]{3,12})(["']?\s*:\s*)("[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s,}]*[0-9][^\s,}]*)"""
)
_NOT_QUOTE = re.compile(r"""[^"']""")
_DIGIT_RUN = re.compile(r"(?:[0-9][ -]?){12,}[0-9]")
_DIGIT = re.compile(r"[0-9０-９]")


def masked_line(line: str) -> str:
    """A line that may be shown to anybody: what follows a secret key and long digit runs hidden, columns kept.

    A misspelt secret key is one too: its line is the very one that an error quotes.
    """
    line = _SECRET_PAIR.sub(lambda hit: hit[1] + _DIGIT.sub(DOT, hit[2]), line)
    line = _SECRET_WORD.sub(lambda hit: hit[1] + _NOT_QUOTE.sub(DOT, hit[2]), line)
    line = _ANY_PAIR.sub(_hidden_if_meant_secret, line)
    return _DIGIT_RUN.sub(lambda hit: _DIGIT.sub(DOT, hit[0]), line)


def _hidden_if_meant_secret(hit: re.Match[str]) -> str:
    key, colon, value = hit.groups()
    if key in SECRET_KEYS or not get_close_matches(key, SECRET_KEYS, n=1, cutoff=0.66):
        return hit[0]
    return f"{key}{colon}{_NOT_QUOTE.sub(DOT, value)}"


def masked(text: str, secrets: Iterable[tuple[int, int]], scalars: Iterable[tuple[int, int]]) -> str:
    """`text` with the character ranges `secrets` dotted, and their digits wherever they stand outside `scalars`."""
    secret_spans = list(secrets)
    characters = list(text)
    words = {word for start, end in secret_spans if (word := text[start:end].strip("\"'"))}
    for start, end in secret_spans:
        characters[start:end] = [c if c in "\"'" else DOT for c in text[start:end]]
    if words:
        _mask_comments(text, characters, words, scalars)
    return _DIGIT_RUN.sub(lambda hit: _DIGIT.sub(DOT, hit[0]), "".join(characters))


def _mask_comments(
    text: str, characters: list[str], words: set[str], scalars: Iterable[tuple[int, int]]
) -> None:
    repeated = re.compile(r"(?<!\d)(?:" + "|".join(sorted(map(re.escape, words))) + r")(?!\d)")
    begin = 0
    for start, end in [*sorted(scalars), (len(text), len(text))]:
        for hit in repeated.finditer(text, begin, max(begin, start)):
            characters[hit.start() : hit.end()] = DOT * len(hit[0])
        begin = max(begin, end)
