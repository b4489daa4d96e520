"""A personal card leaves no trace of its number, its holder's name or its expiry in anything that can be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cardreader.card import Card
from cardreader.cli import Surroundings, main
from cardreader.emv.tlv import Tlv
from cardreader.flow import read_card
from cardreader.guard import Level
from cardreader.problems import ReaderError
from cardreader.redact import Pan, alias, card_alias, mask, safe_text, shown
from cardreader.transport import CardProtocol
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.faults import FAULTS
from cardreader.virtual.profile import Record
from tests.cardreader.cards import CANARIES, KNOWN, PAN, READER, TERMINAL, application, personal, profile


def personal_card(protocol: CardProtocol = "T=1", fault: str | None = None) -> VirtualCard:
    """Its number is also where nobody looks for it: in an unknown element, a label, and discretionary data."""
    made = application(label=PAN)
    hidden = Record(
        3, 1, (Tlv("DF01", bytes.fromhex(PAN)), Tlv("9F1F", PAN.encode()), Tlv("9F05", bytes.fromhex(PAN)))
    )
    made = made._replace(records=(*made.records, hidden))
    return VirtualCard(profile(made, protocol=protocol), FAULTS[fault] if fault else None)


def seen(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


@pytest.mark.parametrize("level", [level.name.lower() for level in Level])
@pytest.mark.parametrize("form", [[], ["--json"], ["--trace"]])
@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
def test_nothing_printed_holds_a_canary(
    level: str, form: list[str], protocol: CardProtocol, tmp_path: Path
) -> None:
    surroundings = Surroundings(lambda: personal(personal_card(protocol)), tmp_path)
    result = CliRunner().invoke(main, ["read", "--yes", "--level", level, *form], obj=surroundings)
    assert 0 == result.exit_code
    assert [] == seen(result.output)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert [] == [canary for canary in CANARIES if canary.encode() in kept]
    if level != "identify":
        assert "499900••••••7894" in result.output


@pytest.mark.parametrize("fault", [None, "bad_tlv", "wrong_files", "pulled", "refused_options"])
def test_no_repr_trace_or_error_holds_a_canary(fault: str | None) -> None:
    told = []
    with Card(personal(personal_card(fault=fault)), READER, Level.CRYPTOGRAM) as card:
        try:
            reading = read_card(card, KNOWN, TERMINAL)
            told.append(repr(reading))
            told += [repr(element) for one in reading.applications for element in one.elements()]
            told += [repr(record) for one in reading.applications for record in one.records]
        except ReaderError as error:
            told += [str(error), repr(error)]
        told += [str(one) + repr(one) for one in card.trace]
    assert [] == seen("\n".join(told))


def test_the_search_for_canaries_finds_one() -> None:
    """The planted fault: a value that is shown as it is."""
    assert [PAN, PAN[6:12]] == seen(f"card {PAN}")


@given(st.text("0123456789", min_size=1, max_size=19))
def test_a_number_shows_at_most_its_first_six_and_last_four(digits: str) -> None:
    masked = mask(digits)
    assert len(digits) == len(masked)
    assert sum(char != "•" for char in masked) in (0, 10)
    assert masked == repr(Pan(digits)) == str(Pan(digits)) == f"{Pan(digits)}"


@given(st.binary(max_size=60))
def test_text_from_a_card_brings_no_control_characters(value: bytes) -> None:
    """A card cannot speak to the terminal it is shown on."""
    assert safe_text(value).isprintable()


@pytest.mark.parametrize(
    ("expected", "tag", "value"),
    [
        ("499900••••••7894", "5A", PAN),
        ("499900••••••7894", "57", PAN + "D31052010000"),
        ("499900•••••••••4567", "5A", "4999001234567894567F"),
        ("3 bytes, not shown", "57", "D12345"),
        ("3 bytes, not shown", "5F24", "310531"),
        ("4 bytes, not shown", "DF01", "49990012"),
        ("2014-01-31", "5F25", "140131"),
        ("2 bytes, not shown", "5F25", "1401"),
        ("499900••••••7894", "50", PAN.encode().hex()),
        ("A0000000031010", "4F", "A0000000031010"),
        ("9F02[6] 95[5]", "8C", "9F02069505"),
        ("28", "9F36", "001C"),
        ("ABCD", "82", "ABCD"),
    ],
)
def test_how_a_value_is_shown(expected: str, tag: str, value: str) -> None:
    assert expected == shown(Tlv(tag, bytes.fromhex(value)))


def test_a_card_is_known_again_by_a_hash_that_no_other_machine_computes() -> None:
    pan, key, other = Pan(PAN), b"k" * 32, b"o" * 32
    name = card_alias(key, pan, b"\x01")
    assert name == card_alias(key, Pan(PAN), b"\x01")
    others = {card_alias(other, pan, b"\x01"), card_alias(key, pan, b"\x02"), alias(key, PAN.encode())}
    assert name not in others
    assert 4 == len({name} | others)
    assert [] == seen(name)


def test_numbers_compare_without_being_shown() -> None:
    assert Pan(PAN) == Pan(PAN) != Pan("4999000000000013")
    with pytest.raises(ValueError, match="at most 19 digits"):
        Pan("not a number")
