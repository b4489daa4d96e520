"""The words of `when:`: an element and what is asked of it, such as `DE4: ">= ¥50_000"`.

present | absent                 is it there?
"01*", TERM000?, "!= 392"        its text; * any characters, ? one
">= ¥50_000", "< 000100"         its number
[a, b]                           any of these
"""

from __future__ import annotations

import re
from typing import Any

from bank_host.iso8583.fields import BY_DE, FIXED, MATCHERS, Field
from bank_host.script.model import COMPARISONS, MTI, Compared, Condition, Like, Presence, Test
from bank_host.written import values
from bank_host.written.problems import Problems, listed, nearest, shown
from bank_host.written.source import Mapping, Scalar, Sequence

AMOUNT = 4
_PRESENCE = {"present": Presence(True), "absent": Presence(False)}
_COMPARED = re.compile(r"(>=|<=|!=|=|>|<) ?(.*)", re.DOTALL)
_MTI_PATTERN = re.compile(r"0[1-8][0-9]{2}")
_ELEMENT = re.compile(r"DE([1-9][0-9]{0,2})")
_WILD = re.compile(r"[*?]")


def read_conditions(node: Any, problems: Problems) -> tuple[Condition, ...]:
    """The conditions of one rule; all of them have to hold."""
    if not isinstance(node, Mapping):
        problems.add(node, 'expected a map of conditions such as {mti: "0200", DE4: ">= ¥50_000"}')
        return ()
    found = []
    for key, value in node.items():
        number = MTI if key == "mti" else read_element(key, problems, also=("mti",))
        if number is not None:
            found.append(Condition(number, _any_of(number, value, problems)))
    return tuple(found)


def read_element(word: Scalar, problems: Problems, also: tuple[str, ...] = ()) -> int | None:
    """The number of `DE39`, or None with the reason reported."""
    named = _ELEMENT.fullmatch(word)
    if named and int(named[1]) in BY_DE:
        return int(named[1])
    if named:
        known = ", ".join(f"{number}" for number in BY_DE)
        problems.add(word, f"there is no data element {named[1]}; known are {known}")
        return None
    meant = re.fullmatch(r"(?:DE?|de?|De|F|f)?[ _-]?([0-9]{1,3})", word)
    suggestion = f"DE{int(meant[1])}" if meant and int(meant[1]) in BY_DE else nearest(word, also)
    problems.add(
        word, f"'{shown(word)}' is no data element; write DE and its number, such as DE39", suggestion
    )
    return None


def _any_of(element: int, node: Any, problems: Problems) -> tuple[Test, ...]:
    items = node if isinstance(node, Sequence) else [node]
    if isinstance(node, Sequence) and not node:
        problems.add(node, "this list is empty; name at least one value")
    tests = [_test(element, item, problems) for item in items]
    return tuple(test for test in tests if test is not None)


def _test(element: int, node: Any, problems: Problems) -> Test | None:
    if not isinstance(node, Scalar):
        problems.add(node, "expected a value, or a list of values")
        return None
    if node.is_empty:
        problems.add(node, "no value here; write present to ask only whether the element is there")
        return None
    if node in _PRESENCE and not (node.quoted or element == MTI):
        return _PRESENCE[node]
    try:
        return _read(element, node)
    except ValueError as error:
        problems.add(node, str(error), nearest(node, _PRESENCE) if node.isalpha() and len(node) > 4 else "")
        return None


def _read(element: int, text: Scalar) -> Test:
    field = BY_DE.get(element)
    if field is not None and field.secrecy == "hide":
        raise ValueError(
            f"DE{element} is secret, so a rule may only ask whether it is there; write present or absent"
        )
    if not text.quoted and re.fullmatch(r"[0-9]+", text):
        if field is None:
            raise ValueError('a message type has four digits; write for example "0200" in quotes')
        raise ValueError(
            f'a value of digits is text, because its leading zeros count; write "{shown(text)}" in quotes'
        )
    comparison = _COMPARED.fullmatch(text)
    sign, operand = (comparison[1], comparison[2]) if comparison else ("", str(text))
    if element == AMOUNT and re.match("[¥￥]", operand):
        return Compared(sign or "=", values.amount_jpy(operand))
    if sign in ("", "=", "!="):
        _check_text(element, field, operand)
        return Like(operand, sign != "!=")
    return Compared(sign, _number(element, field, operand))


def _number(element: int, field: Field | None, text: str) -> int:
    if element == AMOUNT:
        return values.amount_jpy(text)  # says how an amount is written
    if field is None or field.kind != "n":
        what = "the message type" if field is None else f"DE{element}"
        raise ValueError(f'{what} is no number, so it is not compared by size; write a text such as "01*"')
    if not re.fullmatch("[0-9]{1,19}", text):
        raise ValueError(f'expected one of {listed(COMPARISONS)} and digits, such as ">= 000100"')
    return int(text)


def _check_text(element: int, field: Field | None, text: str) -> None:
    """A text that no message can have in this place is a mistake."""
    if not text:
        raise ValueError("no value here; write what the element is compared with")
    if field is None:
        if text.startswith("08"):
            raise ValueError(
                "sign-on, echo and key exchange are the port's own; a script sees requests and advices (02, 04)"
            )
        if not _WILD.search(text) and not _MTI_PATTERN.fullmatch(text):
            raise ValueError('a message type has four digits; write for example "0200", or "04*" for several')
        return
    length = len(_WILD.sub("", text))
    if length > field.length or (not _WILD.search(text) and not _fits(element, field, text)):
        size = f"{field.length}" if field.prefix == FIXED else f"at most {field.length}"
        raise ValueError(
            f"DE{element} ({field.format}) never has this value: it has {size} characters; "
            "* stands for any others"
        )


def _fits(element: int, field: Field, text: str) -> bool:
    padded = text.ljust(field.length) if field.prefix == FIXED and field.kind == "ans" else text
    return MATCHERS[element].fullmatch(padded) is not None
