"""A template writes what the ordinary codec writes, refuses what it refuses, and says where it cannot serve."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_host.iso8583.build import financial_request
from bank_host.iso8583.dialect import DEFAULT, Dialect, load_dialect, make_dialect
from bank_host.iso8583.dialect_file import parse_settings, shipped
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.fields import BY_DE
from bank_host.iso8583.message import Message
from tests.bank_host.iso8583.test_codec import ATM, NOW_US, PAN

VARYING = (2, 4, 7, 11, 35, 37, 52)
REQUEST = financial_request(
    "withdraw",
    pan=PAN,
    amount_jpy=10_000,
    stan=9,
    now_us=NOW_US,
    acceptor=ATM,
    track2=PAN + "=30011011234",
    pin_block="0" * 16,
)
SECOND_HALF = '[mac]\nelement = "128"\n'


values = st.tuples(
    *(
        st.from_regex(re.compile(BY_DE[de].pattern, re.ASCII), fullmatch=True).filter(
            partial(DEFAULT.plain.has_form, de)
        )
        for de in VARYING
    )
)


def ordinary(dialect: Dialect, message: Message, *, macs: bool) -> bytes:
    return dialect.unsealed(message) if macs else dialect.encode(message)


DIALECTS = [
    *map(load_dialect, shipped()),
    make_dialect("second half", parse_settings(SECOND_HALF, "test.toml")),
]
TEMPLATES = [
    (dialect, macs, template)
    for dialect in DIALECTS
    for macs in (True, False)
    if (template := dialect.template(REQUEST, VARYING, macs=macs)) is not None
]


@settings(max_examples=50)
@given(values)
def test_a_filled_template_has_the_bytes_of_the_ordinary_codec(filled: tuple[str, ...]) -> None:
    message = REQUEST.but(dict(zip(VARYING, filled, strict=True)))
    for dialect, macs, template in TEMPLATES:
        assert ordinary(dialect, message, macs=macs) == template.text(filled).encode("latin-1"), dialect.name


def test_only_a_network_with_elements_of_its_own_has_no_templates() -> None:
    """In these three a track is packed, which changes its separator."""
    served = {dialect.name for dialect, _, _ in TEMPLATES}
    assert {"bcd-length", "bcd-tpdu", "cmf-like"} == {dialect.name for dialect in DIALECTS} - served


def test_what_is_sealed_is_the_message_with_its_mac() -> None:
    mac = "0011223344556677"
    sealed = DEFAULT.seal(DEFAULT.unsealed(REQUEST), lambda covered: mac)
    assert DEFAULT.encode(REQUEST, mac=lambda covered: mac) == sealed
    assert mac == DEFAULT.decode(sealed)[64]


@pytest.mark.parametrize("place", range(len(VARYING)), ids=lambda place: f"DE{VARYING[place]}")
def test_a_value_without_its_elements_form_is_refused_by_name(place: int) -> None:
    template = DEFAULT.template(REQUEST, VARYING, macs=True)
    assert template is not None
    good = [REQUEST[de] for de in VARYING]
    template.text(good)
    with pytest.raises(FormatError) as refused:
        template.text([*good[:place], "wrong", *good[place + 1 :]])
    assert ("bad_value", VARYING[place]) == (refused.value.reason, refused.value.de)


def test_a_message_that_the_codec_refuses_has_no_template() -> None:
    with pytest.raises(FormatError):
        DEFAULT.template(REQUEST.but({11: None}), VARYING, macs=True)
