"""The base of every model of a scenario file: knows its line, refuses unknown keys with a suggestion, checks itself.

The loader hands a `Problems` collector in as validation context; then one fault does not hide another. Without a
collector a part is as strict, and pydantic's own error is raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails

from atm_sim.scenario.vocabulary import EXAMPLES
from bank_host.written.problems import Positioned, Problems, listed, nearest, shown
from bank_host.written.source import Mapping, Scalar, Sequence, place_of


class Contradiction(NamedTuple):
    """Two values of one part do not go together; `path` leads to the one to change."""

    path: tuple[str | int, ...]
    message: str
    suggestion: str = ""


class Part(BaseModel):
    """A map of the file as a frozen record. Python names carry units; `alias` is the key that the file writes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    _line: int = PrivateAttr(default=0)

    @property
    def line(self) -> int:
        """Where this part stands in its file; 0 for a default."""
        return self._line

    def contradictions(self) -> Iterator[Contradiction]:
        """What is wrong between the values of this part, each of which is right alone."""
        return iter(())

    @classmethod
    def keys(cls) -> dict[str, str]:
        """The keys that the file may write, with the names of their fields."""
        return {info.alias or name: name for name, info in cls.model_fields.items()}

    @classmethod
    def gathered(cls, raw: Mapping) -> Mapping:
        """The map as its model reads it: where many keys are alike, they can be put into one field."""
        return raw

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, raw: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        if not isinstance(raw, Mapping) or not isinstance(info.context, Problems):
            return handler(raw)
        problems = info.context
        raw = cls.gathered(raw)
        known = cls.keys()
        if unknown := [key for key in raw if key not in known]:
            raw = raw.like(_with_known_keys(raw, unknown, known, problems))
        part = handler(raw)
        part._line = raw.line
        for found in part.contradictions():
            problems.add(place_of(raw, *found.path), found.message, found.suggestion)
        return part


def _with_known_keys(
    raw: Mapping, unknown: list[Scalar], known: dict[str, str], problems: Problems
) -> dict[Scalar, Any]:
    """Report unknown keys; a misspelt one is read as what was meant, so that it is not told as missing too."""
    meant = {key: nearest(key, [name for name in known if name not in raw]) for key in unknown}
    for key, suggestion in meant.items():
        if key.endswith(":"):  # in { }, YAML takes `key:` without a space for a key of that name
            problems.add(key, f"no value after '{shown(key)}'; write {shown(key)} and a value")
            continue
        others = "" if suggestion else f"; the keys here are {listed(known, 'and')}"
        problems.add(key, f"unknown key '{shown(key)}'{others}", suggestion)
    return {
        key.retold(meant.get(key, key)): value
        for key, value in raw.items()
        if key in known or (meant.get(key) and not key.endswith(":"))
    }


def report(details: list[ErrorDetails], problems: Problems) -> None:
    """Say pydantic's findings in this project's words, at the position of the value each is about."""
    missing: dict[int, tuple[Mapping, list[str]]] = {}
    for detail in details:
        value, context = detail["input"], detail.get("ctx", {})
        if detail["type"] == "missing" and isinstance(value, Mapping):
            missing.setdefault(id(value), (value, []))[1].append(str(detail["loc"][-1]))
            continue
        at = context.get("at") or value
        message, suggestion = _told(detail, value)
        if isinstance(at, Scalar | Mapping | Sequence):
            problems.add(at, message, suggestion)
    for place, keys in missing.values():
        problems.add(place, _about_missing(keys), about_absence=True)


def _about_missing(keys: list[str]) -> str:
    examples = " and ".join(f"{key}: {EXAMPLES.get(key, '…')}" for key in keys)
    return f"missing {'key' if len(keys) == 1 else 'keys'} {listed(map(repr, keys), 'and')}; add {examples}"


def _told(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "scenario":
            return context["text"], context["suggestion"]
        case "literal_error":
            return _not_one_of(value, [word.strip("'") for word in _words(context["expected"])])
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type":
            return "expected a map of keys and values here", ""
        case "tuple_type" | "list_type":
            return "expected a list here: [a, b], or lines that begin with '- '", ""
        case "missing" | "too_short" | "too_long":
            return "expected another number of entries in this list", ""
    return "this value does not fit here", ""


def _words(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")


def _not_one_of(value: Any, words: list[str]) -> tuple[str, str]:
    choices = f"expected {listed(words)}"
    if not isinstance(value, Scalar):
        return choices, ""
    if value.is_empty:
        return f"no value here; {choices}", ""
    meant = nearest(value, words)
    return (
        (f"unknown word '{shown(value)}'", meant)
        if meant
        else (f"'{shown(value)}' is unknown; {choices}", "")
    )


def check_word(raw: Any, key: str, known: list[str], noun: str) -> tuple[str, Positioned, str] | None:
    """For maps whose `key` decides what else they hold: what is wrong with that key, if anything."""
    if not isinstance(raw, Mapping):
        return f"expected a map with the key '{key}'", raw, ""
    word = raw.value(key)
    if word is None:
        return _about_missing([key]), raw, ""
    if not isinstance(word, Scalar) or word.is_empty:
        return f"expected {listed(known)}", word, ""
    if word not in known:
        meant = nearest(word, known)
        return (
            f"unknown {noun} '{shown(word)}'" + ("" if meant else f"; known are {listed(known, 'and')}"),
            word,
            meant,
        )
    return None
