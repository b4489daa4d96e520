"""Bytes to positioned nodes: a bounded reader of YAML 1.2 in which every scalar stays text and knows where it stands.

At most 1 MiB, at most 20 deep, no aliases, anchors, tags or directives, no key twice, one document. Built on the
parser's event stream, which does not recurse; what a scalar means is decided later, by the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from bank_host.written.problems import FileKind, Position, Positioned, Problems, Source

MOST_BYTES = 1024 * 1024
DEEPEST = 20

_FORBIDDEN = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_WIDE_INDENT = re.compile(r"^[ \t]*(\u3000)", re.MULTILINE)
_TAB_INDENT = re.compile(r"^ *(\t)[ \t]*[^\s#]", re.MULTILINE)
_AMOUNT_HEAD = re.compile(r"[¥￥]?[0-9]{1,3}(?:_?[0-9]{3})*")
_AMOUNT_TAIL = re.compile(r"[0-9]{3}")


class Scalar(str):
    """One scalar's text with its position; `start` and `end` are its character range in the source, quotes included."""

    __slots__ = ("column", "end", "line", "quoted", "source", "start")
    source: Source
    line: int
    column: int
    quoted: bool
    start: int
    end: int

    @classmethod
    def at(cls, text: str, event: Any, source: Source, *, quoted: bool) -> Scalar:
        scalar = cls(text)
        scalar.source, scalar.quoted = source, quoted
        scalar.line, scalar.column = event.start_mark.line + 1, event.start_mark.column + 1
        scalar.start, scalar.end = event.start_mark.index, event.end_mark.index
        return scalar

    def retold(self, text: str) -> Scalar:
        """Other text at the same position."""
        scalar = Scalar(text)
        for name in self.__slots__:
            setattr(scalar, name, getattr(self, name))
        return scalar

    @property
    def is_empty(self) -> bool:
        return not self and not self.quoted


class Mapping(dict[Scalar, Any]):
    """A YAML map; its keys are positioned scalars."""

    __slots__ = ("column", "line", "source")

    def __init__(self, source: Source, line: int, column: int) -> None:
        super().__init__()
        self.source, self.line, self.column = source, line, column

    def value(self, key: str) -> Any:
        """The value of a key, None if there is none (an empty value is an empty Scalar)."""
        return self.get(key)  # type: ignore[call-overload]

    def like(self, pairs: dict[Scalar, Any]) -> Mapping:
        """Other pairs at the same position."""
        other = Mapping(self.source, self.line, self.column)
        other.update(pairs)
        return other


class Sequence(list[Any]):
    """A YAML list."""

    __slots__ = ("column", "line", "source")

    def __init__(self, source: Source, line: int, column: int) -> None:
        super().__init__()
        self.source, self.line, self.column = source, line, column


Node: TypeAlias = Scalar | Mapping | Sequence


def read_text(file: str, data: bytes, kind: FileKind, problems: Problems) -> Source | None:
    """The bytes as text, or None with the reason reported."""
    if len(data) > MOST_BYTES:
        start = Position(Source.of(file, ""), 1, 1)
        problems.add(start, f"the file has {len(data):,} bytes; a {kind.name} holds at most {MOST_BYTES:,}")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        source = Source.of(file, data.decode("utf-8-sig", "replace"))
        problems.add(Position(source, line, column), "this is not UTF-8 text; save the file as UTF-8")
        return None
    return Source.of(file, text)


def parse(source: Source, kind: FileKind, problems: Problems) -> Mapping | None:
    """The file's top-level map, or None with the reasons reported."""
    if not _clean(source, problems):
        return None
    builder = _Builder(source, kind, problems)
    try:
        for event in _events(source.text):
            builder.take(event)
    except _Unreadable:
        return None
    except MarkedYAMLError as error:
        problems.add(_place(source, _begun(error)), _explained(error))
        return None
    except (YAMLError, ValueError, RecursionError):
        problems.add(
            Position(source, 1, 1), f"this text cannot be read as YAML; compare it with {kind.example}"
        )
        return None
    return _top_level(builder.root, source, kind, problems)


def walk(node: Any) -> Iterator[Node]:
    """Every node below and including `node`, keys too, in file order."""
    pending = [node]
    while pending:
        here = pending.pop()
        if isinstance(here, Mapping):
            yield here
            pending.extend(part for pair in reversed(here.items()) for part in reversed(pair))
        elif isinstance(here, Sequence):
            yield here
            pending.extend(reversed(here))
        elif isinstance(here, Scalar):
            yield here


def place_of(node: Any, *path: str | int) -> Positioned:
    """The deepest positioned node along `path`; a missing key leaves the map that lacks it."""
    for part in path:
        if isinstance(node, Mapping) and part in node:
            node = node[part]  # type: ignore[index]
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            break
    found: Positioned = node
    return found


class _Unreadable(Exception):
    """A bound or a refused construct was met; it is already reported."""


class _Builder:
    """Turns parser events into nodes without recursion, holding the bounds."""

    def __init__(self, source: Source, kind: FileKind, problems: Problems) -> None:
        self.source, self.kind, self.problems = source, kind, problems
        self.root: Node | None = None
        self.open: list[Mapping | Sequence] = []
        self.flow: list[bool] = []
        self.keys: list[Scalar | None] = []
        self.documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, ScalarEvent):
            self._refuse_extras(event)
            self._put(Scalar.at(event.value, event, self.source, quoted=bool(event.style)))
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._refuse_extras(event)
            self._enter(event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.open.pop()
            self.flow.pop()
            self.keys.pop()
        elif isinstance(event, AliasEvent):
            self._stop(event, f"aliases (*name) are not used in {self.kind.name}s; write the value out")
        elif isinstance(event, DocumentStartEvent):
            self._start_document(event)

    def _start_document(self, event: Any) -> None:
        self.documents += 1
        if event.version or event.tags:
            self._stop(event, f"directives (%YAML, %TAG) are not used in {self.kind.name}s; delete the line")
        if self.documents > 1:
            self._stop(
                event, f"a second document begins here; a {self.kind.name} holds one, so delete the '---'"
            )

    def _refuse_extras(self, event: Any) -> None:
        if event.anchor is not None:
            self._stop(
                event, f"anchors (&name) are not used in {self.kind.name}s; {self.kind.instead_of_anchors}"
            )
        if event.tag is not None:
            self._stop(event, f"tags (!name) are not used in {self.kind.name}s; delete the tag")

    def _enter(self, event: Any) -> None:
        if len(self.open) == DEEPEST:
            self._stop(event, f"nested more than {DEEPEST} deep; {self.kind.name}s are flatter than that")
        kind = Mapping if isinstance(event, MappingStartEvent) else Sequence
        node = kind(self.source, event.start_mark.line + 1, event.start_mark.column + 1)
        self._put(node)
        self.open.append(node)
        self.flow.append(bool(event.flow_style))
        self.keys.append(None)

    def _put(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if isinstance(parent, Sequence):
            if not (self.flow[-1] and self._mend_item(parent, node)):
                parent.append(node)
            return
        key = self.keys[-1]
        if key is None:
            self._key(parent, node)
            return
        self.keys[-1] = None
        if not (self.flow[-1] and self._mend_pair(parent, key, node)):
            parent[key] = node

    def _key(self, parent: Mapping, node: Node) -> None:
        if not isinstance(node, Scalar):
            self.problems.add(node, "a key is a word, not a list or a map")
            raise _Unreadable
        if node in parent:
            first = next(key for key in parent if key == node)
            self.problems.add(node, f"key '{node}' stands twice; it is first given in line {first.line}")
            node = node.retold(
                f"{node} "
            )  # kept apart, so that reading goes on; no schema knows the padded name
        self.keys[-1] = node

    def _mend_item(self, items: Sequence, node: Node) -> bool:
        """`[¥30,000]` splits at its comma: say so, and read on as if it were whole."""
        if not items or not isinstance(node, Scalar) or node.quoted or not _AMOUNT_TAIL.fullmatch(node):
            return False
        before = items[-1]
        if not _is_amount_head(before) or node.start != before.end + 1:  # [96, 120] are two numbers
            return False
        items[-1] = self._joined(before, node, "[ ]")
        return True

    def _mend_pair(self, pairs: Mapping, key: Scalar, value: Node) -> bool:
        """`{amount: ¥30,000}` leaves a stray key `000`: say so, and read on as if it were whole."""
        if not pairs or key.quoted or not _AMOUNT_TAIL.fullmatch(key):
            return False
        last = next(reversed(pairs))
        before = pairs[last]
        if isinstance(value, Scalar) and value.is_empty and _is_amount_head(before):
            pairs[last] = self._joined(before, key, "{ }")
            return True
        if isinstance(before, Scalar) and before.is_empty and _is_amount_head(last):
            del pairs[last]
            pairs[self._joined(last, key, "{ }")] = value
            return True
        return False

    def _joined(self, head: Scalar, tail: Scalar, brackets: str) -> Scalar:
        whole = f"{head}_{tail}"
        advice = f'write {whole} or quote "{whole.replace("_", ",")}"'
        self.problems.add(head, f"inside {brackets} a comma ends the value, so only {head} is read; {advice}")
        joined = head.retold(whole)
        joined.end = tail.end
        return joined

    def _stop(self, event: Any, message: str) -> None:
        self.problems.add(_place(self.source, event.start_mark), message)
        raise _Unreadable


def _is_amount_head(node: Any) -> bool:
    return isinstance(node, Scalar) and not node.quoted and bool(_AMOUNT_HEAD.fullmatch(node))


def _events(text: str) -> Iterator[Any]:
    reader = YAML(typ="safe", pure=True)
    yield from reader.parse(text)


def _place(source: Source, mark: Any) -> Position:
    return Position(source, mark.line + 1, mark.column + 1) if mark else Position(source, 1, 1)


def _clean(source: Source, problems: Problems) -> bool:
    """Characters that would confuse a reader, or the parser, are named before parsing."""
    for pattern, message in (
        (_FORBIDDEN, "a character that does not belong in a text file (U+{:04X}); delete it"),
        (_WIDE_INDENT, "a full-width space (U+{:04X}) in the indentation; use half-width spaces"),
        (_TAB_INDENT, "a tab in the indentation; YAML is indented with spaces"),
    ):
        hit = pattern.search(source.text)
        if hit:
            index = hit.start(hit.lastindex or 0)
            before = source.text[:index].replace("\r\n", "\n").replace("\r", "\n")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            problems.add(Position(source, line, column), message.format(ord(source.text[index])))
            return False
    return True


def _top_level(root: Node | None, source: Source, kind: FileKind, problems: Problems) -> Mapping | None:
    if isinstance(root, Mapping):
        return root
    found = "a list" if isinstance(root, Sequence) else "text" if root else "nothing"
    at = root if root is not None else Position(source, 1, 1)
    problems.add(at, f"a {kind.name} is a map that starts with {kind.begins}; this file holds {found}")
    return None


def _begun(error: MarkedYAMLError) -> Any:
    """Where to look: what was opened and never closed, if the parser noticed it only some lines later."""
    opened, noticed = error.context_mark, error.problem_mark
    unclosed = "flow" in str(error.context) or "quoted" in str(error.context)
    return opened if opened and noticed and unclosed and opened.line < noticed.line else noticed or opened


_EXPLANATIONS = (
    ("mapping values are not allowed", "a second ': ' on this line; quote the text that holds it"),
    ("could not find expected ':'", "a key without ': value'; add a colon and a space after the key"),
    ("expected ',' or '}'", "a { } map goes wrong here; separate its keys with ', ' and close it with }"),
    ("expected ',' or ']'", "a [ ] list goes wrong here; separate its items with ', ' and close it with ]"),
    ("expected <block end>", "this line does not fit what stands above it; check its indentation"),
    ("found unexpected end of stream", "a quoted text is not closed; add the missing quote"),
    ("cannot start any token", "a value cannot begin with this character; put the value in quotes"),
    ("unknown escape character", "an unknown escape in a double-quoted text; write \\\\ for a backslash"),
    ("sequence entries are not allowed", "a list item ('- ') cannot stand here; put it on a line of its own"),
    (
        "block sequence entries are not allowed",
        "a list item ('- ') cannot stand here; put it on its own line",
    ),
)


def _explained(error: MarkedYAMLError) -> str:
    said = str(error.problem or error.context or "")
    for phrase, explanation in _EXPLANATIONS:
        if phrase in said:
            return explanation
    return "this is not YAML; compare the line with those above it (indentation, quotes, ': ' after a key)"
