"""Incident files: a model, its inputs with sources, its assumptions with reasons, the published figures, a what-if.

Each figure is marked `input` (the file puts it in, or an assumption was fitted to it), `derived` (arithmetic on inputs)
or `emergent` (nothing was fitted to it). Only emergent figures validate; an incident without one is an illustration.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from atm_sim.incidents import backlog, kept_cards, messages, raid, run_on_cash
from atm_sim.scenario.fields import Text, Whole, scalar, wrong
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.whole_file import read_whole
from bank_host.written import source, values
from bank_host.written.problems import FileKind, Problems, WrittenError, listed, nearest
from bank_host.written.source import Sequence

Model = Callable[..., dict[str, float]]
MODELS: Final[Mapping[str, Model]] = {
    "kept_cards": kept_cards.kept_cards,
    "staff_restart": kept_cards.staff_restart,
    "wrong_format": messages.wrong_format,
    "losing_switch": messages.losing_switch,
    "relay_and_debits": messages.relay_and_debits,
    "raid": raid.raid,
    "rumour": run_on_cash.rumour,
    "transfers": backlog.transfers,
    "repair": backlog.repair,
}
INCIDENT_FILE = FileKind(
    "incident file", "'incident: title'", "scenarios/incidents/s1_mizuho_2021.yaml", "write it out"
)
EMERGENT_TOLERANCE = 0.15


class IncidentError(WrittenError):
    """An incident file cannot be used; `problems` holds everything that is wrong with it, in file order."""


def _number(raw: Any) -> float:
    text = scalar(raw, "a number such as 0.25")
    try:
        return values.number(text)
    except ValueError as error:
        raise wrong(str(error), text) from None


def _texts(raw: Any) -> tuple[Any, ...]:
    return tuple(raw) if isinstance(raw, Sequence) else (raw,)


Number = Annotated[float, BeforeValidator(_number)]


class Input(Part):
    """A published figure that the model starts from."""

    value: Number
    source: Text


class Assumption(Part):
    """A figure that nobody published; moved by 20 % to see what it is worth."""

    value: Number
    because: Text
    from_: Text | None = Field(default=None, alias="from")


class Figure(Part):
    """What was published, or is expected of a what-if, of one result of the model."""

    name: str
    published: Number | None = None
    tolerance: Annotated[float, BeforeValidator(_number)] | None = None
    at_least: Number | None = None
    at_most: Number | None = None
    mark: Literal["input", "derived", "emergent"]
    misses: Text | None = None  # why the model is known not to reach what was published
    about: Text | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        if self.published is None and self.at_least is None and self.at_most is None:
            yield Contradiction((), "nothing to compare with; add published:, at_least: or at_most:")
        if self.tolerance is not None and self.mark == "emergent" and self.tolerance > EMERGENT_TOLERANCE:
            yield Contradiction(("tolerance",), f"an emergent figure lies within {EMERGENT_TOLERANCE:.0%}")
        if self.misses and self.mark == "emergent":
            yield Contradiction(
                ("mark",), "a figure that is known to be missed validates nothing; mark it derived"
            )

    def bounds(self) -> tuple[float, float]:
        """Where the mean of the replications has to lie."""
        if self.published is None:
            low = -np.inf if self.at_least is None else self.at_least
            return low, np.inf if self.at_most is None else self.at_most
        usual = EMERGENT_TOLERANCE if self.mark == "emergent" else 0.0
        around = abs(self.published) * (usual if self.tolerance is None else self.tolerance)
        return self.published - around, self.published + around


class WhatIf(Part):
    """The same incident with something changed."""

    about: Text
    change: dict[str, Number]
    figures: tuple[Figure, ...]


class Incident(Part):
    """The file as it stands."""

    incident: Text
    id: Text
    version: Annotated[int, Whole(1, 1)]
    about: Text
    sources: Annotated[tuple[Text, ...], BeforeValidator(_texts)]
    model: Text
    seed: Annotated[int, Whole(0, 2**31)] = 1
    replications: Annotated[int, Whole(2, 1_000)] = 10
    inputs: dict[str, Input]
    assumptions: dict[str, Assumption] = Field(default_factory=dict)
    figures: tuple[Figure, ...]
    what_if: WhatIf

    def contradictions(self) -> Iterator[Contradiction]:
        if self.model not in MODELS:
            yield Contradiction(
                ("model",), f"unknown model; known are {listed(MODELS, 'and')}", nearest(self.model, MODELS)
            )
            return
        known, given = parameters(self.model), [*self.inputs, *self.assumptions]
        for key, names in (("inputs", self.inputs), ("assumptions", self.assumptions)):
            for name in names:
                if name not in known:
                    yield Contradiction((key, name), f"the model knows no '{name}'", nearest(name, known))
        for name in set(self.inputs) & set(self.assumptions):
            yield Contradiction(("assumptions", name), f"'{name}' stands in inputs: already")
        if missing := [name for name in known if name not in given]:
            yield Contradiction(("assumptions",), f"the model needs {listed(missing, 'and')} too")
        for name in self.what_if.change:
            if name not in known:
                yield Contradiction(
                    ("what_if", "change", name), f"the model knows no '{name}'", nearest(name, known)
                )

    @property
    def given(self) -> dict[str, float]:
        """What the model is called with."""
        return {name: each.value for part in (self.inputs, self.assumptions) for name, each in part.items()}

    @property
    def validates(self) -> bool:
        """Whether it shows anything that was not put in; otherwise it is an illustration."""
        return any(figure.mark == "emergent" for figure in self.figures)


def parameters(model: str) -> tuple[str, ...]:
    """The names that a model takes."""
    return tuple(name for name in inspect.signature(MODELS[model]).parameters if name != "rng")


def is_incident(path: Path) -> bool:
    """Whether a YAML file says that it is an incident, and no scenario."""
    return any(line.startswith(b"incident:") for line in path.read_bytes().splitlines())


def load_incident(path: Path) -> Incident:
    """Read and check a file; IncidentError with everything that is wrong with it."""
    problems = Problems(IncidentError)
    _, tree, incident = read_whole(path, INCIDENT_FILE, Incident, problems)
    _names_results(incident, tree, problems)
    problems.stop_if_any()
    return incident


def _names_results(incident: Incident, tree: Any, problems: Problems) -> None:
    """A figure names a result; only a call of the model tells which there are."""
    known = list(MODELS[incident.model](np.random.Generator(np.random.PCG64(0)), **incident.given))
    for path, figures in (
        (("figures",), incident.figures),
        (("what_if", "figures"), incident.what_if.figures),
    ):
        for number, figure in enumerate(figures):
            if figure.name not in known:
                at = source.place_of(tree, *path, number, "name")
                problems.add(at, f"the model gives no '{figure.name}'; it gives {listed(known, 'and')}",
                             nearest(figure.name, known))  # fmt: skip
