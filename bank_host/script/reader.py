"""A script file to a typed script; everything that is wrong with it is told at once, with line, column and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bank_host.script.actions import read_actions
from bank_host.script.conditions import read_conditions
from bank_host.script.model import Actions, Rule, Script
from bank_host.written import values
from bank_host.written.card_numbers import refuse_card_numbers
from bank_host.written.problems import FileKind, Problems, WrittenError, listed, nearest, shown
from bank_host.written.source import MOST_BYTES, Mapping, Scalar, Sequence, parse, read_text

SCRIPT_FILE = FileKind("script", "'rules:'", "an example of the documentation", "write the value out")
MOST_RULES = 1_000
MOST_TIMES = 1_000_000
MOST_SEED = 2**63 - 1

_KEYS = {"rules": "[{do: silent}]", "seed": "1"}
_RULE_KEYS = {"name": "away", "when": '{mti: "0200"}', "do": "silent", "times": "3", "chance": "0.2"}


class ScriptError(WrittenError):
    """A script cannot be used; `problems` holds everything that is wrong with it, in file order."""


def load(path: Path) -> Script:
    """Read a script file; ScriptError if it cannot be used, OSError if it cannot be read."""
    with path.open("rb") as file:
        return loads(file.read(MOST_BYTES + 1), str(path))


def loads(data: bytes, name: str = "script") -> Script:
    problems = Problems(ScriptError)
    source = read_text(name, data, SCRIPT_FILE, problems)
    tree = parse(source, SCRIPT_FILE, problems) if source else None
    if source is None or tree is None:
        raise ScriptError(problems.ordered())
    refuse_card_numbers(source, problems)
    script = _script(tree, problems)
    problems.stop_if_any()
    return script


def _script(tree: Mapping, problems: Problems) -> Script:
    tree = _known(tree, _KEYS, ("rules",), problems)
    seed = tree.value("seed")
    rules = tree.value("rules")
    if rules is not None and not (isinstance(rules, Sequence) and rules):
        problems.add(rules, "expected a list of rules: lines that begin with '- '")
        rules = None
    if rules is not None and len(rules) > MOST_RULES:
        problems.add(rules, f"{len(rules):,} rules; a script holds at most {MOST_RULES:,}")
    read = [_rule(node, number, problems) for number, node in enumerate(rules or (), 1)]
    _refuse_hidden(read, rules or (), problems)
    return Script(tuple(read), 1 if seed is None else _whole(seed, 0, MOST_SEED, problems))


def _rule(node: Any, number: int, problems: Problems) -> Rule:
    name = f"rule {number}"
    if not isinstance(node, Mapping):
        problems.add(node, "expected a rule: a map with 'do', and 'when' it applies")
        return Rule(name, (), Actions())
    node = _known(node, _RULE_KEYS, ("do",), problems)
    when, do, times, chance = (node.value(key) for key in ("when", "do", "times", "chance"))
    return Rule(
        _name(node.value("name"), name, problems),
        () if when is None else read_conditions(when, problems),
        Actions() if do is None else read_actions(do, problems),
        None if times is None else _whole(times, 1, MOST_TIMES, problems),
        1.0 if chance is None else _chance(chance, problems),
    )


def _known(node: Mapping, keys: dict[str, str], needed: tuple[str, ...], problems: Problems) -> Mapping:
    """The map without unknown keys, which are reported; a misspelt one is read as what was meant."""
    pairs: dict[Scalar, Any] = {}
    for key, value in node.items():
        if key in keys:
            pairs[key] = value
            continue
        meant = nearest(key, [each for each in keys if each not in node])
        others = "" if meant else f"; the keys here are {listed(keys, 'and')}"
        problems.add(key, f"unknown key '{shown(key)}'{others}", meant)
        if meant:
            pairs[key.retold(meant)] = value
    for name in needed:
        if name not in pairs:
            problems.add(node, f"missing key '{name}'; add {name}: {keys[name]}", about_absence=True)
    return node.like(pairs)


def _name(node: Any, otherwise: str, problems: Problems) -> str:
    if node is None:
        return otherwise
    if not isinstance(node, Scalar) or not 0 < len(node) <= 80 or not node.isprintable():
        problems.add(node, "a name is one line of at most 80 characters")
        return otherwise
    return str(node)


def _whole(node: Any, least: int, most: int, problems: Problems) -> int:
    try:
        if not isinstance(node, Scalar) or node.quoted:
            raise ValueError("a number is written without quotes")
        number = values.integer(node)
        if not least <= number <= most:
            raise ValueError(f"expected a whole number from {least:_} to {most:_}")
    except ValueError as error:
        problems.add(node, str(error))
        return least
    return number


def _chance(node: Any, problems: Problems) -> float:
    try:
        if not isinstance(node, Scalar) or node.quoted:
            raise ValueError("a number is written without quotes")
        chance = values.number(node)
        if not 0.0 < chance <= 1.0:
            raise ValueError("a chance lies above 0 and is at most 1; write for example 0.3")
    except ValueError as error:
        problems.add(node, str(error))
        return 1.0
    return chance


def _refuse_hidden(rules: list[Rule], nodes: Any, problems: Problems) -> None:
    """A rule below one that always strikes every message never gets one; two rules of a name cannot be told apart."""
    names: dict[str, int] = {}
    for number, (rule, node) in enumerate(zip(rules, nodes, strict=True)):
        if rule.name in names:
            problems.add(node, f"the name '{shown(rule.name)}' is taken by rule {names[rule.name] + 1}")
        names.setdefault(rule.name, number)
        everything = not rule.when and rule.times is None and rule.chance == 1.0
        if everything and isinstance(node, Mapping) and "when" not in node and number + 1 < len(rules):
            problems.add(
                nodes[number + 1], f"rule {number + 1} strikes every message, so this one never gets any"
            )
