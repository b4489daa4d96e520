"""A dialect reads and writes messages in our terms, and says which bytes a MAC covers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_host.iso8583.build import answer, financial_request, network_request, reversal_advice
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.dialect import DEFAULT, Dialect, load_dialect, make_dialect
from bank_host.iso8583.dialect_file import parse_settings, shipped
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.framing import FRAMINGS
from bank_host.iso8583.message import Message
from tests.bank_host.iso8583.test_codec import ATM, EVERY_KIND, NOW_US, PAN, WITHDRAWAL

MAC = "0011223344556677"
ECHO = network_request("301", stan=1, now_us=NOW_US)
CHIP = financial_request(
    "withdraw",
    pan="4999000000000000013",
    amount_jpy=10_000,
    stan=9,
    now_us=NOW_US,
    acceptor=ATM,
    icc_data="9F2608" + MAC + "9505" + "8000048000",
    card_sequence="001",
)
BALANCE = financial_request("balance", pan=PAN, amount_jpy=0, stan=10, now_us=NOW_US, acceptor=ATM)
CHANGE_PIN = financial_request(
    "change_pin",
    pan=PAN,
    amount_jpy=0,
    stan=11,
    now_us=NOW_US,
    acceptor=ATM,
    new_pin_block=MAC,
    pin_block=MAC,
)
BALANCES = answer(BALANCE, "00", {38: "A00001", 54: "1001392C0000001234561002392C000000120000"})
MESSAGES = (*EVERY_KIND, CHIP, BALANCE, CHANGE_PIN, BALANCES, answer(CHANGE_PIN, "55"), ECHO)
every_message = pytest.mark.parametrize(
    "message", MESSAGES, ids=lambda message: f"{message.mti}-{message[11]}"
)
every_dialect = pytest.mark.parametrize("name", shipped())


def dialect(text: str) -> Dialect:
    return make_dialect("test", parse_settings(text, "test.toml"))


def mac_of(covered: bytes) -> str:
    """Stands for a real MAC: what matters here is what it covers."""
    return f"{len(covered):016X}"


# ---------------------------------------------------------------- the default


@every_message
def test_the_default_dialect_is_the_codecs(message: Message) -> None:
    assert encode(message) == DEFAULT.encode(message)
    assert message == DEFAULT.decode(DEFAULT.encode(message))


def test_the_default_framing_is_a_two_byte_length() -> None:
    assert FRAMINGS["len2"] == DEFAULT.framing


# ---------------------------------------------------------------- every dialect


@every_dialect
@every_message
def test_every_shipped_dialect_gives_back_the_message_it_wrote(name: str, message: Message) -> None:
    spoken = load_dialect(name)
    data = spoken.encode(message)
    for _ in range(2):  # read plainly, then by the shape that was learnt
        assert message == spoken.decode(data)
        assert data == spoken.encode(message)


@every_dialect
@pytest.mark.parametrize(
    ("reason", "change"), [("missing_element", {11: None}), ("forbidden_element", {39: "00"})]
)
def test_every_dialect_asks_for_the_elements_of_the_type(
    name: str, reason: str, change: dict[int, str | None]
) -> None:
    spoken = load_dialect(name)
    translated = spoken._translation
    wrong = ECHO.but(change)
    mti, values = (
        (wrong.mti, wrong.fields) if translated is None else translated.outward(wrong.mti, wrong.fields)
    )
    with pytest.raises(FormatError) as reading:
        spoken.decode(spoken._plain.write(mti, values).encode("latin-1"))
    with pytest.raises(FormatError) as writing:
        spoken.encode(wrong)
    assert reason == reading.value.reason == writing.value.reason


WIRES = st.fixed_dictionaries(
    {
        "digits": st.sampled_from(["ascii", "bcd"]),
        "lengths": st.sampled_from(["ascii", "bcd", "binary"]),
        "bitmap": st.sampled_from(["hex", "raw"]),
        "binary": st.sampled_from(["hex", "raw"]),
        "chip": st.sampled_from(["hex", "raw"]),
        "odd_fixed": st.sampled_from(["left", "right"]),
        "odd_variable": st.sampled_from(["left", "right"]),
        "pad": st.sampled_from("0F"),
        "track_separator": st.sampled_from(["any", "=", "D"]),
    }
)
OTHER_LAYOUTS = """
[services]
balance = "30"
change_pin = "70"
balance_mti = "0100"
reversal_mti = "0400"
[layouts]
place = [22, 13, 3, 2]
[codes.network]
echo = "003"
[codes.response_in]
"76" = "25"
[codes.response_out]
"25" = "76"
"""


@settings(max_examples=120, deadline=None)
@given(wire=WIRES, other=st.booleans(), message=st.sampled_from(MESSAGES), data=st.data())
def test_any_wire_settings_give_one_encoding_and_refuse_all_else(
    wire: dict[str, str], other: bool, message: Message, data: st.DataObject
) -> None:
    lines = "\n".join(f'{name} = "{value}"' for name, value in wire.items())
    spoken = dialect(f"[wire]\n{lines}\n{OTHER_LAYOUTS if other else ''}")
    if other and 43 in message:
        message = message.but({43: f"{'Shibuya':25}{'Tokyo':13}JP"})
    written = spoken.encode(message)
    for _ in range(2):
        assert message == spoken.decode(written)
        assert written == spoken.encode(message)
    for _ in range(8):
        damaged = bytearray(written)
        at = data.draw(st.integers(0, len(damaged) - 1))
        if data.draw(st.booleans()):
            damaged[at] = data.draw(st.integers(0, 255))
        else:
            del damaged[at:]
        try:
            again = spoken.decode(bytes(damaged))
        except FormatError as error:
            told = f"{error} {error.args} {error.__context__} {error.__cause__}"
        else:
            told = ""
            assert bytes(damaged) == spoken.encode(again) or 43 in message  # DE43 is filled anew
        assert PAN not in told


digits = st.text("0123456789", min_size=1, max_size=11)


@every_dialect
@settings(max_examples=60, deadline=None)
@given(
    pan=st.text("0123456789", min_size=12, max_size=19),
    acquirer=digits,
    forwarder=digits,
    reason=st.text("abc _", min_size=1, max_size=999),
    account=st.text("0123456789-", min_size=1, max_size=28),
)
def test_messages_of_one_shape_are_read_alike_whatever_their_lengths(
    name: str, pan: str, acquirer: str, forwarder: str, reason: str, account: str
) -> None:
    spoken = load_dialect(name)
    message = BALANCE.but({2: pan, 32: acquirer, 33: forwarder, 60: reason, 102: account})
    data = spoken.encode(message)
    assert message == spoken.decode(data)
    plain, shapes = spoken._plain.read(data), spoken._codec.read(data)
    assert (plain.mti, plain.values) == shapes[:2]
    assert data == spoken._plain.write(plain.mti, plain.values).encode("latin-1")


@every_dialect
@given(data=st.binary(max_size=200))
def test_any_bytes_give_a_message_or_a_format_error(name: str, data: bytes) -> None:
    spoken = load_dialect(name)
    try:
        message = spoken.decode(data)
    except FormatError:
        return
    assert data == spoken.encode(message)


# ---------------------------------------------------------------- wire forms, byte by byte


def test_packed_digits_raw_bitmap_and_both_paddings() -> None:
    data = load_dialect("bcd-tpdu").encode(CHIP)
    assert "0200" + "72384681" + "08E08200" == data[:10].hex().upper()
    after_bitmap = data[10:].hex()
    assert after_bitmap.startswith("19" + "49990000000000000130" + "011000" + "000000010000")
    assert "0051" + "0001" + "02" in after_bitmap  # DE22, DE23 filled on the left, DE25
    assert data.endswith(b"392" + bytes.fromhex("0018" + "9F2608" + MAC + "9505" + "8000048000"))


def test_the_fee_is_a_letter_and_packed_digits() -> None:
    assert b"D" + bytes.fromhex("00000110") in load_dialect("bcd-tpdu").encode(WITHDRAWAL)


def test_the_track_has_a_nibble_d_when_packed_and_an_equals_sign_in_our_terms() -> None:
    spoken = load_dialect("bcd-tpdu")
    data = spoken.encode(WITHDRAWAL)
    assert bytes.fromhex("37" + PAN + "D301220100000000000000") in data  # 37 digits: filled on the right
    assert PAN + "=30122010000000000000" == spoken.decode(data)[35]


def test_another_filling_half_byte_is_not_the_one_encoding() -> None:
    spoken = load_dialect("bcd-tpdu")
    data = bytearray(spoken.encode(CHIP))
    end_of_pan = 10 + 1 + 9
    assert 0x30 == data[end_of_pan]
    data[end_of_pan] = 0x31
    with pytest.raises(FormatError) as caught:
        spoken.decode(bytes(data))
    assert ("not_canonical", 2) == (caught.value.reason, caught.value.de)


def test_bitmap_pin_block_and_chip_as_bytes_beside_characters() -> None:
    data = load_dialect("ascii-raw-bitmap").encode(CHANGE_PIN)
    assert b"0200" + bytes.fromhex("723844C108E19000") == data[:12]
    assert bytes.fromhex(MAC) == data[-8:]


# ---------------------------------------------------------------- codes and layouts


@pytest.mark.parametrize(
    ("wire", "message", "setting"),
    [
        (b"301000", BALANCE, '[services]\nbalance = "30"'),
        (b"700000", CHANGE_PIN, '[services]\nchange_pin = "70"'),
        (b"01007238", BALANCE, '[services]\nbalance_mti = "0100"'),
        (b"0110", BALANCES, '[services]\nbalance_mti = "0100"'),
        (b"0600", CHANGE_PIN, '[services]\nchange_pin_mti = "0600"'),
        (
            b"0400F238",
            reversal_advice(BALANCE, "timeout", stan=3, now_us=NOW_US),
            '[services]\nreversal_mti = "0400"',
        ),
        (b"0410", answer(EVERY_KIND[5], "00"), '[services]\nreversal_mti = "0400"'),
        (b"01000000123456" + b"02000000120000", BALANCES.but({54: BALANCES[54]}), "[layouts]\nbalances = 14"),
        (b"003", ECHO, '[codes.network]\necho = "003"'),
        (b"D3012", WITHDRAWAL, '[wire]\ntrack_separator = "D"'),
        (b"76", answer(BALANCE, "25"), '[codes]\nresponse_in = {"76" = "25"}\nresponse_out = {"25" = "76"}'),
        (b"000000010000000000000000" + b"0" * 18, EVERY_KIND[6], '[layouts]\nreplacement = "mastercard"'),
    ],
)
def test_what_the_network_says_otherwise(wire: bytes, message: Message, setting: str) -> None:
    spoken = dialect(setting)
    assert wire not in encode(message)
    data = spoken.encode(message)
    assert wire in data
    assert message == spoken.decode(data)


def test_a_code_that_the_network_uses_no_more_is_refused_rather_than_read_as_ours() -> None:
    spoken = dialect('[services]\nbalance = "30"')
    with pytest.raises(FormatError) as caught:
        spoken.decode(encode(BALANCE))  # 31
    assert ("bad_value", 3) == (caught.value.reason, caught.value.de)


def test_a_message_type_is_spoken_for_its_service_only() -> None:
    spoken = dialect('[services]\nbalance_mti = "0100"')
    with pytest.raises(FormatError) as caught:
        spoken.decode(b"0100" + encode(WITHDRAWAL)[4:])
    assert "unknown_mti" == caught.value.reason
    with pytest.raises(FormatError):
        DEFAULT.decode(b"0100" + encode(BALANCE)[4:])


def test_original_data_of_any_characters_are_read_unless_the_dialect_is_strict_about_them() -> None:
    reversal = reversal_advice(BALANCE, "timeout", stan=3, now_us=NOW_US)
    with_reference = reversal.but({90: "401509000001".ljust(42)})
    assert with_reference == DEFAULT.decode(DEFAULT.encode(with_reference))
    strict = dialect('[layouts]\noriginal = "strict"')
    assert reversal == strict.decode(strict.encode(reversal))
    with pytest.raises(FormatError) as caught:
        strict.decode(encode(with_reference))
    assert ("bad_value", 90) == (caught.value.reason, caught.value.de)


def test_an_overdrawn_balance_without_a_sign_is_told_as_nothing() -> None:
    spoken = dialect("[layouts]\nbalances = 14")
    overdrawn = BALANCES.but({54: "1002392D000000000500"})
    assert "1002392C000000000000" == spoken.decode(spoken.encode(overdrawn))[54]


def test_the_key_block_of_a_key_exchange_may_be_in_de53() -> None:
    spoken = dialect('[link]\nkey_element = 53\n[elements.53]\nkind = "ans"\nprefix = "LLL"\nlength = 99')
    exchange = network_request("161", stan=1, now_us=NOW_US, key_block="0123456789ABCDEF" * 2)
    data = spoken.encode(exchange)
    assert 1 << (64 - 53) == int(data[4:20], 16) & 1 << (64 - 53)
    assert exchange == spoken.decode(data)


def test_an_element_of_the_network_only_is_read_and_left_out() -> None:
    spoken = dialect('[elements.62]\nignored = true\nkind = "ans"\nprefix = "LLL"\nlength = 99')
    data = spoken.encode(ECHO)
    bitmap = int(data[4:20], 16) | 1 << (64 - 62)
    more = data[:4] + f"{bitmap:016X}".encode() + data[20:-3] + b"005hello" + data[-3:]
    assert ECHO == spoken.decode(more)


def test_an_element_that_the_network_does_not_have_is_missed_by_nobody_and_refused_when_it_comes() -> None:
    spoken = dialect("[elements.18]\nabsent = true")
    without = BALANCE.but({18: None})
    assert without == spoken.decode(spoken.encode(without))
    with pytest.raises(FormatError):
        spoken.decode(encode(BALANCE))


def test_the_card_number_may_come_with_the_track_only() -> None:
    spoken = dialect("[elements.2]\nabsent = true\n[layouts]\npan_from_track = true")
    assert b"16" + PAN.encode() not in (data := dialect_without_pan(WITHDRAWAL))
    assert PAN == spoken.decode(data)[2]


def dialect_without_pan(message: Message) -> bytes:
    """The message as a network writes it that sends DE35 only."""
    data = encode(message)
    bitmap = int(data[4:20], 16) & ~(1 << 62)
    return data[:4] + f"{bitmap:016X}".encode() + data[20 + 2 + len(PAN) :]


# ---------------------------------------------------------------- MAC


@every_dialect
@pytest.mark.parametrize(
    ("element", "message"), [(64, WITHDRAWAL), (128, ECHO), (64, answer(WITHDRAWAL, "00"))]
)
def test_a_mac_goes_into_the_last_element_and_covers_all_before_it(
    name: str, element: int, message: Message
) -> None:
    spoken = load_dialect(name)
    sealed = spoken.encode(message, mac=mac_of)
    covered, found = spoken.mac_input(sealed) or (b"", "")
    assert mac_of(covered) == found
    assert sealed.startswith(covered)
    assert message.but({element: found}) == spoken.decode(sealed)


@every_dialect
def test_a_message_without_a_mac_has_none(name: str) -> None:
    spoken = load_dialect(name)
    assert [None] * len(MESSAGES) == [spoken.mac_input(spoken.encode(message)) for message in MESSAGES]


def test_a_mac_before_other_elements_protects_nothing_and_does_not_count() -> None:
    assert DEFAULT.mac_input(encode(ECHO.but({64: MAC}))) is None


def test_the_mac_may_always_be_in_the_second_half() -> None:
    spoken = dialect('[mac]\nelement = "128"')
    sealed = spoken.encode(WITHDRAWAL, mac=mac_of)
    assert 128 in spoken.decode(sealed)
    assert spoken.mac_input(sealed) is not None
    assert spoken.mac_input(encode(WITHDRAWAL.but({64: MAC}))) is None


def test_a_mac_of_another_length_is_a_programmers_mistake() -> None:
    with pytest.raises(ValueError, match="16 hexadecimal digits"):
        DEFAULT.encode(ECHO, mac=lambda covered: "00")


# ---------------------------------------------------------------- which message is which


def test_two_requests_are_told_apart_by_the_terminals_clock_or_by_the_transmission_time() -> None:
    by_clock, by_sending = DEFAULT, dialect('[link]\nidentity = "transmission_time"')
    again = WITHDRAWAL.but({7: "0101000000"})
    assert by_clock.identity(WITHDRAWAL) == by_clock.identity(again)
    assert by_sending.identity(WITHDRAWAL) != by_sending.identity(again)


def test_an_answer_is_matched_by_the_elements_that_the_dialect_names() -> None:
    spoken = dialect('[link.match]\n"0200" = [11, 41]')
    without = answer(WITHDRAWAL, "00").but({7: None, 32: None})
    assert spoken.match_key(WITHDRAWAL) == spoken.match_key(without)
    assert DEFAULT.match_key(WITHDRAWAL) != DEFAULT.match_key(without)
    assert decode(encode(without)) == without
