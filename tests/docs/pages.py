"""Reads the project's Markdown pages and finds what in them is not true; the tests say which pages.

What a page may show, by the word after the fence:

    console        `$ command` and what it prints. A line `...` stands for any lines. A command that fails is followed
                   by `$ echo $?`. `make TARGET` is looked up; the recipe that calls one of our commands is run.
                   One of our commands with ` &` behind it runs in a process of its own until the page ends, which
                   stops it by SIGTERM; it then has to exit 0.
    python         run; a block with `>>>` is compared with what it gives
    yaml           a whole scenario has to load. With `# name.yaml` as its first line the file is there from then on
    yaml study     a study; as a scenario, with `# name.yaml` as its first line it is there from then on
    yaml wrong     a whole scenario that has to be refused
    yaml script    a script of the scripted issuer; `yaml script wrong` has to be refused
    toml           a dialect file; it has to load, or with `toml wrong` to be refused. With `# name.toml` as its first
                   line the file is there from then on
    toml profile   the same of a lab profile
    xml            with `<!-- name.xml -->` as its first line the file is there from then on

The blocks of a page are run from top to bottom in one folder of their own, which has the checkout's `scenarios/`.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from click import Group
from click.testing import CliRunner

import atm_sim.cli
import bank_host.cli
import cardreader.cli
from atm_sim.runner.files import open_scenario
from atm_sim.study.plan import load_study
from atm_sim.target.profile import parse_profile
from bank_host.iso8583.dialect_file import DialectError, parse_settings
from bank_host.policy import load_policy
from bank_host.script import load as load_script
from bank_host.written.problems import WrittenError

ROOT = Path(__file__).parents[2]
COMMANDS: dict[str, Group] = {
    "atm-sim": atm_sim.cli.main,
    "bank-host": bank_host.cli.main,
    "cardreader": cardreader.cli.main,
}
SHOWN_ONLY = ("python3 -m venv ", "pip install ", ". .venv/bin/activate", "atm-sim demo")
"""What a page tells people to do once, on their own machine; tests/system/test_wheel.py does it from a wheel."""

SERVER_START_S = 60.0

_BLOCK = re.compile(r"^```(\S+)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_RECIPE = re.compile(r"^([a-z-]+):.*?## .*\n((?:\t.*\n)*)", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    note: str
    text: str
    line: int


def blocks(text: str) -> list[Block]:
    return [
        Block(match[1], match[2] or "", match[3], text.count("\n", 0, match.start()) + 1)
        for match in _BLOCK.finditer(text)
    ]


# ---------------------------------------------------------------- links


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere: no such file, or no such heading in it."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    targets = [match[1] or match[2] for match in _LINK.finditer(text)]
    return [target for target in targets if "://" not in target and not _leads_somewhere(page, target)]


def _leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not anchor or anchor in {_anchor(title) for title in _HEADING.findall(file.read_text("utf-8"))}


def _anchor(title: str) -> str:
    """The name that a heading has in a link."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def linked_pages(page: Path) -> set[Path]:
    """The Markdown pages that a page leads to; a link to a folder leads to all that are in it."""
    targets = (match[1] for match in _LINK.finditer(page.read_text(encoding="utf-8")) if match[1])
    paths = ((page.parent / target.partition("#")[0]).resolve() for target in targets if "://" not in target)
    return {
        file
        for path in paths
        for file in (path.glob("*.md") if path.is_dir() else [path])
        if file.suffix == ".md"
    }


# ---------------------------------------------------------------- running a page


@dataclass
class Sandbox:
    """The folder in which a page's blocks run, and what they share."""

    folder: Path
    names: dict[str, Any] = field(default_factory=dict)
    exit_code: int = 0
    servers: dict[str, subprocess.Popen[bytes]] = field(
        default_factory=dict
    )  # by the command that started it


def problems(page: str, sandbox: Sandbox) -> Iterator[str]:
    """What is wrong in a page's text, each as `line: what`."""
    with contextlib.chdir(sandbox.folder):
        try:
            for block in blocks(page):
                check = _CHECKS.get(block.language)
                if check is not None:
                    yield from (f"{block.line}: {what}" for what in check(block, sandbox))
        finally:
            stopped = {command: _stopped(server) for command, server in sandbox.servers.items()}
        yield from (
            f"`{command}` exits {code} when it is stopped" for command, code in stopped.items() if code
        )


def _console(block: Block, sandbox: Sandbox) -> Iterator[str]:
    turns = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    if turns[0]:
        yield f"a console block begins with `$ `, not with {turns[0]!r}"
    for turn in turns[1:]:
        command, _, expected = turn.partition("\n")
        if command == "echo $?":
            if expected.strip() != str(sandbox.exit_code):
                yield f"exit code {expected.strip()} is shown, {sandbox.exit_code} it is"
            sandbox.exit_code = 0
            continue
        if sandbox.exit_code:
            yield f"before `{command}`: the exit code {sandbox.exit_code} is not shown"
        if command.endswith(" &"):
            yield from _started(command.removesuffix(" &"), expected, sandbox)
            continue
        try:
            sandbox.exit_code, actual = _run(command)
        except LookupError as unknown:
            yield f"`{command}`: {unknown.args[0]}"
            continue
        if expected.strip() and not matches(expected, actual):
            yield f"`{command}` prints\n{actual}\nand not\n{expected}"
    if sandbox.exit_code:
        yield f"the exit code {sandbox.exit_code} of the last command is not shown"
        sandbox.exit_code = 0


def _started(command: str, expected: str, sandbox: Sandbox) -> Iterator[str]:
    """Start a server and wait until it has printed what is shown, or is no more."""
    program, *words = shlex.split(command)
    if program not in COMMANDS:
        yield f"`{command}`: only our own commands are started as servers"
        return
    output = sandbox.folder / f"server-{len(sandbox.servers)}.out"
    module = COMMANDS[program].callback.__module__
    with output.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
    give_up_at = time.monotonic() + SERVER_START_S
    while not matches(expected, output.read_text(encoding="utf-8")):
        if server.poll() is not None or time.monotonic() > give_up_at:
            _stopped(server)
            yield f"`{command}` prints\n{output.read_text(encoding='utf-8')}\nand not\n{expected}"
            return
        time.sleep(0.05)
    sandbox.servers[command] = server


def _stopped(server: subprocess.Popen[bytes]) -> int:
    server.terminate()
    try:
        return server.wait(SERVER_START_S)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


def matches(expected: str, actual: str) -> bool:
    """Whether a page shows what was printed: blanks at line ends aside, `...` alone on a line is any lines."""
    parts = [
        _trimmed(part) for part in re.split(r"^ *\.\.\.\n", expected.rstrip() + "\n", flags=re.MULTILINE)
    ]
    pattern = r"(?:.*\n)*?".join(re.escape(part) for part in parts)
    return re.fullmatch(r"\n*" + pattern + r"\n*", _trimmed(actual)) is not None


def _trimmed(text: str) -> str:
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def _run(command: str) -> tuple[int, str]:
    """Exit code and output; LookupError for what nobody could run."""
    if command.startswith(SHOWN_ONLY):
        return 0, ""
    words = shlex.split(command)
    if words[0] == "make":
        return _make(words[1])
    program = words[0].removeprefix(".venv/bin/")
    if program in COMMANDS and not re.search(r"[|<>;&$]", command):
        result = CliRunner().invoke(COMMANDS[program], words[1:], prog_name=program)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, check=False, timeout=600
    )
    if done.returncode == 127:
        raise LookupError("there is no such command")
    return done.returncode, done.stdout + done.stderr


def _make(target: str) -> tuple[int, str]:
    recipes = dict(_RECIPE.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    if target not in recipes:
        raise LookupError("the Makefile has no such target")
    ours = re.match(r"\t@\$\(BIN\)/((?:atm-sim|bank-host) .*)\n", recipes[target])
    return _run(ours[1]) if ours else (0, "")


def _python(block: Block, sandbox: Sandbox) -> Iterator[str]:
    said = io.StringIO()
    if ">>> " in block.text:
        example = doctest.DocTestParser().get_doctest(block.text, sandbox.names, "page", None, block.line)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        if runner.run(example, out=said.write, clear_globs=False).failed:
            yield said.getvalue()
        sandbox.names.update(example.globs)
        return
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(block.text, "page", "exec"), sandbox.names)
    except Exception as error:  # whatever an example raises is what the page got wrong
        yield f"{type(error).__name__}: {error}"


def _yaml(block: Block, sandbox: Sandbox) -> Iterator[str]:
    first = block.text.partition("\n")[0]
    named = re.fullmatch(r"# ([\w-]+\.yaml)", first)
    if (
        not named
        and block.note.split(" ")[0] not in ("script", "study")
        and not re.search(r"^scenario:", block.text, re.MULTILINE)
    ):
        return  # a part of a file; the reference page of scenario files has a test of its own for these
    file = sandbox.folder / (named[1] if named else "example.yaml")
    file.write_text(block.text, encoding="utf-8")
    try:
        if "script" in block.note:
            load_script(file)
        elif block.note == "study":
            load_study(file, load_policy())
        else:
            open_scenario(file, load_policy())
    except WrittenError as error:
        if "wrong" not in block.note:
            yield str(error)
    else:
        if "wrong" in block.note:
            yield "this is meant to be refused, and loads"


def _toml(block: Block, sandbox: Sandbox) -> Iterator[str]:
    _keep(block, r"# ([\w-]+\.toml)", sandbox)
    if block.note == "profile":
        parse_profile("example.toml", block.text.encode())
        return
    try:
        parse_settings(block.text, "example.toml")
    except DialectError as error:
        if block.note != "wrong":
            yield str(error)
    else:
        if block.note == "wrong":
            yield "this is meant to be refused, and loads"


def _xml(block: Block, sandbox: Sandbox) -> Iterator[str]:
    _keep(block, r"<!-- ([\w-]+\.xml) -->", sandbox)
    yield from ()


def _keep(block: Block, name: str, sandbox: Sandbox) -> None:
    """Write a block that names itself in its first line."""
    named = re.fullmatch(name, block.text.partition("\n")[0])
    if named:
        (sandbox.folder / named[1]).write_text(block.text, encoding="utf-8")


_CHECKS = {"console": _console, "python": _python, "yaml": _yaml, "toml": _toml, "xml": _xml}
