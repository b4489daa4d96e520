"""The policy time-line: load and check the file, override figures, resolve them for a day (R2, R3).

The last entry with `as_of` on or before the JST date applies; for an earlier date the first entry applies
and the figures say so. Nothing here is looked up while a decision is made: `on` gives a flat record and
keeps it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bank_host.policy.figures import (
    KEYS,
    PARTNER_COLUMNS,
    PARTNER_PREFIX,
    Figures,
    Partner,
    fee_bands,
    read_partner,
)
from bank_host.policy.readers import PolicyError, did_you_mean, text


class Entry(NamedTuple):
    """A value and the day from which it holds; `raw` is kept so that a part of it can be overridden."""

    as_of: date
    value: Any
    raw: Any
    basis: str


Timeline = tuple[Entry, ...]


class Policy:
    """Dated figures of one bank. Immutable; `with_overrides` gives another one."""

    __slots__ = ("_days", "_timelines")

    def __init__(self, timelines: Mapping[str, Timeline]) -> None:
        self._timelines = MappingProxyType(dict(timelines))
        self._days: dict[date, Figures] = {}

    def on(self, day: date) -> Figures:
        """The figures in force on a JST day."""
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = self._resolve(day)
        return known

    def partner_codes(self) -> tuple[str, ...]:
        return tuple(key[len(PARTNER_PREFIX) :] for key in self._timelines if key.startswith(PARTNER_PREFIX))

    def entries(self) -> Mapping[str, Timeline]:
        """Every key with its dated entries, for reports."""
        return self._timelines

    def with_overrides(self, overrides: Mapping[str, Any]) -> Policy:
        """The same policy with some figures fixed for all dates.

        A key may be a whole figure (`pin.max_wrong`), a partner (`partners.e_net`, new or known; of a known
        one only the entries that change are needed) or one entry of a partner
        (`partners.e_net.pin_change`).
        """
        timelines = dict(self._timelines)
        for key, value in overrides.items():
            name, raw = key, value
            if key.startswith(PARTNER_PREFIX):
                name, raw = _partner_override(key, value, timelines)
            timelines[name] = (Entry(date.min, _read(name, raw), raw, "override"),)
        return _checked(timelines)

    def _resolve(self, day: date) -> Figures:
        values: dict[str, Any] = {}
        partners: dict[str, Partner] = {}
        before_first = False
        for key, timeline in self._timelines.items():
            at = bisect_right(timeline, day, key=lambda entry: entry.as_of)
            before_first |= at == 0
            value = timeline[max(at - 1, 0)].value
            if key.startswith(PARTNER_PREFIX):
                partners[value.code] = value
            else:
                values[KEYS[key][0]] = value
        return Figures(
            day=day,
            before_first=before_first,
            month=f"{day:%Y-%m}",
            yymm=f"{day:%y%m}",
            partners=MappingProxyType(partners),
            acquirers=MappingProxyType({each.acquirer_id: code for code, each in partners.items()}),
            fee_bands=fee_bands(values["fee_atm"], partners),
            **values,
        )


def load_policy(source: str | None = None) -> Policy:
    """The policy of a YAML text, or the packaged one. Raises PolicyError."""
    return _packaged() if source is None else _parse(source)


@lru_cache(maxsize=1)
def _packaged() -> Policy:
    return _parse(files("bank_host.policy").joinpath("policy.yaml").read_text(encoding="utf-8"))


def _parse(source: str) -> Policy:
    try:
        document = YAML(typ="safe", pure=True).load(source)
    except (YAMLError, ValueError) as problem:
        raise PolicyError("", f"the file is not valid YAML: {problem}") from None
    if not isinstance(document, Mapping):
        raise PolicyError("", "the file is not a map of keys to dated entries")
    timelines = {str(key): _timeline(str(key), entries) for key, entries in document.items()}
    missing = [key for key in KEYS if key not in timelines]
    if missing:
        raise PolicyError(missing[0], "is missing; every key needs at least one entry")
    return _checked(timelines)


def _timeline(key: str, entries: Any) -> Timeline:
    if not isinstance(entries, list) or not entries:
        raise PolicyError(key, "is not a list of entries with as_of, value and basis")
    timeline = tuple(_entry(key, entry) for entry in entries)
    if any(later.as_of <= earlier.as_of for earlier, later in pairwise(timeline)):
        raise PolicyError(key, "its entries are not in ascending order of as_of")
    return timeline


def _entry(key: str, entry: Any) -> Entry:
    if not isinstance(entry, Mapping) or set(entry) != {"as_of", "value", "basis"}:
        raise PolicyError(key, "an entry has exactly as_of, value and basis")
    as_of = entry["as_of"]
    if type(as_of) is not date:
        raise PolicyError(key, f"as_of {as_of!r} is not a date such as 2014-01-01")
    try:
        basis = text(entry["basis"])
    except ValueError:
        raise PolicyError(key, "basis is empty; say where the figure comes from, or 'assumed'") from None
    return Entry(as_of, _read(key, entry["value"]), entry["value"], basis)


def _read(key: str, value: Any) -> Any:
    try:
        if key.startswith(PARTNER_PREFIX):
            return read_partner(key[len(PARTNER_PREFIX) :], value)
        if key not in KEYS:
            raise ValueError(f"unknown key{did_you_mean(key, tuple(KEYS))}")
        return KEYS[key][1](value)
    except ValueError as problem:
        raise PolicyError(key, str(problem)) from None


def _partner_override(key: str, value: Any, timelines: Mapping[str, Timeline]) -> tuple[str, dict[str, Any]]:
    """The partner's key and its whole row: what is known of it, with the overriding part on top."""
    code, _, column = key[len(PARTNER_PREFIX) :].partition(".")
    name = PARTNER_PREFIX + code
    if column and column not in PARTNER_COLUMNS:
        raise PolicyError(key, f"unknown entry '{column}'{did_you_mean(column, tuple(PARTNER_COLUMNS))}")
    if column and name not in timelines:
        known = tuple(other for other in timelines if other.startswith(PARTNER_PREFIX))
        raise PolicyError(key, f"unknown partner '{code}'{did_you_mean(name, known)}")
    change = {column: value} if column else value
    if not isinstance(change, Mapping):
        raise PolicyError(key, f"{value!r} is not a map with the keys {', '.join(PARTNER_COLUMNS)}")
    before = timelines[name][-1].raw if name in timelines else {}
    return name, {**before, **change}


def _checked(timelines: Mapping[str, Timeline]) -> Policy:
    """A policy whose keys also fit each other."""
    codes = tuple(key[len(PARTNER_PREFIX) :] for key in timelines if key.startswith(PARTNER_PREFIX))
    for entry in timelines["fee.atm"]:
        for code in (code for row in entry.value for code in row.partners):
            if code not in codes:
                raise PolicyError("fee.atm", f"unknown partner '{code}'{did_you_mean(code, codes)}")
    acquirers: dict[str, str] = {}
    for code in codes:
        for entry in timelines[PARTNER_PREFIX + code]:
            other = acquirers.setdefault(entry.value.acquirer_id, code)
            if other != code:
                raise PolicyError(PARTNER_PREFIX + code, f"its acquirer_id is that of '{other}' too")
    for entry in timelines["login.id_format"]:
        if entry.value["min_length"] > entry.value["max_length"]:
            raise PolicyError("login.id_format", "min_length is above max_length")
    return Policy(timelines)
