"""The checker of the pages finds what is wrong: each planted mistake is one it must tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import Sandbox, broken_links, matches, problems

SCENARIO = """\
scenario: A locked card
version: 1
day: 2014-01-15
cast: {hanako: {name: 山田 花子}}
steps: [{at: 09:00, who: hanako, do: lock_card, via: pc}]
"""
SOUND = f"""\
# A page

```yaml
# locked.yaml
{SCENARIO}```

```console
$ atm-sim run locked.yaml
A locked card
...
Report: out/locked/report.html
$ atm-sim trace out/locked --card nobody
...
$ echo $?
2
$ make test
```

```python
>>> 1 + 1
2
```
"""
WRONG = {
    "a command that is not there": "```console\n$ atm-simulate run\n```\n",
    "an option that is not there": "```console\n$ atm-sim schema --pretty\n```\n",
    "a make target that is not there": "```console\n$ make coffee\n```\n",
    "a failure that is not shown": "```console\n$ atm-sim run nothing.yaml\n```\n",
    "another exit code than shown": "```console\n$ atm-sim run nothing.yaml\n$ echo $?\n1\n```\n",
    "another output than shown": "```console\n$ cardreader --version\ncardreader, version 99\n```\n",
    "output before any command": "```console\nA locked card\n```\n",
    "a shell line that fails": "```console\n$ atm-sim schema | grep -q no-such-word\n```\n",
    "a scenario that does not load": f"```yaml\n{SCENARIO.replace('lock_card', 'lock_crad')}```\n",
    "a wrong scenario that loads": f"```yaml wrong\n{SCENARIO}```\n",
    "a server that does not start": "```console\n$ bank-host serve --dialect klingon &\nbank-host: ready\n```\n",
    "a server of somebody else": "```console\n$ sleep 1 &\n```\n",
    "Python that raises": "```python\n1 / 0\n```\n",
    "Python with another result": "```python\n>>> 1 + 1\n3\n```\n",
}


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


def test_a_sound_page_has_no_problems(sandbox: Sandbox) -> None:
    assert [] == list(problems(SOUND, sandbox))


@pytest.mark.parametrize("mistake", WRONG)
def test_a_planted_mistake_is_told_once_with_its_line(mistake: str, sandbox: Sandbox) -> None:
    found = list(problems(f"# A page\n\n{WRONG[mistake]}", sandbox))
    assert ["3"] == [problem.partition(":")[0] for problem in found]


def test_a_server_that_does_not_stop_in_order_is_told(sandbox: Sandbox) -> None:
    sandbox.servers["serve"] = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    sandbox.servers["serve"].wait()
    assert ["`serve` exits 3 when it is stopped"] == list(problems("", sandbox))


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("one\ntwo\n", "one  \ntwo\n\n", True),
        ("one\n...\n", "one\ntwo\nthree\n", True),
        ("...\nthree\n", "one\ntwo\nthree\n", True),
        ("one\n...\nthree\n", "one\nthree\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one\n...\nfour\n", "one\ntwo\nthree\n", False),
        ("o.e\n", "one\n", False),
    ],
)
def test_what_is_shown_is_compared_line_by_line(shown: str, printed: str, expected: bool) -> None:
    assert expected == matches(shown, printed)


@pytest.mark.parametrize(
    "target", ["missing.md", "page.md#no-such-heading", "#no-such-heading", "missing.png"]
)
def test_a_link_that_leads_nowhere_is_found(target: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        f"# A page\n\n[good](#a-page), [good](page.md), [bad]({target}), ![bad]({target})\n", "utf-8"
    )
    assert [target, target] == broken_links(page)
