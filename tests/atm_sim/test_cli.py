"""The command line tells the truth: exit codes, messages with their place, files that a run leaves, no traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from atm_sim import cli
from atm_sim.records.folder import RunFolder
from atm_sim.runner import run_command, suite_command
from bank_host.iso8583.build import Acceptor, answer, financial_request
from bank_host.iso8583.codec import encode

ROOT = Path(__file__).parents[2]
HEAD = """\
scenario: Hanako buys [green]lunch[/]
version: 1
day: 2014-01-15
cast:
  hanako: {name: 山田 花子, balance: ¥50_000, atm_limit: ¥30_000}
places:
  shibuya: {operator: seven_bank}
"""
MET = f"""\
{HEAD}steps:
  - {{at: 12:00, who: hanako, do: withdraw, amount: ¥20_000, atm: shibuya, expect: {{outcome: approved}}}}
"""
BROKEN = f"""\
{HEAD}steps:
  - {{at: 12:00, who: hanako, do: withdraw, amount: ¥40_000, atm: shibuya, expect: {{outcome: approved}}}}
"""
WRONG = MET.replace("withdraw,", "withdarw,")
TABLE = f"""\
{HEAD}steps:
  - {{at: 12:00, who: hanako, do: withdraw, amount: $amount, atm: shibuya, expect: {{outcome: approved}}}}
cases:
  - {{case: a little, amount: ¥1_000}}
  - {{case: some, amount: ¥10_000}}
  - {{case: too much, amount: ¥40_000}}
"""
INVALID = f"# expect: 9:34: unknown action 'withdarw'; did you mean 'withdraw'?\n{WRONG}"
LEFT_BY_A_RUN = [
    "bank-jnb.sqlite",
    "checks.csv",
    "events/r001.parquet",
    "junit.xml",
    "manifest.json",
    "messages/r001.parquet",
    "report.html",
    "summary.csv",
]

Call = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the command, with a scenario of each sort."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"met": MET, "broken": BROKEN, "wrong": WRONG, "table": TABLE}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def call(here: Path) -> Call:
    """Runs `atm-sim` there, as the entry point does; a traceback would be an exception that is no SystemExit."""

    def run(*words: str, **how: str) -> Result:
        result = CliRunner().invoke(cli.main, list(words), **how)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# ---------------------------------------------------------------- run


def test_a_run_that_meets_everything_exits_0_and_leaves_its_files(call: Call, here: Path) -> None:
    result = call("run", "met.yaml")
    assert 0 == result.exit_code
    assert LEFT_BY_A_RUN == files_in(here / "out/met")
    assert "Expectations: 1 of 1 met" in result.output
    assert "Report: out/met/report.html" in result.output


def test_a_broken_expectation_exits_1_and_tells_line_values_messages_and_replay(call: Call) -> None:
    result = call("run", "broken.yaml", "--seed", "7")
    assert 1 == result.exit_code
    told = result.output[result.output.index("broken.yaml:9: step 1") :]
    parts = (
        "outcome  expected approved, got declined",
        "0200 Financial request, shibuya → acquirer:seven_bank",
        "DE4   Amount: ¥40,000",
        "0210 Financial answer",
        "DE39  Response code: 61 over the amount limit",
        "replay: atm-sim run broken.yaml --seed 7",
    )
    assert [] == [part for part in parts if part not in told]


def test_the_replay_command_plays_the_same_again(call: Call, here: Path) -> None:
    first = json.loads(call("run", "table.yaml", "--seed", "7", "--json").output)[2]
    words = first["replay"].split()[1:]
    assert ["--case", "3"] == words[-2:]
    (again,) = json.loads(call(*words, "--out", "again", "--json").output)
    assert (first["run"], first["failed_checks"]) == (again["run"], again["failed_checks"])
    events = "row-3/events/r001.parquet"
    assert (here / "out/table" / events).read_bytes() == (here / "again" / events).read_bytes()


def test_json_is_all_that_is_printed_and_names_the_failure(call: Call) -> None:
    result = call("run", "broken.yaml", "--json")
    (data,) = json.loads(result.stdout)
    assert (1, 1) == (result.exit_code, data["failed"])
    (check,) = data["failed_checks"]
    assert ("outcome", "approved", "declined", 9) == tuple(
        check[key] for key in ("name", "expected", "actual", "line")
    )


def test_a_wrong_file_exits_2_with_place_caret_and_suggestion(call: Call, here: Path) -> None:
    result = call("run", "wrong.yaml")
    assert 2 == result.exit_code
    place, line, caret = result.stderr.splitlines()
    assert "wrong.yaml:9:34: unknown action 'withdarw'; did you mean 'withdraw'?" == place
    assert line.index("withdarw") == caret.index("^")
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "nothing.yaml"),
        ("run", "."),
        ("run", "table.yaml", "--case", "4"),
        ("run", "met.yaml", "--seed", "-1"),
        ("test", "nothing"),
        ("test", "empty"),
        ("trace", "nothing", "--card", "hanako"),
        ("trace", ".", "--card", "hanako"),
        ("trace", "met.yaml", "--card", "hanako"),
        ("report", "."),
        ("describe", "-"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_a_users_mistake_exits_2_and_says_what_is_wrong(
    words: tuple[str, ...], call: Call, here: Path
) -> None:
    (here / "empty").mkdir()
    result = call(*words)
    assert (2, "") == (result.exit_code, result.stdout)
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr


def test_a_file_that_cannot_be_written_is_told_as_a_sentence(call: Call) -> None:
    result = call("run", "met.yaml", "--pcap", "nowhere/run.pcap")
    assert (2, "atm-sim: nowhere/run.pcap: No such file or directory\n") == (result.exit_code, result.stderr)


def test_a_second_run_into_the_same_folder_leaves_nothing_of_the_first(call: Call, here: Path) -> None:
    call("run", "table.yaml", "--out", "out")
    rows = [f"row-{row}/{name}" for row in (1, 2, 3) for name in LEFT_BY_A_RUN]
    assert rows == files_in(here / "out")
    (here / "out/bank-other.sqlite").touch()
    (here / "out/notes.txt").touch()
    call("run", "met.yaml", "--out", "out")
    assert sorted([*LEFT_BY_A_RUN, "notes.txt"]) == files_in(here / "out"), "and what is not ours stays"


def test_one_row_again_leaves_the_other_rows(call: Call, here: Path) -> None:
    call("run", "table.yaml")
    before = files_in(here / "out/table")
    call("run", "table.yaml", "--case", "2")
    assert before == files_in(here / "out/table")


def test_an_interrupted_run_leaves_no_report_of_an_earlier_one(
    call: Call, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("run", "met.yaml")
    monkeypatch.setattr(run_command, "play", _interrupted)
    result = call("run", "met.yaml")
    assert (130, "atm-sim: interrupted\n") == (result.exit_code, result.stderr)
    assert [] == files_in(here / "out")


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_fault_of_the_tool_exits_3_with_a_message_and_no_traceback(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two legs, one yen")

    monkeypatch.setattr(run_command, "play", broken)
    result = call("run", "met.yaml")
    assert 3 == result.exit_code
    assert "RuntimeError: two legs, one yen" in result.stderr
    assert "not of your file" in result.stderr
    assert "Traceback" not in result.stderr


def test_output_is_plain_where_nobody_looks_and_coloured_at_a_terminal(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for words in (("run", "broken.yaml"), ("test", "."), ("trace", "out/broken", "--card", "hanako")):
        assert "\x1b" not in call(*words).output

    screen = io.StringIO()
    monkeypatch.setattr(
        suite_command, "Console", lambda **how: Console(file=screen, force_terminal=True, **how)
    )
    call("test", "met.yaml")
    assert "\x1b[32mpassed" in screen.getvalue()


def test_a_title_with_brackets_is_printed_as_it_is_written(call: Call) -> None:
    assert "passed met.yaml: Hanako buys [green]lunch[/]" in call("test", "met.yaml").output


# ---------------------------------------------------------------- test


def test_a_folder_is_tested_file_by_file_row_by_row(call: Call, here: Path) -> None:
    (here / "wrong.yaml").unlink()
    result = call("test", ".")
    assert 1 == result.exit_code
    verdicts = [line for line in result.output.splitlines() if line.startswith(("passed", "FAILED"))]
    assert [
        "FAILED broken.yaml: Hanako buys [green]lunch[/]",
        "passed met.yaml: Hanako buys [green]lunch[/]",
        "passed table.yaml: a little",
        "passed table.yaml: some",
        "FAILED table.yaml: too much",
    ] == verdicts
    assert "table.yaml:13: too much, step 1" in result.output, "a row's failure points at the row"
    assert "3 passed, 2 failed, in 3 files" == result.output.splitlines()[-1]


def test_a_file_that_does_not_load_fails_its_test_and_the_others_go_on(call: Call) -> None:
    result = call("test", ".")
    assert 1 == result.exit_code
    assert "actual: wrong.yaml:9:34: unknown action 'withdarw'" in result.output
    assert "3 passed, 3 failed, in 4 files" == result.output.splitlines()[-1]


def test_an_invalid_example_passes_when_exactly_its_message_appears(call: Call, here: Path) -> None:
    (here / "suite/invalid").mkdir(parents=True)
    example = here / "suite/invalid/example.yaml"
    example.write_text(INVALID.replace("9:34", "10:34"), encoding="utf-8")
    result = call("test", "suite")
    assert (0, "1 passed, 0 failed, in 1 files") == (result.exit_code, result.output.splitlines()[-1])

    example.write_text(INVALID.replace("9:34", "10:35"), encoding="utf-8")
    result = call("test", "suite")
    assert 1 == result.exit_code
    assert "expected: 10:35: unknown action" in result.output
    assert "actual: 10:34: unknown action" in result.output


def test_junit_holds_every_test_and_the_text_of_the_failure(call: Call, here: Path) -> None:
    call("test", ".", "--junit", "junit.xml")
    document = ElementTree.parse(here / "junit.xml").getroot()
    suites = document.findall("testsuite")
    assert ["scenario files", *["Hanako buys [green]lunch[/]"] * 5] == [suite.get("name") for suite in suites]
    for suite in suites:
        cases, failures = suite.findall("testcase"), suite.findall("testcase/failure")
        assert (str(len(cases)), str(len(failures))) == (suite.get("tests"), suite.get("failures"))
    texts = [failure.text or "" for failure in document.iter("failure")]
    assert 3 == len(texts)
    assert any("replay: atm-sim run broken.yaml --seed 1" in text for text in texts)
    assert any("wrong.yaml:9:34" in text for text in texts)


def test_json_of_a_folder_names_each_test(call: Call) -> None:
    data = json.loads(call("test", ".", "--json").stdout)["tests"]
    assert [False, True, True, True, False, False] == [test["passed"] for test in data]
    assert "atm-sim run broken.yaml --seed 1" == data[0]["replay"]


# ---------------------------------------------------------------- looking at a run


def test_a_trace_tells_the_persons_day(call: Call) -> None:
    call("run", "met.yaml")
    lines = call("trace", "out/met", "--card", "hanako").output.splitlines()
    assert "山田 花子 (hanako), 2014-01-15" == lines[0]
    assert any("0200 Financial request" in line for line in lines)
    assert any(line.endswith("¥20,000 comes to the shutter") for line in lines)


def test_a_trace_of_somebody_unknown_exits_2_and_says_who_is_known(call: Call) -> None:
    call("run", "met.yaml")
    result = call("trace", "out/met", "--card", "taro")
    assert 2 == result.exit_code
    assert "'taro'" in result.stderr
    assert "known: hanako" in result.stderr


def test_a_report_built_again_has_the_same_bytes(call: Call, here: Path) -> None:
    call("run", "met.yaml")
    files = [here / "out/met" / name for name in ("report.html", "junit.xml")]
    before = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    result = call("report", "out/met")
    assert (0, "out/met/report.html\n") == (result.exit_code, Path(result.output).as_posix())
    assert before == [file.read_bytes() for file in files]


# ---------------------------------------------------------------- reference


def test_the_schema_is_a_json_schema_that_tells_a_good_file_from_a_bad_one(call: Call) -> None:
    schema = json.loads(call("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    good = {
        "scenario": "A lock",
        "version": 1,
        "day": "2014-01-15",
        "cast": {"hanako": {"name": "山田 花子"}},
    }
    step = {"at": "12:00", "who": "hanako", "do": "lock_card", "via": "pc"}
    jsonschema.validate({**good, "steps": [step]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, "steps": [{**step, "do": "lock_crad"}]}, schema)


REQUEST = financial_request(
    "withdraw",
    pan="4999000000000014",
    amount_jpy=30_000,
    stan=1,
    now_us=1_389_754_800_000_000,
    acceptor=Acceptor("T0000001", "SEVEN_BANK", "00000000034", "Seven Bank"),
    pin_block="0123456789ABCDEF",
)


@pytest.mark.parametrize("form", [encode(REQUEST).hex(), encode(REQUEST).decode("ascii"), "-"])
def test_a_message_is_put_into_words_and_its_secrets_are_not(form: str, call: Call) -> None:
    result = call("describe", form, input=encode(REQUEST).hex())
    assert 0 == result.exit_code
    assert "0200 Financial request" == result.output.splitlines()[0]
    assert "¥30,000" in result.output
    for secret in ("4999000000000014", "0123456789ABCDEF"):
        assert secret not in result.output


def test_a_message_is_described_in_japanese(call: Call) -> None:
    assert "限度額超過" in call("describe", "--lang", "ja", encode(answer(REQUEST, "61")).hex()).output


@pytest.mark.parametrize(
    "garbage", ["hello 4999000000000014", encode(REQUEST).hex()[:-20], "4999000000000014", "00"]
)
def test_garbage_is_refused_and_not_repeated(garbage: str, call: Call) -> None:
    result = call("describe", garbage)
    assert (2, "") == (result.exit_code, result.stdout)
    assert "not a message of our dialect" in result.stderr
    assert "4999000000000014" not in result.stderr
    assert garbage not in result.stderr


# ---------------------------------------------------------------- demo, and the process as a whole


def test_the_demo_copies_the_tutorial_runs_it_and_names_the_report(call: Call, here: Path) -> None:
    result = call("demo")
    assert 0 == result.exit_code
    assert (here / "atm-sim-demo/first_day.yaml").is_file()
    assert RunFolder.open(here / "atm-sim-demo/run").read_manifest().title == "A first day at three ATMs"
    assert "Report: atm-sim-demo/run/report.html" in result.output


def test_the_demo_refuses_a_folder_that_is_not_empty(call: Call, here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine/notes.txt").touch()
    result = call("demo", "mine")
    assert 2 == result.exit_code
    assert "mine is not empty" in result.stderr
    assert ["notes.txt"] == files_in(here / "mine")


def test_the_process_itself_exits_with_the_code_and_survives_a_closed_pipe(here: Path) -> None:
    """CliRunner is not the shell: the installed command is started once, and once into a pipe that nobody reads."""
    program = f"{sys.executable} -c 'from atm_sim.cli import main; main()'"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    script = f"{program} run wrong.yaml 2>&1 | head -1; echo ${{PIPESTATUS[0]}}; {program} schema | head -1"
    done = subprocess.run(["bash", "-c", script], cwd=here, env=environment, capture_output=True, text=True)
    first, code, brace = done.stdout.splitlines()
    assert "wrong.yaml:9:34: unknown action 'withdarw'; did you mean 'withdraw'?" == first
    assert ("2", "{", "") == (code, brace, done.stderr)
