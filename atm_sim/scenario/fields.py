"""The typed scalars of the schema: each reads a positioned scalar and says in the JSON Schema what it accepts.

Quoting is part of the type: a number is never quoted, a response code, a PIN and a card number always are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, TypeVar, get_args

from annotated_types import GroupedMetadata
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from atm_sim.scenario.vocabulary import Denomination
from bank_host.iso8583.fields import BY_DE
from bank_host.jst import DAY_US
from bank_host.written import values
from bank_host.written.card_numbers import TEST_BIN_PREFIX
from bank_host.written.problems import Positioned, listed
from bank_host.written.source import Mapping, Scalar, Sequence

T = TypeVar("T")

ALIAS_PATTERN = r"[a-z][a-z0-9_-]{0,31}"
MEMBER_PATTERN = rf"{ALIAS_PATTERN}(/[1-9][0-9]{{0,5}})?"
SNAKE_PATTERN = r"[a-z][a-z0-9_]{0,63}"
POLICY_KEY_PATTERN = r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*"
COVERED_PATTERN = (
    r"(R([1-9]|[1-9][0-9]|1[0-3][0-9]|140)|X([1-9]|1[0-5])|Q([1-9]|1[0-4])|RS([1-9]|10)|RI([1-9]|1[0-5]))"
)
FILE_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.ya?ml"
EMAIL_PATTERN = r"[a-z0-9._+-]{1,64}@([a-z0-9-]+\.)*example\.(jp|com|net|org)"
PASSWORD_PATTERN = r"(?=.*[0-9])[!-~]{8,64}"
LOGIN_ID_PATTERN = r"[!-~]{1,64}"
PREVIOUS_LOGIN = "none, or a day and time such as 2014-01-15 09:00:05"
PREVIOUS_LOGIN_PATTERN = r"none|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
LONGEST_TEXT = 4_000


def wrong(message: str, at: Positioned | None = None, suggestion: str = "") -> PydanticCustomError:
    """A fault of a value in this project's words; at another position than the value's own if `at` says so."""
    return PydanticCustomError("scenario", "{text}", {"text": message, "at": at, "suggestion": suggestion})


def scalar(value: Any, expected: str) -> Scalar:
    """The value as a scalar, or a fault: a map, a list or nothing stands where a scalar is needed."""
    if isinstance(value, Scalar):
        if value.is_empty:
            raise wrong(f"no value here; expected {expected}")
        return value
    found = (
        "a list" if isinstance(value, Sequence) else "a map" if isinstance(value, Mapping) else "a bare value"
    )
    raise wrong(f"expected {expected}, not {found}")


def _reader(parse: Callable[[str], T], expected: str) -> BeforeValidator:
    def read(value: Any) -> T:
        text = scalar(value, expected)
        try:
            return parse(text)
        except ValueError as error:
            raise wrong(str(error)) from None

    return BeforeValidator(read)


Number = TypeVar("Number", int, float)


def _number_reader(
    parse: Callable[[str], Number], expected: str, least: Number, most: Number
) -> BeforeValidator:
    def read(value: Any) -> Number:
        text = scalar(value, expected)
        if text.quoted:
            raise wrong("a number is written without quotes")
        try:
            read_number = parse(text)
        except ValueError as error:
            raise wrong(str(error)) from None
        if not least <= read_number <= most:
            raise wrong(f"expected {expected} from {least:_} to {most:_}")
        return read_number

    return BeforeValidator(read)


def _pattern(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


@dataclass(frozen=True)
class Whole(GroupedMetadata):
    """Annotates an int: a whole number between two bounds, written without quotes."""

    least: int
    most: int

    def __iter__(self) -> Iterator[object]:
        yield _number_reader(values.integer, "a whole number", self.least, self.most)
        yield WithJsonSchema({"type": "integer", "minimum": self.least, "maximum": self.most})


@dataclass(frozen=True)
class Share(GroupedMetadata):
    """Annotates a float: a part of a whole, 0 to 1; never money."""

    def __iter__(self) -> Iterator[object]:
        yield _number_reader(values.number, "a share", 0.0, 1.0)
        yield WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})


def _read_odds(value: Any) -> float:
    text = scalar(value, "a chance such as 0.3")
    if text.quoted:
        raise wrong("a number is written without quotes")
    try:
        read_number = values.number(text)
    except ValueError as error:
        raise wrong(str(error)) from None
    if not 0.0 < read_number <= 1.0:
        raise wrong("a chance lies above 0 and is at most 1; write for example 0.3")
    return read_number


def _read_element(value: Any) -> int:
    text = scalar(value, "the number of a data element such as 39")
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) not in BY_DE:
        raise wrong(f"there is no such data element; known are {listed(map(str, BY_DE), 'and')}")
    return int(text)


def _read_skew(value: Any) -> int:
    text = scalar(value, "how much a clock is ahead, or with a minus behind, such as -90 s")
    try:
        skew_us = values.duration_us(text.removeprefix("-"))
    except ValueError as error:
        raise wrong(str(error)) from None
    if not 0 < skew_us <= DAY_US:
        raise wrong("a wrong clock is ahead or behind, by more than 0 s and at most 24 h")
    return -skew_us if text.startswith("-") else skew_us


def _matching(pattern: str, message: str) -> BeforeValidator:
    def read(value: Any) -> str:
        text = scalar(value, "a word")
        if not re.fullmatch(pattern, text):
            raise wrong(message)
        return str(text)

    return BeforeValidator(read)


def _read_text(value: Any) -> str:
    text = scalar(value, "text")
    if not text.strip():
        raise wrong("the text is empty")
    if len(text) > LONGEST_TEXT:
        raise wrong(f"the text has more than {LONGEST_TEXT:_} characters")
    return str(text).strip()


def _read_flag(value: Any) -> bool:
    text = scalar(value, "true or false")
    if text.quoted or text not in ("true", "false"):
        raise wrong("expected true or false")
    return text == "true"


def _read_code(value: Any) -> str:
    text = scalar(value, 'a response code such as "05"')
    if not text.quoted and re.fullmatch(r"[0-9]{1,2}", text):
        raise wrong(f'a response code is two characters; write "{text:0>2}" in quotes')
    if not re.fullmatch(r"[0-9A-Z]{2}", text):
        raise wrong('a response code is two digits or capital letters; write for example "05"')
    if not text.quoted:
        raise wrong(f'a response code is text; write "{text}" in quotes')
    return str(text)


def _read_mti(value: Any) -> str:
    text = scalar(value, 'a message type such as "0200"')
    if not re.fullmatch(r"0[1-8][0-9]{2}", text):
        raise wrong('a message type has four digits; write for example "0200" in quotes')
    if not text.quoted:
        raise wrong(f'a message type is text; write "{text}" in quotes')
    return str(text)


def _read_pan(value: Any) -> str:
    text = scalar(value, "a test card number in quotes")
    if not re.fullmatch(r"[0-9]{13,19}", text):
        raise wrong(f"a card number is 13 to 19 digits that begin with {TEST_BIN_PREFIX}, in quotes")
    if not text.startswith(TEST_BIN_PREFIX):
        raise wrong(f"this card number is outside the test range; use one that begins with {TEST_BIN_PREFIX}")
    if not text.quoted:
        raise wrong("a card number is text; put it in quotes")
    return str(text)


def _read_otp(value: Any) -> str:
    text = scalar(value, "current, previous, used, wrong or six digits in quotes")
    if text in ("current", "previous", "used", "wrong"):
        return str(text)
    if not re.fullmatch(r"[0-9]{6}", text):
        raise wrong("an OTP is current, previous, used, wrong, or six digits in quotes")
    if not text.quoted:
        raise wrong("an OTP's digits are text; put them in quotes")
    return str(text)


def _read_pin(value: Any) -> str:
    text = scalar(value, "four digits in quotes")
    if not re.fullmatch(r"[0-9]{4}", text):
        raise wrong("a PIN is four digits in quotes")
    if not text.quoted:
        raise wrong("a PIN is text, because its leading zeros count; put its four digits in quotes")
    return str(text)


def _read_quoted(pattern: str, expected: str) -> Callable[[Any], str]:
    """Text in quotes that somebody types to be let in; a message never repeats it."""

    def read(value: Any) -> str:
        text = scalar(value, expected)
        if not text.quoted or not re.fullmatch(pattern, text):
            raise wrong(f"expected {expected}")
        return str(text)

    return read


def _read_email(value: Any) -> str:
    text = scalar(value, "an e-mail address")
    if not re.fullmatch(EMAIL_PATTERN, text):
        raise wrong("expected an e-mail address of example.jp, example.com, example.net or example.org")
    return str(text)


def _read_previous_login(value: Any) -> str:
    text = scalar(value, PREVIOUS_LOGIN)
    if text != "none" and not re.fullmatch(PREVIOUS_LOGIN_PATTERN, text):
        raise wrong(f"expected {PREVIOUS_LOGIN}")
    return str(text)


Jpy = Annotated[int, _reader(values.amount_jpy, "an amount such as ¥30_000"), _pattern(values.AMOUNT_PATTERN)]
DurationUs = Annotated[
    int, _reader(values.duration_us, "a duration such as 20 s"), _pattern(values.DURATION_PATTERN)
]
TimeUs = Annotated[int, _reader(values.time_of_day_us, "a time such as 12:05"), _pattern(values.TIME_PATTERN)]
At = Annotated[values.Moment, _reader(values.moment, "a time such as 12:05"), _pattern(values.MOMENT_PATTERN)]
Day = Annotated[date, _reader(values.civil_date, "a date such as 2014-01-15"), _pattern(values.DATE_PATTERN)]
Birthday = Annotated[
    date, _reader(values.birthday, "a birthday such as 1975-04-17"), _pattern(values.DATE_PATTERN)
]
Month = Annotated[
    tuple[int, int], _reader(values.year_month, "a month such as 2016-03"), _pattern(values.MONTH_PATTERN)
]

Odds = Annotated[
    float,
    BeforeValidator(_read_odds),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
]
Element = Annotated[int, BeforeValidator(_read_element), WithJsonSchema({"enum": list(BY_DE)})]
SkewUs = Annotated[int, BeforeValidator(_read_skew), _pattern(f"-?{values.DURATION_PATTERN}")]

Text = Annotated[str, BeforeValidator(_read_text), WithJsonSchema({"type": "string", "pattern": r"\S"})]
Flag = Annotated[bool, BeforeValidator(_read_flag)]
Alias = Annotated[
    str,
    _matching(ALIAS_PATTERN, "a name is 1 to 32 of a-z, 0-9, '-' and '_', and begins with a letter"),
    _pattern(ALIAS_PATTERN),
]
Member = Annotated[
    str,
    _matching(MEMBER_PATTERN, "expected a name such as hanako, or shoppers/3 for the third of a group"),
    _pattern(MEMBER_PATTERN),
]
Snake = Annotated[
    str,
    _matching(SNAKE_PATTERN, "expected a word of a-z, 0-9 and '_' such as card_locked"),
    _pattern(SNAKE_PATTERN),
]
PolicyKey = Annotated[
    str,
    _matching(POLICY_KEY_PATTERN, "a policy key is words joined by dots such as pin.max_wrong"),
    _pattern(POLICY_KEY_PATTERN),
]
Covered = Annotated[
    str,
    _matching(
        COVERED_PATTERN, "a requirement is R1 to R140, X1 to X15, Q1 to Q14, RS1 to RS10 or RI1 to RI15"
    ),
    _pattern(COVERED_PATTERN),
]
FileName = Annotated[
    str,
    _matching(FILE_PATTERN, "extends: names one .yaml file of the same folder, without a path"),
    _pattern(FILE_PATTERN),
]

ResponseCode = Annotated[str, BeforeValidator(_read_code), _pattern("[0-9A-Z]{2}")]
Mti = Annotated[str, BeforeValidator(_read_mti), _pattern("0[1-8][0-9]{2}")]
Pin = Annotated[str, BeforeValidator(_read_pin), _pattern("[0-9]{4}")]
Otp = Annotated[str, BeforeValidator(_read_otp), _pattern("current|previous|used|wrong|[0-9]{6}")]
Pan = Annotated[str, BeforeValidator(_read_pan), _pattern(rf"{TEST_BIN_PREFIX}[0-9]{{9,15}}")]
Password = Annotated[
    str,
    BeforeValidator(
        _read_quoted(PASSWORD_PATTERN, "a password in quotes: 8 to 64 characters, a digit among them")
    ),
    _pattern(PASSWORD_PATTERN),
]
LoginId = Annotated[
    str, BeforeValidator(_read_quoted(LOGIN_ID_PATTERN, "a login ID in quotes")), _pattern(LOGIN_ID_PATTERN)
]
Email = Annotated[str, BeforeValidator(_read_email), _pattern(EMAIL_PATTERN)]
PreviousLogin = Annotated[str, BeforeValidator(_read_previous_login), _pattern(PREVIOUS_LOGIN_PATTERN)]


def _read_denomination(raw: Any) -> int:
    word = scalar(raw, "a denomination")
    known = [str(value) for value in get_args(Denomination)]
    if word not in known:
        raise wrong("a denomination is 1000, 2000, 5000 or 10000, written without ¥ and separators")
    return int(word)


DenominationKey = Annotated[
    int,
    BeforeValidator(_read_denomination),
    WithJsonSchema({"enum": [str(d) for d in get_args(Denomination)]}),
]
