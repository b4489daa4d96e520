"""Help on the one-time password can be opened wherever one is asked for (R19, R31)."""

from __future__ import annotations

from datetime import date

from click.testing import CliRunner

from bank_host.cli import main
from bank_host.help_topics import TOKEN_GRADING
from bank_host.policy import load_policy

FIGURES = load_policy().on(date(2014, 1, 15))


def shown(*words: str) -> str:
    result = CliRunner().invoke(main, ["help", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_help_on_entering_a_one_time_password_can_be_opened_in_both_languages():
    assert shown("otp").startswith("Entering a one-time password\n")
    assert shown("otp", "--lang", "ja").startswith("ワンタイムパスワードの入力方法\n")


def test_the_help_says_the_figures_of_the_policy():
    text = shown("otp", "--lang", "ja")
    assert f"{FIGURES.otp_digits}桁の数字" in text
    assert f"{FIGURES.otp_step_s}秒ごと" in text
    assert f"{FIGURES.otp_max_wrong}回続けて" in text


def test_the_entry_for_the_token_carries_the_pages_grading_and_its_date():
    assert "最高レベル技術のひとつ(2014年1月1日現在)" == TOKEN_GRADING.ja
    assert "2014-01-01" in TOKEN_GRADING.en
    assert TOKEN_GRADING.ja in shown("otp", "--lang", "ja")


def test_an_unknown_topic_names_those_there_are():
    result = CliRunner().invoke(main, ["help", "pto"])
    assert result.exit_code == 2
    assert "otp" in result.output
