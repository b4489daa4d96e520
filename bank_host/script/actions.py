"""The words of `do:`: what becomes of a message and of its answer.

One action in words (`late 40 s`), several in a list (`[late 40 s, twice]`), or a map (`{answer: "91", DE44: text}`).
A fault has the name that it has in scenario files too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from bank_host.iso8583.fields import BY_DE, FIXED, MATCHERS
from bank_host.script.conditions import read_element
from bank_host.script.model import Actions
from bank_host.written import values
from bank_host.written.problems import Problems, listed, nearest, shown
from bank_host.written.source import Mapping, Scalar, Sequence


class Word(NamedTuple):
    """One action: an example of how it is written, what it does, and whether it may stand beside others."""

    example: str
    does: str
    alone: bool = False


WORDS = {
    "answer": Word(
        'answer 91, or {answer: "91", DE38: "123456"}', "answers with this code in the bank's place"
    ),
    "silent": Word("silent", "nobody answers; the bank never hears of the message", alone=True),
    "close": Word("close", "cuts the connection; the bank never hears of the message", alone=True),
    "lost": Word("lost", "the bank decides and posts; its answer gets lost", alone=True),
    "late": Word("late 40 s", "the answer leaves that much later"),
    "twice": Word("twice", "the answer leaves twice"),
    "drop": Word("drop DE41", "leaves elements out of the answer"),
    "garble": Word("garble DE39", "puts a wrong value into elements of the answer"),
}

AS_IN_SCENARIOS = {
    "down": "silent",
    "lossy": "lost",
    "slow": "late",
    "duplicating": "twice",
    "garbling": "garble",
}
"""The faults of scenario files, by what they are called there."""


class _Said(NamedTuple):
    """One action as it was written: its word, what stands behind it, and where."""

    word: str
    rest: Any  # text of a word, node of a map
    at: Scalar


def read_actions(node: Any, problems: Problems) -> Actions:
    """What a rule does."""
    said: dict[str, _Said] = {}
    elements: list[tuple[int, str]] = []
    for part in node if isinstance(node, Sequence) else [node]:
        if isinstance(part, Mapping):
            _take_map(part, said, elements, problems)
        elif isinstance(part, Scalar) and not part.is_empty:
            word, _, rest = part.partition(" ")
            _take(word, part.retold(rest.strip()), part, said, problems)
        else:
            problems.add(
                part, f"expected an action such as {listed(word.example for word in WORDS.values())}"
            )
    if isinstance(node, Sequence) and not node:
        problems.add(node, "this list is empty; name at least one action")
    _refuse_company(said, elements, problems)
    actions = Actions(elements=tuple(elements))
    for action in said.values():
        actions = _READERS[action.word](actions, action, problems)
    return actions


def _take_map(
    part: Mapping, said: dict[str, _Said], elements: list[tuple[int, str]], problems: Problems
) -> None:
    if not part:
        problems.add(part, "this map is empty; name at least one action")
    for key, value in part.items():
        if re.match("[Dd][Ee]?[0-9]", key):
            element = read_element(key, problems)
            text = None if element is None else _element_text(element, value, problems)
            if element is not None and text is not None:
                elements.append((element, text))
        else:
            _take(str(key), value, key, said, problems)


def _take(word: str, rest: Any, at: Scalar, said: dict[str, _Said], problems: Problems) -> None:
    meant = AS_IN_SCENARIOS.get(word, word)
    if meant not in WORDS:
        suggestion = nearest(word, [*WORDS, *AS_IN_SCENARIOS])
        known = "" if suggestion else f"; known are {listed(WORDS, 'and')}"
        problems.add(at, f"unknown action '{shown(word)}'{known}", suggestion)
    elif meant in said:
        problems.add(at, f"'{meant}' stands twice; once is enough")
    else:
        said[meant] = _Said(meant, rest, at)


def _refuse_company(said: dict[str, _Said], elements: list[tuple[int, str]], problems: Problems) -> None:
    """What sends no answer leaves nothing that another action could change."""
    for word, action in said.items():
        if WORDS[word].alone and (len(said) > 1 or elements):
            problems.add(action.at, f"after '{word}' there is no answer that anything else could be done to")


# ---------------------------------------------------------------- one reader a word


def _read_code(actions: Actions, action: _Said, problems: Problems) -> Actions:
    code = action.rest
    if not isinstance(code, Scalar) or not re.fullmatch("[0-9A-Z]{2}", code):
        problems.add(action.at, 'a response code is two digits or capital letters; write for example "05"')
    elif (
        code is not action.at and not code.quoted and isinstance(action.at, Scalar) and action.at == "answer"
    ):
        problems.add(code, f'a response code is text; write "{code}" in quotes')
    return actions._replace(code=str(code))


def _read_late(actions: Actions, action: _Said, problems: Problems) -> Actions:
    if not isinstance(action.rest, Scalar) or not action.rest:
        problems.add(action.at, "how late? write for example late 40 s")
        return actions
    try:
        return actions._replace(late_us=values.duration_us(action.rest))
    except ValueError as error:
        problems.add(action.rest, str(error))
        return actions


def _elements(action: _Said, problems: Problems) -> tuple[int, ...]:
    """`drop DE41 DE38`, or `{drop: [DE41, DE38]}`."""
    rest = action.rest
    if isinstance(rest, Sequence):
        words = [each for each in rest if isinstance(each, Scalar)]
    else:
        words = [rest.retold(each) for each in rest.split()] if isinstance(rest, Scalar) else []
    if not words:
        problems.add(action.at, f"which element? write for example {WORDS[action.word].example}")
    return tuple(number for word in words if (number := read_element(word, problems)) is not None)


def _read_drop(actions: Actions, action: _Said, problems: Problems) -> Actions:
    return actions._replace(dropped=_elements(action, problems))


def _read_garble(actions: Actions, action: _Said, problems: Problems) -> Actions:
    return actions._replace(garbled=_elements(action, problems))


def _read_bare(**what: Any) -> Callable[[Actions, _Said, Problems], Actions]:
    def read(actions: Actions, action: _Said, problems: Problems) -> Actions:
        if not isinstance(action.rest, Scalar) or action.rest not in ("", "true"):
            problems.add(action.at, f"nothing stands behind '{action.word}'; write {action.word} alone")
        return actions._replace(**what)

    return read


_READERS: dict[str, Callable[[Actions, _Said, Problems], Actions]] = {
    "answer": _read_code,
    "silent": _read_bare(silent=True),
    "close": _read_bare(close=True),
    "lost": _read_bare(copies=0),
    "late": _read_late,
    "twice": _read_bare(copies=2),
    "drop": _read_drop,
    "garble": _read_garble,
}


def _element_text(element: int, node: Any, problems: Problems) -> str | None:
    """A value that an answer is to have; what is secret is never written into a script."""
    field = BY_DE[element]
    if not isinstance(node, Scalar) or node.is_empty:
        problems.add(node, f"expected the text of DE{element}")
        return None
    if field.secrecy:
        problems.add(node, f"DE{element} is secret; a script cannot set it")
        return None
    if not node.quoted and re.fullmatch("[0-9]+", node):
        problems.add(node, f'a value of digits is text; write "{shown(node)}" in quotes')
        return None
    padded = node.ljust(field.length) if field.prefix == FIXED and field.kind == "ans" else str(node)
    if not MATCHERS[element].fullmatch(padded):
        problems.add(node, f"this does not fit DE{element} ({field.format}); a strict receiver refuses it")
        return None
    return padded
