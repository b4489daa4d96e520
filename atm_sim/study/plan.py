"""From a study file to a plan: the scenario read once for each variant, every problem of all of them told at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from atm_sim.fleet.ground import no_site, sites_of
from atm_sim.runner.files import open_scenario
from atm_sim.scenario import Case, Loaded, ScenarioError
from atm_sim.scenario.kinds import check_kind
from atm_sim.scenario.part import report
from atm_sim.study.alter import with_changes, without
from atm_sim.study.model import BASE, Study, Variant
from bank_host.policy import Policy
from bank_host.written import values
from bank_host.written.card_numbers import refuse_card_numbers
from bank_host.written.problems import FileKind, Position, Problem, Problems, nearest
from bank_host.written.source import MOST_BYTES, Mapping, Scalar, Sequence, parse, read_text

STUDY_FILE = FileKind("study file", "'study: title'", "a shipped study", "write the value again")
MOST_VARIANTS = 200

Kind = Literal["base", "variant", "sweep"]


class Arm(NamedTuple):
    """One way of running the scenario: as it stands, a variant, or one value of a sweep."""

    name: str
    kind: Kind
    case: Case
    about: str = ""
    path: str = ""  # of a sweep: what is varied
    value: float | None = None  # and its value as a number, None where it has none
    text: str = ""  # and as it is written


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """A study that is right, with its scenario in all variants."""

    path: Path
    text: str
    sha256: str
    study: Study
    base: Loaded
    arms: tuple[Arm, ...]

    @property
    def seed(self) -> int:
        return self.base.scenario.seed if self.study.seed is None else self.study.seed

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)


def load_study(path: Path, policy: Policy) -> StudyPlan:
    """Read and check a study file and its scenario; raises ScenarioError with everything that is wrong."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    problems = Problems(ScenarioError)
    source = read_text(str(path), data, STUDY_FILE, problems)
    tree = parse(source, STUDY_FILE, problems) if source else None
    if source is None or tree is None:
        raise ScenarioError(problems.ordered())
    check_kind(tree, STUDY_FILE, problems)
    refuse_card_numbers(source, problems)
    try:
        study = Study.model_validate(tree, context=problems)
    except ValidationError as error:
        report(error.errors(include_url=False), problems)
        _file(path, tree.value("scenario"), problems)
        raise ScenarioError(problems.ordered()) from None
    base = _base(path, study, tree, problems, policy)
    found = list(problems.ordered())
    arms = [] if base is None else list(_arms(study, base, policy, found))
    if found:
        raise ScenarioError(tuple(dict.fromkeys(found)))
    assert base is not None, "a base that cannot be read is a problem"
    digest = hashlib.sha256(data + base.sha256.encode()).hexdigest()
    return StudyPlan(path, source.text, digest, study, base, tuple(arms))


def _file(path: Path, node: Any, problems: Problems) -> Path | None:
    """The scenario's file, if it is there."""
    if not isinstance(node, Scalar) or node.is_empty:
        return None
    file = path.parent / str(node)
    if file.is_file():
        return file
    problems.add(node, f"there is no file '{node[:60]}' as seen from this file")
    return None


def _base(path: Path, study: Study, tree: Mapping, problems: Problems, policy: Policy) -> Loaded | None:
    """The scenario as it stands, with the study's own warm-up and cool-down."""
    node = tree.value("scenario")
    file = _file(path, node, problems)
    if file is None:
        return None
    try:
        loaded = open_scenario(file, policy, partial(_as_studied, study, None))
    except ScenarioError as error:
        for each in error.problems:
            problems.found.setdefault((each.file, each.line, each.column, False), each)
        return None
    if loaded.scenario.case_names:
        problems.add(node, "a study plays one scenario; this file has a cases: table of several")
    if loaded.scenario.fleet is not None:
        _check_fleet(study, loaded, tree, problems)
    elif loaded.scenario.only_load:
        problems.add(
            node, "only load: in this file, which runs in wall time; a study needs steps: or streams:"
        )
    if loaded.scenario.from_reader:
        problems.add(node, "this scenario waits for a card in a reader, which a study cannot insert")
    return loaded


def _check_fleet(study: Study, loaded: Loaded, tree: Mapping, problems: Problems) -> None:
    """What of a study a fleet cannot have, and sites to remove or to ask about that it does not have."""
    assert loaded.scenario.fleet is not None
    for key in ("warm_up", "cool_down"):
        if (node := getattr(study, key)) is not None:
            problems.add(node, f"a fleet counts whole days; leave {key}: out")
    seed = loaded.scenario.seed if study.seed is None else study.seed
    known = {site.name for site in sites_of(loaded.scenario.fleet, loaded.path.parent, seed)}
    for variant in study.variants.values():
        for name in variant.remove:
            if str(name) not in known and "/" not in name:
                problems.add(name, no_site(name), nearest(name, known))
    for each in (*study.measures, *study.expectations):
        if each.at is not None and each.at not in known:
            column = tree.source.lines[each.line - 1].find(each.at) + 1
            at = Position(tree.source, each.line, max(column, 1))
            problems.add(at, no_site(each.at), nearest(each.at, known))


def _arms(study: Study, base: Loaded, policy: Policy, found: list[Problem]) -> Iterator[Arm]:
    yield Arm(BASE, "base", base.cases[0])
    for name, variant in study.variants.items():
        if (case := _altered(study, base, variant, policy, found)) is not None:
            yield Arm(name, "variant", case, variant.about)
    short = {str(path): ".".join(str(path).split(".")[-2:]) for path, _ in study.sweep}
    names = short if len(set(short.values())) == len(short) else {path: path for path in short}
    for path, options in study.sweep:
        for option in options:
            variant = Variant.model_construct(changes=((path, option),))
            if (case := _altered(study, base, variant, policy, found)) is not None:
                text = written(option)
                yield Arm(
                    f"{names[path]}={text}", "sweep", case, path=str(path), value=number_in(option), text=text
                )


def _altered(
    study: Study, base: Loaded, variant: Variant, policy: Policy, found: list[Problem]
) -> Case | None:
    try:
        return open_scenario(base.path, policy, partial(_as_studied, study, variant)).cases[0]
    except ScenarioError as error:
        found.extend(error.problems)
        return None


def _as_studied(study: Study, variant: Variant | None, tree: Mapping, problems: Problems) -> Mapping:
    for key in ("warm_up", "cool_down"):
        value = getattr(study, key)
        if value is not None:
            run = tree.value("run")
            below = run if isinstance(run, Mapping) else Mapping(value.source, value.line, value.column)
            pairs = {name: each for name, each in below.items() if name != key} | {value.retold(key): value}
            others = {name: each for name, each in tree.items() if name != "run"}
            tree = tree.like({**others, value.retold("run"): below.like(pairs)})
    if variant is None:
        return tree
    return without(with_changes(tree, variant.changes, problems), variant, problems)


def written(node: Any) -> str:
    """A value of the file on one line."""
    if isinstance(node, Mapping):
        return ", ".join(f"{key} {written(value)}" for key, value in node.items())
    if isinstance(node, Sequence):
        return " to ".join(map(written, node))
    return str(node)


def number_in(node: Any) -> float | None:
    """A value as a number for a chart's axis: yen, seconds, or a bare number; of a map with one entry, its own."""
    if isinstance(node, Mapping) and len(node) == 1:
        return number_in(next(iter(node.values())))
    if not isinstance(node, Scalar):
        return None
    for read, scale in ((values.number, 1.0), (values.amount_jpy, 1.0), (values.duration_us, 1e-6)):
        try:
            return read(node) * scale
        except ValueError:
            continue
    return None
