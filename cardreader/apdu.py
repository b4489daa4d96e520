"""Commands to a card and its answers (ISO 7816-4, short form); their reprs tell lengths, never data."""

from __future__ import annotations

from typing import Final, NamedTuple

MOST_DATA_BYTES: Final = 255
MOST_ANSWER_BYTES: Final = 258

SELECT, READ_RECORD, GET_RESPONSE, GET_DATA, GET_UID = 0xA4, 0xB2, 0xC0, 0xCA, 0xCA
GET_PROCESSING_OPTIONS, GENERATE_AC = 0xA8, 0xAE
INTERNAL_AUTHENTICATE, EXTERNAL_AUTHENTICATE, GET_CHALLENGE = 0x88, 0x82, 0x84
VERIFY, CHANGE_PIN, PIN_UNBLOCK = 0x20, 0x24, 0x2C
PUT_DATA, UPDATE_RECORD = 0xDA, 0xDC
CARD_BLOCK, APPLICATION_UNBLOCK, APPLICATION_BLOCK = 0x16, 0x18, 0x1E

INSTRUCTIONS: Final = {
    SELECT: "SELECT",
    READ_RECORD: "READ RECORD",
    GET_RESPONSE: "GET RESPONSE",
    GET_DATA: "GET DATA",
    GET_PROCESSING_OPTIONS: "GET PROCESSING OPTIONS",
    GENERATE_AC: "GENERATE AC",
    INTERNAL_AUTHENTICATE: "INTERNAL AUTHENTICATE",
    EXTERNAL_AUTHENTICATE: "EXTERNAL AUTHENTICATE",
    GET_CHALLENGE: "GET CHALLENGE",
    VERIFY: "VERIFY",
    CHANGE_PIN: "CHANGE REFERENCE DATA",
    PIN_UNBLOCK: "RESET RETRY COUNTER",
    PUT_DATA: "PUT DATA",
    UPDATE_RECORD: "UPDATE RECORD",
    CARD_BLOCK: "CARD BLOCK",
    APPLICATION_UNBLOCK: "APPLICATION UNBLOCK",
    APPLICATION_BLOCK: "APPLICATION BLOCK",
}

OK: Final = 0x9000
NOT_FOUND: Final = 0x6A82
NO_MORE_RECORDS: Final = 0x6A83
DATA_NOT_FOUND: Final = 0x6A88
NOT_SUPPORTED: Final = 0x6A81
DEACTIVATED: Final = 0x6283
NOT_SATISFIED: Final = 0x6985

STATUS_WORDS: Final = {
    OK: "done",
    DEACTIVATED: "selected file deactivated: the application is blocked",
    0x6300: "authentication failed",
    0x6700: "wrong length",
    0x6982: "security status not satisfied",
    0x6983: "authentication method blocked",
    0x6984: "referenced data invalidated",
    NOT_SATISFIED: "conditions of use not satisfied",
    0x6A80: "wrong data",
    NOT_SUPPORTED: "function not supported: the card is blocked",
    NOT_FOUND: "application not found",
    NO_MORE_RECORDS: "record not found",
    0x6A86: "wrong parameters",
    DATA_NOT_FOUND: "data not found",
    0x6B00: "wrong parameters",
    0x6D00: "instruction not known to the card",
    0x6E00: "class not known to the card",
    0x6F00: "the card gives no reason",
}


class Command(NamedTuple):
    """One command; `expects` is the most bytes that may come back, 256 for as many as there are, None for none."""

    cla: int
    ins: int
    p1: int = 0
    p2: int = 0
    data: bytes = b""
    expects: int | None = None

    def __bytes__(self) -> bytes:
        if len(self.data) > MOST_DATA_BYTES or (self.expects or 0) > MOST_DATA_BYTES + 1:
            raise ValueError("a short command carries at most 255 bytes and expects at most 256")
        header = bytes((self.cla, self.ins, self.p1, self.p2))
        body = bytes([len(self.data)]) + self.data if self.data else b""
        return header + body + (b"" if self.expects is None else bytes([self.expects & 0xFF]))

    @property
    def name(self) -> str:
        if (self.cla, self.ins) == (0xFF, GET_UID):
            return "GET UID"
        return INSTRUCTIONS.get(self.ins, f"instruction {self.ins:02X}")

    def __repr__(self) -> str:
        """Without the data, which may be a card's."""
        return (
            f"{self.name} {self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}, {len(self.data)} bytes"
        )


def read_command(data: bytes) -> Command:
    """What these bytes command; ValueError if they are no short command."""
    if len(data) < 4:
        raise ValueError("a command has at least 4 bytes")
    (cla, ins, p1, p2), body = data[:4], data[4:]
    if not body:
        return Command(cla, ins, p1, p2)
    if len(body) == 1:
        return Command(cla, ins, p1, p2, expects=body[0] or 256)
    length, rest = body[0], body[1:]
    if length == 0 or len(rest) not in (length, length + 1):
        raise ValueError("a command's length is not that of its data")
    return Command(cla, ins, p1, p2, rest[:length], (rest[length] or 256) if len(rest) > length else None)


class Response(NamedTuple):
    """What a card answers: data and its status word."""

    data: bytes
    status: int

    @property
    def ok(self) -> bool:
        return self.status == OK

    @property
    def words(self) -> str:
        if self.status >> 4 == 0x63C:
            return f"{self.status & 0xF} tries left"
        return STATUS_WORDS.get(self.status, "a status that is not in the list")

    def __bytes__(self) -> bytes:
        return self.data + self.status.to_bytes(2)

    def __repr__(self) -> str:
        return f"{self.status:04X}, {len(self.data)} bytes"


def read_response(data: bytes) -> Response:
    """Data and status word; ValueError if these bytes are no answer to a short command."""
    if not 2 <= len(data) <= MOST_ANSWER_BYTES:
        raise ValueError(f"an answer has 2 to {MOST_ANSWER_BYTES} bytes, not {len(data)}")
    return Response(data[:-2], int.from_bytes(data[-2:]))


# ---------------------------------------------------------------- the commands that a reader needs


def select(name: bytes, *, following: bool = False) -> Command:
    """Select an application or directory by name; `following` the next one whose name begins so."""
    return Command(0x00, SELECT, 0x04, 0x02 if following else 0x00, name, 256)


def read_record(sfi: int, number: int) -> Command:
    return Command(0x00, READ_RECORD, number, sfi << 3 | 0x04, expects=256)


def get_data(tag: str) -> Command:
    return Command(0x80, GET_DATA, int(tag[:2], 16), int(tag[2:], 16), expects=256)


def get_processing_options(filled: bytes) -> Command:
    """With the values for the card's PDOL, none if it has no PDOL."""
    return Command(0x80, GET_PROCESSING_OPTIONS, data=bytes((0x83, len(filled))) + filled, expects=256)


def generate_ac(kind: int, filled: bytes) -> Command:
    return Command(0x80, GENERATE_AC, kind, 0x00, filled, 256)


def get_uid(*, historical: bool = False) -> Command:
    """Asked of the reader: a contactless card's identifier (UID, PUPI, IDm), or its historical bytes."""
    return Command(0xFF, GET_UID, 0x01 if historical else 0x00, expects=256)
