"""What was run, for whoever opens the folder later: the scenario, its seed, and what else made the run.

Holds no wall time and no machine path, so the same scenario, seed and version give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from atm_sim.records.masking import masked_tree


def run_id(scenario_sha256: str, seed: int, version: str) -> str:
    """The run's name: twelve hexadecimal digits out of scenario, seed and version, never out of a time."""
    return hashlib.sha256(f"{scenario_sha256}/{seed}/{version}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class PlaceEntry:
    """A site as the report names it, and how many machines stand there."""

    operator: str = ""
    display_name: str = ""
    machines: int = 1


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """A member of the cast; `count` people stand behind one alias of a group."""

    name: str = ""
    kind: str = ""
    bank: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Override:
    """A policy figure that this scenario sets for itself, and why."""

    value: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """manifest.json. `scenario_text` is the file with its secrets masked; `scenario_file` its name alone."""

    run: str
    title: str
    scenario_file: str
    scenario_sha256: str
    seed: int
    day: str  # ISO date, JST
    about: str = ""
    replications: int = 1
    replay: str = ""  # the command that runs exactly this again
    versions: Mapping[str, str] = field(default_factory=dict)
    covers: tuple[str, ...] = ()
    places: Mapping[str, PlaceEntry] = field(default_factory=dict)
    # of a fleet: in English, in Japanese
    operators: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    cast: Mapping[str, PersonEntry] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    assumptions: Mapping[str, str] = field(default_factory=dict)
    policy: Mapping[str, Override] = field(default_factory=dict)
    cases: tuple[str, ...] = ()
    scenario_text: str = ""

    def to_json(self) -> str:
        """The file's text: sorted keys, and every text masked a second time."""
        return json.dumps(masked_tree(asdict(self)), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def manifest_from_json(text: str) -> Manifest:
    data = json.loads(text)
    return Manifest(
        **{
            **data,
            "covers": tuple(data["covers"]),
            "sources": tuple(data["sources"]),
            "cases": tuple(data["cases"]),
            "places": {name: PlaceEntry(**place) for name, place in data["places"].items()},
            "operators": {code: tuple(names) for code, names in data.get("operators", {}).items()},
            "cast": {alias: PersonEntry(**person) for alias, person in data["cast"].items()},
            "policy": {key: Override(**override) for key, override in data["policy"].items()},
        }
    )
