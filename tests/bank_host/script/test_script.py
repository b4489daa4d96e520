"""The scripted issuer, without a network: which rule a message meets, and what it makes of the answer."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from atm_sim.scenario.faults import FAULTS, LinkFault
from bank_host.cli import main
from bank_host.iso8583 import build
from bank_host.iso8583.build import Acceptor
from bank_host.iso8583.codec import encode
from bank_host.iso8583.message import Message
from bank_host.jst import moment_us
from bank_host.script import (
    START,
    Actions,
    Script,
    ScriptError,
    Verdict,
    decide,
    load,
    loads,
    own_answer,
    treated,
)
from bank_host.script.actions import AS_IN_SCENARIOS, WORDS
from bank_host.script.schema import json_schema

INVALID = sorted(Path(__file__).with_name("invalid").glob("*.yaml"))
BEYOND_THE_SCHEMA = {
    "amount_without_unit",
    "anchor",
    "mti_of_three_digits",
    "name_given_twice",
    "network_management",
    "real_card_number",
    "rule_behind_everything",
    "silent_and_late",
    "text_compared_by_size",
    "twice_and_again",
    "value_that_does_not_fit",
    "value_that_never_comes",
}
NOON_US = moment_us("2014-01-15 12:00")


def request(
    amount_jpy: int = 30_000, terminal: str = "TERM0007", service: str = "withdraw", stan: int = 1
) -> Message:
    return build.financial_request(
        service,
        pan="4999000000000013",
        amount_jpy=amount_jpy,
        stan=stan,
        now_us=NOON_US,
        acceptor=Acceptor(terminal, "SHIBUYA", "34"),
        pin_block="0123456789ABCDEF",
    )


def script(*rules: str, seed: int = 1) -> Script:
    """A script of rules, each in one line."""
    lines = "".join(f"  - {rule}\n" for rule in rules)
    return loads(f"seed: {seed}\nrules:\n{lines}".encode())


def verdict(rules: Script, message: Message) -> Verdict:
    return decide(rules, message, START)[0]


def verdicts(rules: Script, messages: list[Message]) -> list[str]:
    """The names of the rules that strike, one message after the other."""
    state, names = START, []
    for message in messages:
        struck, state = decide(rules, message, state)
        names.append(struck.rule)
    return names


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_an_invalid_script_is_told_what_its_comments_expect(file: Path) -> None:
    head = "# expect: "
    expected = [
        line.removeprefix(head) for line in file.read_text("utf-8").splitlines() if line.startswith(head)
    ]
    assert expected
    with pytest.raises(ScriptError) as wrong:
        load(file)
    assert expected == [problem.located for problem in wrong.value.problems]


def test_a_problem_is_shown_with_file_line_and_caret() -> None:
    with pytest.raises(ScriptError) as wrong:
        loads(b"rules:\n  - do: silnt\n", "away.yaml")
    assert (
        "away.yaml:2:9: unknown action 'silnt'; did you mean 'silent'?\n"
        "       2 |   - do: silnt\n"
        "         |         ^"
    ) == str(wrong.value)


def test_a_number_in_the_file_is_not_shown_when_its_line_is_quoted() -> None:
    with pytest.raises(ScriptError) as wrong:
        loads(b'rules:\n  - when: {DE2: "4111111111111111"}\n    do: silent\n')
    assert "4111" not in str(wrong.value)


PIECES = [
    "rules:",
    "when:",
    "do:",
    "times:",
    "chance:",
    "name:",
    "seed:",
    "mti:",
    "DE4:",
    "DE52:",
    "DE41",
    '"0200"',
    '">=',
    '¥5"',
    "silent",
    "answer",
    "91",
    "late",
    "3",
    "s",
    "drop",
    "absent",
    "0.5",
    "x",
    "{",
    "}",
    "[",
    "]",
    ",",
    "-",
    ":",
]
TEXTS = st.lists(st.sampled_from([*PIECES, " ", "\n  - ", "\n    "]), max_size=30).map(" ".join)


@given(st.binary(max_size=200) | TEXTS.map(str.encode))
def test_any_bytes_are_read_or_refused_with_the_one_error(data: bytes) -> None:
    with contextlib.suppress(ScriptError):
        decide(loads(data), request(), START)
    with contextlib.suppress(ScriptError):
        decide(loads(b"rules:\n  - " + data), request(), START)


# ---------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("condition", "strikes"),
    [
        ('mti: "0200"', True),
        ('mti: "0420"', False),
        ('mti: "02*"', True),
        ('mti: ["0420", "0200"]', True),
        ('DE3: "01*"', True),
        ('DE3: "31*"', False),
        ('DE3: "??1000"', True),
        ('DE3: "!= 31*"', True),
        ('DE3: "!= 01*"', False),
        ('DE4: ">= ¥30_000"', True),
        ('DE4: ">= ¥30,001"', False),
        ('DE4: "> ¥29_999"', True),
        ('DE4: "<= ¥30_000"', True),
        ('DE4: "< ¥30_000"', False),
        ("DE4: ¥30_000", True),
        ('DE4: "!= ¥30_000"', False),
        ('DE11: "<= 000001"', True),
        ('DE11: "> 1"', False),
        ("DE41: TERM0007", True),
        ("DE41: TERM*", True),
        ("DE41: term0007", False),
        ("DE42: SHIBUYA", True),  # the blanks at its end do not count
        ("DE52: present", True),
        ("DE52: absent", False),
        ("DE54: absent", True),
        ("DE54: present", False),
        ('DE38: "!= 123456"', False),  # an element that is not there is not another one
        ('DE38: [absent, "123456"]', True),
        ('DE2: "499900*0013"', True),
        ('mti: "0200", DE41: ATM*', False),
        ('mti: "0200", DE41: TERM*', True),
    ],
)
def test_a_rule_strikes_a_message_that_fulfils_all_its_conditions(condition: str, strikes: bool) -> None:
    rules = script(f"{{name: it, when: {{{condition}}}, do: silent}}")
    assert ("it" if strikes else "") == verdict(rules, request()).rule


def test_without_conditions_every_message_is_struck() -> None:
    assert "rule 1" == verdict(script("do: silent"), request()).rule


@given(st.integers(0, 10**12 - 1), st.integers(0, 10**12 - 1), st.sampled_from([">=", "<=", ">", "<"]))
def test_amounts_are_compared_as_numbers(amount: int, bound: int, sign: str) -> None:
    expected = {">=": amount >= bound, "<=": amount <= bound, ">": amount > bound, "<": amount < bound}[sign]
    rules = script(f'{{when: {{DE4: "{sign} ¥{bound:_}"}}, do: silent}}')
    assert expected == bool(verdict(rules, Message("0200", {4: f"{amount:012d}"})).rule)


@given(
    st.text(st.sampled_from("AB*?"), min_size=1, max_size=6),
    st.text(st.sampled_from("AB"), min_size=1, max_size=8),
)
def test_wildcards_match_as_a_slow_reader_would_say(pattern: str, value: str) -> None:
    def fits(p: str, v: str) -> bool:
        if not p:
            return not v
        if p[0] == "*":
            return any(fits(p[1:], v[n:]) for n in range(len(v) + 1))
        return bool(v) and p[0] in ("?", v[0]) and fits(p[1:], v[1:])

    rules = script(f'{{when: {{DE41: ["{pattern}", "XXXXXXXX"]}}, do: silent}}')
    assert fits(pattern, value) == bool(verdict(rules, Message("0200", {41: f"{value:8}"})).rule)


# ---------------------------------------------------------------- order, times, chance


def test_the_first_rule_that_strikes_decides_and_what_none_strikes_is_the_banks() -> None:
    rules = script(
        '{name: big, when: {DE4: ">= ¥50_000"}, do: answer 91}',
        "{name: seven, when: {DE41: TERM0007}, do: twice}",
    )
    messages = [request(50_000), request(49_000), request(49_000, "ATM00001")]
    assert ["big", "seven", ""] == verdicts(rules, messages)
    assert verdict(rules, messages[2]).actions == Actions()
    assert verdict(rules, messages[2]).actions.asks_the_bank


def test_a_rule_with_times_strikes_so_often_and_then_is_as_if_not_there() -> None:
    rules = script('{name: first, when: {mti: "0200"}, do: silent, times: 2}', "{name: then, do: twice}")
    assert ["first", "first", "then", "then"] == verdicts(rules, [request()] * 4)


def test_a_message_that_a_rule_does_not_strike_uses_up_none_of_its_times() -> None:
    rules = script("{name: it, when: {DE41: TERM0007}, do: silent, times: 1}")
    assert ["", "it", ""] == verdicts(rules, [request(terminal="ATM00001"), request(), request()])


def test_chance_comes_from_the_seed_alone() -> None:
    messages = [request(stan=n) for n in range(1, 201)]
    played = [
        verdicts(script("{name: it, do: silent, chance: 0.2}", seed=seed), messages) for seed in (1, 1, 2)
    ]
    assert played[0] == played[1]
    assert played[0] != played[2]


def test_a_chance_strikes_its_share_of_the_messages() -> None:
    rules = script("{name: it, do: silent, chance: 0.2}", seed=7)
    assert 150 < Counter(verdicts(rules, [request()] * 1_000))["it"] < 250


def test_times_count_only_what_chance_has_struck() -> None:
    rules = script("{name: it, do: silent, chance: 0.5, times: 3}")
    assert 3 == Counter(verdicts(rules, [request()] * 100))["it"]


def test_a_rule_shifts_nothing_that_another_one_draws() -> None:
    """As faults in scenarios: each rule has a random stream of its own."""
    lone = script("{name: other, when: {DE41: NOBODY}, do: twice}", "{name: it, do: silent, chance: 0.5}")
    both = script("{name: other, do: twice, chance: 0.0001}", "{name: it, do: silent, chance: 0.5}")
    messages = [request()] * 50
    assert verdicts(lone, messages) == verdicts(both, messages)


# ---------------------------------------------------------------- actions


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("silent", Actions(silent=True)),
        ("close", Actions(close=True)),
        ("lost", Actions(copies=0)),
        ("twice", Actions(copies=2)),
        ("answer 91", Actions(code="91")),
        ('{answer: "91"}', Actions(code="91")),
        ('{answer: "00", DE38: "123456"}', Actions(code="00", elements=((38, "123456"),))),
        ('{DE39: "51"}', Actions(elements=((39, "51"),))),
        ("late 40 s", Actions(late_us=40_000_000)),
        ("{late: 250 ms}", Actions(late_us=250_000)),
        ("drop DE41", Actions(dropped=(41,))),
        ("drop DE41 DE38", Actions(dropped=(41, 38))),
        ("{drop: [DE41, DE38]}", Actions(dropped=(41, 38))),
        ("garble DE39", Actions(garbled=(39,))),
        ("[late 2 s, twice, drop DE41]", Actions(late_us=2_000_000, copies=2, dropped=(41,))),
        ('[{answer: "91"}, late 2 s]', Actions(code="91", late_us=2_000_000)),
        ("down", Actions(silent=True)),
        ("lossy", Actions(copies=0)),
        ("slow 3 s", Actions(late_us=3_000_000)),
        ("duplicating", Actions(copies=2)),
        ("garbling DE11", Actions(garbled=(11,))),
    ],
)
def test_the_words_of_an_action(do: str, expected: Actions) -> None:
    assert expected == script(f"do: {do}").rules[0].actions


def test_every_example_of_an_action_is_one() -> None:
    for word in WORDS.values():
        for example in word.example.split(", or "):
            script(f"do: {example}")


def test_a_fault_has_the_name_it_has_in_scenario_files() -> None:
    """All that can befall a message on a line, but overtaking another one."""
    of_lines = {name for name, model in FAULTS.items() if model in get_args(LinkFault)}
    assert of_lines - {"reordering"} == {*AS_IN_SCENARIOS, "late"}
    assert set(AS_IN_SCENARIOS.values()) < set(WORDS)


@pytest.mark.parametrize(
    ("do", "asks"),
    [
        ("silent", False),
        ("close", False),
        ("answer 91", False),
        ("lost", True),
        ("late 1 s", True),
        ("twice", True),
    ],
)
def test_the_bank_hears_only_of_what_it_is_to_answer(do: str, asks: bool) -> None:
    assert asks is script(f"do: {do}").rules[0].actions.asks_the_bank


def test_the_scripts_own_answer_echoes_the_request_and_carries_the_code() -> None:
    rules = script('do: {answer: "91", DE38: "A12345"}')
    asked = request()
    struck = verdict(rules, asked)
    own = own_answer(struck, asked)
    assert own is not None
    answer = treated(struck, own)
    assert ("0210", "91", "A12345", asked[11], asked[41]) == (
        answer.mti, answer[39], answer[38], answer[11], answer[41]
    )  # fmt: skip
    assert 2 not in answer
    encode(answer)
    assert own_answer(Verdict(), asked) is None


def test_elements_of_the_banks_answer_are_replaced_left_out_and_garbled() -> None:
    answer = build.answer(request(), "00", {38: "123456"})
    rules = script('do: [{DE39: "51"}, drop DE41, garble DE38]')
    changed = treated(verdict(rules, request()), answer)
    assert "51" == changed[39]
    assert 41 not in changed
    assert changed[38] != answer[38]
    assert {*answer.fields} - {41} == {*changed.fields}
    encode(changed)
    assert answer is treated(Verdict(), answer)


@given(st.integers(0, 2**32), st.sampled_from([3, 4, 7, 11, 37, 39, 41, 49]))
def test_a_garbled_element_is_another_well_formed_one_and_the_same_every_time(
    seed: int, element: int
) -> None:
    rules = script(f"do: garble DE{element}", seed=seed)
    answer = build.answer(request(), "00")
    first, second = (treated(verdict(rules, request()), answer) for _ in range(2))
    assert first == second
    assert first[element] != answer[element]
    encode(first)


# ---------------------------------------------------------------- the page and the command

PAGE = (Path(__file__).parents[3] / "docs/reference/issuer-scripts.md").read_text(encoding="utf-8")


def test_the_reference_page_has_every_action_and_no_other() -> None:
    same = {**AS_IN_SCENARIOS, "late": "late"}
    expected = []
    for word, (example, does, _) in WORDS.items():
        faults = " and ".join(f"`{fault}`" for fault in sorted(same) if same[fault] == word)
        expected.append(f"| `{word}` | `{example.split(', or ')[0]}` | {does} | {faults} |")
    _, _, section = PAGE.partition("## Actions")
    assert expected == [line for line in section.splitlines() if line.startswith("| `")]


def valid_against_the_schema(text: str) -> bool:
    """As an editor reads the file."""
    return Draft202012Validator(json_schema()).is_valid(YAML(typ="safe").load(text))


def test_the_schema_takes_what_the_page_shows_and_every_example() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert valid_against_the_schema(PAGE.partition("```yaml script\n")[2].partition("```")[0])
    for word in WORDS.values():
        for example in word.example.split(", or "):
            assert valid_against_the_schema(f"rules: [do: {example}]"), example


@pytest.mark.parametrize(
    "file", [file for file in INVALID if file.stem not in BEYOND_THE_SCHEMA], ids=lambda f: f.stem
)
def test_the_schema_refuses_what_is_wrong_in_form(file: Path) -> None:
    assert not valid_against_the_schema(file.read_text("utf-8"))


def test_the_command_prints_the_schema() -> None:
    assert json_schema() == json.loads(CliRunner().invoke(main, ["script", "schema"]).output)


def test_check_tells_the_rules_of_a_script(tmp_path: Path) -> None:
    file = tmp_path / "away.yaml"
    file.write_text(
        "rules:\n  - {name: away, when: {DE41: TERM0007}, do: silent, times: 3, chance: 0.2}\n", "utf-8"
    )
    told = CliRunner().invoke(main, ["script", "check", str(file)])
    assert (0, "1  away, the first 3 times, with chance 0.2\n") == (
        told.exit_code,
        told.output.splitlines(True)[0],
    )


def test_check_of_a_wrong_script_exits_2_and_shows_everything_that_is_wrong() -> None:
    file = Path(__file__).with_name("invalid") / "several_mistakes.yaml"
    told = CliRunner().invoke(main, ["script", "check", str(file)])
    assert (2, "", 3) == (told.exit_code, told.stdout, told.stderr.count("several_mistakes.yaml:"))
